"""Formats around other formats: each line is taken apart, and its text parsed by the inner parser.

A `Splitter` (in `messages`) knows the outer format. The record is the inner parser's; only a time
that it has not is taken from the wrapper.

Without chunks, and around a parser without state, nothing is carried from line to line
(`PlainWrapper`). Else each stream has a parser of its own and its own unfinished message
(`streams.StreamWrapper`): two programs that write into one file never continue each other's lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, OptionError, StatefulParser
from hooktail_parsers.wrappers.messages import parse_messages, where_message_stops
from hooktail_parsers.wrappers.streams import StreamWrapper
from hooktail_parsers.wrappers.syslog import Rfc3164
from hooktail_parsers.wrappers.years import YearTurns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hooktail_parsers._api import Parser, Result
    from hooktail_parsers.stops import Stop
    from hooktail_parsers.wrappers.messages import Splitter


def wrapper_format(
    name: str,
    summary: str,
    splitter: Callable[[Mapping[str, str]], Splitter],
    example: str,
    source: str,
) -> Format:
    """Makes the format of a wrapper; `splitter` may raise OptionError.

    Options that the splitter does not know are the inner format's.
    """

    def make(_options: Mapping[str, str]) -> Parser:
        raise OptionError(
            "format", f"{name} wraps another format: write {name}+combined, or {name}+ its name"
        )

    def wrap(inner: Parser, options: Mapping[str, str]) -> Parser:
        outer = splitter(options)
        if isinstance(outer, Rfc3164) and outer.year is not None:
            return YearTurns(options, lambda each: _around(inner, each, name), outer.year)
        return _around(inner, outer, name)

    return Format(name, summary, ("time",), make, "wrapper", wrap, example=example, source=source)


def _around(inner: Parser, outer: Splitter, name: str) -> Parser:
    if outer.joins or isinstance(inner, StatefulParser):
        return StreamWrapper(outer, inner, name)
    return PlainWrapper(outer, inner)


class PlainWrapper:
    """Around a parser without state, for formats that put a message into one line."""

    def __init__(self, splitter: Splitter, inner: Parser) -> None:
        self._split = splitter.split
        self._time_ms = splitter.time_ms
        self._inner = inner

    def parse(self, line: bytes) -> Result:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
        """Parses lines in order; the inner parser gets them as one batch."""
        return parse_messages([self._split(line) for line in lines], self._inner, self._time_ms)

    def where_it_stops(self, line: bytes, reason: str) -> Stop | None:
        """Says where the inner line stops fitting, in bytes of the whole line if it is in there."""
        return where_message_stops(self._split(line), self._inner, line, reason)
