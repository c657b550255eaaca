"""A source over real files, its steps called by hand with a clock that stands still."""

from __future__ import annotations

import errno
import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.source_harness import Harness

from hooktail.tail.source import ARCHIVE_DAMAGED_S, GONE_QUIET_S, Resumption, Source


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[Harness]:
    one = Harness(tmp_path)
    yield one
    one.source.close()


async def test_lines_are_taken_whole_and_once(harness: Harness) -> None:
    harness.write("one\ntwo\nthr")
    harness.rescan()
    assert await harness.read() == [b"one", b"two"]

    harness.write("ee\n")
    assert await harness.read() == [b"one", b"two", b"three"]
    assert await harness.read() == [b"one", b"two", b"three"]


async def test_the_first_start_at_end_leaves_what_was_there_and_keeps_a_half_line(
    tmp_path: Path,
) -> None:
    harness = Harness(tmp_path, start_at="end")
    harness.write("old\nhal")
    harness.rescan()
    harness.write("f\nnew\n")
    harness.write("later file\n", tmp_path / "access.log.new")
    harness.rescan()

    assert sorted(await harness.read()) == [b"half", b"later file", b"new"]
    harness.source.close()


async def test_a_renamed_file_is_drained_and_its_successor_read_from_the_beginning(
    harness: Harness,
) -> None:
    harness.write("one\n")
    harness.rescan()
    await harness.read()

    harness.write("two\n")
    harness.log.rename(harness.directory / "access.log.1")
    harness.write("three\n")
    harness.write("late\n", harness.directory / "access.log.1")
    harness.rescan()

    assert await harness.read() == [b"one", b"two", b"late", b"three"]


async def test_a_file_renamed_out_of_the_globs_is_read_to_its_end(harness: Harness) -> None:
    harness.write("one\n")
    harness.rescan()
    away = harness.directory / "elsewhere"
    harness.log.rename(away)
    harness.write("two\nhalf a line", away)
    harness.rescan()
    assert await harness.read() == [b"one", b"two"]

    harness.now_s += GONE_QUIET_S
    assert await harness.read() == [b"one", b"two"]  # it may return with the other half
    assert harness.consumer.tracks[0].ended == "finished"
    assert harness.source.files == []


async def test_a_writer_that_comes_back_after_the_last_line_was_taken_goes_on(
    harness: Harness,
) -> None:
    writer = harness.log.open("a")
    writer.write("one\nhalf")
    writer.flush()
    harness.rescan()
    harness.log.unlink()
    harness.rescan()
    await harness.read()
    harness.now_s += GONE_QUIET_S
    for track in harness.consumer.tracks:
        track.pending = 1  # the file stays open
    await harness.read()

    writer.write(" and more\nnext\n")
    writer.close()
    assert await harness.read() == [b"one", b"half", b" and more", b"next"]


async def test_a_deleted_file_is_read_to_its_end(harness: Harness) -> None:
    harness.write("one\ntwo\nunterminated")
    harness.rescan()
    harness.log.unlink()
    harness.rescan()
    assert await harness.read() == [b"one", b"two"]

    harness.now_s += GONE_QUIET_S
    assert await harness.read() == [b"one", b"two", b"unterminated"]


async def test_the_line_behind_a_hole_of_nuls_is_taken(harness: Harness) -> None:
    """A writer without O_APPEND goes on at its old offset after a truncation."""
    harness.rescan()
    with harness.log.open("wb") as file:
        file.seek(2_000_000)
        file.write(b"first behind\nsecond\n")
    harness.rescan()

    assert await harness.read() == [b"first behind", b"second"]


