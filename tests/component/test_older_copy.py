"""An older copy of a log is put back, and perhaps written to before anyone looks."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import shutil
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.life import Life
from support.lines import page_view

BATCH = 20
"""Lines; more than 2 KiB, so that each batch ends in a point of its own."""


async def _life_of_batches(directory: Path, batches: int, backup_after: int) -> Life:
    """All is delivered; `backup` is what the log was after so many batches."""
    life = Life(directory)
    for batch in range(batches):
        life.write(*(page_view(batch * BATCH + number) for number in range(BATCH)))
        await life.read()
        life.destination.settle()
        await asyncio.sleep(0)
        if batch + 1 == backup_after:
            shutil.copy(life.log, directory / "backup")
    return life


def _put_back(life: Life, how: str, *, also: bytes = b"", modified_before_s: int = 0) -> None:
    backup = life.directory / "backup"
    with backup.open("ab") as file:
        file.write(also)
    if modified_before_s:
        at_s = int(life.log.stat().st_mtime) - modified_before_s
        os.utime(backup, (at_s, at_s))
    if how == "in place":
        times = backup.stat()
        life.log.write_bytes(backup.read_bytes())
        os.utime(life.log, ns=(times.st_atime_ns, times.st_mtime_ns))
    else:
        backup.replace(life.log)


def _numbers(life: Life) -> list[int]:
    return [
        int(number) for body in life.destination.bodies for number in re.findall(rb"/p/(\d+)", body)
    ]


def _new(first: int, lines: int) -> bytes:
    return "".join(page_view(number) for number in range(first, first + lines)).encode()


HOW = pytest.mark.parametrize("how", ["in place", "as another file"])
STOPPED = pytest.mark.parametrize("stopped", [False, True])


@HOW
@STOPPED
@pytest.mark.parametrize("lines", [5, 500])
async def test_what_was_written_to_an_older_copy_is_sent_and_nothing_else(
    tmp_path: Path, how: str, stopped: bool, lines: int
) -> None:
    """Shorter than what was read, or longer; it used to be lost, or all sent again."""
    life = await _life_of_batches(tmp_path, 4, backup_after=3)
    size = (tmp_path / "backup").stat().st_size
    _put_back(life, how, also=_new(1000, lines))

    if stopped:
        life = Life(tmp_path)
    with capture_logs() as logs:
        await life.read()

    assert _numbers(life) == list(range(1000, 1000 + lines))
    (said,) = [each for each in logs if each["event"] == "file_restored"]
    assert said["offset"] == size
    life.destination.settle()
    await asyncio.sleep(0)
    assert life.balance() == {"delivered": 4 * BATCH + lines, "pending": 0}

    after = Life(tmp_path)
    await after.read()
    assert after.destination.waiting == []


@HOW
@STOPPED
async def test_a_copy_that_ends_between_two_points_is_sent_from_the_one_before(
    tmp_path: Path, how: str, stopped: bool
) -> None:
    """With the same event ids: whether these lines are old nobody can tell."""
    life = await _life_of_batches(tmp_path, 4, backup_after=3)
    backup = tmp_path / "backup"
    kept = backup.read_bytes().splitlines(keepends=True)[: 2 * BATCH + 5]
    backup.write_bytes(b"".join(kept))
    _put_back(life, how, also=_new(1000, 3))

    if stopped:
        life = Life(tmp_path)
    await life.read()

    doubtful = list(range(2 * BATCH, 2 * BATCH + 5))
    if how == "as another file" and not stopped:
        doubtful = []  # the original is still open to be compared with
    assert _numbers(life) == [*doubtful, 1000, 1001, 1002]


@HOW
@STOPPED
async def test_a_copy_as_old_as_its_time_says_is_not_sent_again(
    tmp_path: Path, how: str, stopped: bool
) -> None:
    """Not even what lies behind the last point: backups keep the time of modification."""
    life = await _life_of_batches(tmp_path, 4, backup_after=3)
    backup = tmp_path / "backup"
    backup.write_bytes(backup.read_bytes()[:-1000])
    _put_back(life, how, modified_before_s=3600)

    if stopped:
        life = Life(tmp_path)
    await life.read()
    assert life.destination.waiting == []

    with life.log.open("ab") as file:
        file.write(b"\n" + _new(1000, 1))
    await life.read()
    assert _numbers(life) == [1000]


async def test_a_copy_put_back_twice_is_known_by_the_entry_that_knows_most(tmp_path: Path) -> None:
    """The second one is older than where the first was begun."""
    life = await _life_of_batches(tmp_path, 6, backup_after=1)
    second = tmp_path / "second"
    shutil.copy(tmp_path / "backup", second)
    shutil.copy(life.log, tmp_path / "backup")
    kept = life.log.read_bytes().splitlines(keepends=True)[: 5 * BATCH]
    (tmp_path / "backup").write_bytes(b"".join(kept))
    _put_back(life, "in place", also=_new(1000, 2))
    await life.read()
    assert _numbers(life) == [1000, 1001]

    second.rename(tmp_path / "backup")
    _put_back(life, "in place", also=_new(2000, 2))
    await life.read()

    *doubtful, one, two = _numbers(life)[2:]
    assert (one, two) == (2000, 2001)
    assert doubtful == list(range(BATCH))[BATCH - len(doubtful) :]
    assert len(doubtful) < BATCH  # behind the one point that the first batch has left


async def test_what_stood_in_a_log_before_we_came_is_not_sent_from_its_older_copy(
    tmp_path: Path,
) -> None:
    first = _new(0, 3 * BATCH)
    (tmp_path / "access.log").write_bytes(first)
    life = Life(tmp_path, start_at="end")
    await life.read()
    life.write(*(page_view(100 + number) for number in range(BATCH)))
    await life.read()
    life.destination.settle()
    await asyncio.sleep(0)
    (tmp_path / "backup").write_bytes(first)
    _put_back(life, "in place", also=_new(1000, 2))

    life = Life(tmp_path)
    await life.read()

    assert _numbers(life) == [1000, 1001]


@HOW
@STOPPED
@pytest.mark.parametrize("batches", [1, 4])
async def test_a_copy_written_to_is_no_unchanged_one_whatever_its_time_says(
    tmp_path: Path, how: str, stopped: bool, batches: int
) -> None:
    """A clock that was ahead, or a copy that had gone its own way: shorter, and other lines."""
    life = Life(tmp_path)
    for batch in range(batches):
        first, last = batch * 100 // batches, (batch + 1) * 100 // batches
        life.write(*(page_view(number) for number in range(first, last)))
        await life.read()
    life.destination.settle()
    await asyncio.sleep(0)
    kept = life.log.read_bytes().splitlines(keepends=True)[:60]
    (tmp_path / "backup").write_bytes(b"".join(kept))
    _put_back(life, how, also=_new(1000, 20), modified_before_s=3600)

    if stopped:
        life = Life(tmp_path)
    await life.read()

    new = list(range(1000, 1020))
    assert [number for number in _numbers(life) if number >= 1000] == new
    assert len(_numbers(life)) <= len(new) + 45  # what the copy lacked, and a point's distance


@pytest.mark.parametrize("how", ["in place", "as another file"])
async def test_times_by_a_clock_that_was_set_back_say_nothing(tmp_path: Path, how: str) -> None:
    life = Life(tmp_path)
    life.write(*(page_view(number) for number in range(100)))
    ahead_s = time.time() + 3600
    os.utime(life.log, (ahead_s, ahead_s))
    await life.read()
    life.destination.settle()
    await asyncio.sleep(0)
    kept = life.log.read_bytes().splitlines(keepends=True)[:60]
    (tmp_path / "backup").write_bytes(b"".join(kept))
    _put_back(life, how, also=_new(1000, 5), modified_before_s=3600)

    life = Life(tmp_path)
    await life.read()

    assert _numbers(life)[-5:] == list(range(1000, 1005))


async def test_an_older_part_of_what_was_read_in_an_archive_alone_has_no_time_to_be_known_by(
    tmp_path: Path,
) -> None:
    lines = [page_view(number) for number in range(120)]
    archive = tmp_path / "access.log.1.gz"
    archive.write_bytes(gzip.compress("".join(lines).encode()))
    life = Life(tmp_path)
    await life.read()
    life.destination.settle()
    await life.read()
    archive.unlink()

    life.log.write_text("".join(lines[:60]))
    with life.log.open("ab") as file:
        file.write(_new(1000, 20))
    life = Life(tmp_path)
    await life.read()

    assert _numbers(life)[-20:] == list(range(1000, 1020))


@pytest.mark.parametrize("stopped", [False, True])
async def test_a_log_that_begins_with_the_same_banner_is_another_one_however_old(
    tmp_path: Path, stopped: bool
) -> None:
    """The application was started anew by a clock that was set back meanwhile."""
    banner = "".join(f"# {line} {'=' * 60}\n" for line in range(20))
    life = Life(tmp_path)
    life.write(banner, *(page_view(number) for number in range(60)))
    await life.read()
    life.destination.settle()
    await asyncio.sleep(0)

    if stopped:
        life = Life(tmp_path)
    at_s = int(life.log.stat().st_mtime) - 3600
    life.log.write_bytes(banner.encode() + _new(1000, 20))
    os.utime(life.log, (at_s, at_s))
    await life.read()

    assert _numbers(life) == list(range(1000, 1020))


@pytest.mark.parametrize(("how", "kept"), [("in place", 8), ("as another file", 12)])
async def test_what_was_in_flight_is_found_in_a_copy_that_has_outgrown_the_log(
    tmp_path: Path, how: str, kept: int
) -> None:
    """After a kill the head tells that the copy holds these lines, and where they parted."""
    life = Life(tmp_path)
    life.write(*(page_view(number) for number in range(20)))
    await life.read()
    lines = life.log.read_bytes().splitlines(keepends=True)
    (tmp_path / "backup").write_bytes(b"".join(lines[:kept]))
    _put_back(life, how, also=_new(1000, 2))
    await life.read()
    life.write(*(page_view(2000 + number) for number in range(40)))

    after = Life(tmp_path)
    await after.read()

    assert sorted(_numbers(after)) == [*range(kept), 1000, 1001, *range(2000, 2040)]


async def test_an_older_copy_of_an_older_copy_is_no_older_than_its_time_says(
    tmp_path: Path,
) -> None:
    """Of a copy that was put back in place, the time of modification was not written down."""
    life = await _life_of_batches(tmp_path, 3, backup_after=3)
    for first in (1000, 2000, 3000):
        size = life.log.stat().st_size
        kept = life.log.read_bytes().splitlines(keepends=True)[:-5]
        (tmp_path / "backup").write_bytes(b"".join(kept))
        _put_back(life, "in place", also=_new(first, 2))
        assert life.log.stat().st_size < size
        await life.read()

        assert {first, first + 1} <= set(_numbers(life))
        assert all(entry.modified_s for entry in life.on_disk().files.values())


async def test_an_older_copy_of_an_older_copy_is_judged_by_the_entry_that_began_first(
    tmp_path: Path,
) -> None:
    """The second entry begins behind what the second copy holds: that says nothing of it."""
    life = await _life_of_batches(tmp_path, 4, backup_after=3)
    _put_back(life, "in place", also=_new(1000, 2))
    await life.read()
    kept = life.log.read_bytes().splitlines(keepends=True)[:7]
    (tmp_path / "backup").write_bytes(b"".join(kept))
    _put_back(life, "in place", also=_new(2000, 2))
    await life.read()

    assert {2000, 2001} <= set(_numbers(life))
