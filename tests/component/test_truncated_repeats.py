"""A file is truncated before its lines of an earlier life were read again: there was no room."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.life import Life
from support.lines import page_view

OLD = 20


async def _killed_with(directory: Path, settled: range) -> Life:
    """All lines were read and sent, and these were answered; the next life has no room."""
    before = Life(directory)
    before.write(*(page_view(number) for number in range(OLD)))
    await before.read()
    if settled:
        before.destination.settle(*settled)
    await asyncio.sleep(0)
    after = Life(directory)
    after.destination.has_room = False
    after.feed.queued = 100  # of other files: the source's own share is used up too
    await after.read()
    assert after.destination.waiting == []
    return after


async def _with_room(life: Life) -> list[int]:
    life.destination.has_room = True
    life.feed.queued = 0
    for _ in range(3):
        await life.read()
    return [int(n) for body in life.destination.bodies for n in re.findall(rb"/p/(\d+)", body)]


# What was answered says where the file goes on: at its beginning, or within it.
SETTLED = pytest.mark.parametrize("settled", [range(0), range(5), range(1, 5)], ids=str)
NEW = pytest.mark.parametrize("new", [0, 1, 10, 30])


@SETTLED
@NEW
@pytest.mark.parametrize("seen", [False, True])
async def test_copytruncate_loses_and_repeats_nothing(
    tmp_path: Path, settled: range, new: int, seen: bool
) -> None:
    """New lines were taken for lines that had been settled, or stood in for those that waited."""
    life = await _killed_with(tmp_path, settled)

    shutil.copy(life.log, tmp_path / "access.log.1")
    if seen:
        await life.read()
    os.truncate(life.log, 0)
    life.write(*(page_view(number) for number in range(100, 100 + new)))
    numbers = await _with_room(life)

    expected = [number for number in range(OLD) if number not in settled]
    assert sorted(numbers) == [*expected, *range(100, 100 + new)]
    life.destination.settle()
    await asyncio.sleep(0)
    assert life.balance() == {"delivered": OLD + new, "pending": 0}


@SETTLED
@NEW
async def test_without_a_copy_what_is_new_is_sent_and_what_waited_is_known_to_wait(
    tmp_path: Path, settled: range, new: int
) -> None:
    life = await _killed_with(tmp_path, settled)

    os.truncate(life.log, 0)
    life.write(*(page_view(number) for number in range(100, 100 + new)))
    with capture_logs() as logs:
        numbers = await _with_room(life)

    assert numbers == list(range(100, 100 + new))
    assert [each["event"] for each in logs].count("file_truncated") == 1
    # They were read, and wait for a copy until the checkpoint forgets the file: no lost bytes.
    assert "bytes_lost" not in [each["event"] for each in logs]
    life.destination.settle()
    await asyncio.sleep(0)
    books = life.balance()
    assert books.pop("delivered", 0) == len(settled) + new
    assert books == {"pending": OLD - len(settled)}


@SETTLED
async def test_unread_lines_that_went_with_them_are_counted_and_no_more(
    tmp_path: Path, settled: range
) -> None:
    life = await _killed_with(tmp_path, settled)
    unread = page_view(50) + page_view(51)
    life.write(unread)
    await life.read()  # no room: it is looked at, and not read

    os.truncate(life.log, 0)
    for _ in range(3):
        await _with_room(life)

    assert life.feed.lost_bytes == len(unread)
