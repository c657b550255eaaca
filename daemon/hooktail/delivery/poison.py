"""Tells an event that is sick from an endpoint that is. Pure.

An event is suspected once more for each failure between which and its former one its neighbours
passed: at least ten for each that failed. A failure amid failing neighbours proves nothing and
clears it. So an endpoint that fails a third of everything makes no event a suspect, however long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hooktail.delivery.queue import Delivery

NEIGHBOURS_PASS = 10


class PoisonTest:
    """Counts a destination's successes and failures; `tries` is None for never."""

    def __init__(self, tries: int | None) -> None:
        self._tries = tries
        self._delivered = 0
        self._failed = 0

    def passed(self) -> None:
        """Notes that an event was delivered."""
        self._delivered += 1

    def failed(self, delivery: Delivery) -> bool:
        """Notes a failure; tells whether the event has failed too often among healthy ones."""
        passed = self._delivered - delivery.delivered_then
        failed = self._failed - delivery.failed_then
        self._failed += 1
        delivery.delivered_then, delivery.failed_then = self._delivered, self._failed
        if delivery.tries > 1:
            if passed and failed * NEIGHBOURS_PASS <= passed:
                delivery.suspicion += 1
            elif failed:
                delivery.suspicion = 0
        return self._tries is not None and delivery.suspicion >= self._tries
