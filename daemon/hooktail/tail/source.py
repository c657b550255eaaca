"""A source at work: its files found, followed, read in fair turns, and let go when finished.

It knows nothing of formats, events or checkpoints: it hands lines to a `Track`, one per file,
which the `Consumer` gives it together with the offset to resume from.

The cycle, each step a method that tests may call by hand:

    rescan   glob + stat: new files are opened, moved ones renamed, vanished ones marked gone
    turn     one file: fstat, then at most one read; truncation starts the file again
    wait     until the next file is due, or the bell rings

Its parts share the followed files (`following`) and have one idea each: `meeting` what a scan
found, `watching` which bell rings for which file, `schedule` whose turn it is, `truncation` content
that is no longer there, `finishing` files that are let go, `progress` the guard against a silent
stop, `window` lines that wait too far back.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from hooktail.tail.archive import ArchiveFile
from hooktail.tail.consumer import Consumer, Resumption, Track
from hooktail.tail.discovery import Finder
from hooktail.tail.file import Growth, Rewritten
from hooktail.tail.finishing import (
    ARCHIVE_DAMAGED_S,
    GONE_QUIET_S,
    Finishing,
)
from hooktail.tail.following import Following
from hooktail.tail.framing import LongLine
from hooktail.tail.meeting import Meeting
from hooktail.tail.progress import ProgressGuard
from hooktail.tail.schedule import COLD_LOOK_S, HOT_LOOK_S
from hooktail.tail.truncation import REWRITTEN, SHRUNK, Truncations
from hooktail.tail.watching import Watching
from hooktail.tail.window import Windows

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.config.sections import SourceSection
    from hooktail.model import FileId
    from hooktail.tail.discovery import Scan
    from hooktail.tail.opening import LogFile
    from hooktail.tail.schedule import Followed

__all__ = [
    "ARCHIVE_DAMAGED_S",
    "GONE_QUIET_S",
    "Consumer",
    "Resumption",
    "Source",
    "Track",
]

RESCAN_S = 2.0
"""Between two looks at the globs; a bell shortens it to `RESCAN_AFTER_BELL_S`."""
RESCAN_WATCHED_S = 10.0
"""The same where every directory is watched and the look is only for what no bell tells."""
SCAN_SHARE = 300
"""A look that took long is not repeated before so many times its duration: a third of a percent."""
SCAN_SHARE_AFTER_BELL = 20
"""The same where bells ring all the time."""
RESCAN_AFTER_BELL_S = 0.1
ROOM_S = 0.25
"""While there is no room, bells are heard and globs looked at so often."""
LOOKS_AT_ONCE = 200
"""After so many looks that brought nothing, other tasks have their turn: a millisecond."""


class Source:
    """Follows the files of one `[[source]]`. All methods run on the loop thread."""

    def __init__(
        self,
        section: SourceSection,
        consumer: Consumer,
        *,
        clock: Callable[[], float],
        watch: Callable[[], bool] = lambda: False,
        may_open: Callable[[], bool] = lambda: True,
        adopt: dict[FileId, LogFile] | None = None,
        wall_s: Callable[[], float] = time.time,
    ) -> None:
        self.section = section
        self.turned_at = clock()
        self._consumer = consumer
        self._clock = clock
        self._log = structlog.get_logger().bind(source=section.name)
        self._following = Following(consumer, clock, self._log)
        self._schedule = self._following.schedule
        self._truncations = Truncations(self._following)
        self._meeting = Meeting(
            section,
            self._following,
            self._truncations,
            may_open=may_open,
            wall_s=wall_s,
            adopt=adopt or {},
        )
        self._finishing = Finishing(self._following, section.held_deleted_limit_bytes)
        self._windows = Windows(self._following, section.window_bytes)
        self._guard = ProgressGuard(self._following)
        self._finder = Finder(section.paths, section.exclude)
        self._watching = Watching(self._following, watch)
        self._bell = asyncio.Event()
        self._topology_changed = False
        self._woken: set[str] = set()
        self._scan_took_s = 0.0

    @property
    def directories(self) -> set[str]:
        """Where files of this source can appear and inotify tells of it."""
        return self._watching.directories

    @property
    def awake_directories(self) -> set[str]:
        """Where a file is being looked at so often that no bell is needed."""
        return self._watching.awake_directories

    @property
    def files(self) -> list[LogFile]:
        """The files followed now."""
        return [followed.file for followed in self._following.files.values()]

    @property
    def file_count(self) -> int:
        """How many files are open."""
        return len(self._following.files)

    @property
    def ignored_files(self) -> int:
        """How many files are left out because they are older than `ignore_older_than`."""
        return self._meeting.ignored_files

    @property
    def held_deleted_bytes(self) -> int:
        """Disk space that deleted files keep because they are still open here."""
        return self._finishing.held_deleted_bytes

    @property
    def full_windows(self) -> int:
        """How many files are not read on, because a line far back still waits."""
        return self._windows.files_waiting

    @property
    def stalled(self) -> bool:
        """True while a file that grew makes no progress although it could: restart the daemon."""
        return self._guard.stalled

    def ring(self, topology_changed: bool, modified: set[str]) -> None:
        """A hint that directories changed, or that idle files were written to."""
        self._topology_changed |= topology_changed
        self._woken |= modified
        self._bell.set()

    async def run(self) -> None:
        """Follows the files until cancelled; never between taking lines and counting them."""
        while True:
            await self.rescan_if_due()
            progressed = await self.turns()
            self.turned_at = self._clock()
            self._guard.check_if_due(self.turned_at, self._watching.facts)
            if progressed:
                await asyncio.sleep(0)
            else:
                await self._wait()

    def release(self) -> dict[FileId, LogFile]:
        """Hands over the open files, for the source that takes over after a reload."""
        following = self._following
        files = {file_id: followed.file for file_id, followed in following.files.items()}
        files |= self._meeting.adopted  # before the first scan
        for followed in following.files.values():
            following.schedule.drop(followed)
        following.files.clear()
        self._meeting.adopted = {}
        return files

    def close(self) -> None:
        """Closes all files."""
        for file in self.release().values():
            file.close()

    # -- rescan

    async def rescan_if_due(self) -> None:
        """Looks at the globs if the time or a bell says so."""
        following = self._following
        now = self._clock()
        if self._topology_changed:
            self._topology_changed = False
            following.rescan_within(
                max(RESCAN_AFTER_BELL_S, self._scan_took_s * SCAN_SHARE_AFTER_BELL)
            )
        if now >= following.rescan_at:
            try:
                found = await asyncio.to_thread(self._finder.scan)
            except OSError as error:
                following.rescan_at = now + RESCAN_S
                following.unreadable(Path(self.section.paths[0]), error)
                return
            self._scan_took_s = self._clock() - now
            usual_s = RESCAN_WATCHED_S if self._watching.everywhere else RESCAN_S
            following.rescan_at = now + max(usual_s, self._scan_took_s * SCAN_SHARE)
            self.apply(found)

    def apply(self, found: Scan) -> None:
        """Brings the followed files in line with what a scan found."""
        self._truncations.scan += 1
        self._meeting.apply(found)
        self._truncations.judge(undecided=self._meeting.undecided)
        self._watching.apply(found)
        self._finishing.hold_limit_if_due(self._clock())

    # -- turns

    async def turns(self) -> bool:
        """Gives each file that is due one turn; tells whether any of them had something."""
        now = self._clock()
        self._finishing.hold_limit_if_due(now)
        progressed = False
        looks = 0
        while (followed := self._schedule.pop(now)) is not None:
            if not self._consumer.has_room:
                self._schedule.put(followed, now)
                await self._wait_for_room()
                self._guard.no_room(self._clock())
                return True
            try:
                progressed_here = self.turn(followed)
            except OSError as error:
                # A failing disk, a stale network mount: of this file, not of the daemon.
                self._following.fails(followed, error)
                self._schedule.put(followed, now + COLD_LOOK_S)
                continue
            if followed.failing and progressed_here:  # a look alone says nothing of reading
                self._following.mended(followed)
            looks += 1
            progressed |= progressed_here
            if progressed_here or looks % LOOKS_AT_ONCE == 0:
                await asyncio.sleep(0)
        return progressed

    def turn(self, followed: Followed) -> bool:
        """Looks at one file and reads at most once; tells whether it made progress."""
        file, now = followed.file, self._clock()
        unread_bytes = file.unread_bytes
        growth = file.look()
        if growth is Growth.TRUNCATED:
            self._truncations.start_again(followed, SHRUNK, unread_bytes)
            return True
        if growth is Growth.GROWN:
            followed.grew_at = now
            if self._windows.full(followed):
                return False
            return self._read(followed, file, now, unread_bytes)
        if isinstance(file, ArchiveFile) and self._finishing.finish_archive(followed, file, now):
            return False
        if followed.gone and self._finishing.finish(followed, now):
            return False
        self._schedule.put_quiet(followed, now)
        return False

    def _read(self, followed: Followed, file: LogFile, now: float, unread_bytes: int) -> bool:
        """Reads once from a file that grew; `unread_bytes` were known before this turn."""
        fresh = not isinstance(file, ArchiveFile) and not file.offset and not file.skipping
        if fresh and not self._truncations.begin(followed):
            return True
        taken = file.read(self._consumer.turn_bytes)
        if taken is None:
            if file.skipping:
                followed.progressed_at = now
            self._schedule.put(followed, now + (0 if file.skipping else HOT_LOOK_S))
            return file.skipping
        followed.progressed_at = now
        if isinstance(taken, Rewritten):
            self._truncations.start_again(followed, REWRITTEN, unread_bytes)
            return True
        if isinstance(taken, LongLine):
            followed.track.take_long(taken)
        else:
            followed.track.take(taken)
        self._schedule.put(followed, now)
        return True

    # -- wait

    async def _wait_for_room(self) -> None:
        """Waits for room, but not for long: files that appear in an outage must be opened."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ROOM_S):
                await self._consumer.room()

    async def _wait(self) -> None:
        next_at = self._following.rescan_at
        if (due_at := self._schedule.next_at) is not None:
            next_at = min(next_at, due_at)
        delay_s = next_at - self._clock()
        if delay_s > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._bell.wait()
        if self._bell.is_set():
            self._bell.clear()
            woken, self._woken = self._woken, set()
            self._watching.wake(woken)
