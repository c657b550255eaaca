r"""From the bytes between two quotes to text: the log's escaping undone, then decoded.

nginx writes `\xHH` (upper case) for a quote, a backslash, controls and bytes from 0x7F; Apache
writes `\"`, `\\`, `\b \n \r \t \v` and `\xhh` (lower case). nginx never writes a bare
backslash, so that one decoder is right for both. It works on bytes: a character of several bytes
comes as several escapes.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_ESCAPED = rb'\\.[^"\\]*+'
# An alternative, because most fields hold no escape, and a repetition of nothing is slower.
IN_QUOTES = rb'[^"\\]*+(?>' + _ESCAPED + rb"(?:" + _ESCAPED + rb")*|)"
"""What stands between two quotes, as an expression (with `re.DOTALL`)."""
QUOTED = rb'"(' + IN_QUOTES + rb')"'
"""A quoted field as an expression (with `re.DOTALL`): an escaped quote does not end it."""

_ESCAPE = re.compile(rb'\\(x[0-9A-Fa-f]{2}|["\\bnrtv])')
_CONTROLS = {
    b'"': b'"',
    b"\\": b"\\",
    b"b": b"\b",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
}
# Nobody's decoder may fail on these, and each must read them as ASCII does: the log's own syntax
# is ASCII. It refuses UTF-16, UTF-7, EBCDIC and the codecs that are no character encodings.
_PLAIN = bytes(range(0x20, 0x7F)) + b" \\n\\u0041\\x41"
_EVERY_BYTE = bytes(range(256))


def unescape(raw: bytes) -> bytes:
    """Undoes nginx's and Apache's escaping in one pass; an unknown escape stays as it is."""
    if b"\\" not in raw:
        return raw
    return _ESCAPE.sub(_meaning, raw)


def _meaning(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    return _CONTROLS.get(code) or bytes((int(code[1:], 16),))


def decoder(encoding: str) -> Callable[[bytes], str]:
    """Returns a function from bytes to text that never raises: what is invalid becomes U+FFFD.

    Raises:
        ValueError: the encoding is unknown, or no superset of ASCII.
    """
    try:
        name = codecs.lookup(encoding).name
        faithful = _PLAIN.decode(name) == _PLAIN.decode("ascii")
        _EVERY_BYTE.decode(name, "replace")
    except (LookupError, ValueError):
        faithful = False
    if not faithful:
        raise ValueError(f"{encoding!r} is no text encoding that contains ASCII")

    def decode(raw: bytes) -> str:
        return raw.decode(name, "replace")

    return decode


def stated(text: str) -> str | None:
    """Returns the text, or None for the ways in which a log says that there is none."""
    return None if text in ("", "-") else text
