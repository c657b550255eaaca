"""Trouble that goes on is said now and then."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable


class OncePer:
    """Lets repeated trouble be said once per interval, with its count.

        if (unsaid := once.allow(("dns", destination))) is not None:
            log.warning("dns_failed", destination=destination, repeated=unsaid)

    Keys beyond `max_keys` within one interval share one turn, so that the number of lines stays
    bounded whatever the keys are. Not for several threads.
    """

    _OTHERS = object()

    def __init__(
        self, interval_s: float, clock: Callable[[], float], *, max_keys: int = 1024
    ) -> None:
        self._interval_s = interval_s
        self._clock = clock
        self._max_keys = max_keys
        self._said: dict[Hashable, tuple[float, int]] = {}

    def allow(self, key: Hashable) -> int | None:
        """Returns how often `key` was kept silent since it was last said, or None: keep silent."""
        now = self._clock()
        if key not in self._said and len(self._said) >= self._max_keys:
            oldest = next(iter(self._said))
            if now - self._said[oldest][0] >= self._interval_s:
                del self._said[oldest]
            else:
                key = self._OTHERS
        last, unsaid = self._said.get(key, (-math.inf, 0))
        if now - last < self._interval_s:
            self._said[key] = last, unsaid + 1
            return None
        # Taken out and put in again: the order of the keys is the order in which they were said.
        self._said.pop(key, None)
        self._said[key] = now, 0
        return unsaid
