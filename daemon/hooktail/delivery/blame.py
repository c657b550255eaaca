"""Whether failures are of our making: less load ends those that are, and no others. Pure.

A share of failures that is more than usual, and more than chance, has two explanations: we send
too much, or something over there is broken. They look alike and want opposite things. So it is
tried: for a while a quarter of the load is sent (a controlled experiment, as in PCC). If the share
falls to half of what it was, it was our load, and it is lowered by that share. If it does not, so
many failures are the endpoint's own from then on, and the load is what it was before.

After load was found to be the reason, it is believed to be for the next few times.
"""

from __future__ import annotations

import math
from typing import NamedTuple

USUAL_FAILURES = 0.15
"""Share of failures, on top of the endpoint's own share, that is no sign of too much load."""
USUAL_REFUSALS = 0.02
"""The same for 429, which speaks of load and of hardly anything else."""
MOST_OWN_FAILURES = 0.6
"""An endpoint that fails more than this is shrunk for, whoever's fault it is."""
MOST_OWN_REFUSALS = 0.1
CHANCE = 2.0
"""Standard deviations of a share that are put down to chance."""
MEMORY = 0.7
"""What a window still counts for in the next one."""
EXPERIMENT_SHARE = 0.25
"""Of the limit."""
EXPERIMENT_ANSWERS = 60
BEYOND_DOUBT = 8
"""So many answers, and all of them failures, end an experiment early."""
BELIEVED = 8
"""So many times without another experiment."""
_STEP = 0.95  # lower than the share alone says, so that there is room to grow again


class Share:
    """Of one kind of failure: how many there are of late, and how many are the endpoint's own."""

    __slots__ = ("_bad", "_most_own", "_seen", "_usual", "own")

    def __init__(self, usual: float, most_own: float) -> None:
        self.own = 0.0
        self._usual = usual
        self._most_own = most_own
        self._seen = self._bad = 0.0

    @property
    def value(self) -> float:
        """The share of late."""
        return self._bad / self._seen if self._seen else 0.0

    @property
    def excess(self) -> float:
        """Of what is not the endpoint's own failing, the share that fails."""
        return max(self.value - self.own, 0.0) / (1.0 - self.own)

    def note(self, seen: int, bad: int) -> None:
        """Takes a window."""
        self._seen = self._seen * MEMORY + seen
        self._bad = self._bad * MEMORY + bad
        if self.value < self.own / 2:
            self.own = self.value

    def forget(self) -> None:
        """Forgets what is of another load."""
        self._seen = self._bad = 0.0

    def too_many(self, *, believed: bool) -> bool:
        """Tells whether there are more than usual, and more than chance brings.

        Where load is believed to be the reason, half as many are too many, and nothing is chance.
        """
        usual = min(self.own + (self._usual / 2 if believed else self._usual), 1.0)
        expected = self._seen * usual
        chance = 0.0 if believed else CHANCE * math.sqrt(expected * (1.0 - usual)) + 1.0
        return self._bad > expected + chance

    def may_own(self, share: float) -> bool:
        """Tells whether an endpoint may have so many of its own."""
        return share <= self._most_own


class _Experiment(NamedTuple):
    limit: float
    """What it was before."""
    asked: list[tuple[Share, float]]
    """What there was too much of, and how much."""
    excess: float


class Verdict(NamedTuple):
    """What the limit should be, and at which limit failures are to be expected."""

    limit: float
    wall: float | None = None
    """Infinite if at none; None if that is what it was."""


class Blame:
    """Judges windows of answers; says what the limit should be if failures have a say in it."""

    __slots__ = ("_answers", "_bad", "_believed", "_experiment", "_kinds", "_lowered_for")

    def __init__(self) -> None:
        self._kinds = (
            Share(USUAL_FAILURES, MOST_OWN_FAILURES),
            Share(USUAL_REFUSALS, MOST_OWN_REFUSALS),
        )
        self._believed = 0
        self._lowered_for = 0.0
        """The share of failures when the limit was lowered last."""
        self._experiment: _Experiment | None = None
        self._answers = 0
        self._bad: dict[Share, int] = {}

    def restart(self) -> None:
        """Begins anew, but for what is known to be the endpoint's own."""
        for kind in self._kinds:
            kind.forget()
        self._experiment = None

    def judge(self, count: int, failed: int, refused: int, limit: float) -> Verdict | None:
        """Takes a window at a limit; returns None if failures have no say in the next one.

        `failed` counts the `refused` too.
        """
        window = dict(zip(self._kinds, (failed - refused, refused), strict=True))
        if self._experiment is not None:
            return self._go_on(self._experiment, count, window, limit)
        for kind, bad in window.items():
            kind.note(count, bad)
        asked = [
            (kind, kind.value) for kind in self._kinds if kind.too_many(believed=self._believed > 0)
        ]
        if not asked:
            if self._believed and failed * 2 < self._lowered_for * count:
                self._believed = BELIEVED  # it has helped once more
            return None
        excess = max(kind.excess for kind, _ in asked)
        for kind in self._kinds:
            kind.forget()
        if self._believed or not all(kind.may_own(share) for kind, share in asked):
            self._believed = max(self._believed - 1, 0)
            self._lowered_for = failed / count
            return Verdict(_lower(limit, excess), wall=limit)
        self._experiment = _Experiment(limit, asked, excess)
        self._answers, self._bad = 0, dict.fromkeys(self._kinds, 0)
        return Verdict(max(limit * EXPERIMENT_SHARE, 1.0))

    def _go_on(
        self, experiment: _Experiment, count: int, window: dict[Share, int], limit: float
    ) -> Verdict:
        self._answers += count
        for kind, bad in window.items():
            self._bad[kind] += bad
        if self._answers >= BEYOND_DOUBT and self._answers == max(self._bad.values()):
            self._experiment, self._believed = None, BELIEVED
            return Verdict(limit / 2, wall=experiment.limit)
        if self._answers < EXPERIMENT_ANSWERS:
            return Verdict(limit)
        self._experiment = None
        found = {kind: bad / self._answers for kind, bad in self._bad.items()}
        if any(
            found[kind] < before / 2 or not kind.may_own(found[kind])
            for kind, before in experiment.asked
        ):
            self._believed = BELIEVED
            return Verdict(_lower(experiment.limit, experiment.excess), wall=experiment.limit)
        for kind, _ in experiment.asked:
            kind.own = max(kind.own, found[kind])
        return Verdict(experiment.limit, wall=math.inf)


def _lower(limit: float, excess: float) -> float:
    return limit * max(0.5, (1.0 - excess) * _STEP)
