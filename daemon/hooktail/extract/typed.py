"""What somebody else's parser says, held to the types that it may have.

A parser that forgets to decode gives bytes for text, and whoever writes or compares them would
fail instead of it. Such a record is the parser's failure; what it says of the request is not
looked at here. A reason becomes the name of a counter, in the log too: it has to be a word, and no
piece of a line. Parsers of this package are not checked: their tests are.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from msgspec import structs

from hooktail_parsers import Finished, ParseError, Part, Record, Skip, Step
from hooktail_parsers.assembly import is_stateful

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from hooktail_parsers import Format, Parsed, Parser, Result, StatefulParser

Given = ParamSpec("Given")
Said = TypeVar("Said")
_TEXTS = (
    "ip", "method", "scheme", "host", "path", "query", "referrer", "user_agent", "user",
    "cookies", "xff", "session", "request_id",
)  # fmt: skip
_NUMBERS = ("time_ms", "port", "status", "bytes_sent")
# The years that a time stamp can say; the other numbers of a request are smaller.
_FIRST_MS = -62_135_596_800_000
_LAST_MS = 253_402_300_799_999
_MS = "; allowed: milliseconds of the years 1 to 9999"
_HIGHEST = (1 << 64) - 1
_LOWEST = -(1 << 63)
_DEEPEST = 32
_WORD = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_LONGEST, _MOST_REASONS = 64, 64


class ParserFailed(ParseError):  # noqa: N818  # a finding about a line, as its base is
    """The parser broke its contract on a line."""

    def __init__(self, why: str) -> None:
        super().__init__("parser_failed")
        self.why = why
        """What it raised, and where; or what it returned."""


def held_to_types(known: Format) -> Format:
    """Returns a format of somebody else's whose parsers fail where their records do."""
    return replace(
        known,
        make=_checking(known.make),
        wrap=None if known.wrap is None else _checking(known.wrap),
        build=None if known.build is None else _checking(known.build),
    )


def _checking(make: Callable[Given, Parser]) -> Callable[Given, Parser]:
    def checking(*args: Given.args, **kwargs: Given.kwargs) -> Parser:
        return _checked(make(*args, **kwargs))

    return checking


def _checked(parser: Parser) -> Parser:
    if type(parser).__module__.partition(".")[0] == "hooktail_parsers":
        return parser  # somebody else's format, made by a builder
    return _StatefulChecked(parser) if is_stateful(parser) else _Checked(parser)