async def test_one_file_that_cannot_be_read_stops_nobody_else(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.write("one\n")
    harness.write("two\n", harness.directory / "access.log.1")
    harness.rescan()

    def failing(_most_bytes: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(harness.source.files[0], "read", failing)
    assert await harness.read() == [b"two"]

    monkeypatch.undo()
    assert sorted(await harness.read()) == [b"one", b"two"]


async def test_a_finished_file_is_held_while_lines_of_it_are_pending(harness: Harness) -> None:
    harness.write("one\n")
    harness.rescan()
    harness.log.unlink()
    harness.rescan()
    await harness.read()
    track = harness.consumer.tracks[0]
    track.pending = 1

    harness.now_s += GONE_QUIET_S
    await harness.read()
    assert track.ended == ""

    track.pending = 0
    await harness.read()
    assert track.ended == "finished"


async def test_a_truncated_file_starts_again(harness: Harness) -> None:
    harness.write("one\ntwo\n")
    harness.rescan()
    await harness.read()

    os.truncate(harness.log, 0)
    harness.write("new\n")

    assert await harness.read() == [b"one", b"two", b"new"]
    assert harness.consumer.tracks[0].ended == "cut off"


async def test_a_truncation_overtaken_by_new_content_is_noticed(harness: Harness) -> None:
    """copytruncate, and the file grew past the old offset before anyone looked."""
    harness.write("one\ntwo\n")
    harness.rescan()
    await harness.read()

    os.truncate(harness.log, 0)
    harness.write("another\nand more\n")

    assert await harness.read() == [b"one", b"two", b"another", b"and more"]
    assert harness.consumer.tracks[0].ended == "cut off"


async def test_a_truncation_refilled_to_the_same_size_is_noticed(harness: Harness) -> None:
    harness.write("one\ntwo\n")
    harness.rescan()
    await harness.read()

    os.truncate(harness.log, 0)
    harness.write("six\nten\n")

    assert await harness.read() == [b"one", b"two", b"six", b"ten"]


async def test_a_line_over_the_limit_is_skipped_to_its_newline_and_its_head_kept(
    harness: Harness,
) -> None:
    harness.write("before\n" + "x" * 700_000)
    harness.rescan()
    await harness.read()
    harness.write("y" * 300_000 + "\nafter\n")

    assert await harness.read() == [b"before", b"after"]
    (long,) = harness.consumer.tracks[0].long
    assert (long.start, long.end) == (7, 7 + 1_000_001)
    assert long.head == b"x" * 1000


async def test_an_archive_is_read_to_its_end_and_let_go(harness: Harness) -> None:
    with gzip.open(harness.directory / "access.log.2.gz", "wt") as file:
        file.write("one\ntwo\nunterminated")
    harness.rescan()
    await harness.read()

    assert await harness.read() == [b"one", b"two", b"unterminated"]
    assert harness.consumer.tracks[0].ended == "done"
    assert harness.source.files == []
    harness.rescan()
    assert harness.source.files == []


async def test_what_is_about_to_become_an_archive_is_not_read_as_text(harness: Harness) -> None:
    path = harness.directory / "access.log.2.gz"
    content = gzip.compress(b"one\ntwo\n")
    for end in (0, 1, 5, 20, len(content)):
        path.write_bytes(content[:end])
        harness.rescan()
        await harness.read()

    assert await harness.read() == [b"one", b"two"]


async def test_an_archive_that_never_ends_is_given_up_and_what_it_held_was_read(
    harness: Harness,
) -> None:
    lines = "".join(f"line {number}\n" for number in range(5000))
    content = gzip.compress(lines.encode())
    (harness.directory / "access.log.2.gz").write_bytes(content[: len(content) // 2])
    harness.rescan()
    await harness.read()
    harness.now_s += ARCHIVE_DAMAGED_S + 1
    await harness.read()
    await harness.read()

    assert harness.consumer.texts == lines.encode().splitlines()[: len(harness.consumer.texts)]
    assert harness.consumer.texts
    assert harness.source.files == []


async def test_a_resumed_file_goes_on_at_its_mark(harness: Harness) -> None:
    harness.write("one\ntwo\n")
    harness.consumer.answers = [Resumption(4)]
    harness.rescan()

    assert await harness.read() == [b"two"]


async def test_what_cannot_be_told_yet_is_asked_about_again(harness: Harness) -> None:
    harness.write("one\n")
    harness.rescan()
    await harness.read()
    shutil.copy(harness.log, harness.directory / "access.log.1")
    harness.consumer.answers = [Resumption(None, later=True), Resumption(None, later=True)]

    harness.rescan()
    harness.rescan()
    assert len(harness.source.files) == 1

    harness.rescan()
    assert len(harness.source.files) == 2


async def test_without_room_nothing_is_read(harness: Harness) -> None:
    harness.write("one\n")
    harness.rescan()
    harness.consumer.has_room = False

    assert await harness.source.turns()
    assert harness.consumer.texts == []
    assert await harness.read() == [b"one"]


async def test_two_links_to_one_file_are_one_file(harness: Harness) -> None:
    harness.write("one\n")
    os.link(harness.log, harness.directory / "access.log.hard")
    (harness.directory / "access.log.soft").symlink_to(harness.log)
    harness.rescan()

    assert await harness.read() == [b"one"]


async def test_an_adopted_file_is_read_on_although_no_path_leads_to_it(tmp_path: Path) -> None:
    before = Harness(tmp_path)
    before.write("one\ntwo\n")
    before.rescan()
    files = before.source.release()
    before.log.unlink()

    after = Harness(tmp_path)
    after.source = Source(after.section, after.consumer, clock=lambda: after.now_s, adopt=files)
    after.consumer.answers = [Resumption(4)]
    after.rescan()

    assert await after.read() == [b"two"]
    after.source.close()


async def test_two_reloads_in_a_row_keep_the_open_files(tmp_path: Path) -> None:
    before = Harness(tmp_path)
    before.write("one\n")
    before.rescan()
    files = before.source.release()

    between = Source(before.section, before.consumer, clock=lambda: 0.0, adopt=dict(files))
    assert between.release() == files
    for file in files.values():
        file.close()
