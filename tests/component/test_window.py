"""A line that waits for ever holds back its own file, and only so far behind it."""

from __future__ import annotations

import asyncio
import gzip
import os
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from structlog.testing import capture_logs
from support.joined_format import joined_format
from support.life import Life
from support.lines import page_view

from hooktail.model import State
from hooktail.reporting import say_books
from hooktail.tail import archive as archived
from hooktail.tail import file as tailed
from hooktail.tail.progress import PROGRESS_S

if TYPE_CHECKING:
    from hooktail.branch import Branch

__all__ = ["joined_format"]

LINE_BYTES = len(page_view(0))
WINDOW_BYTES = 100 * LINE_BYTES


@pytest.fixture(autouse=True)
def _small_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tailed, "READ_BYTES", 10 * LINE_BYTES)
    monkeypatch.setattr(archived, "READ_BYTES", 10 * LINE_BYTES)


def new_life(directory: Path, *, held_deleted_limit_bytes: int = 0) -> Life:
    return Life(
        directory,
        max_line_bytes=1024,
        window_bytes=WINDOW_BYTES,
        held_deleted_limit_bytes=held_deleted_limit_bytes,
    )


async def pass_all_but_the_first(life: Life, rounds: int = 60) -> None:
    """Answers everything but the first event of the log, as often as something new comes."""
    for _ in range(rounds):
        await life.read()
        passing = [n for n, (event, _) in enumerate(life.destination.waiting) if event.start]
        if not passing:
            return
        life.destination.settle(*passing)
        await asyncio.sleep(0)


def span(life: Life) -> int:
    (track,) = life.feed.tracks.values()
    return track.read_offset - track._ledger.mark


async def test_a_stuck_line_holds_its_own_file_and_the_others_go_on(tmp_path: Path) -> None:
    life = new_life(tmp_path)
    life.write(*(page_view(number) for number in range(1000)))
    other = tmp_path / "access.log.other"
    other.write_text("".join(page_view(number + 5000) for number in range(1000)))
    with capture_logs() as logs:
        for _ in range(300):
            await life.read()
            stuck = b'/p/0"'
            passing = [n for n, body in enumerate(life.destination.bodies) if stuck not in body]
            if not passing:
                break
            life.destination.settle(*passing)
            await asyncio.sleep(0)

    books = life.balance()
    assert books["pending"] == 1
    assert 1090 <= books["delivered"] <= 1120
    path = str(life.log)
    told = [each["event"] for each in logs if each.get("path") == path]
    assert told == ["file_started", "window_full"]
    assert life.source.full_windows == 1

    life.destination.settle()
    with capture_logs() as logs:
        while life.balance()["delivered"] < 2000:
            await life.read()
            life.destination.settle()
            await asyncio.sleep(0)
    assert life.balance() == {"delivered": 2000, "pending": 0}
    assert {"event": "window_open", "path": path}.items() <= logs[0].items()
    assert life.source.full_windows == 0


async def test_after_a_kill_the_stuck_line_is_sent_again_and_the_window_is_no_larger(
    tmp_path: Path,
) -> None:
    before = new_life(tmp_path)
    before.write(*(page_view(number) for number in range(1000)))
    await pass_all_but_the_first(before)
    stuck = before.destination.bodies
    reached = span(before)

    for _ in range(3):
        after = new_life(tmp_path)
        await pass_all_but_the_first(after)
        assert after.destination.bodies == stuck
        assert span(after) == reached
        assert WINDOW_BYTES <= reached <= WINDOW_BYTES + 10 * LINE_BYTES + 1024

    after.destination.settle()
    for _ in range(100):
        await after.read()
        after.destination.settle()
        await asyncio.sleep(0)
    assert after.balance() == {"delivered": 1000, "pending": 0}


async def test_a_full_window_is_no_stall(tmp_path: Path) -> None:
    life = new_life(tmp_path)
    life.write(*(page_view(number) for number in range(1000)))
    await pass_all_but_the_first(life)
    for _ in range(3):
        life.now_s += PROGRESS_S
        life.source._guard.check(life.now_s, {})
        await life.read()

    assert not life.source.stalled


