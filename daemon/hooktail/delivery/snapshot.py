"""A destination as the status page, metrics and the operator see it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DestinationSnapshot:
    """A destination at one moment. Counters are since its start."""

    name: str
    state: str
    """`open`, `paused`, `down` or `held`."""
    since_s: float
    """Seconds in this state."""
    next_try_s: float
    """Seconds until something may be sent again; 0 if it may."""
    reason: str
    """Why it is in this state, empty if open."""
    answer: str
    """The endpoint's words, if held."""
    local_pause: str
    """Why *we* do not send at the moment (`pause`), or empty."""
    queued: int
    """Waiting to be sent, the first time or again."""
    retrying: int
    """Of these, the ones that wait for their time after a failure."""
    in_flight: int
    allowance: int
    """Requests that may be in flight now."""
    delivered: int
    dead_lettered: int
    retried: int
    last_error: str
