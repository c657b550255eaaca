"""How long to wait before the next try. Pure; randomness is passed in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_MOST_DOUBLINGS = 40  # beyond it any ceiling is reached, and a float would overflow in the end


def doubled_s(times: int, *, initial_s: float, max_s: float) -> float:
    """Returns `initial_s` doubled `times` times, at most `max_s`."""
    return min(max_s, initial_s * float(1 << min(max(times, 0), _MOST_DOUBLINGS)))


def full_jitter_s(tries: int, *, initial_s: float, max_s: float, rng: Random) -> float:
    """Returns the wait after the try number `tries` (the first is 1), seconds in [0, max_s].

    Full jitter: anything between nothing and the doubled ceiling, so that those who failed
    together do not come back together.
    """
    return rng.uniform(0.0, doubled_s(tries - 1, initial_s=initial_s, max_s=max_s))


def probe_interval_s(probes: int, *, initial_s: float, max_s: float, rng: Random) -> float:
    """Returns the wait before the next probe, after `probes` that failed.

    Between half and the whole of the doubled ceiling: a probe stands alone, so it needs less
    jitter, and should not come at once.
    """
    ceiling_s = doubled_s(probes, initial_s=initial_s, max_s=max_s)
    return rng.uniform(ceiling_s / 2, ceiling_s)
