r"""How writers of logs keep a value apart from the text around it, and how that is undone.

nginx writes `\xHH` for quotes, backslashes, controls and bytes from 0x7F (`escape=default`), or
JSON escapes, or nothing at all (`escape=none`); Apache and its like write `\"` and `\xhh`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hooktail_parsers.text import IN_QUOTES, unescape

if TYPE_CHECKING:
    from collections.abc import Callable

_CONTROLS = bytes(range(0x20))
_HIGH = bytes(range(0x7F, 0x100))
_ESCAPE = re.compile(rb'\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|["\\/bfnrt])')
_MEANINGS = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t"}


@dataclass(frozen=True, slots=True)
class Writer:
    """What a writer does to values: what they never hold in the log, and how to read them."""

    quoted: bytes
    """What stands between two quotes, as an expression; empty if anything may."""
    never: bytes
    """The bytes that no value holds as it is written."""
    unescape: Callable[[bytes], bytes] = field(repr=False)


def unescape_json(raw: bytes) -> bytes:
    r"""Undoes JSON's escapes in text; `\xHH`, which nginx writes by default, counts as one."""
    if b"\\" not in raw:
        return raw
    return _ESCAPE.sub(_meaning, raw)


def _meaning(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    if code.startswith(b"u"):
        return chr(int(code[1:], 16)).encode("utf-8", "surrogatepass")
    if code.startswith(b"x"):
        return bytes((int(code[1:], 16),))
    return _MEANINGS.get(code, code)


def _as_it_is(raw: bytes) -> bytes:
    return raw


NGINX_DEFAULT = Writer(IN_QUOTES, b'"' + _CONTROLS + _HIGH, unescape)
NGINX_JSON = Writer(IN_QUOTES, _CONTROLS, unescape_json)
NGINX_NONE = Writer(b"", b"", _as_it_is)
APACHE = Writer(IN_QUOTES, _CONTROLS + _HIGH, unescape)
UNKNOWN = Writer(IN_QUOTES, b"", unescape)
"""A writer of either kind: what is between quotes reads as Apache's or nginx's."""
