r"""Where a JSON value ends, by its brackets and strings alone, on one line or over several.

It does not say that the text is JSON, only that it cannot be: a bracket closed by one of another
kind, a string that is open at the end of a line (JSON writes `\n` for a newline inside a string).
"""

from __future__ import annotations

import re
from enum import Enum, auto

# A lone quote is a string that does not end here.
_TOKEN = re.compile(rb'"(?>(?:[^"\\]++|\\.)*)"|["{}\[\]]', re.DOTALL).finditer
_CLOSING = {b"{": b"}", b"[": b"]"}
_DEEPEST = 256

# What JSON writers put behind an opening bracket. Of lists only those of objects, lists and texts,
# for `[2025-03-14 ...]` and `[main]` begin lines that are no JSON.
_BEGINS = re.compile(rb'\{\s*+(?:\Z|["}])|\[\s*+(?:\Z|[{\["])').match
# What they put at the beginning of a line inside: anything indented, a key, a bracket that closes.
_GOES_ON = re.compile(rb'[ \t]|["}\],]').match


class Balance(Enum):
    """What the lines so far are."""

    OPEN = auto()
    CLOSED = auto()
    BROKEN = auto()


class JsonLines:
    """Follows a JSON object or list from line to line; feed no line behind the end of one."""

    __slots__ = ("_closing",)

    def __init__(self) -> None:
        self._closing: list[bytes] = []
        """The brackets that are to close what is open, the outermost first."""

    def begin(self, line: bytes) -> Balance:
        """Takes the first line; BROKEN if no JSON object or list begins with it."""
        return self._feed(line) if _BEGINS(line) else Balance.BROKEN

    def go_on(self, line: bytes) -> Balance:
        """Takes the next line; BROKEN if no JSON that is open here goes on like that."""
        return self._feed(line) if _GOES_ON(line) else Balance.BROKEN

    def _feed(self, line: bytes) -> Balance:
        closing = self._closing
        for token in _TOKEN(line):
            text = token[0]
            if text in _CLOSING:
                if len(closing) >= _DEEPEST:
                    return Balance.BROKEN
                closing.append(_CLOSING[text])
            elif text == b'"' or (text in b"}]" and (not closing or closing.pop() != text)):
                return Balance.BROKEN
            if not closing:
                return Balance.CLOSED
        return Balance.OPEN


def end_of_value(text: bytes, start: int) -> int | None:
    """Returns where the object or list ends that begins at `start`; None if it does not end.

    Newlines inside strings are let pass: writers of traces leave them in.
    """
    closing: list[bytes] = []
    for token in _TOKEN(text, start):
        found = token[0]
        if found in _CLOSING:
            if len(closing) >= _DEEPEST:
                return None
            closing.append(_CLOSING[found])
        elif found == b'"' or (found in b"}]" and (not closing or closing.pop() != found)):
            return None
        if not closing:
            return token.end()
    return None
