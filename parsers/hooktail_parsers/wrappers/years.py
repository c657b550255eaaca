"""A log whose times have no year, over the turn of one.

The old syslog prefix, `Dec 31 23:59:59`, is read in the year that `year` names, from the beginning
of each file. Where a file steps back by more than half a year, from December to January, the next
year has begun: a file is written in order. A line of December that comes late is of the old one.

Month and year are carried with the offset, so that a restart reads on in the same year.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import structs

from hooktail_parsers._api import StatefulParser, Step
from hooktail_parsers.stops import Pointing
from hooktail_parsers.times import MONTHS
from hooktail_parsers.wrappers.syslog import COUNT_AND_PRIORITY, Rfc3164

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from hooktail_parsers._api import Parser, Result
    from hooktail_parsers.stops import Stop

_MONTH = re.compile(COUNT_AND_PRIORITY + rb"([A-Z][a-z]{2}) [ 0-3]?[0-9] [0-9]{2}:").match
_STATE = re.compile(r"([0-9]{4,5})-(1[0-2]|[1-9])\n(.*)", re.DOTALL).fullmatch
_HALF_A_YEAR = 6


class YearTurns:
    """Parses one file, and tells its splitter which month it has come to."""

    def __init__(
        self, options: Mapping[str, str], around: Callable[[Rfc3164], Parser], year: int
    ) -> None:
        """Prepares a file that begins in `year`; `around` wraps the inner parser."""
        self._options = options
        self._around = around
        self._first = year
        self._begin()

    def _begin(self) -> None:
        self._splitter = Rfc3164(self._options)
        self._parser = self._around(self._splitter)
        self._stateful = self._parser if isinstance(self._parser, StatefulParser) else None
        self.hold_s = self._stateful.hold_s if self._stateful else 0.0
        self._year, self._month = self._first, 0
        self._inner_state = ""

    def fork(self) -> YearTurns:
        """Returns a parser for another file."""
        return YearTurns(self._options, self._around, self._first)

    @property
    def chosen(self) -> str:
        """What `auto` has found inside."""
        return str(getattr(self._parser, "chosen", ""))

    def restore(self, state: str) -> None:
        """Carries year and month; raises ValueError for a text that is no state of this parser."""
        self._begin()
        if not state:
            return
        carried = _STATE(state)
        if carried is None or (carried[3] and self._stateful is None):
            raise ValueError(f"{state[:80]!r} is no state of this parser")
        if self._stateful is not None:
            self._stateful.restore(carried[3])
        self._inner_state = carried[3]
        self._move(int(carried[1]), int(carried[2]))

    def parse(self, line: bytes) -> Result:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
        """Parses lines in order; those of one month as one batch."""
        results: list[Result] = []
        begin, moved = 0, False
        for at, line in enumerate(lines):
            comes_to = self._comes_to(line)
            if comes_to is not None:
                self._parse_run(lines[begin:at], results, moved=moved)
                self._move(*comes_to)
                begin, moved = at, True
        self._parse_run(lines[begin:], results, moved=moved)
        return results

    def give_up(self, record: Hashable) -> Step:
        """Ends an open record."""
        if self._stateful is None:
            return Step(None)
        step = self._stateful.give_up(record)
        return step if step.state is None else self._carrying(step)

    def where_it_stops(self, line: bytes, reason: str) -> Stop | None:
        """Says where the text inside a refused line stops fitting."""
        parser = self._parser
        return parser.where_it_stops(line, reason) if isinstance(parser, Pointing) else None

    def _parse_run(self, lines: Sequence[bytes], results: list[Result], *, moved: bool) -> None:
        for result in self._parser.parse_batch(lines) if lines else ():
            if isinstance(result, Step):
                results.append(
                    result if result.state is None and not moved else self._carrying(result)
                )
            else:
                results.append(self._carrying(Step(result)) if moved else result)
            moved = False

    def _carrying(self, step: Step) -> Step:
        if step.state is not None:
            self._inner_state = step.state
        return structs.replace(step, state=f"{self._year}-{self._month}\n{self._inner_state}")

    def _comes_to(self, line: bytes) -> tuple[int, int] | None:
        """Returns the year and month that a line brings, None if it brings no later ones."""
        stated = _MONTH(line)
        month = MONTHS.get(stated[1].lower()) if stated else None
        if month is None or month == self._month:
            return None
        if month < self._month - _HALF_A_YEAR:
            return self._year + 1, month
        if month < self._month or self._splitter.is_late(month):
            return None
        return self._year, month

    def _move(self, year: int, month: int) -> None:
        self._year, self._month = year, month
        self._splitter.come_to(year, month)
