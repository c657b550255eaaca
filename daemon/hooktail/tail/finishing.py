"""Files that are let go: gone and drained, archives done, and deleted ones that hold the disk.

A file that no path leads to is read to its end and closed when it was quiet for `GONE_QUIET_S`
and all its lines are settled: writers such as nginx keep the old file for a while.

The cap on deleted files. A deleted file that is still open keeps its disk blocks, so reading it
costs the machine disk space that nobody sees. Above `held_deleted_limit_bytes` (a source) files
are closed without the quiet time, the one that was deleted first before the others, until the rest
is below the limit: first those read to their end with nothing pending; then those read to their
end; then those with unread bytes, whose loss is said and counted. A file that is being read gets
`DRAIN_S` before that: most are drained in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.paths import shown
from hooktail.tail.archive import ArchiveFile
from hooktail.tail.file import Growth
from hooktail.tail.following import LeftOut
from hooktail.tail.schedule import COLD_LOOK_S

if TYPE_CHECKING:
    from hooktail.tail.following import Following
    from hooktail.tail.opening import LogFile
    from hooktail.tail.schedule import Followed

GONE_QUIET_S = 60.0
"""A file that no path leads to is closed after so long without growth."""
ARCHIVE_QUIET_S = 1.0
"""An archive that has ended so long is complete: no member is being appended."""
ARCHIVE_DAMAGED_S = 600.0
"""An archive that has not ended and has not grown for so long never will."""
DRAIN_S = 30.0
"""A deleted file over the limit is read on for so long, if reading it makes progress at all."""
DRAIN_TURN_S = 10.0
"""A deleted file that had no turn for so long is not being read."""
HOLD_LOOK_S = 1.0
"""Between two looks at what deleted files hold."""


class Finishing:
    """Lets files go, and tells their tracks why."""

    def __init__(self, following: Following, held_deleted_limit_bytes: int) -> None:
        self._following = following
        self._limit_bytes = held_deleted_limit_bytes
        self._look_at = 0.0

    # -- archives

    def finish_archive(self, followed: Followed, file: ArchiveFile, now: float) -> bool:
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
        followed.track.read_through()
        if followed.track.pending:
            return False
        if file.ended_in_long_line:
            self._say_lost(followed, "it ends within a line over max_line_bytes")
        log = self._following.log
        if file.damaged:
            log.error("archive_damaged", path=shown(file.path), reason=file.damaged)
        followed.track.archive_done(file.compressed_bytes)
        log.info("file_finished", path=shown(file.path), offset=file.offset)
        self._following.left_out.add(
            LeftOut(file.file_id, file.path, file.compressed_bytes, file.written_s())
        )
        self._following.let_go(followed)
        return True

    # -- gone files

    def finish(self, followed: Followed, now: float) -> bool:
        """Lets a file go that no path leads to, once it is quiet, read and settled."""
        if now - followed.grew_at < GONE_QUIET_S:
            return False
        _take_tail(followed)
        if followed.track.pending:
            self._following.schedule.put(followed, now + COLD_LOOK_S)
            return True
        self._close(followed)
        return True

    def _close(self, followed: Followed) -> None:
        file = followed.file
        if file.unread_bytes and not isinstance(file, ArchiveFile) and file.deleted():
            self._say_lost(followed, "deleted within a line over max_line_bytes, which never ended")
        self._following.log.info("file_finished", path=shown(file.path), offset=file.offset)
        followed.track.finished()
        self._following.let_go(followed)

    def _say_lost(self, followed: Followed, hint: str) -> None:
        file = followed.file
        self._following.log.warning(
            "bytes_lost",
            path=shown(file.path),
            unread_bytes=file.unread_bytes,
            offset=file.offset,
            hint=hint,
        )
        followed.track.lost(file.unread_bytes)

    # -- deleted files

    @property
    def held_deleted_bytes(self) -> int:
        """Disk space of open files that are deleted, by their size."""
        return sum(_held_bytes(followed.file) for followed in self._deleted())

    def hold_limit_if_due(self, now: float) -> None:
        """Closes deleted files if they hold more than they may."""
        if not self._limit_bytes or now < self._look_at:
            return
        self._look_at = now + HOLD_LOOK_S
        self.hold_limit(now)

    def hold_limit(self, now: float) -> None:
        """Closes deleted files until they hold no more than they may."""
        deleted = sorted(self._deleted(), key=lambda followed: followed.gone_at)
        for followed in deleted:
            followed.file.look()
        over_bytes = sum(_held_bytes(followed.file) for followed in deleted) - self._limit_bytes
        if over_bytes <= 0:
            return
        for pending_too in (False, True):
            for followed in list(deleted):
                if over_bytes <= 0:
                    return
                if not _read_to_the_end(followed):
                    continue
                _take_tail(followed)
                if pending_too or not followed.track.pending:
                    deleted.remove(followed)
                    over_bytes -= _held_bytes(followed.file)
                    if followed.track.pending:
                        self._say_let_go(
                            followed,
                            "what waits is in memory alone: lost if hooktail "
                            "is restarted or reloaded before it is delivered",
                        )
                    self._close(followed)
        for followed in deleted:
            if over_bytes <= 0:
                return
            read_lately = now - max(followed.progressed_at, followed.gone_at) < DRAIN_TURN_S
            if not (read_lately and now - followed.gone_at < DRAIN_S):
                over_bytes -= _held_bytes(followed.file)
                self._let_go_unread(followed)

    def _let_go_unread(self, followed: Followed) -> None:
        unread_bytes = followed.file.unread_bytes
        self._say_let_go(followed, "deleted before it was read")
        followed.track.lost(unread_bytes)
        followed.track.finished()
        self._following.let_go(followed)

    def _say_let_go(self, followed: Followed, why: str) -> None:
        file = followed.file
        self._following.log.warning(
            "deleted_file_let_go",
            path=shown(file.path),
            unread_bytes=file.unread_bytes,
            pending_lines=followed.track.pending,
            held_bytes=_held_bytes(file),
            limit_bytes=self._limit_bytes,
            hint=f"{why}; keep rotated files longer (logrotate's rotate and delaycompress), or "
            "raise held_deleted_limit_bytes",
        )

    def _deleted(self) -> list[Followed]:
        return [
            followed
            for followed in self._following.files.values()
            if followed.gone and followed.file.deleted()
        ]


def _held_bytes(file: LogFile) -> int:
    return file.compressed_bytes if isinstance(file, ArchiveFile) else file.size


def _read_to_the_end(followed: Followed) -> bool:
    """Tells whether nothing is unread but perhaps a last line without its newline."""
    file = followed.file
    return file.look() is Growth.QUIET and not file.skipping


def _take_tail(followed: Followed) -> None:
    """Takes the unterminated last line of a deleted file."""
    file = followed.file
    # A file that was only moved away may return with the rest of its last line.
    if file.unread_bytes and not file.skipping and file.deleted():
        last = file.read_tail()
        if last is not None:
            followed.track.take(last)
