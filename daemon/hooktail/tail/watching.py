"""Which directories are worth a bell, and for which file a bell rings.

A scan is the truth, a bell only a hint: a file whose size or time a scan found changed is looked at
as if a bell had rung. Directories on file systems of which the kernel does not tell everything are
left out, and their files looked at as often as where nothing is watched.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hooktail.paths import shown
from hooktail.tail.mounts import why_deaf
from hooktail.tail.schedule import HOT_S, WARM_LOOK_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hooktail.model import FileId
    from hooktail.tail.discovery import Facts, Scan
    from hooktail.tail.following import Following
    from hooktail.tail.schedule import Followed


class Watching:
    """Keeps the directories of a source, and the paths by which the kernel tells of its files."""

    def __init__(self, following: Following, watch: Callable[[], bool]) -> None:
        self.directories: set[str] = set()
        self.awake_directories: set[str] = set()
        self.facts: Mapping[FileId, Facts] = {}
        """What the last scan said of the files."""
        self._following = following
        self._watch = watch
        self._by_real_path: dict[str, Followed] = {}
        self._polled: dict[str, str] = {}

    @property
    def everywhere(self) -> bool:
        """Tells whether every directory is watched."""
        return self._following.schedule.watched and not self._polled

    def apply(self, found: Scan) -> None:
        """Has the directories watched that a scan found, and files looked at that changed."""
        self._note_polled(found.polled)
        self._note_facts(found.facts)
        self.directories = found.directories - found.polled.keys()
        self._watch_directories()

    def wake(self, real_paths: set[str]) -> None:
        """Has the files looked at that were written to while they were idle."""
        following = self._following
        now = following.clock()
        woken = False
        for real_path in real_paths:
            followed = self._by_real_path.get(real_path)
            if followed is not None and followed.file.file_id in following.files:
                followed.grew_at = now
                following.schedule.put(followed, now)
                woken = True
        if woken:
            self._watch_directories()

    def _note_polled(self, polled: dict[str, str]) -> None:
        for directory, kind in polled.items():
            if self._polled.get(directory) != kind:
                self._following.log.info(
                    "watching_by_polling",
                    path=shown(Path(directory)),
                    file_system=kind,
                    reason=why_deaf(kind),
                )
        self._polled = polled

    def _note_facts(self, facts: Mapping[FileId, Facts]) -> None:
        following, polled = self._following, self._polled
        now = following.clock()
        by_real_path = {}
        for file_id, followed in following.files.items():
            known = facts.get(file_id)
            if known is None:
                continue
            by_real_path[known.real_path] = followed
            if known != self.facts.get(file_id):
                followed.real_path = known.real_path
                if followed.look_at > now:
                    following.schedule.put(followed, now)
            followed.watched = not polled or os.path.dirname(known.real_path) not in polled
        self.facts = facts
        self._by_real_path = by_real_path

    def _watch_directories(self) -> None:
        now = self._following.clock()
        self.awake_directories = {
            os.path.dirname(followed.real_path)
            for followed in self._following.files.values()
            if now - followed.grew_at < HOT_S and followed.real_path
        }
        self._look_beside_awake(now)
        self._following.schedule.watched = self._watch()

    def _look_beside_awake(self, now: float) -> None:
        """Has the files looked at soon for which no bell rings from now on."""
        schedule, awake = self._following.schedule, self.awake_directories
        beside = 0
        for followed in self._following.files.values():
            before = followed.beside_awake
            followed.beside_awake = os.path.dirname(followed.real_path) in awake
            beside += followed.beside_awake
            if followed.beside_awake and not before:
                schedule.put(followed, min(followed.look_at, now + WARM_LOOK_S))
        schedule.share_looks(beside)
