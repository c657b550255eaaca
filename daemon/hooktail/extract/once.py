"""Which `once_per` keys are taken, and by which line. It does not know how keys are made.

A claim costs about 140 bytes: key and owner are kept as 64-bit digests, with the time in one whole
number. Two texts of a million share a digest with a probability of one in forty million.
"""

from __future__ import annotations

from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hooktail.model import Claim

WINDOW_MS = 30 * 86_400_000
"""A key is taken for so much event time, before and after the event that took it, unless its rule
says otherwise."""

MAX_CLAIMS = 1_000_000
"""More than these are not remembered: the ones made first go, so that memory stays bounded
whatever a client sends."""

Standing = Literal["free", "own", "taken"]

_TIME_BITS = 48
_TIME = (1 << _TIME_BITS) - 1


class OnceBook:
    """The claims of all sources. A line that is read again still owns what it claimed."""

    def __init__(self, claims: Iterable[Claim] = (), limit: int = MAX_CLAIMS) -> None:
        self._limit = limit
        self._claims: dict[int, int] = {}
        for claim in claims:
            self._put(_digest(claim.key), _digest(claim.owner), claim.time_ms)

    def standing(self, key: str, owner: str, time_ms: int, window_ms: int = WINDOW_MS) -> Standing:
        """Says whether a key is free for a line at this time, its own already, or another's."""
        claim = self._claims.get(_digest(key))
        if claim is None or abs(time_ms - (claim & _TIME)) >= window_ms:
            return "free"
        return "own" if claim >> _TIME_BITS == _digest(owner) else "taken"

    def claim(self, key: str, owner: str, time_ms: int, window_ms: int = WINDOW_MS) -> Standing:
        """Takes the key for a line if it is free; returns how it stood before."""
        standing = self.standing(key, owner, time_ms, window_ms)
        if standing == "free":
            self._put(_digest(key), _digest(owner), time_ms)
        return standing

    def forget_before(self, time_ms: int) -> None:
        """Forgets claims of events before this time."""
        self._claims = {
            key: claim for key, claim in self._claims.items() if claim & _TIME >= time_ms
        }

    def __len__(self) -> int:
        return len(self._claims)

    def _put(self, key: int, owner: int, time_ms: int) -> None:
        claims = self._claims
        claims.pop(key, None)  # the newest claim stands last
        if len(claims) >= self._limit:
            # Several at a time: to find the first of a dictionary takes the longer the more of
            # its first ones are gone.
            for first in list(islice(claims, max(self._limit // 64, 1))):
                del claims[first]
        claims[key] = owner << _TIME_BITS | time_ms & _TIME


def _digest(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest(), "big")
