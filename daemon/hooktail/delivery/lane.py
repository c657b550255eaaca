"""What carries events to the endpoint: many at once, their outcomes back in batches.

A lane is handed parcels and gives each back exactly once: with its outcome, or from `stop`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hooktail.delivery.outcome import Outcome


class Parcel(Protocol):
    """What is sent: anything with a body."""

    body: bytes


P = TypeVar("P", bound=Parcel)

OnOutcomes = Callable[[list[tuple[P, "Outcome"]]], None]
"""Takes outcomes, never an empty list, on the loop thread; may start more parcels."""


class Lane(Protocol[P]):
    """Sends parcels. All methods run on the loop thread."""

    limit: int
    """Connections at most. May change at any time; what is in flight is not touched."""

    def start(self, parcels: Sequence[P]) -> None:
        """Sends parcels. Never waits; more than `limit` in flight wait in here."""

    async def run(self) -> None:
        """Waits until cancelled; raises what a bug raised."""

    def stop(self) -> list[P]:
        """Cuts short what is in flight and returns it: the outcomes are unknown.

        Outcomes that are known are handed over first; afterwards there are none.
        """
