"""Whether a destination may be sent anything now. Pure: the clock is an argument.

    open    up to `allowance` requests at a time; it grows by one with every success and shrinks
            by one with every failure, so an endpoint that fails half of the requests is still used
    paused  the endpoint said `Retry-After`: nothing is sent until then
    down    many failures in a row, not one success between: one probe at a time, ever more rarely
    held    we are misconfigured: one probe at a time, ever more rarely, up to five minutes

A 2xx opens what is down or held, with an allowance of one that doubles every round trip: the queue
of an outage must not fall upon an endpoint that has just come back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from hooktail.delivery.backoff import probe_interval_s
from hooktail.delivery.outcome import Delivered, Misconfigured, Rejected, Retry

if TYPE_CHECKING:
    from random import Random

    from hooktail.delivery.outcome import Outcome

DOWN_AFTER = 32
"""Failures in a row; with every second request failing at random, one run in four billion."""
PROBE_INITIAL_S = 1.0
HELD_PROBE_MAX_S = 300.0
_RETRY_AFTER_SPREAD = 0.1  # of the wait, on top: a fleet told the same must not return as one


class Mode(StrEnum):
    """The state of a destination, by the word that people read."""

    OPEN = "open"
    PAUSED = "paused"
    DOWN = "down"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """The state of a destination and why. Times are those of the caller's clock."""

    name: Mode
    since: float
    until: float
    """When something may be sent again; in the past if it may."""
    reason: str = ""
    answer: str = ""
    """The endpoint's words, if it is held."""


class Gate:
    """Counts what is in flight and judges from the outcomes whether more may follow.

    Every `started` is followed by exactly one `on_outcome` or `abandoned`.
    """

    def __init__(
        self, *, concurrency: int, rng: Random, now: float, down_probe_max_s: float = 60.0
    ) -> None:
        self.in_flight = 0
        self.allowance = 1
        self.state = GateState(name=Mode.OPEN, since=now, until=now)
        self._concurrency = concurrency
        self._rng = rng
        self._down_probe_max_s = down_probe_max_s
        # A short hiccup may fail all that is in flight at once.
        self._down_after = max(DOWN_AFTER, concurrency)
        self._failures = 0
        self._probes = 0
        self._probing = False
        self._told_until = now

    def may_send(self, now: float) -> bool:
        """Tells whether one more request may start now; a pause that is over ends here."""
        state = self.state
        if state.name is Mode.OPEN:
            return self.in_flight < self.allowance
        if now < state.until:
            return False
        if state.name is Mode.PAUSED:
            self._open(now)
            return self.in_flight < self.allowance
        return self.in_flight == 0

    def wait_s(self, now: float) -> float:
        """Seconds until a request may start; infinite if only an outcome can bring that about."""
        if self.may_send(now):
            return 0.0
        left_s = self.state.until - now
        if self.state.name is Mode.PAUSED or (self.in_flight == 0 and left_s > 0):
            return left_s
        return math.inf

    def started(self) -> None:
        """Notes that a request starts. Only after `may_send`."""
        self.in_flight += 1
        self._probing = self.state.name in (Mode.DOWN, Mode.HELD)

    def abandoned(self) -> None:
        """Notes that a request was cut short by us and its outcome is unknown."""
        self.in_flight -= 1
        self._probing = False

    def on_outcome(self, now: float, outcome: Outcome) -> None:
        """Notes how a request ended."""
        self.in_flight -= 1
        # A probe starts only when nothing else is in flight, so what ends now is the probe.
        was_probe, self._probing = self._probing, False
        match outcome:
            case Delivered():
                self._failures = 0
                if self.state.name in (Mode.DOWN, Mode.HELD):
                    self._open(now)
                    self.allowance = 1
                self.allowance = min(self._concurrency, self.allowance + 1)
            case Rejected():
                # They are well, but that is no acceptance: stay shut, and ask again soon.
                self._failures = 0
                if was_probe:
                    self._probes = 0
                    self._shut(now, self.state.name, self.state.reason, self.state.answer)
            case Misconfigured(reason=reason, answer=answer):
                self._failures += 1
                if was_probe or self.state.name is not Mode.HELD:
                    self._shut(now, Mode.HELD, reason, answer)
            case Retry(reason=reason, after_s=after_s):
                self._failures += 1
                self.allowance = max(1, self.allowance - 1)
                shut = self.state.name in (Mode.DOWN, Mode.HELD)
                if was_probe or (not shut and self._failures >= self._down_after):
                    self._shut(now, Mode.DOWN, reason)
                if after_s:
                    self._wait_as_told(now, after_s, reason)
            case unknown:
                assert_never(unknown)

    def _open(self, now: float) -> None:
        self._probes = 0
        self.state = GateState(name=Mode.OPEN, since=now, until=now)

    def _shut(self, now: float, name: Mode, reason: str, answer: str = "") -> None:
        """Enters or stays in `down` or `held`, and sets the time of the next probe."""
        max_s = HELD_PROBE_MAX_S if name is Mode.HELD else self._down_probe_max_s
        until = now + probe_interval_s(
            self._probes, initial_s=PROBE_INITIAL_S, max_s=max_s, rng=self._rng
        )
        self._probes += 1
        until = max(until, self._told_until)
        since = self.state.since if self.state.name is name else now
        self.state = GateState(name=name, since=since, until=until, reason=reason, answer=answer)

    def _wait_as_told(self, now: float, after_s: float, reason: str) -> None:
        told = now + after_s * (1.0 + self._rng.uniform(0.0, _RETRY_AFTER_SPREAD))
        self._told_until = max(self._told_until, told)
        if self.state.name is Mode.OPEN:
            self.state = GateState(
                name=Mode.PAUSED, since=now, until=self._told_until, reason=reason
            )
        else:
            self.state = replace(self.state, until=max(self.state.until, self._told_until))
