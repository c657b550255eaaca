"""Fair turns, and the guard against a silent stop."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.source_harness import Harness

from hooktail.tail.file import READ_BYTES, Growth, TailedFile
from hooktail.tail.progress import PROGRESS_S

LINE = "x" * 99 + "\n"


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    one = Harness(tmp_path)
    yield one
    one.source.close()


def said(logs: Sequence[Mapping[str, object]], event: str) -> list[Mapping[str, object]]:
    return [each for each in logs if each["event"] == event]


async def test_small_files_are_served_between_the_turns_of_a_huge_backlog(
    harness: Harness,
) -> None:
    turns = 20
    harness.write(LINE * (READ_BYTES // len(LINE) * turns))
    for number in range(10):
        harness.write(f"small {number}\n", harness.directory / f"access.log.{number}")
    harness.rescan()
    await harness.read()

    order = harness.consumer.taken
    huge = max(set(order), key=order.count)
    assert order.count(huge) >= turns - 1
    last_small = max(at for at, track in enumerate(order) if track is not huge)
    assert last_small <= 11


async def test_a_hundred_files_that_grow_at_once_are_read_side_by_side(harness: Harness) -> None:
    for number in range(100):
        path = harness.directory / f"access.log.{number}"
        harness.write(LINE * (READ_BYTES // len(LINE) * 2), path)
    harness.rescan()
    lags = []
    reading = asyncio.create_task(harness.source.turns())
    while not reading.done():
        await asyncio.sleep(0)
        unread = [file.size - file.offset for file in harness.source.files]
        lags.append(max(unread) - min(unread))
    await reading

    assert max(lags) <= READ_BYTES


async def test_looking_at_many_quiet_files_leaves_other_tasks_their_turn(harness: Harness) -> None:
    for number in range(450):
        (harness.directory / f"access.log.{number}").touch()
    harness.rescan()
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0)
            beats += 1

    beating = asyncio.create_task(beat())
    await harness.source.turns()
    beating.cancel()

    assert beats


async def guard(harness: Harness, seconds: float) -> None:
    """Lets time pass as it passes for `run`, with scans but without turns."""
    for _ in range(int(seconds / 10)):
        harness.now_s += 10
        harness.rescan()
        harness.source._guard.check_if_due(harness.now_s, harness.source._watching.facts)


async def test_a_file_that_grew_and_is_not_read_is_a_stall_said_once_an_interval(
    harness: Harness,
) -> None:
    harness.write("one\n")
    harness.rescan()
    await harness.read()
    harness.write("two\n")
    with capture_logs() as logs:
        await guard(harness, PROGRESS_S - 20)
        assert not harness.source.stalled
        await guard(harness, PROGRESS_S)
    assert harness.source.stalled
    (told,) = said(logs, "no_progress")
    assert (told["path"], told["offset"], told["size"]) == (str(harness.log), 4, 8)

    with capture_logs() as logs:
        await guard(harness, PROGRESS_S)
    assert len(said(logs, "no_progress")) == 1

    await harness.read()
    await guard(harness, 20)
    assert not harness.source.stalled


async def test_a_schedule_that_forgot_a_file_is_noticed(harness: Harness) -> None:
    harness.write("one\n")
    harness.rescan()
    await harness.read()
    (followed,) = harness.source._following.files.values()
    harness.source._schedule.drop(followed)
    harness.write("two\n")
    for _ in range(10):
        await harness.read()
        await guard(harness, 10)

    assert harness.source.stalled


async def test_a_last_line_that_waits_for_its_newline_is_no_stall(harness: Harness) -> None:
    harness.write("one\nhalf")
    harness.rescan()
    for _ in range(20):
        await harness.read()
        await guard(harness, 10)

    assert not harness.source.stalled


async def test_waiting_for_room_is_no_stall(harness: Harness) -> None:
    harness.write("one\n")
    harness.rescan()
    harness.consumer.has_room = False
    await guard(harness, 3 * PROGRESS_S)
    assert not harness.source.stalled

    harness.consumer.has_room = True  # and time for a turn
    await guard(harness, PROGRESS_S - 20)
    assert not harness.source.stalled


async def test_a_file_that_cannot_be_read_is_said_to_be_unreadable_and_is_no_stall(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To start the daemon again would not mend a disk."""

    def failing(_most_bytes: int) -> None:
        raise OSError(5, "Input/output error")

    harness.write("one\n")
    harness.rescan()
    monkeypatch.setattr(harness.source.files[0], "read", failing)
    for _ in range(10):
        await harness.read()
        await guard(harness, 10)

    assert not harness.source.stalled


async def test_a_pause_of_the_whole_process_is_no_stall(harness: Harness) -> None:
    harness.write("one\n")
    harness.rescan()
    await guard(harness, 20)
    harness.now_s += 1000
    harness.source._guard.check_if_due(harness.now_s, harness.source._watching.facts)

    assert not harness.source.stalled


async def test_steady_reading_of_a_file_that_never_ends_is_progress(harness: Harness) -> None:
    harness.write(LINE)
    harness.rescan()
    for _ in range(10):
        harness.write(LINE * 2)
        await guard(harness, 10)
        followed = next(iter(harness.source._following.files.values()))
        harness.source.turn(followed)
        harness.write(LINE * 2)

    assert not harness.source.stalled


async def test_a_link_that_leads_to_itself_is_no_matter_of_groups(harness: Harness) -> None:
    harness.log.symlink_to(harness.log)
    with capture_logs() as logs:
        harness.rescan()
        harness.rescan()
    (told,) = said(logs, "file_unreadable")
    assert told["reason"] == os.strerror(errno.ELOOP)
    assert "link" in str(told["hint"])


async def test_a_file_that_opens_and_cannot_be_read_is_told_once_until_something_is_read(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.write(LINE)
    harness.rescan()
    (file,) = harness.source.files
    read = type(file).read

    def failing(_self: object, _most_bytes: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(type(file), "read", failing)
    with capture_logs() as logs:
        for _ in range(5):
            await harness.read()
            harness.now_s += 10
        monkeypatch.setattr(type(file), "read", read)
        await harness.read()
    assert [each["event"] for each in logs] == ["file_unreadable", "file_readable_again"]
    assert "disk" in str(logs[0]["hint"])


async def test_a_file_that_cannot_be_looked_at_keeps_no_scan_from_the_others(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look before new files are met asks every file: one of a stale mount must not end it."""
    harness.write(LINE)
    harness.rescan()
    await harness.read()
    look = TailedFile.look

    def stale(file: TailedFile) -> Growth:
        if file.path == harness.log:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return look(file)

    monkeypatch.setattr(TailedFile, "look", stale)
    other = harness.log.with_name("access.log.1")
    other.write_text(LINE)
    with capture_logs() as logs:
        harness.rescan()

    assert [each["event"] for each in logs] == ["file_unreadable", "file_started"]
    assert len(harness.source.files) == 2
