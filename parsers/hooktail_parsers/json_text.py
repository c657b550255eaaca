r"""JSON texts to values, as their writers meant them: whole numbers to the digit, any legal text.

orjson reads nearly all of them as they are. It makes a fraction of a whole number that 64 bits do
not hold, so that two order ids become one, and refuses two things that JSON allows: half a
surrogate pair, as JavaScript writes where it cuts a text, and a number beyond all floats. Such a
text is rewritten, in one pass, and then read by orjson as well: one reader for all texts.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from hooktail_parsers.text import IN_QUOTES

LARGEST = 2**64 - 1
SMALLEST = -(2**63)
"""The whole numbers that stay numbers; others become texts of their digits."""

_LONGEST = len(str(LARGEST))
_AS_DIGITS = bytes(0x30 if byte in b"-0123456789" else 0x20 for byte in range(256))
_RUN = b"0" * _LONGEST  # of digits, or of a sign and one digit less
# Of a run that long every fourth byte shows five times, and of no usual time stamp.
_STEP = 4
_SHOWN = b"0" * (_LONGEST // _STEP)
_BYTES_A_LOOK = 4096
"""Places that come more often than this are not looked at one by one: all of the text is."""
_PIECE = re.compile(
    # A string, torn off or not, so that no byte is read twice.
    rb'"' + IN_QUOTES + rb'"?'
    # A number, and whether it is a key.
    rb"|-?[0-9][0-9.eE+-]*+(\s*+:)?",
    re.DOTALL,
)
_SURROGATES = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_NUMBER = re.compile(rb"-?(?:0|[1-9][0-9]*+)((?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)").fullmatch
_INFINITE = (float("inf"), float("-inf"))


def loads(text: bytes) -> Any:  # as of all readers of JSON
    """Reads a JSON text.

    Whole numbers below `SMALLEST` and above `LARGEST` are texts of their digits, half a surrogate
    pair is U+FFFD, and a number beyond all floats is None.

    Raises:
        orjson.JSONDecodeError: it is no JSON.
    """
    if may_round(text):
        return orjson.loads(_rewritten(text))
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        rewritten = _rewritten(text)
        if rewritten == text:
            raise
        return orjson.loads(rewritten)


def may_round(text: bytes) -> bool:
    """Tells whether orjson might read a whole number of the text as a fraction."""
    shown = text[::_STEP].translate(_AS_DIGITS)
    at = shown.find(_SHOWN)
    looks = 1 + len(text) // _BYTES_A_LOOK
    while at >= 0:
        looks -= 1
        if looks < 0:
            return _RUN in text.translate(_AS_DIGITS)
        # The run's beginning, if it is one: the byte shown before it is no digit of it.
        began = at * _STEP
        near = text[max(began - _STEP + 1, 0) : began + _LONGEST]
        if _RUN in near.translate(_AS_DIGITS):
            return True
        at = shown.find(_SHOWN, at + 1)
    return False


def _rewritten(text: bytes) -> bytes:
    return _PIECE.sub(_piece, text)


def _piece(found: re.Match[bytes]) -> bytes:
    piece = found[0]
    if found[1] is not None:
        return piece
    if piece.startswith(b'"'):
        return _SURROGATES.sub(_character, piece) if b"\\u" in piece else piece
    number = _NUMBER(piece)
    if number is None:
        return piece
    if number[1]:
        return b"null" if float(piece) in _INFINITE else piece
    if len(piece) < _LONGEST - 1:
        return piece
    if len(piece) <= _LONGEST and SMALLEST <= int(piece) <= LARGEST:
        return piece
    return b'"' + piece + b'"'


def _character(escape: re.Match[bytes]) -> bytes:
    return escape[0] if escape[1] is None else b"\\ufffd"
