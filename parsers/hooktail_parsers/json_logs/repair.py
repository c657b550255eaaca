r"""JSON as servers write it that do not quite write JSON, to what they meant.

nginx without `escape=json` writes `\x22` for a quote, which JSON does not know, and without quotes
around a variable nothing, `-`, `000` or `0.1, 0.2`. Others leave a comma before the closing brace.
All that is repaired in one pass, linear in the line; a line that is torn off stays torn off.
"""

from __future__ import annotations

import re

import orjson

# Every alternative matches from where it begins, torn off or not, so that no byte is read twice.
_PIECE = re.compile(
    rb'"(?>(?:[^"\\]++|\\.)*)"?'  # a string
    rb'|:[^"{}\[\],]*+(?>(?:,(?!\s*+["}])[^"{}\[\],]*+)*)'  # a value without quotes
    rb"|,\s*+(?=[}\]])",  # a comma too many
    re.DOTALL,
)
_ODD = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|(.))|[\x00-\x1f]", re.DOTALL)
_ODD_WITHIN = re.compile(rb"[\x00-\x1f\\]").search
_LEGAL_ESCAPES = b'"\\/bfnrtu'
_SCALAR = re.compile(
    rb"true|false|null|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
).fullmatch
_MISSING = (b"", b"-")
_CONTROLS_END = 0x20


def repaired(text: bytes) -> bytes:
    """Returns the text as JSON, as far as the repairs go."""
    return _PIECE.sub(_mended, text)


def _mended(piece: re.Match[bytes]) -> bytes:
    found = piece[0]
    if found.startswith(b'"'):
        return _ODD.sub(_escape, found) if _ODD_WITHIN(found) else found
    if found.startswith(b","):
        return b""
    if piece.string[piece.end() : piece.end() + 1] not in (b",", b"}"):
        return found  # a string, an object or a list follows
    value = found[1:].strip()
    if value in _MISSING:
        return b":null"
    if _SCALAR(value):
        return found
    return b":" + orjson.dumps(value.decode("utf-8", "replace"))


def _escape(odd: re.Match[bytes]) -> bytes:
    digits, letter = odd.groups()
    if digits is None:
        if letter is None:
            return b"\\u%04x" % odd[0][0]
        if letter in _LEGAL_ESCAPES:
            return odd[0]
        return b"\\u000b" if letter == b"v" else b"\\\\" + letter
    byte = int(digits, 16)
    if byte < _CONTROLS_END:
        return b"\\u%04x" % byte
    character = bytes((byte,))
    return b"\\" + character if character in b'"\\' else character
