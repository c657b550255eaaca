"""Archives of which everything was handed over, and that somebody writes to again."""

from __future__ import annotations

import asyncio
import gzip
import re
from pathlib import Path

from structlog.testing import capture_logs
from support.life import Life
from support.lines import page_view

from hooktail.tail.finishing import ARCHIVE_DAMAGED_S


def _views(first: int, lines: int) -> bytes:
    return "".join(page_view(number) for number in range(first, first + lines)).encode()


async def _numbers(life: Life) -> list[int]:
    """Of all that is there to be sent by now; it is answered."""
    found: list[int] = []
    for _ in range(4):
        await life.read()
        for body in life.destination.bodies:
            found += map(int, re.findall(rb"/p/(\d+)", body))
        life.destination.settle()
        await asyncio.sleep(0)
        life.now_s += 5
    return found


async def test_a_member_that_is_appended_later_is_read(tmp_path: Path) -> None:
    archive = tmp_path / "access.log.1.gz"
    archive.write_bytes(gzip.compress(_views(0, 20)))
    life = Life(tmp_path)
    assert await _numbers(life) == list(range(20))
    assert life.source.files == []

    with archive.open("ab") as file:
        file.write(gzip.compress(_views(20, 10)))

    assert await _numbers(life) == list(range(20, 30))


async def test_one_that_is_written_anew_on_its_inode_is_read(tmp_path: Path) -> None:
    archive = tmp_path / "access.log.1.gz"
    archive.write_bytes(gzip.compress(_views(0, 20)))
    life = Life(tmp_path)
    assert await _numbers(life) == list(range(20))

    archive.write_bytes(gzip.compress(_views(100, 20)))

    assert await _numbers(life) == list(range(100, 120))


async def test_one_that_is_touched_is_not_read_again(tmp_path: Path) -> None:
    archive = tmp_path / "access.log.1.gz"
    archive.write_bytes(gzip.compress(_views(0, 20)))
    life = Life(tmp_path)
    assert await _numbers(life) == list(range(20))

    archive.touch()

    assert await _numbers(life) == []
    assert life.source.files == []


async def test_a_log_compressed_over_yesterday_s_archive_in_an_outage_loses_nothing(
    tmp_path: Path,
) -> None:
    """`gzip -c access.log > access.log.1.gz; : > access.log`, each day."""
    archive = tmp_path / "access.log.1.gz"
    life = Life(tmp_path)
    life.log.write_bytes(_views(0, 20))
    assert await _numbers(life) == list(range(20))
    archive.write_bytes(gzip.compress(life.log.read_bytes()))
    life.log.write_bytes(b"")
    assert await _numbers(life) == []
    life.destination.has_room = False
    life.feed.queued = 100

    life.log.write_bytes(_views(100, 20))
    await life.read()
    archive.write_bytes(gzip.compress(life.log.read_bytes()))
    life.log.write_bytes(b"")
    for _ in range(4):
        await life.read()
        life.now_s += 30
    life.destination.has_room = True
    life.feed.queued = 0

    assert await _numbers(life) == list(range(100, 120))
    assert life.feed.lost_bytes == 0


async def test_one_given_up_as_damaged_that_goes_on_is_read_on(tmp_path: Path) -> None:
    whole = gzip.compress(_views(0, 400), compresslevel=0)
    archive = tmp_path / "access.log.1.gz"
    archive.write_bytes(whole[: len(whole) // 2])
    life = Life(tmp_path)
    first = await _numbers(life)
    life.now_s += ARCHIVE_DAMAGED_S
    with capture_logs() as logs:
        assert await _numbers(life) == []
    assert "archive_damaged" in [each["event"] for each in logs]

    archive.write_bytes(whole)

    assert first + await _numbers(life) == list(range(400))


async def test_bytes_of_a_line_over_the_limit_that_never_ends_are_counted(tmp_path: Path) -> None:
    archive = tmp_path / "access.log.1.gz"
    unended = b"x" * 300_000
    archive.write_bytes(gzip.compress(_views(0, 5) + unended))
    life = Life(tmp_path, max_line_bytes=4096)
    with capture_logs() as logs:
        assert await _numbers(life) == list(range(5))

    assert life.feed.lost_bytes == len(unended)
    (said,) = [each for each in logs if each["event"] == "bytes_lost"]
    assert said["unread_bytes"] == len(unended)
