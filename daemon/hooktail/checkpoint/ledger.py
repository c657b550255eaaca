"""Which lines of a file still wait for their outcome. Pure.

Everything below the read offset is settled except the lines in `pending`. That is the complement
of remembering what was settled above the mark, and smaller: what waits is bounded by the queue,
and lines that never become events cost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class LedgerDelta(NamedTuple):
    """What changed since the last one was taken."""

    read: int
    opened: list[int]
    settled: list[int]


class Ledger:
    """The settled state of the lines of one file; a line is known by its start offset."""

    __slots__ = ("_floor", "_opened", "_settled", "pending", "read")

    def __init__(self, read: int = 0, pending: Iterable[int] = ()) -> None:
        self.read = read
        """Offset up to which lines were read; never inside a line."""
        self.pending: set[int] = set(pending)
        self._floor = 0  # the mark is not below it, and is not asked for at every turn
        self._opened: list[int] = []
        self._settled: list[int] = []

    @property
    def mark(self) -> int:
        """Everything below it is settled: the offset from which a restart would read."""
        return min(self.pending, default=self.read)

    def window_reaches(self, limit_bytes: int) -> bool:
        """Tells whether the mark is so many bytes or more behind; quick while it is not."""
        if self.read - self._floor < limit_bytes:
            return False
        self._floor = self.mark
        return self.read - self._floor >= limit_bytes

    def advance(self, end: int, opened: Iterable[int]) -> None:
        """The lines up to `end` were read; those that begin at `opened` wait."""
        self.read = end
        starts = list(opened)
        self.pending.update(starts)
        self._opened += starts

    def wait_for(self, starts: Iterable[int]) -> None:
        """Lines below the read offset wait that another ledger had opened."""
        opened = list(starts)
        self.pending.update(opened)
        self._opened += opened
        self._floor = min([self._floor, *opened])

    def settle(self, start: int) -> None:
        """The line at `start` has its outcome. Raises KeyError if it was not waiting."""
        self.pending.remove(start)
        self._settled.append(start)

    def take_delta(self) -> LedgerDelta:
        """Returns what changed since the last call; a line opened and settled appears in both."""
        delta = LedgerDelta(self.read, self._opened, self._settled)
        self._opened, self._settled = [], []
        return delta
