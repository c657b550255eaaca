"""How many requests may be in flight: found by trying, from how long answers take. Pure.

The method is that of TCP and of the limiters built after it. A start doubles every round trip
(slow start, RFC 5681) until answers take longer. Then each window of answers is judged by its mean
latency against the latency of an endpoint that is not kept waiting by us (the gradient of
Netflix's concurrency-limits and of Envoy's filter):

    answers as quick as ever    a tenth more, the square root of the limit at most
    answers half as slow again  twice in a row: down to where the queue of our making would end
    failures, and above all 429 more than usual: down by their share, unless less load does not end
                                them (`blame`)

A shrinking limit is an experiment. If answers do not come quicker, they were not slow by our
making: that pace is the endpoint's own from then on. Now and then a limit that gave no cause for it
is lowered for one window, to see whether there is a queue that was there from the start.

Answers to what was in flight when the limit shrank say nothing about the new one and are skipped.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from hooktail.delivery.blame import Blame

TOLERANCE = 1.5
"""Of the endpoint's own latency; more is a queue."""
SLACK_S = 0.01
"""On top of it: queues shorter than this harm nobody, and may be our own event loop's."""
HEADROOM = 1.1
"""Left for a queue where the limit shrinks, so that the endpoint never runs dry."""
LEAST_WINDOW = 20
"""Answers; a window is at least this, and at least one round trip of all that is in flight."""
START_WINDOW = 4
"""The same while the limit doubles, where a queue would double with it."""
LEAST_FAILURES = 8
"""So many failures end a window early, or half the limit if that is more."""
PROBE_SHARE = 0.75
"""Of the limit, for one window."""
PROBE_WINDOWS = 50
"""Before the first such window; the double of it each time that nothing is found."""
MOST_PROBE_WINDOWS = 800
_LONGEST = 8.0  # times the endpoint's latency: as this an answer counts that took longer


class _Trial(NamedTuple):
    """What was before the limit shrank."""

    limit: float
    mean_s: float
    probe: bool


