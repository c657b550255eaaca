"""The bell over real directories."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from hooktail.tail.watcher import Watcher


class Bell:
    def __init__(self) -> None:
        self.topology = asyncio.Event()
        self.modified: set[str] = set()
        self.written = asyncio.Event()

    def ring(self, topology: bool, modified: set[str]) -> None:
        if topology:
            self.topology.set()
        if modified:
            self.modified |= modified
            self.written.set()


async def rings(event: asyncio.Event) -> bool:
    try:
        async with asyncio.timeout(5):
            await event.wait()
    except TimeoutError:
        return False
    event.clear()
    return True


@pytest_asyncio.fixture
async def parts() -> AsyncIterator[tuple[Watcher, Bell]]:
    bell = Bell()
    watcher = Watcher(asyncio.get_running_loop(), bell.ring)
    watcher.start()
    yield watcher, bell
    await asyncio.to_thread(watcher.stop)


async def test_an_idle_directory_rings_for_new_moved_deleted_and_written_files(
    tmp_path: Path, parts: tuple[Watcher, Bell]
) -> None:
    watcher, bell = parts
    watcher.watch({str(tmp_path)}, set())

    log = tmp_path / "access.log"
    log.touch()
    assert await rings(bell.topology)
    log.write_text("line\n")
    assert await rings(bell.written)
    assert str(log) in bell.modified
    log.rename(tmp_path / "access.log.1")
    assert await rings(bell.topology)
    (tmp_path / "access.log.1").unlink()
    assert await rings(bell.topology)


async def test_a_directory_that_wakes_and_falls_asleep_never_stops_ringing_for_new_files(
    tmp_path: Path, parts: tuple[Watcher, Bell]
) -> None:
    """The kernel keeps one mask a directory: the second watch must not take away the first's."""
    watcher, bell = parts
    directory = str(tmp_path)
    for number in range(6):
        awake = {directory} if number % 2 else set()
        watcher.watch({directory}, awake)
        bell.topology.clear()
        bell.written.clear()
        log = tmp_path / f"log{number}"
        log.touch()
        assert await rings(bell.topology), number
        log.write_text("line\n")
        if not awake:
            assert await rings(bell.written), number


async def test_a_directory_that_returns_is_watched_again(
    tmp_path: Path, parts: tuple[Watcher, Bell]
) -> None:
    watcher, bell = parts
    directory = tmp_path / "logs"
    directory.mkdir()
    watcher.watch({str(tmp_path), str(directory)}, set())
    shutil.rmtree(directory)
    assert await rings(bell.topology)
    while str(directory) in watcher.watched:
        assert await rings(bell.topology)
    directory.mkdir()
    assert await rings(bell.topology)

    watcher.watch({str(tmp_path), str(directory)}, set())
    bell.topology.clear()
    (directory / "access.log").touch()
    assert await rings(bell.topology)
    assert watcher.alive


async def test_a_missing_directory_is_left_to_the_next_scan(
    tmp_path: Path, parts: tuple[Watcher, Bell]
) -> None:
    watcher, _bell = parts
    watcher.watch({str(tmp_path / "absent")}, set())

    assert watcher.watched == frozenset()
