"""Every way in which logs are rotated, moved and lost, while running, stopped and in an outage.

Of a log of five lines two were delivered, one is in flight and two are unread when it happens;
two more come behind. Each is delivered once, but for what nobody could read any more.
"""

from __future__ import annotations

import asyncio
import bz2
import gzip
import lzma
import os
import shutil
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import orjson
import pytest
from support.life import Life
from support.lines import page_view

from hooktail.model import State

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

When = Literal["running", "stopped", "endpoint down"]
IN_FLIGHT, UNREAD = 3, {4, 5}
BEFORE = {1, 2, IN_FLIGHT, *UNREAD}
INODE_TRIES = 100


class Host:
    """The log and its places; a new one is begun by the next line."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.logs = directory / "logs"
        self.logs.mkdir()
        self.log = self.logs / "access.log"
        self.written = 0

    def write(self, lines: int) -> None:
        with self.log.open("a") as file:
            for _ in range(lines):
                self.written += 1
                file.write(page_view(self.written))

    def rename(self, name: str) -> Path:
        return self.log.rename(self.logs / name)


Steps = Iterator[None]
"""Between two steps the daemon may look."""
Case = Callable[[Host], Steps]
CODECS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}


def rename_and_create(host: Host) -> Steps:
    host.rename("access.log.1")
    yield


def shift_of_three(host: Host) -> Steps:
    host.rename("access.log.1")
    host.write(1)
    yield
    (host.logs / "access.log.1").rename(host.logs / "access.log.2")
    host.rename("access.log.1")
    yield


def dateext(host: Host) -> Steps:
    host.rename("access.log-20240115")
    yield
    host.write(1)
    host.rename("access.log-20240116-1705363200")
    yield


def rename_out_of_the_glob(host: Host) -> Steps:
    host.log.rename(host.directory / "elsewhere")
    yield


def delete_unread(host: Host) -> Steps:
    host.log.unlink()
    yield


def copytruncate(host: Host) -> Steps:
    shutil.copy(host.log, host.logs / "access.log.1")
    yield
    os.truncate(host.log, 0)
    yield


def copytruncate_between_two_looks(host: Host) -> Steps:
    shutil.copy(host.log, host.logs / "access.log.1")
    os.truncate(host.log, 0)
    yield


def copytruncate_and_grown_past_the_offset(host: Host) -> Steps:
    shutil.copy(host.log, host.logs / "access.log.1")
    os.truncate(host.log, 0)
    host.write(9)
    yield


def compress(codec: str, *, delayed: bool) -> Case:
    def steps(host: Host) -> Steps:
        rotated = host.rename("access.log.1")
        if delayed:
            yield
            rotated = rotated.rename(host.logs / "access.log.2")
            host.write(1)
            host.rename("access.log.1")
        archive = rotated.with_name(f"{rotated.name}.{codec}")
        content = CODECS[codec](rotated.read_bytes())
        archive.write_bytes(content[: len(content) // 2])
        yield
        archive.write_bytes(content)
        rotated.unlink()
        yield

    return steps


def copytruncate_and_compress(host: Host) -> Steps:
    copy = host.logs / "access.log.1"
    shutil.copy(host.log, copy)
    os.truncate(host.log, 0)
    (host.logs / "access.log.1.gz").write_bytes(gzip.compress(copy.read_bytes()))
    copy.unlink()
    yield


def recreate_on_the_same_inode(host: Host) -> Steps:
    """Renamed first, so that nothing is lost; its inode is freed by compressing it."""
    rotated = host.rename("access.log.1")
    inode = rotated.stat().st_ino
    (host.logs / "access.log.1.gz").write_bytes(gzip.compress(rotated.read_bytes()))
    rotated.unlink()
    others = []
    for number in range(INODE_TRIES):
        host.log.touch()
        if host.log.stat().st_ino == inode:
            break
        others.append(host.log.rename(host.directory / f"other.{number}"))
    for other in others:
        other.unlink()
    yield


def turn_the_symlink(host: Host) -> Steps:
    """The old target gets a name within the globs later, as where links name the current log."""
    for day in ("monday", "tuesday"):
        (host.directory / day).mkdir()
    monday = host.log.rename(host.directory / "monday" / "data")
    host.log.symlink_to(monday)
    yield
    (host.logs / "fresh").symlink_to(host.directory / "tuesday" / "data")
    (host.logs / "fresh").rename(host.log)
    host.write(1)
    yield
    (host.logs / "access.log.monday").symlink_to(monday)
    yield


def directory_vanishes_and_returns(host: Host) -> Steps:
    away = host.logs.rename(host.directory / "unmounted")
    yield
    yield
    away.rename(host.logs)
    yield


def directory_is_made_anew(host: Host) -> Steps:
    old = host.logs.rename(host.directory / "old")
    host.logs.mkdir()
    host.write(1)
    yield
    (old / "access.log").rename(host.logs / "access.log.1")
    yield


def tree_is_moved_in(host: Host) -> Steps:
    stage = host.directory / "stage" / "site" / "deep"
    stage.mkdir(parents=True)
    host.rename("access.log.1").rename(stage / "access.log.1")
    host.write(1)
    host.log.rename(stage / "access.log")
    yield
    (host.directory / "stage" / "site").rename(host.logs / "site")
    yield


CASES: dict[str, Case] = {
    each.__name__: each
    for each in (
        rename_and_create,
        shift_of_three,
        dateext,
        rename_out_of_the_glob,
        delete_unread,
        copytruncate,
        copytruncate_between_two_looks,
        copytruncate_and_grown_past_the_offset,
        copytruncate_and_compress,
        recreate_on_the_same_inode,
        turn_the_symlink,
        directory_vanishes_and_returns,
        directory_is_made_anew,
        tree_is_moved_in,
    )
} | {
    f"{codec}{' with delaycompress' if delayed else ' at once'}": compress(codec, delayed=delayed)
    for codec in CODECS
    for delayed in (False, True)
}
GONE_FOR_GOOD = {"rename_out_of_the_glob", "delete_unread"}
"""While the daemon is stopped: what it has not open it cannot find again."""


class Deliveries:
    """Answers 2xx to everything that waits; keeps how often each line came."""

    def __init__(self) -> None:
        self.count: Counter[int] = Counter()

    async def answer(self, life: Life, at_most: int | None = None) -> None:
        waiting = life.destination.waiting
        chosen, life.destination.waiting = waiting[:at_most], waiting[len(waiting[:at_most]) :]
        for event, settler in chosen:
            self.count[int(orjson.loads(event.body)["url"].rpartition("/")[2])] += 1
            settler.settle(event, State.DELIVERED)
        await asyncio.sleep(0)


@pytest.mark.parametrize("when", ["running", "stopped", "endpoint down"])
@pytest.mark.parametrize("case", CASES)
async def test_every_line_is_delivered_once_that_could_be_read(
    tmp_path: Path, case: str, when: When, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hooktail.pipeline.OWN_EVENTS", 0)
    monkeypatch.setattr("hooktail.tail.source.ROOM_S", 0.0)
    host, deliveries = Host(tmp_path), Deliveries()
    paths = (f"{host.logs}/**/access.log*",)
    life: Life | None = Life(tmp_path, paths=paths)
    assert life is not None
    host.write(3)
    await life.read()
    await deliveries.answer(life, 2)
    host.write(2)
    if when == "stopped":
        life.source.close()
        os.close(life.store._descriptor)
        life = None
    elif when == "endpoint down":
        life.destination.has_room = False

    for _ in CASES[case](host):
        if life is not None:
            await life.read()
    host.write(2)
    life = life or Life(tmp_path, paths=paths)
    life.destination.has_room = True
    for _ in range(10):
        await life.read()
        await deliveries.answer(life)
        life.now_s += 30

    lost = {IN_FLIGHT, *UNREAD} if case in GONE_FOR_GOOD and when == "stopped" else set()
    assert deliveries.count == dict.fromkeys({*range(1, host.written + 1)} - lost, 1)
    books = life.balance()
    assert books == {"delivered": len(deliveries.count), "pending": len(lost & {IN_FLIGHT})}
    life.source.close()
    os.close(life.store._descriptor)
