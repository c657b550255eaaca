"""Lines that wait in the entry of one copy of a content while another copy is read."""

from __future__ import annotations

import asyncio
import gzip
import os
import re
import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.joined_format import joined_format
from support.life import Life
from support.lines import page_view

from hooktail.fingerprint import BEFORE_BYTES, before_of, head_of
from hooktail.tail.discovery import scan

__all__ = ["joined_format"]

LINES = [page_view(number) for number in range(20)]
STARTS = [sum(map(len, LINES[:number])) for number in range(21)]
CONTENT = "".join(LINES).encode()


def _number(body: bytes) -> int:
    found = re.search(rb"/p/(\d+)", body)
    assert found
    return int(found[1])


def leave_an_entry(life: Life, read: int, pending: list[int], file_id: list[int]) -> None:
    """As a kill leaves it: lines of the content wait in an entry of a file that was a copy."""
    entry = {
        "source": "shop",
        "path": str(life.directory / "access.log.old"),
        "id": file_id,
        "read": read,
        "pending": pending,
        "head": list(head_of(CONTENT[: min(read, 1024)])),
        "before": before_of(CONTENT[max(read - BEFORE_BYTES, 0) : read]),
        "seen": int(life.wall_s),
    }
    books = {"shop": {"read": len(pending)}}
    life.store.append({"open": {"99": entry}, "books": books})


async def test_what_the_copy_has_had_waits_no_longer_in_the_entry_of_the_original(
    tmp_path: Path,
) -> None:
    """It used to be counted twice, and to expire after a week."""
    before = Life(tmp_path)
    before.write(*LINES[:15])
    await before.read()
    before.destination.settle(*range(10), 12)  # in flight at the kill: 10, 11, 13, 14
    await asyncio.sleep(0)
    waiting = [STARTS[8], STARTS[10], STARTS[16]]  # settled here, waiting here too, not read yet
    leave_an_entry(before, STARTS[18], waiting, [1, 1])

    after = Life(tmp_path)
    after.write(*LINES[15:])
    with capture_logs() as logs:
        await after.read()

    assert after.balance() == {"delivered": 11, "pending": 9}
    assert after.on_disk().files[99].pending == set()
    told = next(each for each in logs if each["event"] == "lines_taken_over")
    assert (told["lines"], told["were_known"]) == (3, 3)
    after.destination.settle()
    await asyncio.sleep(0)
    assert after.balance() == {"delivered": 20, "pending": 0}


async def test_an_archive_takes_over_what_its_entry_has_had(tmp_path: Path) -> None:
    before = Life(tmp_path)
    before.write(*LINES[:15])
    await before.read()
    before.destination.settle()
    await asyncio.sleep(0)
    leave_an_entry(before, STARTS[12], [STARTS[8], STARTS[11]], [1, 1])
    (tmp_path / "access.log.1.gz").write_bytes(gzip.compress(CONTENT[: STARTS[15]]))
    before.log.unlink()

    after = Life(tmp_path)
    await after.read()

    assert after.destination.waiting == []
    assert after.balance() == {"delivered": 15, "pending": 0}


async def test_nothing_is_taken_from_an_entry_whose_own_file_is_there(tmp_path: Path) -> None:
    """Two sites may have been asked by the same monitor in the same second."""
    before = Life(tmp_path)
    before.write(*LINES)
    await before.read()
    before.destination.settle()
    await asyncio.sleep(0)
    other = tmp_path / "access.log.other"
    other.write_text("".join(LINES[:10]) + page_view(77))
    status = other.stat()
    leave_an_entry(before, STARTS[10], [STARTS[4]], [status.st_dev, status.st_ino])

    after = Life(tmp_path)
    await after.read()

    assert len(after.destination.waiting) == 2
    after.destination.settle()
    await asyncio.sleep(0)
    assert after.balance() == {"delivered": 22, "pending": 0}


async def test_other_content_that_begins_alike_takes_over_what_the_head_holds(
    tmp_path: Path,
) -> None:
    """Those lines are the same, at the same offsets: their events have the same ids."""
    before = Life(tmp_path)
    before.write(*LINES[:10], *(page_view(number) for number in range(50, 60)))
    await before.read()
    before.destination.settle()
    await asyncio.sleep(0)
    leave_an_entry(before, STARTS[18], [STARTS[4], STARTS[16]], [1, 1])

    after = Life(tmp_path)
    await after.read()

    assert after.on_disk().files[99].pending == {STARTS[16]}
    assert after.balance() == {"delivered": 20, "pending": 1}


async def test_an_older_copy_put_back_after_a_kill_sends_what_was_in_flight(
    tmp_path: Path,
) -> None:
    """It used to count as read, and what was in flight expired after a week."""
    before = Life(tmp_path)
    before.write(*LINES[:10])
    await before.read()
    backup = tmp_path / "backup"
    shutil.copy(before.log, backup)
    before.write(LINES[10])
    await before.read()
    sent = before.destination.bodies
    before.destination.settle(*range(7), 9)
    await asyncio.sleep(0)  # in flight: 7, 8, and 10, which the backup does not have
    backup.replace(before.log)

    after = Life(tmp_path)
    await after.read()

    assert after.destination.bodies == [sent[7], sent[8]]
    assert after.balance() == {"delivered": 8, "pending": 3}
    after.write(page_view(11))
    await after.read()
    assert len(after.destination.waiting) == 3
    after.destination.settle()
    await asyncio.sleep(0)
    assert after.balance() == {"delivered": 11, "pending": 1}

    again = Life(tmp_path)
    await again.read()
    assert again.destination.waiting == []


