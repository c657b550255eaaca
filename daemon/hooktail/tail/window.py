"""How far a file is read on while one of its first lines still waits: no further than its window.

After a restart a file is read again from its first waiting line. One event that is retried for
ever while its neighbours pass would let that way grow with the file, so reading of this file
waits, and the others go on. A deleted file is read to its end: after a restart there is nothing
of it to be read again, and it should not hold the disk for longer than it must.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.paths import shown

if TYPE_CHECKING:
    from hooktail.tail.following import Following
    from hooktail.tail.schedule import Followed

WINDOW_LOOK_S = 0.25
"""Between two looks at whether a window is open again."""


class Windows:
    """Holds reading back where a window is full, and says so once."""

    def __init__(self, following: Following, limit_bytes: int) -> None:
        self._following = following
        self._limit_bytes = limit_bytes

    def full(self, followed: Followed) -> bool:
        """Tells whether reading of a file must wait, and has it looked at again soon."""
        limit_bytes, file = self._limit_bytes, followed.file
        if limit_bytes and followed.track.window_reaches(limit_bytes):
            if not (followed.gone and file.deleted()):
                if not followed.window_full:
                    followed.window_full = True
                    self._following.log.warning(
                        "window_full",
                        path=shown(file.path),
                        offset=file.offset,
                        window_bytes=limit_bytes,
                        pending=followed.track.pending,
                        hint="a line so far back still waits for its outcome; this file is read on "
                        "when it has one",
                    )
                self._following.schedule.put(followed, self._following.clock() + WINDOW_LOOK_S)
                return True
        elif followed.window_full:
            self._following.log.info("window_open", path=shown(file.path), offset=file.offset)
        followed.window_full = False
        return False

    @property
    def files_waiting(self) -> int:
        """How many files are not read on because their windows are full."""
        return sum(followed.window_full for followed in self._following.files.values())
