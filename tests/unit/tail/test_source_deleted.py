"""Files that no path leads to: drained first, and let go when they hold too much disk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.source_harness import Harness

from hooktail.tail.finishing import DRAIN_S
from hooktail.tail.source import GONE_QUIET_S

LINE = "x" * 99 + "\n"


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    one = Harness(tmp_path, held_deleted_limit_bytes=2000)
    yield one
    one.source.close()


def delete(harness: Harness, name: str, lines: int) -> None:
    path = harness.directory / name
    harness.write(LINE * lines, path)
    harness.rescan()
    path.unlink()
    harness.now_s += 0.001
    harness.rescan()


async def test_what_deleted_files_hold_is_counted(harness: Harness) -> None:
    harness.write("one\n")
    delete(harness, "access.log.1", 3)
    delete(harness, "access.log.2", 4)

    assert harness.source.held_deleted_bytes == 700


async def test_a_file_moved_out_of_the_globs_holds_no_deleted_bytes(harness: Harness) -> None:
    harness.write(LINE)
    harness.rescan()
    harness.log.rename(harness.directory / "away")
    harness.rescan()

    assert harness.source.held_deleted_bytes == 0


async def test_a_deleted_file_is_drained_before_the_others_are_read(harness: Harness) -> None:
    harness.write("live\n")
    delete(harness, "access.log.1", 2)
    live, deleted = harness.consumer.tracks
    await harness.read()

    assert harness.consumer.taken == [deleted, live]


async def test_below_the_limit_a_deleted_file_is_held_until_it_is_quiet(harness: Harness) -> None:
    delete(harness, "access.log.1", 20)
    await harness.read()
    harness.now_s += 30
    await harness.read()
    assert harness.source.file_count == 1

    harness.now_s += GONE_QUIET_S
    await harness.read()
    assert harness.source.file_count == 0


async def test_over_the_limit_the_one_deleted_first_is_closed_once_it_is_read(
    harness: Harness,
) -> None:
    for number in (1, 2, 3):
        delete(harness, f"access.log.{number}", 9)
    await harness.read()
    await harness.read()

    first, second, third = harness.consumer.tracks
    assert (first.ended, second.ended, third.ended) == ("finished", "", "")
    assert harness.source.held_deleted_bytes == 1800
    assert len(harness.consumer.texts) == 27
    assert harness.consumer.lost_bytes == 0


async def test_the_last_line_without_its_newline_is_taken_before_a_file_is_closed(
    harness: Harness,
) -> None:
    harness.write(LINE * 21 + "the last", harness.log)
    harness.rescan()
    await harness.read()
    harness.log.unlink()
    harness.rescan()
    await harness.read()

    assert harness.consumer.texts[-1] == b"the last"
    assert harness.source.file_count == 0


async def test_files_with_nothing_pending_are_closed_before_older_ones_that_wait(
    harness: Harness,
) -> None:
    for number in (1, 2, 3):
        delete(harness, f"access.log.{number}", 9)
    harness.consumer.tracks[0].pending = 1
    await harness.read()
    await harness.read()

    assert [track.ended for track in harness.consumer.tracks] == ["", "finished", ""]


async def test_a_file_that_waits_is_not_let_go_without_a_word(harness: Harness) -> None:
    """Its lines are in memory alone then."""
    for number in (1, 2, 3):
        delete(harness, f"access.log.{number}", 9)
    for track in harness.consumer.tracks:
        track.pending = 4
    with capture_logs() as logs:
        await harness.read()
        await harness.read()

    (told,) = [each for each in logs if each["event"] == "deleted_file_let_go"]
    assert (told["pending_lines"], told["unread_bytes"]) == (4, 0)
    assert "memory" in str(told["hint"])


async def test_unread_files_are_let_go_last_and_their_loss_is_said_and_counted(
    harness: Harness,
) -> None:
    delete(harness, "access.log.1", 15)
    harness.now_s += DRAIN_S + 1
    delete(harness, "access.log.2", 15)
    harness.consumer.has_room = False
    harness.now_s += 2
    with capture_logs() as logs:
        await harness.source.turns()

    first, second = harness.consumer.tracks
    assert (first.ended, first.lost_bytes) == ("finished", 1500)
    assert (second.ended, second.lost_bytes) == ("", 0)
    (told,) = [each for each in logs if each["event"] == "deleted_file_let_go"]
    assert (told["path"], told["unread_bytes"]) == (f"{harness.directory}/access.log.1", 1500)


async def test_a_file_that_is_being_read_is_given_time_to_be_drained(harness: Harness) -> None:
    delete(harness, "access.log.1", 25)
    harness.source._finishing.hold_limit(harness.now_s)
    assert harness.consumer.lost_bytes == 0

    await harness.read()
    await harness.read()
    assert len(harness.consumer.texts) == 25
    assert harness.consumer.tracks[0].ended == "finished"


async def test_no_limit_lets_nothing_go(tmp_path: Path) -> None:
    harness = Harness(tmp_path, held_deleted_limit_bytes=0)
    delete(harness, "access.log.1", 100)
    harness.now_s += DRAIN_S + 1
    harness.consumer.has_room = False
    await harness.source.turns()

    assert harness.source.file_count == 1
    harness.source.close()


async def test_a_line_that_never_ended_in_a_deleted_file_is_lost_and_counted(
    harness: Harness,
) -> None:
    harness.write("y" * 1500)
    harness.rescan()
    await harness.read()
    harness.log.unlink()
    harness.rescan()
    harness.now_s += GONE_QUIET_S
    await harness.read()

    assert harness.consumer.lost_bytes == 1500
    assert harness.source.file_count == 0
