"""A source at work: its files found, followed, read in fair turns, and let go when finished.

It knows nothing of formats, events or checkpoints: it hands lines to a `Track`, one per file,
which the `Consumer` gives it together with the offset to resume from.

The cycle, each step a method that tests may call by hand:

    rescan   glob + stat: new files are opened, moved ones renamed, vanished ones marked gone
    turn     one file: fstat, then at most one read; truncation starts the file again
    wait     until the next file is due, or the bell rings
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import os
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol

import structlog

from hooktail.paths import shown
from hooktail.tail.archive import ArchiveFile
from hooktail.tail.discovery import Scan, scan
from hooktail.tail.file import Growth, Rewritten
from hooktail.tail.framing import LongLine
from hooktail.tail.opening import open_log

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.config.sections import SourceSection, StartAt
    from hooktail.model import FileId, Lines
    from hooktail.tail.opening import LogFile

RESCAN_S = 2.0
"""Between two looks at the globs; a bell shortens it to `RESCAN_AFTER_BELL_S`."""
RESCAN_WATCHED_S = 10.0
"""The same where every directory is watched and the look is only for what no bell tells."""
SCAN_SHARE = 200
"""A look that took long is not repeated before so many times its duration: half a percent."""
RESCAN_AFTER_BELL_S = 0.1
RESCAN_LATER_S = 0.5
ROOM_S = 0.25
"""While there is no room, bells are heard and globs looked at so often."""
UNDECIDED_S = 30.0
"""While it cannot be told yet what a file is, it is looked at so often for so long."""
HOT_S, HOT_LOOK_S = 10.0, 0.02
"""A file that grew within HOT_S is looked at every HOT_LOOK_S."""
WARM_S, WARM_LOOK_S = 60.0, 0.25
COLD_LOOK_S = 2.0
COLD_LOOK_WATCHED_S = 20.0
"""Where a bell rings for a file that is written to, looking is only for the bell's failing."""
GONE_QUIET_S = 60.0
"""A file that no path leads to is closed after so long without growth: writers such as nginx
keep the old file for a while after a rotation."""


ARCHIVE_QUIET_S = 1.0
"""An archive that has ended so long is complete: no member is being appended."""
ARCHIVE_DAMAGED_S = 600.0
"""An archive that has not ended and has not grown for so long never will."""


class Resumption(NamedTuple):
    """What is known of a file that a scan found: where to go on, or None if it is new."""

    offset: int | None
    later: bool = False
    """It cannot be told yet: ask again soon."""
    done: bool = False
    """An archive of which everything was handed over before."""
    at_end: bool = False
    """What it holds is known, what comes behind it is new."""


class Track(Protocol):
    """The consumer's side of one file: it takes lines and knows which still wait."""

    def take(self, lines: Lines) -> None:
        """Takes whole lines; every one of them will be settled."""

    def take_long(self, line: LongLine) -> None:
        """Takes a line over the limit."""

    def moved(self) -> None:
        """The file has a new path."""

    def begun(self) -> None:
        """A file that was empty has content now."""

    def finished(self) -> None:
        """Nothing of the file is left to read, and no path leads to it."""

    def archive_done(self, compressed_bytes: int) -> None:
        """Everything of an archive was handed over and settled."""

    def cut_off(self) -> None:
        """The file was truncated: what it held is gone, and this track takes no more."""

    @property
    def pending(self) -> int:
        """Lines taken and not settled yet."""


class Consumer(Protocol):
    """What a source feeds."""

    @property
    def has_room(self) -> bool:
        """Tells whether more lines may be taken at once."""

    async def room(self) -> None:
        """Waits until more lines may be taken."""

    @property
    def started_before(self) -> bool:
        """Tells whether this source has ever looked at its files."""

    @property
    def begin_at(self) -> StartAt | None:
        """Where the first scan begins instead of `start_at`, after a damaged checkpoint."""

    def first_scan_done(self) -> None:
        """The files that existed at the very first start are all known now."""

    def knows(self, file_id: FileId) -> bool:
        """Tells whether an inode was met before."""

    def resume(self, file: LogFile) -> Resumption:
        """Tells where a file found by a scan goes on."""

    def is_copy(self, file: LogFile) -> bool:
        """Tells whether a file is a copy of one that is followed."""

    def track(self, file: LogFile) -> Track:
        """Begins, or goes on with, a file at `file.offset`."""


