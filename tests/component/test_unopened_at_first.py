"""`start_at = "end"`, and files that could not be opened by the very first look."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import pytest
from support.life import Life
from support.lines import page_view

from hooktail.tail import meeting
from hooktail.tail.opening import LogFile, open_log


@contextmanager
def _unreadable(*paths: Path) -> Iterator[None]:
    """For root too: these inodes, under any name."""
    inodes = {path.stat().st_ino for path in paths}

    def refusing(path: Path, *, max_line_bytes: int, encoding: str | None = None) -> LogFile | None:
        if path.stat().st_ino in inodes:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return open_log(path, max_line_bytes=max_line_bytes, encoding=encoding)

    with mock.patch.object(meeting, "open_log", refusing):
        yield


def _numbers(life: Life) -> list[int]:
    return [int(n) for body in life.destination.bodies for n in re.findall(rb"/p/(\d+)", body)]


def _log(directory: Path) -> Path:
    log = directory / "access.log"
    log.write_text("".join(page_view(number) for number in range(30)))
    return log


def _append(log: Path, *numbers: int) -> None:
    with log.open("a") as file:
        file.writelines(page_view(number) for number in numbers)


@pytest.mark.parametrize("again", ["running", "restarted", "reloaded"])
async def test_only_what_is_written_after_the_first_look_is_sent(
    tmp_path: Path, again: str
) -> None:
    log = _log(tmp_path)
    life = Life(tmp_path, start_at="end")
    with _unreadable(log):
        await life.read()
        _append(log, 100)
        await life.read()
    if again == "restarted":
        life = Life(tmp_path, start_at="end")
    elif again == "reloaded":
        life.keeper.flush()
        life = Life(tmp_path, start_at="end", adopt=life.source.release(), store=life.store)

    await life.read()
    _append(log, 101)
    await life.read()

    assert _numbers(life) == [100, 101]


async def test_a_line_that_was_being_written_at_the_first_look_is_sent_whole(
    tmp_path: Path,
) -> None:
    log = _log(tmp_path)
    line = page_view(100)
    with log.open("a") as file:
        file.write(line[:40])
    life = Life(tmp_path, start_at="end")
    with _unreadable(log):
        await life.read()
    with log.open("a") as file:
        file.write(line[40:])

    await life.read()

    assert _numbers(life) == [100]


async def test_a_new_log_of_that_name_is_read_from_its_beginning(tmp_path: Path) -> None:
    """The usual mending of a wrong mode: logrotate creates the next log with the right one."""
    log = _log(tmp_path)
    life = Life(tmp_path, start_at="end")
    with _unreadable(log):
        await life.read()
        log.rename(tmp_path / "access.log.1")
        _append(log, *range(100, 120))
        await life.read()
    await life.read()

    assert _numbers(life) == list(range(100, 120))


async def test_another_file_on_its_inode_is_new(tmp_path: Path) -> None:
    log = _log(tmp_path)
    away = tmp_path / "away"
    life = Life(tmp_path, start_at="end")
    with _unreadable(log):
        await life.read()
        log.rename(away)
        await life.read()
    away.write_text("".join(page_view(number) for number in range(100, 150)))
    away.rename(log)
    await life.read()

    assert _numbers(life) == list(range(100, 150))


async def test_one_that_was_truncated_meanwhile_is_new(tmp_path: Path) -> None:
    log = _log(tmp_path)
    life = Life(tmp_path, start_at="end")
    with _unreadable(log):
        await life.read()
    log.write_text(page_view(100))
    await life.read()

    assert _numbers(life) == [100]


async def test_files_for_which_there_was_no_descriptor_begin_at_their_end_too(
    tmp_path: Path,
) -> None:
    for number in range(5):
        (tmp_path / f"access.log.{number}").write_text(page_view(number))
    life = Life(tmp_path, start_at="end")
    life.source._meeting._may_open = lambda: len(life.source._following.files) < 3
    await life.read()
    assert life.source.file_count == 3

    life = Life(tmp_path, start_at="end")
    await life.read()
    for number in range(5):
        _append(tmp_path / f"access.log.{number}", 100 + number)
    await life.read()

    assert sorted(_numbers(life)) == list(range(100, 105))


async def test_it_is_not_forgotten_while_it_is_there(tmp_path: Path) -> None:
    log, other = _log(tmp_path), tmp_path / "access.log.1"
    other.write_text(page_view(7))
    life = Life(tmp_path, start_at="end")
    with _unreadable(log, other):
        await life.read()
        other.unlink()
        for _ in range(3):
            await life.read()
            life.wall_s += 6 * 86_400
            life.feed.met_again()
            await life.keeper.compact()
    assert [entry.path for entry in life.store.state.files.values()] == [str(log)]

    _append(log, 100)
    await life.read()
    assert _numbers(life) == [100]
