"""A bounded memory for values that logs repeat: addresses, agents, times."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

K = TypeVar("K", bound="bytes | str")
T = TypeVar("T")

_LONGEST_KEY = 512


class _Bounded(dict[K, T]):
    """Answers `memo[key]` with `make(key)`, remembering at most `limit` short keys.

    A hit costs one dictionary look-up and no Python frame. A full memory is emptied: what is
    frequent is back at once, and nothing has to be kept in order. Long keys are not kept, so that
    the memory stays bounded in bytes too. `make` must be a pure function and never raise.
    """

    __slots__ = ("_limit", "_make")

    def __init__(self, make: Callable[[K], T], limit: int = 4096) -> None:
        super().__init__()
        self._make = make
        self._limit = limit

    def __missing__(self, key: K) -> T:
        value = self._make(key)
        if len(key) <= _LONGEST_KEY:
            if len(self) >= self._limit:
                self.clear()
            self[key] = value
        return value


class Memo(_Bounded[bytes, T]):
    """A memory of values by bytes as they stand in the log."""

    __slots__ = ()


class TextMemo(_Bounded[str, T]):
    """A memory of values by text that is decoded already."""

    __slots__ = ()
