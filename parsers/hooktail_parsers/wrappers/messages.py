"""What a wrapper makes of a line: the text inside, its time stamp and its stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import orjson

from hooktail_parsers import json_text
from hooktail_parsers._api import ParseError, Record, Skip
from hooktail_parsers.stops import Pointing

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from hooktail_parsers._api import Parser, Result
    from hooktail_parsers.stops import Stop

Stamp: TypeAlias = "bytes | str | float | None"
Message: TypeAlias = "tuple[bytes, Stamp, str, bool]"
"""Text, the wrapper's time stamp, stream, and whether the message ends with this line."""

BLANK = Skip("blank")
SYNTAX = ParseError("syntax")
LONGEST_STREAM_NAME = 256

_BOM = b"\xef\xbb\xbf"


class Splitter(Protocol):
    """Takes the lines of one outer format apart; it carries nothing from line to line."""

    joins: bool
    """The format has messages of several lines."""

    def split(self, line: bytes) -> Message | Skip | ParseError:
        """Takes a line apart; never raises."""

    def time_ms(self, stamp: Stamp) -> int | None:
        """Reads a stamp that `split` gave."""


def odd_line(line: bytes) -> Skip | ParseError:
    """Returns what a line is that has not the layout of its format."""
    return SYNTAX if unpadded(line) else BLANK


def json_object(line: bytes) -> dict[str, Any] | Skip | ParseError:
    """Reads a line that is a JSON object, perhaps behind a mark or a hole."""
    try:
        entry = orjson.loads(line)  # of its numbers only times are read
    except ValueError:
        try:
            entry = json_text.loads(unpadded(line))
        except ValueError:
            return odd_line(line)
    return entry if isinstance(entry, dict) else SYNTAX


def unpadded(line: bytes) -> bytes:
    """Returns the line without a byte order mark, NULs of a hole, and white space around it."""
    return line.removeprefix(_BOM).strip(b"\x00 \t\r\n")


def parse_messages(
    split: Sequence[Message | Skip | ParseError],
    inner: Parser,
    time_ms: Callable[[Stamp], int | None],
) -> list[Result]:
    """Parses the messages among what splitting lines gave, as one batch.

    The inner parser has no state, so that each of its results is one of a line's own.
    """
    parsed = iter(inner.parse_batch([each[0] for each in split if type(each) is tuple]))
    results: list[Result] = []
    for each in split:
        if type(each) is not tuple:
            results.append(each)  # type: ignore[arg-type]  # no tuple: a Skip or a ParseError
            continue
        result = next(parsed)
        if isinstance(result, Record) and result.time_ms is None:
            result.time_ms = time_ms(each[1])
        results.append(result)
    return results


def where_message_stops(
    taken: Message | Skip | ParseError, inner: Parser, line: bytes, reason: str
) -> Stop | None:
    """Says where the text inside a line stops fitting, if it stands in the line as it is."""
    if not isinstance(taken, tuple) or not isinstance(inner, Pointing):
        return None
    text = taken[0]
    stop = inner.where_it_stops(text, reason)
    at = line.find(text[: max(stop.offset, 1)]) if stop else -1
    return None if stop is None or at < 0 else stop._replace(offset=at + stop.offset)
