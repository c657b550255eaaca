"""Events that wait to be sent: some in order, some for their time. Pure.

Those that wait in order wait in two lanes: conversions go before page views, so that after an
outage the purchases are not the last to arrive. At most `CONVERSIONS_IN_A_ROW` pass a page view
that waits. How far a conversion can overtake is bounded by the queue: what has not been read yet
has not been seen.

Page views of several files take turns: one that was written now does not wait behind a backlog.
"""

from __future__ import annotations

import heapq
import math
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hooktail.model import Event, Settler

CONVERSIONS_IN_A_ROW = 16


class Delivery:
    """An event on its way."""

    __slots__ = (
        "body",
        "delivered_then",
        "event",
        "failed_then",
        "sent_at",
        "settler",
        "source",
        "suspicion",
        "tries",
    )

    def __init__(self, event: Event, settler: Settler, source: str = "") -> None:
        self.event = event
        self.body = event.body
        self.settler = settler
        self.source = source
        self.tries = 0
        """Requests that were answered or failed, not those that we cut short."""
        self.sent_at = 0.0
        """When its request started last, by the destination's clock."""
        # What `poison` knows: the destination's counters at this event's last failure.
        self.suspicion = 0
        self.delivered_then = 0
        self.failed_then = 0


class _Turns:
    """Deliveries of several files: each file's in their order, and the files in turn."""

    __slots__ = ("_count", "_files")

    def __init__(self) -> None:
        self._files: OrderedDict[Settler, deque[Delivery]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, delivery: Delivery) -> None:
        """Adds at the end of its file's."""
        self._count += 1
        waiting = self._files.get(delivery.settler)
        if waiting is None:
            waiting = self._files[delivery.settler] = deque()
        waiting.append(delivery)

    def appendleft(self, delivery: Delivery) -> None:
        """Makes it the next of all."""
        self.append(delivery)
        self._files[delivery.settler].rotate()
        self._files.move_to_end(delivery.settler, last=False)

    def popleft(self) -> Delivery:
        """Takes the next of the file whose turn it is."""
        self._count -= 1
        files = self._files
        settler = next(iter(files))
        waiting = files[settler]
        delivery = waiting.popleft()
        if not waiting:
            del files[settler]
        elif len(files) > 1:
            files.move_to_end(settler)
        return delivery


class Queue:
    """First in, first out, except for conversions, what was put back and what waits for its time.

    Each file's page views keep their order, and so do all conversions.
    """

    def __init__(self) -> None:
        self._conversions: deque[Delivery] = deque()
        self._others = _Turns()
        self._later: list[tuple[float, int, Delivery]] = []
        self._sequence = 0  # keeps the heap from comparing deliveries
        self._in_a_row = 0

    def __len__(self) -> int:
        return len(self._conversions) + len(self._others) + len(self._later)

    @property
    def ready(self) -> int:
        """How many may be popped."""
        return len(self._conversions) + len(self._others)

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
        for delivery in deliveries:
            self._lane(delivery).append(delivery)

    def put_back(self, delivery: Delivery) -> None:
        """Makes one the next of its lane."""
        self._lane(delivery).appendleft(delivery)

    def put_later(self, delivery: Delivery, due: float) -> None:
        """Has one wait until `due`."""
        self._sequence += 1
        heapq.heappush(self._later, (due, self._sequence, delivery))

    def wake(self, now: float) -> None:
        """Makes ready what is due."""
        while self._later and self._later[0][0] <= now:
            delivery = heapq.heappop(self._later)[2]
            self._lane(delivery).append(delivery)

    def pop(self) -> Delivery:
        """Takes the next; only if something is ready."""
        if not self._conversions:
            return self._others.popleft()
        if self._others and self._in_a_row >= CONVERSIONS_IN_A_ROW:
            self._in_a_row = 0
            return self._others.popleft()
        self._in_a_row = self._in_a_row + 1 if self._others else 0
        return self._conversions.popleft()

    def _lane(self, delivery: Delivery) -> deque[Delivery] | _Turns:
        return self._conversions if delivery.event.conversion else self._others
