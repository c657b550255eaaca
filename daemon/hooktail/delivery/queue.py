"""Events that wait to be sent: some in order, some for their time. Pure."""

from __future__ import annotations

import heapq
import math
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hooktail.model import Event, Settler


class Delivery:
    """An event on its way."""

    __slots__ = (
        "delivered_then",
        "event",
        "failed_then",
        "settler",
        "source",
        "suspicion",
        "tries",
    )

    def __init__(self, event: Event, settler: Settler, source: str = "") -> None:
        self.event = event
        self.settler = settler
        self.source = source
        self.tries = 0
        """Requests that were answered or failed, not those that we cut short."""
        # What `poison` knows: the destination's counters at this event's last failure.
        self.suspicion = 0
        self.delivered_then = 0
        self.failed_then = 0


class Queue:
    """First in, first out, except for what was put back and what waits for its time."""

    def __init__(self) -> None:
        self._ready: deque[Delivery] = deque()
        self._later: list[tuple[float, int, Delivery]] = []
        self._sequence = 0  # keeps the heap from comparing deliveries

    def __len__(self) -> int:
        return len(self._ready) + len(self._later)

    @property
    def ready(self) -> int:
        """How many may be popped."""
        return len(self._ready)

    @property
    def later(self) -> int:
        """How many wait for their time."""
        return len(self._later)

    @property
    def next_due(self) -> float:
        """When the next of those that wait becomes ready; infinite if none does."""
        return self._later[0][0] if self._later else math.inf

    def extend(self, deliveries: Iterable[Delivery]) -> None:
        """Adds at the end."""
        self._ready.extend(deliveries)

    def put_back(self, delivery: Delivery) -> None:
        """Puts one to the front."""
        self._ready.appendleft(delivery)

    def put_later(self, delivery: Delivery, due: float) -> None:
        """Has one wait until `due`."""
        self._sequence += 1
        heapq.heappush(self._later, (due, self._sequence, delivery))

    def wake(self, now: float) -> None:
        """Makes ready what is due."""
        while self._later and self._later[0][0] <= now:
            self._ready.append(heapq.heappop(self._later)[2])

    def pop(self) -> Delivery:
        """Takes the first; only if something is ready."""
        return self._ready.popleft()
