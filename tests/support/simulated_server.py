"""A server made of a few numbers, and a client that always has something to send, in no time.

Time is a number that jumps from one end of a request to the next: a minute of traffic takes a
fraction of a second, and the same seed gives the same minute.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from hooktail.delivery.gate import Gate, Mode
from hooktail.delivery.outcome import Delivered, Outcome, Retry

OKAY = Delivered()
Refusal = Callable[[float, int], Outcome | None]
"""Of the time and of how many requests are in the server now: what it answers at once, if so."""


def noisy(median_s: float, sigma: float, seed: int) -> Callable[[float], float]:
    """Latencies with a long tail, as those of the web are."""
    rng = Random(seed)
    return lambda _now: rng.lognormvariate(math.log(median_s), sigma)


def above_rate(per_s: float, after_s: float | None = None) -> Refusal:
    """429 for what is more than so many a second; a tenth of a second's worth may come at once."""
    burst = max(per_s / 10, 1.0)
    tokens, at = burst, 0.0

    def refuse(now: float, _inside: int) -> Outcome | None:
        nonlocal tokens, at
        tokens, at = min(burst, tokens + (now - at) * per_s), now
        if tokens < 1:
            return Retry("http_429", after_s)
        tokens -= 1
        return None

    return refuse


@dataclass
class Server:
    """`slots` requests are worked at together, the others wait in line."""

    service_s: Callable[[float], float] = lambda _now: 0.05
    slots: int = 100_000
    refuse: Refusal = lambda _now, _inside: None
    refusal_s: float = 0.01
    connect_s: float = 0.0
    """What the first request on a connection takes longer."""
    inside: int = 0
    most_inside: int = 0
    connections: int = 0
    _free: list[float] = field(default_factory=list)

    def arrive(self, now: float) -> tuple[float, Outcome]:
        """Takes a request; says when it is answered, and what."""
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        extra_s = 0.0
        if self.inside > self.connections:
            self.connections, extra_s = self.inside, self.connect_s
        if (refusal := self.refuse(now, self.inside)) is not None:
            return now + self.refusal_s + extra_s, refusal
        begin = now
        if len(self._free) >= self.slots:
            begin = max(heapq.heappop(self._free), now)
        end = begin + self.service_s(now)
        heapq.heappush(self._free, end)
        return end + extra_s, OKAY


class Moment(NamedTuple):
    """One answer, and how things stood behind it."""

    time: float
    limit: int
    in_flight: int
    outcome: Outcome
    mode: Mode


class Course:
    """What happened."""

    def __init__(self, moments: list[Moment], seconds: float) -> None:
        self.moments = moments
        self.seconds = seconds

    def since(self, time: float) -> Course:
        """The rest from a time on."""
        return Course([m for m in self.moments if m.time >= time], self.seconds - time)

    def until(self, time: float) -> Course:
        """What came before a time."""
        return Course([m for m in self.moments if m.time < time], time)

    @property
    def mean_limit(self) -> float:
        """The limit, by answers."""
        return sum(m.limit for m in self.moments) / len(self.moments)

    @property
    def limits(self) -> tuple[int, int]:
        """The least and the most."""
        limits = [m.limit for m in self.moments]
        return min(limits), max(limits)

    @property
    def delivered_per_s(self) -> float:
        """Events per second that arrived."""
        return sum(m.outcome == OKAY for m in self.moments) / self.seconds

    @property
    def refused_share(self) -> float:
        """Answers that were none of ours to like."""
        return sum(m.outcome != OKAY for m in self.moments) / len(self.moments)

    def reached(self, limit: int) -> float:
        """When the limit was so much for the first time; infinite if never."""
        return next((m.time for m in self.moments if m.limit >= limit), math.inf)


def saturate(
    server: Server,
    *,
    seconds: float,
    ceiling: int = 64,
    seed: int = 1,
    rate_limit: float = 0.0,
    offered: Callable[[float], int] = lambda _now: 1_000_000,
) -> Course:
    """Sends all the time as much as the gate allows, or as many at once as are `offered`."""
    gate = Gate(concurrency=ceiling, rng=Random(seed), now=0.0, rate_limit=rate_limit)
    now, number = 0.0, 0
    answers: list[tuple[float, int, float, Outcome]] = []
    moments: list[Moment] = []
    while now < seconds:
        while gate.may_send(now) and gate.in_flight < offered(now):
            gate.started()
            number += 1
            end, outcome = server.arrive(now)
            heapq.heappush(answers, (end, number, now, outcome))
        wait_s = gate.wait_s(now) or 0.001
        if not answers or answers[0][0] > now + wait_s:
            now += wait_s
            continue
        now, _, began, outcome = heapq.heappop(answers)
        server.inside -= 1
        gate.on_outcome(now, outcome, now - began)
        moments.append(Moment(now, gate.allowance, gate.in_flight, outcome, gate.state.name))
    return Course(moments, seconds)
