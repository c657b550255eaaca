"""So many events a second and no more: a token bucket. Pure: the clock is an argument."""

from __future__ import annotations

BURST_S = 0.1
"""So much of a second's events may go at once, so that the second is filled evenly."""
_CLOCK_S = 1e-6
"""A wait that was just waited out may end so much too early by rounding."""


class RateLimit:
    """Counts tokens. `per_s` may be below one: an event every so many seconds."""

    __slots__ = ("_at", "_burst", "_per_s", "_tokens")

    def __init__(self, per_s: float, now: float) -> None:
        self._per_s = per_s
        self._burst = max(1.0, per_s * BURST_S)
        self._tokens = 1.0
        """Not the whole burst: a start is gradual."""
        self._at = now

    def room(self, now: float) -> int:
        """Returns how many events may go now."""
        if now > self._at:
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_s)
            self._at = now
        return int(self._tokens + _CLOCK_S * self._per_s)

    def take(self) -> None:
        """Takes the token of one event. Only after `room`."""
        self._tokens -= 1.0

    def wait_s(self, now: float) -> float:
        """Returns the seconds until an event may go; 0 if one may."""
        if self.room(now) > 0:
            return 0.0
        return (1.0 - self._tokens) / self._per_s + max(self._at - now, 0.0)
