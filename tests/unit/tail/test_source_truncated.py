"""Bytes that a truncation took with it: counted, unless a copy has them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.source_harness import Harness

from hooktail.tail.source import Resumption
from hooktail.tail.truncation import UNDECIDED_S


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    one = Harness(tmp_path)
    yield one
    one.source.close()


async def behind(harness: Harness) -> None:
    """Reads one line, and has two more seen but not read."""
    harness.write("one\n")
    harness.rescan()
    await harness.read()
    harness.write("two\nthree\n")
    for file in harness.source.files:
        file.look()


async def test_bytes_seen_and_truncated_before_they_were_read_are_counted(
    harness: Harness,
) -> None:
    await behind(harness)
    os.truncate(harness.log, 0)
    with capture_logs() as logs:
        await harness.read()
        assert harness.consumer.lost_bytes == 0  # a copy may turn up
        harness.rescan()

    assert harness.consumer.tracks[0].lost_bytes == len("two\nthree\n")
    (told,) = [each for each in logs if each["event"] == "bytes_lost"]
    assert (told["path"], told["unread_bytes"]) == (str(harness.log), len("two\nthree\n"))
    harness.rescan()
    assert harness.consumer.lost_bytes == len("two\nthree\n")


async def test_a_rewritten_file_counts_what_was_not_read_of_the_old_content(
    harness: Harness,
) -> None:
    await behind(harness)
    harness.log.write_text("something else\n" * 3)
    await harness.read()
    harness.rescan()

    assert harness.consumer.lost_bytes == len("two\nthree\n")


async def test_what_was_read_is_not_lost(harness: Harness) -> None:
    harness.write("one\ntwo\n")
    harness.rescan()
    await harness.read()
    os.truncate(harness.log, 0)
    await harness.read()
    harness.rescan()

    assert harness.consumer.lost_bytes == 0


async def test_a_copy_that_takes_over_has_everything(harness: Harness) -> None:
    await behind(harness)
    shutil.copy(harness.log, harness.directory / "access.log.1")
    os.truncate(harness.log, 0)
    await harness.read()
    harness.consumer.answers = [Resumption(4)]
    harness.rescan()
    harness.rescan()

    assert harness.consumer.lost_bytes == 0
    assert await harness.read() == [b"one", b"two", b"three"]


async def test_a_copy_that_ends_earlier_has_not_the_rest(harness: Harness) -> None:
    await behind(harness)
    (harness.directory / "access.log.1").write_text("one\ntwo\n")
    os.truncate(harness.log, 0)
    await harness.read()
    harness.consumer.answers = [Resumption(4)]
    harness.rescan()

    assert harness.consumer.lost_bytes == len("three\n")


async def test_another_file_that_turns_up_has_nothing_of_it(harness: Harness) -> None:
    await behind(harness)
    (harness.directory / "access.log.1").write_text("ten\nother\nlines\nof another log\n")
    os.truncate(harness.log, 0)
    await harness.read()
    harness.rescan()

    assert harness.consumer.lost_bytes == len("two\nthree\n")


async def test_of_a_file_of_which_nothing_was_read_a_copy_has_everything(
    harness: Harness,
) -> None:
    harness.write("one\n")
    harness.rescan()
    shutil.copy(harness.log, harness.directory / "access.log.1")
    os.truncate(harness.log, 0)
    harness.now_s += 5
    harness.rescan()
    harness.rescan()

    assert harness.consumer.lost_bytes == 0
    assert await harness.read() == [b"one"]


async def test_the_judgement_waits_for_files_of_which_it_cannot_be_told_what_they_are(
    harness: Harness,
) -> None:
    await behind(harness)
    os.truncate(harness.log, 0)
    await harness.read()
    (harness.directory / "access.log.1.gz").touch()  # being compressed
    harness.rescan()
    assert harness.consumer.lost_bytes == 0

    harness.now_s += UNDECIDED_S + 1
    harness.rescan()
    assert harness.consumer.lost_bytes == len("two\nthree\n")


async def test_a_truncation_seen_while_a_scan_is_applied_waits_for_the_next_one(
    harness: Harness,
) -> None:
    """The copy may have been made after that scan looked."""
    await behind(harness)
    os.truncate(harness.log, 0)
    harness.write("unrelated\n", harness.directory / "access.log.other")
    harness.rescan()
    assert harness.consumer.tracks[0].ended == "cut off"
    assert harness.consumer.lost_bytes == 0

    harness.rescan()
    assert harness.consumer.lost_bytes == len("two\nthree\n")
