"""Looks at lines from the future: how far ahead a log is tells which zone error it is. Pure.

A log that is read as it is written is ahead by the whole error; older lines are less so. What
counts is the farthest.
"""

from __future__ import annotations

from typing import NamedTuple

ENOUGH_LINES = 20
_MINUTE_MS = 60_000
_STEP = 15
"""Zones differ by whole quarters of an hour, most by whole hours."""
_SLACK = 3
"""Minutes between writing and reading, and between two clocks."""
_FARTHEST = 26 * 60
"""From UTC-12 to UTC+14."""


class FutureAdvice(NamedTuple):
    """How far a log is ahead, and what to do about it."""

    ahead_s: int
    lines: int
    hint: str


class FutureWatch:
    """Takes the lines that are refused as future, and gives its advice once there are enough."""

    def __init__(self, enough: int = ENOUGH_LINES) -> None:
        self._enough = enough
        self._lines = 0
        self._ahead_ms = 0

    @property
    def done(self) -> bool:
        """Whether it has seen enough."""
        return self._lines >= self._enough

    def seen(self, ahead_ms: int) -> FutureAdvice | None:
        """Takes how far one line is ahead; with the last that it needs returns the advice."""
        if self.done:
            return None
        self._lines += 1
        self._ahead_ms = max(self._ahead_ms, ahead_ms)
        if not self.done:
            return None
        return FutureAdvice(self._ahead_ms // 1000, self._lines, hint_for(self._ahead_ms))


def hint_for(ahead_ms: int) -> str:
    """Says what a log is likely to have wrong that is so far ahead of the clock."""
    minutes = round(ahead_ms / _MINUTE_MS)
    near = round(minutes / _STEP) * _STEP
    if near and abs(minutes - near) <= _SLACK and near <= _FARTHEST:
        return (
            f"the times are {_written(near)} ahead: the log looks like one of a zone further east "
            "than it is read in; set timezone"
        )
    return "the clock of this host, or of the one that writes the log, is wrong"


def _written(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    whole = f"{hours} hour{'' if hours == 1 else 's'}" if hours else ""
    return f"{whole} {rest} minutes".strip() if rest else whole
