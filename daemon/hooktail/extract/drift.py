"""Whether the format still fits a file: its own rate of readable lines, against what it was. Pure.

Somebody edits `log_format` and from then on no line can be read: that must be an alarm within
seconds, while a file in which an error log is mixed with requests, where half the lines never fit,
must not be one. So each file has its own baseline, learnt from the file itself.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

WINDOW_LINES = 100
"""The rate is looked at once so many lines were read that are meant to be records."""
FALL = 0.5
"""An alarm begins where the rate falls below this part of the baseline ..."""
RECOVERY = 0.8
"""... and ends where it is above this part of it again."""
SLOWNESS = 0.9
"""How much of the baseline stays from window to window; during an alarm all of it does."""


class Drift(NamedTuple):
    """What a window said."""

    state: Literal["never_fitted", "drifted", "recovered"]
    rate: float
    """Of the lines meant to be records, those that could be read; 0 to 1."""
    baseline: float
    """What it was before."""


class MatchRate:
    """Watches one file."""

    __slots__ = ("_baseline", "_fitting", "_lines", "alarmed")

    def __init__(self) -> None:
        self._lines = 0
        self._fitting = 0
        self._baseline: float | None = None
        self.alarmed = False
        """Between a fall and the recovery."""

    def saw(self, fitting: int, refused: int) -> Drift | None:
        """Takes a batch: lines that could be read, lines that should have been. Says what is new.

        Lines that are not meant to be records (blank, directives) are in neither.
        """
        self._lines += fitting + refused
        self._fitting += fitting
        if self._lines < WINDOW_LINES:
            return None
        rate = self._fitting / self._lines
        self._lines = self._fitting = 0
        baseline = self._baseline
        if baseline is None:
            self._baseline = rate
            self.alarmed = rate == 0
            return Drift("never_fitted", rate, 0.0) if self.alarmed else None
        if self.alarmed:
            if rate > 0 and rate >= baseline * RECOVERY:
                self.alarmed = False
                self._baseline = max(rate, baseline)
                return Drift("recovered", rate, baseline)
            return None
        if rate < baseline * FALL:
            self.alarmed = True
            return Drift("drifted", rate, baseline)
        self._baseline = baseline * SLOWNESS + rate * (1 - SLOWNESS)
        return None