@pytest.mark.parametrize("limit_bytes", [0, 10 * LINE_BYTES])
async def test_a_deleted_file_is_read_to_its_end_whatever_waits(
    tmp_path: Path, limit_bytes: int
) -> None:
    life = new_life(tmp_path, held_deleted_limit_bytes=limit_bytes)
    life.write(*(page_view(number) for number in range(1000)))
    await pass_all_but_the_first(life)
    life.log.unlink()
    await pass_all_but_the_first(life, rounds=300)

    assert life.balance() == {"delivered": 999, "pending": 1}
    assert life.feed.lost_bytes == 0
    life.destination.settle()
    await asyncio.sleep(0)
    assert life.balance() == {"delivered": 1000, "pending": 0}


async def test_an_archive_waits_as_a_plain_file_does(tmp_path: Path) -> None:
    life = new_life(tmp_path)
    content = "".join(page_view(number) for number in range(1000)).encode()
    (tmp_path / "access.log.1.gz").write_bytes(gzip.compress(content))
    await pass_all_but_the_first(life)
    assert WINDOW_BYTES <= span(life) <= WINDOW_BYTES + 10 * LINE_BYTES + 1024

    life.destination.settle()
    for _ in range(100):
        await life.read()
        life.destination.settle()
        await asyncio.sleep(0)
    assert life.balance() == {"delivered": 1000, "pending": 0}


async def test_a_record_that_stays_open_does_not_hold_its_file_for_ever(
    tmp_path: Path,
    joined_format: str,
) -> None:
    life = Life(tmp_path, format=joined_format, max_line_bytes=1024, window_bytes=2000)
    life.write("begin r1 /p/1\n", *(f"one /p/{number}\n" for number in range(2, 1000)))
    for _ in range(40):
        await life.read()
        life.destination.settle()
        await asyncio.sleep(0)
    assert life.source.full_windows == 1

    life.feed.give_up_old(0)
    life.feed.give_up_old(1e9)  # as the timer does when the parser holds it no longer
    for _ in range(200):
        await life.read()
        life.destination.settle(state=State.DELIVERED)
        await asyncio.sleep(0)
    assert life.balance() == {"delivered": 999, "pending": 0}


async def test_what_is_remembered_of_a_stuck_line_stays_small(tmp_path: Path) -> None:
    """Half a million lines pass while one waits: neither journal nor snapshot grows with them."""
    life = Life(tmp_path, window_bytes=0)
    life.write(*(page_view(number) for number in range(3000)))
    await pass_all_but_the_first(life)
    await life.keeper.compact()
    first = sum(path.stat().st_size for path in life.state_dir.glob("checkpoint*.snapshot"))
    for _ in range(3):
        life.write(*(page_view(number) for number in range(3000)))
        await pass_all_but_the_first(life)
        await life.keeper.compact()
    await life.keeper.compact()

    assert life.balance()["pending"] == 1
    assert sum(path.stat().st_size for path in life.state_dir.glob("checkpoint*")) < 3 * first


async def test_the_books_say_what_deleted_files_hold_what_waits_and_what_is_ignored(
    tmp_path: Path,
) -> None:
    old = tmp_path / "access.log.old"
    old.write_text(page_view(9999))
    os.utime(old, (1, 1))
    gone = tmp_path / "access.log.gone"
    gone.write_text(page_view(8888))
    life = Life(tmp_path, max_line_bytes=1024, window_bytes=WINDOW_BYTES, ignore_older_than_s=3600)
    branch = cast("Branch", SimpleNamespace(feeds=[life.feed], readers=[(life.feed, life.source)]))
    with capture_logs() as logs:
        say_books([branch])
        life.write(*(page_view(number) for number in range(1000)))
        await life.read()
        gone.unlink()
        await pass_all_but_the_first(life)
        say_books([branch])

    quiet, loud = [each for each in logs if each["event"] == "books"]
    keys = ("held_deleted_bytes", "full_windows", "ignored_files")
    assert not quiet.keys() & set(keys)
    assert [loud[key] for key in keys] == [len(page_view(8888)), 1, 1]