async def test_a_kill_while_the_older_copy_is_read_again_loses_and_repeats_nothing(
    tmp_path: Path,
) -> None:
    before = Life(tmp_path)
    before.write(*LINES[:10])
    await before.read()
    sent = before.destination.bodies
    shutil.copy(before.log, tmp_path / "backup")
    before.write(*LINES[10:])
    await before.read()
    before.destination.settle(*range(5), *range(10, 20))
    await asyncio.sleep(0)
    (tmp_path / "backup").replace(before.log)

    for answered in range(5):
        after = Life(tmp_path)
        await after.read()
        assert after.destination.bodies == sent[5 + answered : 10]
        after.destination.settle(0)
        await asyncio.sleep(0)

    assert after.balance() == {"delivered": 20, "pending": 0}


async def test_a_log_truncated_into_an_older_copy_and_then_a_kill(tmp_path: Path) -> None:
    """In place, while running: the queue has what was in flight, until the kill."""
    before = Life(tmp_path)
    before.write(*LINES)
    await before.read()
    sent = before.destination.bodies
    before.destination.settle(*range(5), *range(6, 20))
    await asyncio.sleep(0)
    modified_s = before.log.stat().st_mtime - 60
    os.truncate(before.log, STARTS[10])
    os.utime(before.log, (modified_s, modified_s))
    await before.read()
    before.write(page_view(30))
    await before.read()
    assert before.balance() == {"delivered": 19, "pending": 2}

    after = Life(tmp_path)
    await after.read()

    assert after.destination.bodies[0] == sent[5]
    assert len(after.destination.waiting) == 2
    after.destination.settle()
    await asyncio.sleep(0)
    assert after.balance() == {"delivered": 21, "pending": 0}


async def test_a_record_over_lines_is_taken_over_whole(tmp_path: Path, joined_format: str) -> None:
    before = Life(tmp_path, format=joined_format)
    before.write("begin r1 /p/1\n", "r1 more\n", "end r1\n", *("junk\n" for _ in range(300)))
    await before.read()
    sent = before.destination.bodies
    shutil.copy(before.log, tmp_path / "backup")
    before.write("one /p/2\n")
    await before.read()
    before.destination.settle(1)
    await asyncio.sleep(0)
    (tmp_path / "backup").replace(before.log)

    after = Life(tmp_path, format=joined_format)
    await after.read()

    assert after.destination.bodies == sent
    after.destination.settle()
    await asyncio.sleep(0)
    assert after.balance() == {
        "delivered": 2,
        "filtered.part_of_record": 2,
        "unparsable.syntax": 300,
        "pending": 0,
    }


async def test_a_log_truncated_before_it_was_read_again_after_a_kill_is_known_by_its_copy(
    tmp_path: Path,
) -> None:
    """The bytes before the mark were written down as those before the read offset."""
    before = Life(tmp_path)
    before.write(*LINES)
    await before.read()
    sent = before.destination.bodies
    before.destination.settle(*range(5), *range(6, 20))
    await asyncio.sleep(0)

    after = Life(tmp_path)
    after.source.apply(scan(after.section.paths, ()))
    shutil.copy(after.log, tmp_path / "copy")
    os.truncate(after.log, 0)
    await after.read()
    (tmp_path / "copy").rename(tmp_path / "access.log.1")
    again = Life(tmp_path)
    await again.read()

    assert again.destination.bodies == [sent[5]]


async def test_a_kill_before_what_waits_was_read_again_leaves_the_head_known(
    tmp_path: Path,
) -> None:
    """It was written down as that of the mark, of nothing, and then any archive was the file."""
    before = Life(tmp_path)
    before.write(*LINES)
    await before.read()
    before.destination.settle(*range(1, 20))
    await asyncio.sleep(0)
    (entry,) = before.on_disk().files.values()

    after = Life(tmp_path)
    after.source.apply(scan(after.section.paths, ()))
    await asyncio.sleep(0)
    (left,) = after.on_disk().files.values()

    assert left.seen_s
    assert (left.head_length, left.head_digest) == (entry.head_length, entry.head_digest)
    assert left.before_digest == entry.before_digest


async def test_lines_given_to_two_copies_in_one_turn_are_all_written_down(tmp_path: Path) -> None:
    """What the second took replaced what the first had taken, and the books were off."""
    life = Life(tmp_path)
    life.keeper.note_record({"file": {"1": {"s": [1]}}})
    life.keeper.note_record({"file": {"1": {"s": [2]}}})
    life.keeper.note_record({"file": {"1": {"t": 5}}})

    record: dict[str, dict[str, dict[str, object]]] = {}
    for noted in life.keeper._noted:
        noted.add_to(record)

    assert record["file"]["1"] == {"s": [1, 2], "t": 5}


@pytest.mark.parametrize("reloaded", [False, True])
async def test_what_waits_is_found_in_an_older_copy_of_an_older_copy(
    tmp_path: Path, reloaded: bool
) -> None:
    """The second copy parted from the first where the log itself had no point of its own."""
    before = Life(tmp_path)
    before.write(*LINES)
    await before.read()
    sent = set()
    for kept, new in ((18, 100), (14, 200)):
        if reloaded:
            before = Life(tmp_path, adopt=before.source.release(), store=before.store)
            await before.read()
        older = tmp_path / "older"
        older.write_text("".join((*LINES[:kept], page_view(new))))
        older.rename(before.log)
        await before.read()
        sent.update(before.destination.bodies)
    assert len(sent) == 22

    after = Life(tmp_path)
    await after.read()

    # The rest of the first two is nowhere any more.
    there = [*range(14), 200]
    assert sorted(map(_number, after.destination.bodies)) == there
    assert set(after.destination.bodies) <= sent