class _Followed:
    """A file with its track and its place in the schedule."""

    __slots__ = ("file", "gone", "grew_at", "look_at", "track")

    def __init__(self, file: LogFile, track: Track, now: float) -> None:
        self.file = file
        self.track = track
        self.grew_at = now if file.unread_bytes else now - WARM_S
        self.look_at = now
        self.gone = False


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
    ) -> None:
        self.section = section
        self.directories: set[str] = set()
        """Where files of this source can appear."""
        self.awake_directories: set[str] = set()
        """Where a file is being looked at so often that no bell is needed."""
        self.turned_at = clock()
        self._consumer = consumer
        self._clock = clock
        self._watch = watch
        self._watched = False
        self._start_at = section.start_at
        self._may_open = may_open
        self._adopted = adopt or {}
        self._followed: dict[FileId, _Followed] = {}
        self._left_out: set[tuple[FileId, Path]] = set()
        self._undecided: dict[FileId, float] = {}
        self._at_end_once_readable: set[Path] = set()
        self._unreadable: dict[Path, str] = {}
        self._told_of_none = False
        self._told_of_limit = False
        self._due: list[tuple[float, int, _Followed]] = []
        self._sequence = count()
        self._bell = asyncio.Event()
        self._topology_changed = False
        self._woken: set[str] = set()
        self._rescan_at = clock()
        self._log = structlog.get_logger().bind(source=section.name)

    @property
    def files(self) -> list[LogFile]:
        """The files followed now."""
        return [followed.file for followed in self._followed.values()]

    @property
    def file_count(self) -> int:
        """How many files are open."""
        return len(self._followed)

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
            if progressed:
                await asyncio.sleep(0)
            else:
                await self._wait()

    def release(self) -> dict[FileId, LogFile]:
        """Hands over the open files, for the source that takes over after a reload."""
        files = {file_id: followed.file for file_id, followed in self._followed.items()}
        files |= self._adopted  # before the first scan
        self._followed.clear()
        self._adopted = {}
        return files

    def close(self) -> None:
        """Closes all files."""
        for file in self.release().values():
            file.close()

    # -- rescan

    async def rescan_if_due(self) -> None:
        """Looks at the globs if the time or a bell says so."""
        now = self._clock()
        if self._topology_changed:
            self._topology_changed = False
            self._rescan_at = min(self._rescan_at, now + RESCAN_AFTER_BELL_S)
        if now >= self._rescan_at:
            try:
                found = await asyncio.to_thread(scan, self.section.paths, self.section.exclude)
            except OSError as error:
                self._rescan_at = now + RESCAN_S
                self._report_unreadable({Path(self.section.paths[0]): error.strerror or str(error)})
                return
            took_s = self._clock() - now
            usual_s = RESCAN_WATCHED_S if self._watched else RESCAN_S
            self._rescan_at = now + max(usual_s, took_s * SCAN_SHARE)
            self.apply(found)

    def apply(self, found: Scan) -> None:
        """Brings the followed files in line with what a scan found."""
        self._report_unreadable(found.unreadable)
        first = not self._consumer.started_before
        self._start_at = self._consumer.begin_at or self.section.start_at
        for file_id in self._adopted.keys() - found.files.keys():
            # Deleted or moved away before a reload, with bytes perhaps unread.
            self._follow_adopted(file_id, gone=True)
        if found.files.keys() - self._followed.keys():
            self._look_at_all()  # what is new may be a copy of what was just truncated
        # Those that the checkpoint knows by inode first, before a copy can take their place.
        by_inode = sorted(found.files, key=lambda file_id: not self._consumer.knows(file_id))
        for file_id in by_inode:
            path = found.files[file_id]
            followed = self._followed.get(file_id)
            if followed is None:
                self._meet(file_id, path, first=first)
            else:
                followed.gone = False
                if followed.file.path != path:
                    self._log.info("file_moved", path=shown(followed.file.path), to=shown(path))
                    followed.file.path = path
                    followed.track.moved()
        for file_id, followed in self._followed.items():
            if file_id not in found.files and not followed.gone:
                followed.gone = True
                self._log.info("file_gone", path=shown(followed.file.path))
        self._left_out &= found.files.items()
        for file_id in self._undecided.keys() - found.files.keys():
            del self._undecided[file_id]
        if not found.files and not found.unreadable and not self._told_of_none:
            self._told_of_none = True
            self._log.warning(
                "no_files", paths=list(self.section.paths), hint="none is there yet; still looking"
            )
        if first:
            self._consumer.first_scan_done()
        self.directories = found.directories
        self._watch_directories()

    def _look_at_all(self) -> None:
        for followed in list(self._followed.values()):
            growth = followed.file.look()
            if growth is Growth.QUIET:
                continue
            if not followed.file.still_holds_what_was_read():
                self._start_again(followed, "shorter than what was read, or refilled")
            elif followed.file.offset == 0:
                self._begin(followed)

    def _begin(self, followed: _Followed) -> bool:
        """A file that was empty has content: unless it is a copy being made, it is read."""
        if not self._consumer.is_copy(followed.file):
            followed.track.begun()
            return True
        followed.track.cut_off()
        del self._followed[followed.file.file_id]
        followed.file.close()
        self._rescan_at = min(self._rescan_at, self._clock() + RESCAN_LATER_S)
        return False

    def _meet(self, file_id: FileId, path: Path, *, first: bool) -> None:
        if file_id in self._adopted:
            self._follow_adopted(file_id, gone=False)
            return
        if (file_id, path) in self._left_out:
            return
        if not self._may_open():
            if not self._told_of_limit:
                self._told_of_limit = True
                self._log.error(
                    "too_many_files",
                    open=len(self._followed),
                    hint="raise the limit of open files (LimitNOFILE), or narrow paths; the rest "
                    "is read when others are finished",
                )
            return
        try:
            file = open_log(path, max_line_bytes=self.section.max_line_bytes)
        except FileNotFoundError:
            return  # the next scan knows more
        except OSError as error:
            self._report_unreadable({path: error.strerror or str(error)}, keep=True)
            if first and self._start_at == "end":
                self._at_end_once_readable.add(path)
            return
        if file is None:
            self._ask_again(file_id)
            return
        if file.file_id != file_id:
            file.close()  # replaced between stat and open; the next scan meets the new one
            return
        known = self._consumer.resume(file)
        if known.later:
            file.close()
            self._ask_again(file_id)
            return
        self._undecided.pop(file_id, None)
        if known.done:
            file.close()
            self._left_out.add((file_id, path))
            return
        if known.offset is not None:
            file.rewind(known.offset)
            self._log.info("file_resumed", path=shown(path), offset=file.offset, size=file.size)
        elif known.at_end:
            file.go_to_end()
            self._log.info("file_known", path=shown(path), offset=file.offset)
        elif (first and self._start_at == "end") or path in self._at_end_once_readable:
            self._at_end_once_readable.discard(path)
            file.go_to_end()
            self._log.info("file_started", path=shown(path), offset=file.offset, at="end")
        else:
            self._log.info("file_started", path=shown(path), offset=0, at="beginning")
        self._follow(file)

    def _ask_again(self, file_id: FileId) -> None:
        """Looks again soon, for a while, at a file of which it cannot be told what it is."""
        now = self._clock()
        if now < self._undecided.setdefault(file_id, now + UNDECIDED_S):
            self._rescan_at = min(self._rescan_at, now + RESCAN_LATER_S)

    def _follow(self, file: LogFile) -> _Followed:
        followed = _Followed(file, self._consumer.track(file), self._clock())
        self._followed[file.file_id] = followed
        self._schedule(followed, followed.look_at)
        return followed

    def _follow_adopted(self, file_id: FileId, *, gone: bool) -> None:
        """Goes on with a file that was open before a reload."""
        file = self._adopted[file_id]
        known = self._consumer.resume(file)
        if known.later:
            self._ask_again(file_id)
            return
        del self._adopted[file_id]
        file.rewind(known.offset or 0)
        self._follow(file).gone = gone

    def _report_unreadable(self, unreadable: dict[Path, str], *, keep: bool = False) -> None:
        for path, reason in unreadable.items():
            if self._unreadable.get(path) != reason:
                self._log.warning(
                    "file_unreadable",
                    path=shown(path),
                    reason=reason,
                    hint="the service user may not read it; on Debian, add the user to group adm",
                )
        if keep:
            self._unreadable.update(unreadable)
        else:
            for path in self._unreadable.keys() - unreadable.keys():
                if os.access(path, os.R_OK):
                    self._log.info("file_readable_again", path=shown(path))
                    del self._unreadable[path]
            self._unreadable.update(unreadable)

    def _watch_directories(self) -> None:
        now = self._clock()
        self.awake_directories = {
            os.path.dirname(os.path.realpath(followed.file.path))
            for followed in self._followed.values()
            if now - followed.grew_at < HOT_S
        }
        self._watched = self._watch()

    # -- turns

    async def turns(self) -> bool:
        """Gives each file that is due one turn; tells whether any of them had something."""
        now = self._clock()
        progressed = False
        while self._due and self._due[0][0] <= now:
            look_at, _, followed = heapq.heappop(self._due)
            if look_at != followed.look_at or followed.file.file_id not in self._followed:
                continue  # scheduled anew meanwhile, or let go
            if not self._consumer.has_room:
                self._schedule(followed, now)
                await self._wait_for_room()
                return True
            try:
                progressed_here = self.turn(followed)
            except OSError as error:
                # A failing disk, a stale network mount: of this file, not of the daemon.
                self._report_unreadable(
                    {followed.file.path: error.strerror or str(error)}, keep=True
                )
                self._schedule(followed, now + COLD_LOOK_S)
                continue
            if progressed_here:
                progressed = True
                await asyncio.sleep(0)
        return progressed

    def turn(self, followed: _Followed) -> bool:
        """Looks at one file and reads at most once; tells whether it made progress."""
        file, now = followed.file, self._clock()
        growth = file.look()
        if growth is Growth.TRUNCATED:
            self._start_again(followed, "shorter than what was read, or refilled")
            return True
        if growth is Growth.GROWN:
            followed.grew_at = now
            plain = not isinstance(file, ArchiveFile)
            if plain and not file.offset and not file.skipping and not self._begin(followed):
                return True
            taken = file.read()
            if taken is None:
                self._schedule(followed, now + (0 if file.skipping else HOT_LOOK_S))
                return file.skipping
            if isinstance(taken, Rewritten):
                self._start_again(followed, "other bytes before the offset")
                return True
            if isinstance(taken, LongLine):
                followed.track.take_long(taken)
            else:
                followed.track.take(taken)
            self._schedule(followed, now)
            return True
        if isinstance(file, ArchiveFile) and self._finish_archive(followed, file, now):
            return False
        if followed.gone and self._finish(followed, now):
            return False
        quiet_s = now - followed.grew_at
        if quiet_s < HOT_S:
            self._schedule(followed, now + HOT_LOOK_S)
        else:
            cold_s = COLD_LOOK_WATCHED_S if self._watched else COLD_LOOK_S
            self._schedule(followed, now + (WARM_LOOK_S if quiet_s < WARM_S else cold_s))
        return False

    def _start_again(self, followed: _Followed, reason: str) -> None:
        file = followed.file
        self._log.warning(
            "file_truncated",
            path=shown(file.path),
            reason=reason,
            offset=file.offset,
            size=file.size,
            hint="lines written shortly before a truncation can be lost; prefer logrotate's "
            "'create' over 'copytruncate'",
        )
        followed.track.cut_off()
        if file.head_is_full and file.head.matches(file.head_bytes()):
            file.go_to_end()
            self._log.warning("file_restored", path=shown(file.path), offset=file.offset)
        else:
            file.rewind(0)
        followed.track = self._consumer.track(file)
        self._schedule(followed, self._clock())

    def _finish_archive(self, followed: _Followed, file: ArchiveFile, now: float) -> bool:
        """Lets an archive go whose end was reached; one that does not end is damaged one day."""
        quiet_s = now - followed.grew_at
        if not (file.ended or file.finished or file.damaged):
            if quiet_s > ARCHIVE_DAMAGED_S:
                file.give_up()
            return False
        if quiet_s < ARCHIVE_QUIET_S:
            return False
        last = file.read_tail()
        if last is not None:
            followed.track.take(last)
        if followed.track.pending:
            return False
        if file.damaged:
            self._log.error("archive_damaged", path=shown(file.path), reason=file.damaged)
        followed.track.archive_done(file.compressed_bytes)
        self._log.info("file_finished", path=shown(file.path), offset=file.offset)
        self._left_out.add((file.file_id, file.path))
        del self._followed[file.file_id]
        file.close()
        return True

    def _finish(self, followed: _Followed, now: float) -> bool:
        """Lets a file go that no path leads to, once it is quiet, read and settled."""
        if now - followed.grew_at < GONE_QUIET_S:
            return False
        file = followed.file
        # A file that was only moved away may return with the rest of its last line.
        if file.unread_bytes and not file.skipping and file.deleted():
            last = file.read_tail()
            if last is not None:
                followed.track.take(last)
        if followed.track.pending:
            self._schedule(followed, now + COLD_LOOK_S)
            return True
        self._log.info("file_finished", path=shown(file.path), offset=file.offset)
        followed.track.finished()
        del self._followed[file.file_id]
        file.close()
        return True

    # -- wait

    def _schedule(self, followed: _Followed, look_at: float) -> None:
        followed.look_at = look_at
        heapq.heappush(self._due, (look_at, next(self._sequence), followed))

    async def _wait_for_room(self) -> None:
        """Waits for room, but not for long: files that appear in an outage must be opened."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ROOM_S):
                await self._consumer.room()

    async def _wait(self) -> None:
        next_at = min(self._due[0][0] if self._due else self._rescan_at, self._rescan_at)
        delay_s = next_at - self._clock()
        if delay_s > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay_s):
                    await self._bell.wait()
        if self._bell.is_set():
            self._bell.clear()
            self._wake()

    def _wake(self) -> None:
        woken, self._woken = self._woken, set()
        if not woken:
            return
        now = self._clock()
        for followed in self._followed.values():
            path = followed.file.path
            if str(path) in woken or os.path.realpath(path) in woken:
                followed.grew_at = now
                self._schedule(followed, now)
        self._watch_directories()