class Concurrency:
    """A limit in `[1, ceiling]` that follows what the endpoint can take."""

    __slots__ = (
        "_base_s",
        "_blame",
        "_cap_s",
        "_ceiling",
        "_count",
        "_doubling_to",
        "_failed",
        "_most",
        "_most_before",
        "_probe_windows",
        "_refused",
        "_stale",
        "_sum_s",
        "_suspect",
        "_trial",
        "_until_probe",
        "_wall",
        "_want",
        "_window",
        "limit",
    )

    def __init__(self, ceiling: int) -> None:
        self.limit = 1
        self._ceiling = ceiling
        self._base_s = math.inf
        self._cap_s = math.inf
        self._want = 1.0
        """The limit with its fraction."""
        self._doubling_to: float = ceiling
        """Slow start ends here; 0 if it has ended."""
        self._wall = math.inf
        """Where it was refused last: approached with care."""
        self._blame = Blame()
        self._suspect = False
        self._trial: _Trial | None = None
        self._probe_windows = self._until_probe = PROBE_WINDOWS
        # The window:
        self._stale = 0
        self._count = self._failed = self._refused = 0
        self._most = self._most_before = 0
        """The most that was seen in flight, and that of the window before."""
        self._sum_s = 0.0
        self._window = START_WINDOW

    @property
    def latency_s(self) -> float:
        """The endpoint's own latency as far as it is known, seconds; 0 before the first window."""
        return 0.0 if self._base_s == math.inf else self._base_s

    def answered(self, latency_s: float, in_flight: int) -> None:
        """Notes an answer that judged an event; `in_flight` counts its request still."""
        if self._stale:
            self._stale -= 1
            return
        self._count += 1
        self._sum_s += latency_s if latency_s < self._cap_s else self._cap_s  # noqa: FURB136 - min() costs more
        if in_flight > self._most:
            self._most = in_flight
        # Only what is used may grow, or an idle time would end in a flood.
        if self.limit < self._doubling_to and self.limit < 2 * max(self._most, self._most_before):
            self._set(self._want + 1.0)
        if self._count >= self._window:
            self._judge(in_flight)

    def failed(self, in_flight: int, *, refused: bool = False) -> None:
        """Notes a request that came to nothing; `refused` is the answer 429."""
        if self._stale:
            self._stale -= 1
            return
        self._count += 1
        self._failed += 1
        self._refused += refused
        if refused:
            self._doubling_to = 0.0
        if in_flight > self._most:
            self._most = in_flight
        enough = self._failed >= LEAST_FAILURES and 2 * self._failed >= self.limit
        if enough or self._count >= max(self._window, LEAST_WINDOW):
            self._judge(in_flight)

    def restart(self, in_flight: int, *, cautious: bool) -> None:
        """Begins with one request again; what is in flight now counts no more.

        `cautious` is after a pause that we were asked for: the doubling ends at half of what was.
        """
        self._doubling_to = max(self._want / 2, 2.0) if cautious else self._ceiling
        self._blame.restart()
        self._trial, self._suspect = None, False
        self._stale = in_flight
        self._set(1.0)
        self._begin_window(0)
        self._most_before = 0

    def _set(self, limit: float) -> None:
        self._want = min(max(limit, 1.0), float(self._ceiling))
        self.limit = int(self._want)

    def _begin_window(self, in_flight: int) -> None:
        self._count = self._failed = self._refused = 0
        self._sum_s = 0.0
        self._most_before, self._most = self._most, in_flight
        self._window = max(START_WINDOW if self._doubling_to else LEAST_WINDOW, self.limit)

    def _judge(self, in_flight: int) -> None:
        """Ends a window."""
        count, failed, refused = self._count, self._failed, self._refused
        most = max(self._most, self._most_before)
        mean_s = self._sum_s / (count - failed) if count > failed else math.inf
        before = self._want
        verdict = self._blame.judge(count, failed, refused, before)
        if verdict is not None:
            self._trial, self._suspect = None, False
            self._doubling_to = 0.0
            self._wall = self._wall if verdict.wall is None else verdict.wall
            self._set(verdict.limit)
        elif 2 * most < self.limit:
            self._learn(mean_s)  # nobody waits for us: that is what the endpoint needs by itself
            self._trial, self._suspect = None, False
        elif mean_s < math.inf:
            self._by_latency(mean_s, most)
        if self._want < before:
            self._stale = in_flight - 1
        self._begin_window(in_flight - 1)

    # -- latency

    def _learn(self, mean_s: float) -> None:
        """Takes over a shorter latency, by half: one window of luck must not set a standard."""
        if mean_s < self._base_s:
            known = self._base_s < math.inf
            self._set_base(self._base_s + (mean_s - self._base_s) / 2 if known else mean_s)

    def _set_base(self, base_s: float) -> None:
        self._base_s = base_s
        self._cap_s = base_s * _LONGEST + SLACK_S

    def _by_latency(self, mean_s: float, most: int) -> None:
        self._learn(mean_s)
        if self._trial is not None:
            self._end_trial(self._trial, mean_s)
        if mean_s > self._base_s * TOLERANCE + SLACK_S:
            if self._doubling_to:
                # What was answered now began when half as much was in flight.
                self._doubling_to = 0.0
                self._set(self._want / 2)
            elif self._suspect:
                share = max(0.5, HEADROOM * self._base_s / mean_s)
                self._try(share, mean_s, probe=False)
            self._suspect = True
            return
        self._suspect = False
        if most < self.limit:
            return
        self._until_probe -= 1
        if self._until_probe <= 0 and mean_s > SLACK_S and self._want >= 2.0:
            self._try(PROBE_SHARE, mean_s, probe=True)
        elif self._want >= self._doubling_to:
            self._doubling_to = 0.0
            self._grow()

    def _try(self, share: float, mean_s: float, *, probe: bool) -> None:
        self._trial = _Trial(self._want, mean_s, probe)
        self._until_probe = self._probe_windows
        self._set(self._want * share)

    def _end_trial(self, trial: _Trial, mean_s: float) -> None:
        """Judges whether a lower limit made answers quicker."""
        self._trial = None
        share = self.limit / max(int(trial.limit), 1)
        if share >= 1.0:
            return
        # 0: the latency fell as the limit did, so all of it was waiting; 1: it did not fall.
        rest = (mean_s / trial.mean_s - share) / (1.0 - share)
        if rest < 0.5:
            self._probe_windows = PROBE_WINDOWS
            self._until_probe = 1 if trial.probe else PROBE_WINDOWS
            if trial.probe:
                self._set_base(min(self._base_s, mean_s))
            return
        if rest > 0.75:
            self._set_base(mean_s)
        if trial.probe:
            self._probe_windows = min(self._probe_windows * 2, MOST_PROBE_WINDOWS)
            self._until_probe = self._probe_windows
            self._set(trial.limit)

    def _grow(self) -> None:
        if self._want > self._wall * 1.1:
            self._wall = math.inf
        limit = self._want
        if limit >= self._wall * 0.9:
            step = max(0.25, limit / 100)
        else:
            step = max(1.0, min(math.sqrt(limit), limit / 10))
        self._set(limit + step)
