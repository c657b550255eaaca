"""When each file is looked at next, and whose turn it is.

A file that grew lately is *hot* and looked at often; later it is *warm*, then *cold*. Turns are
given in the order in which files became due, one read a turn, so a large backlog never keeps the
others waiting. Files that no path leads to come first, because they hold disk space; but after
`URGENT_TURNS` of theirs one of the others has its turn.

Times are seconds of whatever clock the caller uses.
"""

from __future__ import annotations

import heapq
from itertools import count
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hooktail.tail.consumer import Track
    from hooktail.tail.opening import LogFile

HOT_S, HOT_LOOK_S = 10.0, 0.02
"""A file that grew within HOT_S is looked at every HOT_LOOK_S."""
WARM_S, WARM_LOOK_S = 60.0, 0.25
COLD_LOOK_S = 2.0
COLD_LOOK_WATCHED_S = 120.0
"""Where a bell rings for a file that is written to, looking is only for the bell's failing; and a
scan sees the same, and has a file looked at whose size or time is another than before."""
LOOKS_BESIDE_AWAKE = 1000
"""In a directory with a busy file no bell rings for the others: so many of them are looked at in a
second, but each no more often than a warm file and no less often than where nothing is watched."""
COLD_GRID_S = 0.5
"""Cold files are looked at together so often: each wake-up of the loop costs more than a look."""
COLD_SPREAD = 0.25
"""So much of a cold file's time is left to chance, so that ten thousand are not due at once."""
URGENT_TURNS = 4

_Entry = tuple[float, int, "Followed"]


class Followed:
    """A file with its track and its place in the schedule."""

    __slots__ = (
        "behind_since",
        "beside_awake",
        "failing",
        "file",
        "gone",
        "gone_at",
        "grew_at",
        "look_at",
        "offset_then",
        "progressed_at",
        "real_path",
        "ticket",
        "told_at",
        "track",
        "watched",
        "window_full",
    )

    def __init__(self, file: LogFile, track: Track, now: float) -> None:
        self.file = file
        self.track = track
        self.grew_at = now if file.unread_bytes else now - WARM_S
        self.look_at = now
        self.ticket = -1
        """Its valid entry in the schedule; older ones are void."""
        self.gone = False
        """No path within the globs leads to it."""
        self.gone_at = now
        self.real_path = ""
        self.beside_awake = False
        """In a directory that is not watched for writes, because one of its files is busy."""
        self.watched = True
        """The kernel tells of writes to it, if its directory is watched."""
        self.window_full = False
        """It is not read on, because a line far back still waits."""
        self.failing = False
        """The last turn ended with an error of the disk."""
        self.progressed_at = now
        self.behind_since: float | None = None
        self.offset_then = file.offset
        self.told_at = now
        """These four are the progress guard's."""


class Schedule:
    """The order of turns: by due time, files without a path first."""

    def __init__(self) -> None:
        self.watched = False
        """Every directory is watched that can be."""
        self.cold_beside_awake_s = COLD_LOOK_S
        self._urgent: list[_Entry] = []
        self._ordinary: list[_Entry] = []
        self._sequence = count()
        self._urgent_turns = 0

    def put(self, followed: Followed, look_at: float) -> None:
        """Has a file looked at then, instead of whenever it was due before."""
        followed.look_at = look_at
        followed.ticket = next(self._sequence)
        due = self._urgent if followed.gone else self._ordinary
        heapq.heappush(due, (look_at, followed.ticket, followed))

    def put_quiet(self, followed: Followed, now: float) -> None:
        """Has a file looked at again that had nothing new."""
        quiet_s = now - followed.grew_at
        if quiet_s < HOT_S:
            self.put(followed, now + HOT_LOOK_S)
        elif quiet_s < WARM_S:
            self.put(followed, now + WARM_LOOK_S)
        elif followed.beside_awake and followed.watched:
            self.put(followed, now + self.cold_beside_awake_s)
        else:
            cold_s = COLD_LOOK_WATCHED_S if self.watched and followed.watched else COLD_LOOK_S
            # The golden ratio spreads the numbers 0, 1, 2, ... evenly over [0, 1).
            early_s = followed.ticket * 0.618034 % 1 * COLD_SPREAD * cold_s
            self.put(followed, ceil((now + cold_s - early_s) / COLD_GRID_S) * COLD_GRID_S)

    def share_looks(self, beside_awake: int) -> None:
        """Says how many files lie beside busy ones."""
        interval_s = max(beside_awake / LOOKS_BESIDE_AWAKE, WARM_LOOK_S)
        self.cold_beside_awake_s = min(interval_s, COLD_LOOK_S)

    def drop(self, followed: Followed) -> None:
        """Gives a file no turn any more."""
        followed.ticket = -1

    def pop(self, now: float) -> Followed | None:
        """Takes out the file whose turn it is; None if none is due."""
        urgent = self._head(self._urgent)
        ordinary = self._head(self._ordinary)
        urgent_due = urgent is not None and urgent[0] <= now
        ordinary_due = ordinary is not None and ordinary[0] <= now
        if urgent_due and not (ordinary_due and self._urgent_turns >= URGENT_TURNS):
            self._urgent_turns += 1
            return heapq.heappop(self._urgent)[2]
        self._urgent_turns = 0
        return heapq.heappop(self._ordinary)[2] if ordinary_due else None

    @property
    def next_at(self) -> float | None:
        """When the next file is due; None if there is none."""
        heads = (self._head(self._urgent), self._head(self._ordinary))
        return min((head[0] for head in heads if head is not None), default=None)

    def _head(self, due: list[_Entry]) -> _Entry | None:
        while due and due[0][1] != due[0][2].ticket:
            heapq.heappop(due)
        return due[0] if due else None
