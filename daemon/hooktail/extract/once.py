"""Which `once_per` keys are taken, and by which line. It does not know how keys are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.model import Claim

if TYPE_CHECKING:
    from collections.abc import Iterable

WINDOW_MS = 30 * 86_400_000
"""A key is taken for 30 days of event time, before and after the event that took it."""


class OnceBook:
    """The claims of all sources. A line that is read again still owns what it claimed."""

    def __init__(self, claims: Iterable[Claim] = ()) -> None:
        self._claims = {claim.key: claim for claim in claims}

    def owner(self, key: str, time_ms: int) -> str | None:
        """Names the line that holds the key at this time, None if the key is free."""
        claim = self._claims.get(key)
        if claim is None or abs(time_ms - claim.time_ms) >= WINDOW_MS:
            return None
        return claim.owner

    def claim(self, key: str, owner: str, time_ms: int) -> bool:
        """Takes the key for a line; True if it was free or is the same line's already."""
        holder = self.owner(key, time_ms)
        if holder is None:
            self._claims[key] = Claim(key, owner, time_ms)
        return holder is None or holder == owner

    def forget_before(self, time_ms: int) -> None:
        """Forgets claims of events before this time."""
        self._claims = {key: held for key, held in self._claims.items() if held.time_ms >= time_ms}

    def snapshot(self) -> list[Claim]:
        """Returns all claims, for the checkpoint."""
        return list(self._claims.values())

    def __len__(self) -> int:
        return len(self._claims)
