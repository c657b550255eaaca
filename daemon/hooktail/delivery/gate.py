"""Whether a destination may be sent anything now. Pure: the clock is an argument.

    open    up to `allowance` requests at a time, found by `concurrency`, and up to so many events
            a second if a rate is set
    paused  the endpoint said `Retry-After`: nothing is sent until then
    down    many failures in a row, not one success between: one probe at a time, ever more rarely
    held    we are misconfigured: one probe at a time, ever more rarely, up to five minutes

A 2xx opens what is down or held, with an allowance of one that doubles every round trip: the queue
of an outage must not fall upon an endpoint that has just come back. After a pause it is the same,
up to half of what was allowed before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from hooktail.delivery.backoff import doubled_s, probe_interval_s
from hooktail.delivery.concurrency import Concurrency
from hooktail.delivery.outcome import Delivered, Misconfigured, Rejected, Retry
from hooktail.delivery.rate_limit import RateLimit

if TYPE_CHECKING:
    from random import Random

    from hooktail.delivery.outcome import Outcome

DOWN_AFTER = 32
"""Failures in a row; with every second request failing at random, one run in four billion."""
PROBE_INITIAL_S = 1.0
HELD_PROBE_MAX_S = 300.0
REFUSED = "http_429"
BREATH_INITIAL_S = 0.25
"""After a 429 that says not how long to wait, when there is only one request at a time left."""
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

    Every `started` is followed by exactly one `on_outcome` or `abandoned`. `rate_limit` is events
    per second, 0 for as many as there are.
    """

    def __init__(
        self,
        *,
        concurrency: int,
        rng: Random,
        now: float,
        down_probe_max_s: float = 60.0,
        rate_limit: float = 0.0,
    ) -> None:
        self.in_flight = 0
        self.concurrency = Concurrency(concurrency)
        self.state = GateState(name=Mode.OPEN, since=now, until=now)
        self._rng = rng
        self._down_probe_max_s = down_probe_max_s
        self._rate = RateLimit(rate_limit, now) if rate_limit else None
        self._failures = 0
        self._down_after = DOWN_AFTER
        self._failing_since = now
        self._probes = 0
        self._probing = False
        self._told_until = now
        self._not_before = now
        self._breaths = 0
        self._passed = 0

    @property
    def allowance(self) -> int:
        """Requests that may be in flight together while it is open."""
        return self.concurrency.limit

    def may_send(self, now: float) -> bool:
        """Tells whether one more request may start now; a pause that is over ends here."""
        state = self.state
        if state.name is not Mode.OPEN:
            if now < state.until:
                return False
            if state.name is not Mode.PAUSED:
                return self.in_flight == 0
            self._open(now)
        return (
            self.in_flight < self.concurrency.limit
            and now >= self._not_before
            and (self._rate is None or self._rate.room(now) > 0)
        )

    def room(self, now: float) -> int:
        """Returns how many requests may start now."""
        if not self.may_send(now):
            return 0
        if self.state.name is not Mode.OPEN:
            return 1
        room = self.concurrency.limit - self.in_flight
        return room if self._rate is None else min(room, self._rate.room(now))

    def wait_s(self, now: float) -> float:
        """Seconds until a request may start; infinite if only an outcome can bring that about."""
        if self.may_send(now):
            return 0.0
        state = self.state
        if state.name is Mode.PAUSED:
            return state.until - now
        if state.name is not Mode.OPEN:
            return state.until - now if self.in_flight == 0 else math.inf
        if self.in_flight >= self.concurrency.limit:
            return math.inf
        rate_s = 0.0 if self._rate is None else self._rate.wait_s(now)
        return max(self._not_before - now, rate_s)

    def started(self) -> None:
        """Notes that a request starts. Only after `may_send`."""
        self.in_flight += 1
        self._probing = self.state.name in (Mode.DOWN, Mode.HELD)
        if self._rate is not None and not self._probing:
            self._rate.take()

    def abandoned(self) -> None:
        """Notes that a request was cut short by us and its outcome is unknown."""
        self.in_flight -= 1
        self._probing = False

    def on_outcome(self, now: float, outcome: Outcome, latency_s: float = 0.0) -> None:
        """Notes how a request ended, and after how long."""
        in_flight = self.in_flight
        self.in_flight = in_flight - 1
        # A probe starts only when nothing else is in flight, so what ends now is the probe.
        was_probe, self._probing = self._probing, False
        match outcome:
            case Delivered():
                self._failures = 0
                self._passed += 1
                if self.state.name in (Mode.DOWN, Mode.HELD):
                    self._open(now)
                    self.concurrency.restart(in_flight - 1, cautious=False)
                    # What was in flight before it was shut comes back among the first.
                    latency_s = latency_s if was_probe else 0.0
                self.concurrency.answered(latency_s, in_flight)
            case Rejected():
                # They are well, but that is no acceptance: stay shut, and ask again soon.
                self._failures = 0
                self.concurrency.answered(latency_s, in_flight)
                if was_probe:
                    self._probes = 0
                    self._shut(now, self.state.name, self.state.reason, self.state.answer)
            case Misconfigured(reason=reason, answer=answer):
                self._count_failure(now, in_flight)
                if was_probe or self.state.name is not Mode.HELD:
                    self._shut(now, Mode.HELD, reason, answer)
            case Retry(reason=reason, after_s=after_s):
                self._count_failure(now, in_flight)
                refused = reason == REFUSED
                self.concurrency.failed(in_flight, refused=refused)
                # In a pause nothing starts: what ends then says no more than what led to it.
                if was_probe or (self.state.name is Mode.OPEN and self._is_outage(now)):
                    self._shut(now, Mode.DOWN, reason)
                if after_s:
                    self._wait_as_told(now, after_s, reason)
                elif refused and self.concurrency.limit == 1:
                    self._breathe(now)
            case unknown:
                assert_never(unknown)

    def _count_failure(self, now: float, in_flight: int) -> None:
        if not self._failures:
            # A short hiccup may fail all that is in flight at once.
            self._down_after = max(DOWN_AFTER, in_flight)
            self._failing_since = now
        self._failures += 1

    def _is_outage(self, now: float) -> bool:
        """Refusals come quicker than answers: those of the same round trip must be awaited."""
        lasting_s = now - self._failing_since
        return self._failures >= self._down_after and lasting_s >= 2 * self.concurrency.latency_s

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
            self.concurrency.restart(self.in_flight, cautious=True)
            self.state = GateState(
                name=Mode.PAUSED, since=now, until=self._told_until, reason=reason
            )
        else:
            self.state = replace(self.state, until=max(self.state.until, self._told_until))

    def _breathe(self, now: float) -> None:
        """One request at a time is still too much: a little wait after each refusal."""
        # Nothing passed since the last: longer. More than one did: shorter.
        self._breaths = max(0, self._breaths + 1 - min(self._passed, 2))
        self._passed = 0
        most_s = doubled_s(self._breaths, initial_s=BREATH_INITIAL_S, max_s=self._down_probe_max_s)
        self._not_before = now + self._rng.uniform(most_s / 2, most_s)
