"""Several lines that are one record, put together before an inner parser sees them.

The inner parser is asked about each line first: a line that is a record by itself is one, whatever
it stands between, and what is open around it stays open. All other lines are put together by the
rules; a block of several lines is given to the inner parser as one text, and what it says of that
is what the block is.

A block of JSON ends early where no JSON goes on like that, so that a stray `{` takes nothing with
it. Such a block is `unfinished_record`, one beyond the limits `too_long`, each with all its lines:
the inner parser has found no record in any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hooktail_parsers._api import (
    Finished,
    OptionError,
    ParseError,
    Part,
    Record,
    StatefulParser,
    Step,
)
from hooktail_parsers.json_logs.balance import Balance, JsonLines
from hooktail_parsers.regexes import LEAST_BYTES, compile_user_regex, other_way
from hooktail_parsers.stops import Pointing
from hooktail_parsers.traces import continues

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from hooktail_parsers._api import Parsed, Parser, Result
    from hooktail_parsers.stops import Stop

TOO_LONG = ParseError("too_long")
UNFINISHED = ParseError("unfinished_record")
BROKEN = ParseError("parser_failed")
"""Of a parser that says of a line what only a `StatefulParser` may say."""

_LONGEST_HOLD_S = 3600.0
_MOST_LINES = 100_000
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class JoinRules:
    """Which lines make one record. At least one of the first four must be given.

    Raises:
        OptionError: a rule cannot be used, or there is none.
    """

    start: str | None = None
    """An expression; a line in which it is found begins a record, and every line up to the next
    such line belongs to it (with `indented`: only lines that continue)."""
    end: str | None = None
    """An expression; a line in which it is found ends its record."""
    indented: bool = False
    """Lines that begin with white space continue, and the lines of stack traces (`traces`)."""
    json: bool = False
    """A line that begins with a bracket of JSON goes on until the bracket is closed."""
    hold_s: float = 5.0
    """How long a record waits for its next line, seconds."""
    max_lines: int = 500
    max_bytes: int = 256 * 1024

    def __post_init__(self) -> None:
        _search("start", self.start)
        _search("end", self.end)
        if self.start is None and self.end is None and not self.indented and not self.json:
            raise OptionError("start", "no rule is given; allowed: start, end, indented, json")
        if not 0 < self.hold_s <= _LONGEST_HOLD_S:
            raise OptionError("hold_s", f"found {self.hold_s!r}; allowed: up to {_LONGEST_HOLD_S}")
        for option, limit, most in (
            ("max_lines", self.max_lines, _MOST_LINES),
            ("max_bytes", self.max_bytes, _MOST_BYTES),
        ):
            if not 0 < limit <= most:
                raise OptionError(option, f"found {limit!r}; allowed: 1 to {most}")


def join(inner: Parser, rules: JoinRules) -> StatefulParser:
    """Wraps a parser of single lines.

    Raises:
        OptionError: the parser joins lines, or carries something from line to line, itself.
    """
    if isinstance(inner, StatefulParser):
        raise OptionError("format", "joins lines itself; allowed: a format of single lines")
    return JoiningParser(inner, rules)


def _search(option: str, pattern: str | None) -> Callable[[bytes], object] | None:
    if pattern is None:
        return None
    try:
        regex = compile_user_regex(pattern)
    except ValueError as error:
        raise OptionError(option, str(error)) from error
    longest = regex.longest_search_bytes
    if longest is not None and longest < LEAST_BYTES:
        raise OptionError(
            option, f"a hostile line could take for ever; begin it with ^, or {other_way()}"
        )
    return regex.search


class _Block:
    """The lines of the open record."""

    __slots__ = ("alone", "json", "name", "size_bytes", "texts")

    def __init__(self, name: int, line: bytes, alone: Parsed, json: JsonLines | None) -> None:
        self.name = name
        self.texts = [line]
        self.size_bytes = len(line)
        self.alone = alone
        """What the first line is by itself."""
        self.json = json
        """Its open brackets; None for a block of text, and once the last bracket is closed."""


class JoiningParser:
    """Joins the lines of one file. At most one record is open; nothing else is carried."""

    def __init__(self, inner: Parser, rules: JoinRules) -> None:
        self.hold_s = rules.hold_s
        self._inner = inner
        self._rules = rules
        self._starts = _search("start", rules.start)
        self._ends = _search("end", rules.end)
        self._block: _Block | None = None
        self._name = 0

    def fork(self) -> StatefulParser:
        """Returns such a parser for another file."""
        return JoiningParser(self._inner, self._rules)

    def restore(self, state: str) -> None:
        """Begins anew; there is no state but the empty one."""
        if state:
            raise ValueError(f"{state[:80]!r} is no state of this parser")
        self._block = None

    def where_it_stops(self, line: bytes, reason: str) -> Stop | None:
        """Says where a refused record stops fitting."""
        return (
            self._inner.where_it_stops(line, reason) if isinstance(self._inner, Pointing) else None
        )

    def parse(self, line: bytes) -> Result:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
        """Parses lines in order."""
        return [
            self._take(line, alone)
            for line, alone in zip(lines, self._inner.parse_batch(lines), strict=True)
        ]

    def give_up(self, record: Hashable) -> Step:
        """Ends the open record with the lines that it has."""
        if self._block is None or self._block.name != record:
            return Step(None)
        return Step(None, (self._end(),))

    def _take(self, line: bytes, alone: Result) -> Result:
        if isinstance(alone, Part | Step):
            return BROKEN
        block = self._block
        if isinstance(alone, Record):
            # In the form of what is open, it is the next record of the same writer.
            if block is not None and self._starts is not None and self._starts(line):
                return Step(alone, (self._end(),))
            return alone
        if block is None:
            return self._open(line, alone)
        if not line.strip() and (self._starts is None or self._rules.indented):
            return alone
        going_on = self._goes_on(block, line)
        if going_on is Balance.BROKEN:
            ended = self._end()
            opened = self._open(line, alone)
            return Step(opened, (ended,))
        if (
            len(block.texts) >= self._rules.max_lines
            or block.size_bytes + len(line) >= self._rules.max_bytes
        ):
            self._block = None
            return Step(alone, (Finished(block.name, TOO_LONG),))
        block.texts.append(line)
        block.size_bytes += len(line) + 1
        part = Part(block.name)
        if going_on is Balance.CLOSED:
            block.json = None
            return Step(part, (self._end(),))
        return part

    def _open(self, line: bytes, alone: Parsed) -> Parsed | Part:
        """Begins a record with a line, if one begins here."""
        if not line.strip():
            return alone
        json = None
        if self._rules.json:
            json = JsonLines()
            if json.begin(line) is not Balance.OPEN:
                json = None
        if json is None:
            if not self._begins_text(line):
                return alone
            if self._ends is not None and self._ends(line):
                return alone
        self._name += 1
        self._block = _Block(self._name, line, alone, json)
        return Part(self._name)

    def _begins_text(self, line: bytes) -> bool:
        if self._starts is not None:
            return bool(self._starts(line))
        if self._rules.indented:
            return not continues(line)
        return self._ends is not None

    def _goes_on(self, block: _Block, line: bytes) -> Balance:
        """Tells whether a line belongs to the open record (OPEN), ends it, or is none of it."""
        if self._starts is not None and self._starts(line):
            return Balance.BROKEN
        if block.json is not None:
            return block.json.go_on(line)
        if self._rules.json and JsonLines().begin(line) is Balance.OPEN:
            return Balance.BROKEN
        if self._rules.indented and not continues(line):
            return Balance.BROKEN
        return Balance.CLOSED if self._ends is not None and self._ends(line) else Balance.OPEN

    def _end(self) -> Finished:
        """Ends the open record; JSON with brackets still to close is unfinished."""
        block, self._block = self._block, None
        assert block is not None  # noqa: S101 - asked before
        if len(block.texts) == 1:
            return Finished(block.name, block.alone)
        if block.json is not None:
            return Finished(block.name, UNFINISHED)
        parsed = self._inner.parse_batch((b"\n".join(block.texts),))[0]
        return Finished(block.name, BROKEN if isinstance(parsed, Part | Step) else parsed)
