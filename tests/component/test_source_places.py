"""A running source with the real bell, while the places of its files change under it.

The periodic looks are as rare as in the daemon where a bell must do; where none can ring, the test
shortens them, and says why.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.source_harness import FakeConsumer

from hooktail.config.sections import SourceSection
from hooktail.tail import schedule, source
from hooktail.tail.source import Source
from hooktail.tail.watcher import Watcher

WAIT_S = 8.0


class Running:
    """A source at work, its consumer, and a way to wait for lines."""

    def __init__(self, *paths: str, deaf: bool = False) -> None:
        self.consumer = FakeConsumer()
        section = SourceSection(name="shop", paths=paths, start_at="beginning")
        self.watcher = Watcher(asyncio.get_running_loop(), self._ring)
        self.deaf = deaf
        self.source = Source(section, self.consumer, clock=time.monotonic, watch=self._watch)

    def _ring(self, topology: bool, modified: set[str]) -> None:
        if not self.deaf:
            self.source.ring(topology, modified)

    def _watch(self) -> bool:
        self.watcher.watch(self.source.directories, self.source.awake_directories)
        return self.source.directories <= self.watcher.watched

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        ends_at = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < ends_at, f"{what}: {self.consumer.texts}"
            await asyncio.sleep(0.01)

    async def reads(self, *texts: str) -> None:
        wanted = [text.encode() for text in texts]
        await self.until(lambda: sorted(self.consumer.texts) == sorted(wanted), f"{texts}")

    def by_file(self) -> list[list[str]]:
        """What was read of each file, in the order in which they were opened."""
        tracks = (track.texts for track in self.consumer.tracks)
        return [[text.decode() for text in texts] for texts in tracks]

    async def watches(self, *directories: Path) -> None:
        real = {str(directory.resolve()) for directory in directories}
        await self.until(lambda: real <= self.watcher.watched, f"watching {real}")


@asynccontextmanager
async def running(*paths: str, deaf: bool = False) -> AsyncIterator[Running]:
    one = Running(*paths, deaf=deaf)
    one.watcher.start()
    task = asyncio.create_task(one.source.run())
    try:
        yield one
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        one.source.close()
        await asyncio.to_thread(one.watcher.stop)


@pytest.fixture
def looks_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "RESCAN_WATCHED_S", 0.3)
    monkeypatch.setattr(schedule, "COLD_LOOK_WATCHED_S", 1.0)


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


async def test_a_symlink_to_a_file_whose_target_moves_is_followed_to_the_new_target(
    tmp_path: Path,
) -> None:
    for day in ("monday", "tuesday"):
        (tmp_path / day).mkdir()
        append(tmp_path / day / "data", f"{day}\n")
    links = tmp_path / "links"
    links.mkdir()
    current = links / "current.log"
    current.symlink_to(tmp_path / "monday" / "data")
    async with running(f"{links}/*.log") as one:
        await one.reads("monday")

        fresh = links / "fresh"
        fresh.symlink_to(tmp_path / "tuesday" / "data")
        fresh.rename(current)
        append(tmp_path / "monday" / "data", "late\n")
        await one.reads("monday", "late", "tuesday")

        append(tmp_path / "tuesday" / "data", "more\n")
        await one.reads("monday", "late", "tuesday", "more")

    # One file each, read on where it was: neither was begun again, nor taken for the other.
    assert one.by_file() == [["monday", "late"], ["tuesday", "more"]]


async def test_a_symlink_to_a_directory_that_is_turned_is_followed(tmp_path: Path) -> None:
    for name in ("blue", "green"):
        (tmp_path / "real" / name).mkdir(parents=True)
        append(tmp_path / "real" / name / "access.log", f"{name}\n")
    places = tmp_path / "places"
    places.mkdir()
    (places / "logs").symlink_to(tmp_path / "real" / "blue")
    async with running(f"{places}/logs/*.log") as one:
        await one.reads("blue")
        await one.watches(places, tmp_path / "real" / "blue")

        (places / "fresh").symlink_to(tmp_path / "real" / "green")
        (places / "fresh").rename(places / "logs")
        await one.reads("blue", "green")
        await one.watches(tmp_path / "real" / "green")

        append(tmp_path / "real" / "green" / "second.log", "second\n")
        await one.reads("blue", "green", "second")

    assert one.by_file() == [["blue"], ["green"], ["second"]]


async def test_a_directory_that_appears_vanishes_and_returns_is_read_each_time(
    tmp_path: Path,
) -> None:
    logs = tmp_path / "shop" / "logs"
    read: list[str] = []
    async with running(f"{tmp_path}/shop/logs/*.log") as one:
        await one.watches(tmp_path)
        for number in range(3):
            logs.mkdir(parents=True)
            append(logs / "access.log", f"life {number}\n")
            read.append(f"life {number}")
            await one.reads(*read)
            await one.watches(logs)
            shutil.rmtree(tmp_path / "shop")
            await one.until(lambda: str(logs) not in one.watcher.watched, "gone")

    assert one.by_file() == [["life 0"], ["life 1"], ["life 2"]]


async def test_a_directory_renamed_away_and_made_again_is_another_one(
    tmp_path: Path, looks_soon: None
) -> None:
    """The kernel does not tell a directory's watch that it was renamed: a look finds out."""
    logs = tmp_path / "logs"
    logs.mkdir()
    append(logs / "access.log", "one\n")
    async with running(f"{logs}/*.log") as one:
        await one.reads("one")

        logs.rename(tmp_path / "old")
        logs.mkdir()
        append(tmp_path / "old" / "access.log", "late\n")
        append(logs / "access.log", "two\n")
        await one.reads("one", "late", "two")
        identity = os.stat(logs)
        await one.until(
            lambda: one.watcher._watches[str(logs)].identity == (identity.st_dev, identity.st_ino),
            "the new directory to be watched",
        )

    assert one.by_file() == [["one", "late"], ["two"]]


