"""A base for parsers that read lines by what earlier lines said: the header of a column format.

The header is a handful of texts by name. A directive changes some of them, and only a line that
really changes one gives a state, which is the header as JSON. Nothing waits here for more lines.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from hooktail_parsers._api import Finished, ParseError, Skip, Step

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from hooktail_parsers._api import Result

BLANK = Skip("blank")
DIRECTIVE = Skip("directive")
SYNTAX = ParseError("syntax")
BAD_TIME = ParseError("bad_time")
NOT_A_REQUEST = ParseError("not_a_request")
NO_FIELDS_YET = ParseError("no_fields_yet")
BAD_FIELDS = ParseError("bad_fields")
COLUMN_COUNT = ParseError("column_count")

LONGEST_HEADER_BYTES = 16_384
MOST_COLUMNS = 256
BOM = b"\xef\xbb\xbf"

_LONGEST_STATE = 8 * LONGEST_HEADER_BYTES


def column_names(text: bytes) -> list[bytes] | None:
    """Splits the names of a header at white space; None for no names, or for too many."""
    if len(text) > LONGEST_HEADER_BYTES:
        return None
    names = text.split()
    return names if 0 < len(names) <= MOST_COLUMNS else None


def json_state(state: str) -> object:
    """Reads a state that is JSON; raises ValueError if it is none."""
    try:
        return json.loads(state)
    except RecursionError as error:
        raise ValueError("a state so deep is none of a parser") from error


class HeadedParser:
    """Keeps the header. A subclass reads directives (`_directive`) and lines (`parse_batch`)."""

    hold_s = 0.0
    header_keys: ClassVar[frozenset[str]]

    def __init__(self) -> None:
        self._header: dict[str, str] = {}

    def parse(self, line: bytes) -> Result:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
        """Parses lines in order."""
        raise NotImplementedError

    def restore(self, state: str) -> None:
        """Carries the header of this state; raises ValueError if it is none."""
        header: object = {}
        if state:
            if len(state) > _LONGEST_STATE:
                raise ValueError(f"a state of {len(state)} characters is none of this parser")
            header = json_state(state)
        if not (
            isinstance(header, dict)
            and self.header_keys.issuperset(header)
            and all(isinstance(text, str) and _is_latin(text) for text in header.values())
        ):
            raise ValueError(f"{state[:80]!r} is no state of this parser")
        self._header = header
        self._header_changed()

    def give_up(self, record: Hashable) -> Step:
        """Ends a record; none is ever open."""
        return Step(None, (Finished(record, ParseError("unfinished")),))

    def _change(self, line: Skip | ParseError, **texts: bytes) -> Result:
        """Takes over what a directive says; `line` is what the directive itself is."""
        header = self._header | {key: text.decode("latin-1") for key, text in texts.items()}
        if header == self._header:
            return line
        self._header = header
        self._header_changed()
        return Step(line, state=json.dumps(header, sort_keys=True))

    def _said(self, key: str) -> bytes | None:
        """Returns what the header says, None if it does not say."""
        text = self._header.get(key)
        return None if text is None else text.encode("latin-1")

    def _header_changed(self) -> None:
        """Prepares for lines under the new header."""
        raise NotImplementedError


def _is_latin(text: str) -> bool:
    return all(character <= "\xff" for character in text)