class _Checked:
    """A parser's results, checked."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._reasons: set[str] = set()

    def __getattr__(self, name: str) -> object:
        return getattr(self._parser, name)

    def parse(self, line: bytes) -> Result:
        try:
            return self._held(self._parser.parse(line))
        except ParseError as error:
            return self._held(error)
        except SystemExit:
            raise RuntimeError("it called sys.exit()") from None

    def parse_batch(self, lines: Sequence[bytes]) -> Sequence[Result]:
        try:
            return [self._held(each) for each in self._parser.parse_batch(lines)]
        except SystemExit:
            raise RuntimeError("it called sys.exit()") from None

    def _held(self, result: Result) -> Result:
        if isinstance(result, Step):
            return _step(result, self._part)
        return self._part(result)

    def _part(self, parsed: Said) -> Said | ParserFailed:
        problem = ""
        if isinstance(parsed, Record):
            problem = wrong_type(parsed)
            problem = problem and f"record whose {problem}"
        elif isinstance(parsed, Part):
            problem = "" if _is_hashable(parsed.record) else "Part whose record has no hash"
        elif isinstance(parsed, Skip | ParseError) and not isinstance(parsed, ParserFailed):
            problem = self._reason_problem(parsed.reason)
            problem = problem and f"{type(parsed).__name__} whose reason {problem}"
        return ParserFailed(f"it returned a {problem}") if problem else parsed

    def _reason_problem(self, reason: object) -> str:
        if not isinstance(reason, str) or len(reason) > _LONGEST or not _WORD.fullmatch(reason):
            return "is no snake_case word"
        if reason in self._reasons:
            return ""
        if len(self._reasons) >= _MOST_REASONS:
            return f"is one more than {_MOST_REASONS}"
        self._reasons.add(reason)
        return ""


class _StatefulChecked(_Checked):
    """The same of one that carries something from line to line."""

    def __init__(self, parser: StatefulParser) -> None:
        super().__init__(parser)
        self._stateful = parser
        self.hold_s = parser.hold_s

    def fork(self) -> StatefulParser:
        return _StatefulChecked(self._stateful.fork())

    def restore(self, state: str) -> None:
        self._stateful.restore(state)

    def give_up(self, record: Hashable) -> Step:
        step = self._stateful.give_up(record)
        checked = self._held(step)
        return checked if isinstance(checked, Step) else step


def _step(step: Step, checked: Callable[[Parsed | Part], Parsed | Part]) -> Step | ParserFailed:
    finished: object = step.finished
    if not isinstance(finished, tuple) or not all(
        isinstance(each, Finished) and _is_hashable(each.record) for each in finished
    ):
        return ParserFailed("it returned a Step whose finished is no tuple of Finished")
    if step.state is not None and not isinstance(step.state, str):
        return ParserFailed(f"it returned a Step whose state is {_type(step.state)}")
    line = None if step.line is None else checked(step.line)
    ended = tuple(structs.replace(each, parsed=checked(each.parsed)) for each in step.finished)
    return structs.replace(step, line=line, finished=ended)


def _is_hashable(record: object) -> bool:
    try:
        hash(record)
    except TypeError:
        return False
    return True


def wrong_type(record: Record) -> str:
    """Says which field of a record has a type that it may not have; `""` if none has."""
    for name in _TEXTS:
        if problem := _text_problem(getattr(record, name)):
            return f"{name} {problem}"
    for name in _NUMBERS:
        value = getattr(record, name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            return f"{name} is {_type(value)}; allowed: int or None"
        if value is not None and not _FIRST_MS <= value <= _LAST_MS:
            return f"{name} is out of range" + (_MS if name == "time_ms" else "")
    duration_s = record.duration_s
    if duration_s is not None and (
        not isinstance(duration_s, int | float) or isinstance(duration_s, bool)
    ):
        return f"duration_s is {_type(duration_s)}; allowed: float or None"
    headers: object = record.headers
    if headers is not None and not isinstance(headers, dict):
        return f"headers is {_type(headers)}; allowed: dict of str or None"
    for name, value in (record.headers or {}).items():
        if problem := _text_problem(name) or ("" if value is None else _text_problem(value)):
            return f"headers {problem}"
    fields: object = record.fields
    if fields is not None and not isinstance(fields, dict):
        return f"fields is {_type(fields)}; allowed: dict or None"
    problem = _json_problem(fields, 0)
    return f"fields {problem}" if problem else ""


def _text_problem(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return f"is {_type(value)}; allowed: str or None"
    if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
        return "holds a lone surrogate; decode with errors='replace'"
    return ""


def _json_problem(value: object, depth: int) -> str:
    if isinstance(value, str):
        return _text_problem(value)
    if value is None or isinstance(value, bool | float):
        return ""
    if isinstance(value, int):
        return "" if _LOWEST <= value <= _HIGHEST else "has a number of more than 64 bits"
    if depth >= _DEEPEST:
        return f"is nested deeper than {_DEEPEST}"
    if isinstance(value, dict):
        for name in value:
            if not isinstance(name, str):
                return f"has a name of {_type(name)}; allowed: str"
        values = [*value, *value.values()]
    elif isinstance(value, list):
        values = value
    else:
        return f"has {_type(value)}; allowed: what JSON has"
    return next(filter(None, (_json_problem(each, depth + 1) for each in values)), "")


def _type(value: object) -> str:
    return type(value).__name__
