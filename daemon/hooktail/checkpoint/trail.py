"""Fingerprints along the way that was read of a file, denser towards its end. Pure.

They tell how much of it an older copy still is that was put back and written to: as far as the
points agree it holds what was read. Points that nobody would miss are left out, so that a file of
any length has few, and yet the next lower point is never farther away than the copy lacks bytes
(or one batch of lines, or `POINT_BYTES`).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

FIRST_BYTES = 4096
POINT_BYTES = 2048
"""Two points are not closer: about ten lines."""


class Trail:
    """Offsets that were read up to, each with the fingerprint of the bytes before it."""

    __slots__ = ("points",)

    def __init__(self, points: Iterable[tuple[int, str]] = ()) -> None:
        self.points = list(points)

    def reach(self, offset: int, before: str) -> None:
        """Takes a new read offset; "" for bytes before it that are not known."""
        points = self.points
        while points and points[-1][0] > offset:
            points.pop()  # rewound
        if not before or (points and offset - points[-1][0] < POINT_BYTES):
            return
        points.append((offset, before))
        for i in range(len(points) - 2, 0, -1):
            # The first beyond `FIRST_BYTES` stays: near the beginning, behind what many begin with.
            is_first = points[i - 1][0] < FIRST_BYTES <= points[i][0]
            if not is_first and points[i + 1][0] - points[i - 1][0] <= offset - points[i + 1][0]:
                del points[i]

    def insert(self, offset: int, before: str) -> None:
        """Adds a point below the read offset, where a copy was seen to part from the file."""
        self.points.append((offset, before))
        self.points.sort()

    def agrees_up_to(self, size: int, before_at: Callable[[int], str]) -> int:
        """Returns the last point of a file of `size` up to which all agree; 0 if none does."""
        agreed = 0
        for offset, before in self.points:
            if offset > size or before_at(offset) != before:
                break
            agreed = offset
        return agreed

    def last_before(self, size: int) -> int:
        """Returns the last point within a file of `size`; 0 if there is none."""
        return max((offset for offset, _ in self.points if offset <= size), default=0)

    def differs(self, before_at: Callable[[int], str]) -> bool:
        """Tells whether a file is seen to be another, where "" is for what cannot be seen."""
        for offset, before in self.points:
            found = before_at(offset)
            if not found:
                return False
            if found != before:
                return True
        return False

    def to_json(self) -> list[int | str]:
        """Returns offsets and fingerprints in turn."""
        return list(chain.from_iterable(self.points))

    @classmethod
    def from_json(cls, flat: Sequence[int | str]) -> Trail:
        """Reads what `to_json` returned. Raises ValueError or TypeError for anything else."""
        pairs = zip(flat[::2], flat[1::2], strict=True)
        return cls((int(offset), str(before)) for offset, before in pairs)