async def test_a_whole_log_tree_moved_in_is_read(tmp_path: Path) -> None:
    stage = tmp_path / "stage"
    for site in ("a", "b/deep"):
        (stage / site).mkdir(parents=True)
        append(stage / site / "access.log", f"{site}\n")
    place = tmp_path / "sites"
    place.mkdir()
    async with running(f"{place}/**/*.log") as one:
        await one.watches(place)
        stage.rename(place / "moved")
        await one.reads("a", "b/deep")
        await one.watches(place / "moved" / "b" / "deep")

        append(place / "moved" / "b" / "deep" / "new.log", "new\n")
        await one.reads("a", "b/deep", "new")

    assert sorted(one.by_file()) == [["a"], ["b/deep"], ["new"]]


async def test_a_site_whose_log_directory_comes_later_is_read(tmp_path: Path) -> None:
    async with running(f"{tmp_path}/*/logs/*.log") as one:
        await one.watches(tmp_path)
        (tmp_path / "site").mkdir()
        await one.watches(tmp_path / "site")
        (tmp_path / "site" / "logs").mkdir()
        append(tmp_path / "site" / "logs" / "access.log", "line\n")
        await one.reads("line")
        await one.watches(tmp_path / "site" / "logs")

    assert one.by_file() == [["line"]]


async def test_lost_bells_are_made_good_by_the_periodic_looks(
    tmp_path: Path, looks_soon: None
) -> None:
    """As after an overflow of the kernel's queue, of which no handler is told."""
    append(tmp_path / "access.log", "one\n")
    async with running(f"{tmp_path}/*.log", deaf=True) as one:
        await one.reads("one")
        for followed in one.source._following.files.values():
            followed.grew_at -= schedule.WARM_S  # cold: nobody looks but for the bell's failing
        append(tmp_path / "access.log", "two\n")
        append(tmp_path / "other.log", "three\n")
        await one.reads("one", "two", "three")

    assert sorted(one.by_file()) == [["one", "two"], ["three"]]


async def test_an_idle_file_that_is_written_to_rings_through_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "links").mkdir()
    (tmp_path / "real" / "data").touch()
    (tmp_path / "links" / "a.log").symlink_to(tmp_path / "real" / "data")
    async with running(f"{tmp_path}/links/*.log") as one:
        await one.watches(tmp_path / "real", tmp_path / "links")
        append(tmp_path / "real" / "data", "line\n")
        began_at = time.monotonic()
        await one.reads("line")

        assert time.monotonic() - began_at < schedule.COLD_LOOK_WATCHED_S / 4


async def test_a_quiet_file_beside_a_busy_one_is_looked_at_although_no_bell_rings_for_it(
    tmp_path: Path,
) -> None:
    """In a directory with a busy file the kernel is not asked to tell of writes."""
    busy, quiet = tmp_path / "busy.log", tmp_path / "quiet.log"
    busy.touch()
    quiet.touch()
    async with running(f"{tmp_path}/*.log") as one:
        await one.watches(tmp_path)
        await one.until(lambda: one.source.file_count == 2, "both files")
        append(busy, "first\n")
        await one.reads("first")

        began_at = time.monotonic()
        append(quiet, "line\n")
        await one.reads("first", "line")

        assert time.monotonic() - began_at < 1


def mount(place: Path) -> None:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "none", str(place)], capture_output=True, check=False, text=True
    )
    if done.returncode:
        pytest.skip(f"mounting a tmpfs is not permitted here: {done.stderr.strip()}")


async def test_a_directory_under_which_a_file_system_is_mounted_and_unmounted(
    tmp_path: Path, looks_soon: None
) -> None:
    if shutil.which("mount") is None:
        pytest.skip("there is no mount")
    logs = tmp_path / "logs"
    logs.mkdir()
    append(logs / "access.log", "below\n")
    async with running(f"{logs}/*.log") as one:
        await one.reads("below")
        await asyncio.to_thread(mount, logs)
        try:
            append(logs / "access.log", "mounted\n")
            await one.reads("below", "mounted")
            append(logs / "second.log", "second\n")
            await one.reads("below", "mounted", "second")
        finally:
            # Lazily: the files in it are open, which is how logs are unmounted in the field too.
            await asyncio.to_thread(subprocess.run, ["umount", "-l", str(logs)], check=True)
        append(logs / "access.log", "below again\n")
        await one.reads("below", "mounted", "second", "below again")

    assert one.by_file() == [["below", "below again"], ["mounted"], ["second"]]
