"""Logs that may not be read for a while: as another user than root, with real permissions."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.life import Life
from support.lines import page_view


@contextmanager
def no_root() -> Iterator[None]:
    """Root may read everything: goes on as nobody, if the tests run as root."""
    if os.geteuid():
        yield
        return
    nobody = pwd.getpwnam("nobody").pw_uid
    os.setresuid(nobody, nobody, 0)
    try:
        yield
    finally:
        os.setresuid(0, 0, 0)


@pytest.fixture
def directory() -> Iterator[Path]:
    """pytest's own directories are closed to others."""
    made = Path(tempfile.mkdtemp())
    made.chmod(0o777)
    yield made
    shutil.rmtree(made)


async def looks(life: Life, times: int = 3) -> None:
    with no_root():
        for _ in range(times):
            await life.read()


def new_life(directory: Path) -> Life:
    with no_root():
        return Life(directory)


def settled(life: Life) -> int:
    """Answers all that waits; returns how many there were."""
    waiting = len(life.destination.waiting)
    life.destination.settle()
    return waiting


async def test_a_log_made_unreadable_is_said_once_and_read_from_its_beginning_once_it_may_be(
    directory: Path,
) -> None:
    life = new_life(directory)
    await looks(life)
    life.write(page_view(1))
    life.log.chmod(0)
    with capture_logs() as logs:
        await looks(life)
        await looks(life)
    told = [each for each in logs if each["event"] == "file_unreadable"]
    assert [(each["path"], each["reason"]) for each in told] == [
        (str(life.log), "Permission denied")
    ]

    life.log.chmod(0o644)
    with capture_logs() as logs:
        await looks(life)
    events = [each["event"] for each in logs]
    assert events.count("file_readable_again") == 1
    assert len(life.destination.waiting) == 1


async def test_a_log_taken_away_after_it_was_opened_is_read_on(directory: Path) -> None:
    life = new_life(directory)
    life.write(page_view(1))
    await looks(life)
    with life.log.open("a") as writer:
        life.log.chmod(0)
        writer.write(page_view(2))
    await looks(life)

    assert len(life.destination.waiting) == 2


async def test_a_known_log_that_may_not_be_read_at_a_start_goes_on_at_its_offset(
    directory: Path,
) -> None:
    before = new_life(directory)
    before.write(page_view(1), page_view(2))
    await looks(before)
    before.destination.settle(0)
    await asyncio.sleep(0)
    before.log.chmod(0)

    after = new_life(directory)
    await looks(after)
    assert after.destination.waiting == []
    after.log.chmod(0o644)
    after.write(page_view(3))
    await looks(after)

    assert settled(after) == 2
    await asyncio.sleep(0)
    assert after.balance() == {"delivered": 3, "pending": 0}


async def test_a_directory_that_may_not_be_entered_is_said_and_read_once_it_may_be(
    directory: Path,
) -> None:
    logs_directory = directory / "logs"
    logs_directory.mkdir()
    with no_root():
        life = Life(directory, paths=(f"{logs_directory}/*.log",))
    (logs_directory / "shop.log").write_text(page_view(1))
    logs_directory.chmod(0)
    with capture_logs() as logs:
        await looks(life)
    told = [each for each in logs if each["event"] == "file_unreadable"]
    assert [each["path"] for each in told] == [str(logs_directory)]

    logs_directory.chmod(0o755)
    with capture_logs() as logs:
        await looks(life)
    assert "file_readable_again" in [each["event"] for each in logs]
    assert len(life.destination.waiting) == 1


async def test_a_directory_below_a_double_star_that_may_not_be_entered_is_said(
    directory: Path,
) -> None:
    closed = directory / "logs" / "closed"
    closed.mkdir(parents=True)
    (closed / "shop.log").write_text(page_view(1))
    with no_root():
        life = Life(directory, paths=(f"{directory}/logs/**/*.log",))
    closed.chmod(0)
    with capture_logs() as logs:
        await looks(life)
        await looks(life)
    told = [each for each in logs if each["event"] == "file_unreadable"]
    assert [each["path"] for each in told] == [str(closed)]

    closed.chmod(0o755)
    with capture_logs() as logs:
        await looks(life)
    assert "file_readable_again" in [each["event"] for each in logs]
    assert len(life.destination.waiting) == 1
