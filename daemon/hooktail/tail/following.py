"""The files that a source follows now, and what its parts share about them."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NamedTuple

from hooktail.paths import shown
from hooktail.tail.schedule import Followed, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from structlog.typing import FilteringBoundLogger

    from hooktail.model import FileId
    from hooktail.tail.consumer import Consumer
    from hooktail.tail.opening import LogFile

RESCAN_LATER_S = 0.5
"""The globs are looked at again so soon where it could not be told yet what a file is."""


_MAY_NOT = "the service user may not read it; on Debian, add the user to group adm"
_HINTS = {
    os.strerror(errno.EACCES): _MAY_NOT,
    os.strerror(errno.EPERM): _MAY_NOT,
    os.strerror(errno.ELOOP): "a link that leads back to itself: mend it, or exclude the path",
    os.strerror(errno.ENAMETOOLONG): "exclude the path",
}
_OTHER_HINT = "the disk or the file system refuses it, see the kernel's log; it is tried again"


class LeftOut(NamedTuple):
    """A file that is there and is not followed, as it was when that was decided."""

    file_id: FileId
    path: Path
    size: int
    modified_s: float


class Following:
    """The followed files by inode, their schedule, and the time of the next look at the globs."""

    def __init__(
        self, consumer: Consumer, clock: Callable[[], float], log: FilteringBoundLogger
    ) -> None:
        self.consumer = consumer
        self.clock = clock
        self.log = log
        self.files: dict[FileId, Followed] = {}
        self.schedule = Schedule()
        self.left_out: set[LeftOut] = set()
        """Archives that are there and hold nothing new, as long as they are as they were."""
        self.rescan_at = clock()
        self._unreadable: dict[Path, str] = {}

    def follow(self, file: LogFile, *, gone: bool = False) -> Followed:
        """Gives a file a track and its first turn."""
        followed = Followed(file, self.consumer.track(file), self.clock())
        followed.gone = gone
        self.files[file.file_id] = followed
        self.schedule.put(followed, followed.look_at)
        return followed

    def let_go(self, followed: Followed) -> None:
        """Closes a file; its track was told why."""
        del self.files[followed.file.file_id]
        self.schedule.drop(followed)
        followed.file.close()

    def rescan_within(self, seconds: float) -> None:
        """Has the globs looked at soon."""
        self.rescan_at = min(self.rescan_at, self.clock() + seconds)

    # -- what cannot be read

    def unreadable(self, path: Path, error: OSError) -> None:
        """Says once that a file cannot be opened, until it can again."""
        self._say_unreadable({path: error.strerror or str(error)})

    def fails(self, followed: Followed, error: OSError) -> None:
        """Says once that a file which is open cannot be read, until a turn succeeds."""
        followed.failing = True
        self.unreadable(followed.file.path, error)

    def mended(self, followed: Followed) -> None:
        """Something was read of it after turns that failed."""
        followed.failing = False
        if self._unreadable.pop(followed.file.path, None) is not None:
            self.log.info("file_readable_again", path=shown(followed.file.path))

    def only_unreadable(self, unreadable: dict[Path, str]) -> None:
        """Says what a scan could not look at, and what can be opened again."""
        healed = self._unreadable.keys() - unreadable.keys()
        if healed:
            healed -= {each.file.path for each in self.files.values() if each.failing}
        for path in healed:
            if os.access(path, os.R_OK):
                self.log.info("file_readable_again", path=shown(path))
                del self._unreadable[path]
        self._say_unreadable(unreadable)

    def _say_unreadable(self, unreadable: dict[Path, str]) -> None:
        for path, reason in unreadable.items():
            if self._unreadable.get(path) != reason:
                self.log.warning(
                    "file_unreadable",
                    path=shown(path),
                    reason=reason,
                    hint=_HINTS.get(reason, _OTHER_HINT),
                )
        self._unreadable.update(unreadable)
