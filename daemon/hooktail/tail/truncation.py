"""Files whose content is no longer what was read: they start again, and what is lost is counted.

Bytes that were seen in a file and not read when it was truncated are lost, unless a copy has them:
`copytruncate` makes one before it truncates. So the judgement waits for the first scan that began
after the truncation, and as long as that scan found files of which it cannot be told yet what they
are (at most `UNDECIDED_S`). What was written and truncated between two looks nobody can count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hooktail.paths import shown
from hooktail.tail.archive import ArchiveFile
from hooktail.tail.file import Growth
from hooktail.tail.following import RESCAN_LATER_S

if TYPE_CHECKING:
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from hooktail.fingerprint import Head
    from hooktail.tail.consumer import Track
    from hooktail.tail.following import Following
    from hooktail.tail.opening import LogFile
    from hooktail.tail.schedule import Followed

UNDECIDED_S = 30.0
"""While it cannot be told yet what a file is, it is looked at so often for so long."""
SHRUNK = "shorter than what was read, or refilled"
REWRITTEN = "other bytes before the offset"


class _Cut(NamedTuple):
    """A truncation that took unread bytes with it."""

    path: Path
    track: Track
    offset: int
    size: int
    before: str
    """Fingerprint of the bytes before the offset; "" if nothing was read."""
    head: Head | None
    at_s: float
    scan: int
    """The number of the scan before it, or during which it was seen."""


def say_restored(log: FilteringBoundLogger, file: LogFile) -> None:
    """Says that an older copy was put back, and how much of it may be sent a second time."""
    log.warning(
        "file_restored",
        path=shown(file.path),
        offset=file.offset,
        doubtful_bytes=file.unread_bytes,
        hint="an older copy was put back, or lines were edited: what cannot be told from what was "
        "read before is sent, perhaps again, with the same event ids where lines did not move"
        if file.unread_bytes
        else "an older copy was put back: what it holds is not sent again",
    )


class Truncations:
    """Starts truncated files again, and remembers what they took with them."""

    def __init__(self, following: Following) -> None:
        self.scan = 0
        """The number of the last scan."""
        self._following = following
        self._cuts: list[_Cut] = []

    def start_again(self, followed: Followed, reason: str, unread_bytes: int) -> None:
        """Reads a file from its beginning; `unread_bytes` of the old content were seen before."""
        following, file = self._following, followed.file
        following.log.warning(
            "file_truncated",
            path=shown(file.path),
            reason=reason,
            offset=file.offset,
            size=file.size,
            hint="lines written shortly before a truncation can be lost; prefer logrotate's "
            "'create' over 'copytruncate'",
        )
        if unread_bytes and not isinstance(file, ArchiveFile):  # of those it is an estimate
            self._cuts.append(
                _Cut(
                    path=file.path,
                    track=followed.track,
                    offset=file.reached,
                    size=file.reached + unread_bytes,
                    before=file.before_reached,
                    head=file.head if file.head_is_full else None,
                    at_s=following.clock(),
                    scan=self.scan,
                )
            )
            following.rescan_within(RESCAN_LATER_S)
        followed.track.cut_off()
        known = following.consumer.restored(file)
        if known.at_end:
            file.go_to_end()
        else:
            file.rewind(known.offset or 0)
        if known.at_end or known.older:
            say_restored(following.log, file)
        followed.track = following.consumer.track(file)
        following.schedule.put(followed, following.clock())

    def begin(self, followed: Followed) -> bool:
        """A file that was empty has content: unless it is a copy being made, it is read."""
        if not self._following.consumer.is_copy(followed.file):
            followed.track.begun()
            return True
        followed.track.cut_off()
        self._following.let_go(followed)
        self._following.rescan_within(RESCAN_LATER_S)
        return False

    def look_at_all(self) -> None:
        """Sees truncations before new files are met, which may be copies of what was truncated."""
        for followed in list(self._following.files.values()):
            try:
                self._look_at(followed)
            except OSError as error:  # a stale mount: of this file, not of the others
                self._following.fails(followed, error)

    def _look_at(self, followed: Followed) -> None:
        file = followed.file
        unread_bytes = file.unread_bytes
        if file.look() is Growth.QUIET:
            return
        if not file.still_holds_what_was_read():
            self.start_again(followed, SHRUNK, unread_bytes)
        elif file.offset == 0:
            self.begin(followed)

    def met(self, file: LogFile, known_offset: int | None) -> None:
        """A file was met that goes on at `known_offset`: it may have what a truncation took."""
        for cut in [cut for cut in self._cuts if _takes_over(cut, file, known_offset)]:
            self._cuts.remove(cut)
            if not isinstance(file, ArchiveFile) and file.size < cut.size:
                self._say_lost(cut, cut.size - file.size)

    def judge(self, *, undecided: bool) -> None:
        """Counts what no copy has, at the end of a scan that left some files `undecided` or not."""
        now = self._following.clock()
        for cut in list(self._cuts):
            if cut.scan == self.scan:
                continue  # the copy may be younger than this scan
            if undecided and now < cut.at_s + UNDECIDED_S:
                continue
            self._cuts.remove(cut)
            self._say_lost(cut, cut.size - cut.offset)

    def _say_lost(self, cut: _Cut, unread_bytes: int) -> None:
        self._following.log.warning(
            "bytes_lost",
            path=shown(cut.path),
            unread_bytes=unread_bytes,
            offset=cut.offset,
            hint="truncated before they were read, and no file within paths has a copy of them",
        )
        cut.track.lost(unread_bytes)


def _takes_over(cut: _Cut, file: LogFile, known_offset: int | None) -> bool:
    if not cut.offset:
        # Nothing was read, so nothing tells a copy from another file, but that it can hold it all.
        return not known_offset and not isinstance(file, ArchiveFile) and file.size >= cut.size
    if known_offset is None:
        return False
    if isinstance(file, ArchiveFile):
        return (
            known_offset <= cut.offset
            and (cut.head is None or cut.head.matches(file.head_bytes()))
            and file.before_at(cut.offset) in ("", cut.before)
        )
    return file.size >= cut.offset and file.before_at(cut.offset) == cut.before
