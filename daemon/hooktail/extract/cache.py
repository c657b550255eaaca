"""A bounded memory of computed values. It does not know what is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

V = TypeVar("V")

LONGEST_KEY = 2048


class Cache(dict[str, V]):
    """`cache[key]` is `compute(key)`, remembered for up to `size` keys; a hit costs a dict lookup.

    A full cache is emptied: simpler than ageing, and a flood of unique keys costs the same either
    way. Keys over `LONGEST_KEY` characters are not remembered, so that memory stays bounded
    whatever a client sends.
    """

    __slots__ = ("_compute", "_size")

    def __init__(self, compute: Callable[[str], V], size: int = 8192) -> None:
        super().__init__()
        self._compute = compute
        self._size = size

    def __missing__(self, key: str) -> V:
        value = self._compute(key)
        if len(key) <= LONGEST_KEY:
            if len(self) >= self._size:
                self.clear()
            self[key] = value
        return value
