"""What a source asks of the one that it feeds: a `Consumer`, and a `Track` for each file."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from hooktail.config.sections import StartAt
    from hooktail.model import FileId, Lines
    from hooktail.tail.framing import LongLine
    from hooktail.tail.opening import LogFile


class Resumption(NamedTuple):
    """What is known of a file that a scan found: where to go on, or None if it is new."""

    offset: int | None
    later: bool = False
    """It cannot be told yet: ask again soon."""
    done: bool = False
    """An archive of which everything was handed over before."""
    at_end: bool = False
    """What it holds is known, what comes behind it is new."""
    older: bool = False
    """An older copy of a known file: behind `offset` it holds what was read, or is new."""

    @property
    def unknown(self) -> bool:
        """Nothing of the file was ever met, and that is certain."""
        return self.offset is None and not (self.later or self.done or self.at_end)


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

    def read_through(self) -> None:
        """All that an archive holds was handed over: what should have come again is not in it."""

    def archive_done(self, compressed_bytes: int) -> None:
        """Everything of an archive was handed over and settled."""

    def cut_off(self) -> None:
        """The file was truncated: what it held is gone, and this track takes no more."""

    def lost(self, unread_bytes: int) -> None:
        """So many bytes are known to be gone unread; it may come after `cut_off`."""

    @property
    def pending(self) -> int:
        """Lines taken and not settled yet."""

    def window_reaches(self, limit_bytes: int) -> bool:
        """Tells whether a line waits so many bytes before the end of what was taken.

        Never while lines are read that were taken in an earlier life.
        """


class Consumer(Protocol):
    """What a source feeds."""

    @property
    def has_room(self) -> bool:
        """Tells whether more lines may be taken at once."""

    @property
    def turn_bytes(self) -> int:
        """How much of a file is to be read at once: about as much as there is room for."""

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

    def unopened(self, file_id: FileId, path: Path, size: int, *, begins_at_end: bool) -> None:
        """A file that a scan found cannot be opened now.

        With `begins_at_end`, what it holds is not ours; once it can be opened it goes on there.
        """

    def scan_done(self, there: Collection[FileId]) -> None:
        """Every file that a scan found was met; these are there."""

    def resume(self, file: LogFile) -> Resumption:
        """Tells where a file found by a scan goes on."""

    def restored(self, file: LogFile) -> Resumption:
        """Tells where a followed file goes on in whose place an older copy was put back."""

    def is_copy(self, file: LogFile) -> bool:
        """Tells whether a file is a copy of one that is followed."""

    def track(self, file: LogFile) -> Track:
        """Begins, or goes on with, a file at `file.offset`."""
