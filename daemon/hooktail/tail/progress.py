"""The guard against a silent stop: a file grew, its offset did not, and nothing explains it.

It trusts neither bells nor the schedule: it compares the size that a scan saw with the offset, and
asks the file itself whether there is anything to read. A last line that waits for its newline, a
consumer without room, a full window and a file that cannot be read (both are said elsewhere) are
explanations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.paths import shown
from hooktail.tail.file import Growth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail.model import FileId
    from hooktail.tail.discovery import Facts
    from hooktail.tail.following import Following
    from hooktail.tail.schedule import Followed

PROGRESS_S = 60.0
"""A file behind its size for so long, without progress and with room, is stalled."""
GUARD_S = 15.0
"""Between two checks."""


class ProgressGuard:
    """Tells whether a followed file is stalled, and says so once in `PROGRESS_S`."""

    def __init__(self, following: Following) -> None:
        self.stalled = False
        """True while a file makes no progress although it could."""
        self._following = following
        self._check_at = following.clock()
        self._checked_at = following.clock()
        self._room_since = following.clock()

    def no_room(self, now: float) -> None:
        """The consumer takes nothing: waiting is no fault of ours."""
        self._room_since = now

    def check_if_due(self, now: float, facts: Mapping[FileId, Facts]) -> None:
        """Looks at all files every `GUARD_S`; `facts` are those of the last scan."""
        if now >= self._check_at:
            self._check_at = now + GUARD_S
            self.check(now, facts)

    def check(self, now: float, facts: Mapping[FileId, Facts]) -> None:
        """Looks at all files."""
        if not self._following.consumer.has_room:
            self.no_room(now)
        # After a pause of the whole process nothing can have made progress.
        fair_since = now if now - self._checked_at > PROGRESS_S else self._room_since
        self._checked_at = now
        stalled = False
        for file_id, followed in self._following.files.items():
            known = facts.get(file_id)
            if known is not None and known.size == followed.file.offset:
                followed.behind_since = None
            elif self._is_behind(followed, now):
                behind_since = followed.behind_since or now
                since = max(behind_since, followed.progressed_at, fair_since)
                if now - since >= PROGRESS_S:
                    stalled = True
                    self._say(followed, now, now - since)
        self.stalled = stalled

    def _is_behind(self, followed: Followed, now: float) -> bool:
        file = followed.file
        if followed.behind_since is None or file.offset != followed.offset_then:
            followed.behind_since = now
            followed.offset_then = file.offset
        try:
            explained = followed.failing or followed.window_full
            waits = not explained and file.look() is not Growth.QUIET
        except OSError:
            waits = False  # its next turn says so
        if not waits:
            followed.behind_since = None
        return waits

    def _say(self, followed: Followed, now: float, stalled_s: float) -> None:
        if now - followed.told_at < PROGRESS_S:
            return
        followed.told_at = now
        file = followed.file
        self._following.log.error(
            "no_progress",
            path=shown(file.path),
            offset=file.offset,
            size=file.size,
            stalled_s=round(stalled_s),
            hint="the file grew and is not read on; the systemd watchdog is not fed",
        )
