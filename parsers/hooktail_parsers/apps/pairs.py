r"""Pairs, `key=value key="quoted \"value\"" bare`, as logfmt has them, to a dictionary.

The lines of a program mostly have the same keys in the same order. Once they have come a few
times, one expression reads all their values at once; what it does not match is read pair by pair,
with the same outcome.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hooktail_parsers.text import QUOTED

if TYPE_CHECKING:
    from collections.abc import Callable

_PAIR = rb'([^\s="]++)(?>(=)(?:' + QUOTED + rb'|([^\s"]\S*+)|)|)'
# The last group is what is no pair, with all behind it: there is no need to look further.
_EACH_PAIR = re.compile(_PAIR + rb"(?=\s|\Z)|(\S.*+)", re.DOTALL).findall
_ESCAPE = re.compile(rb"\\(u[0-9A-Fa-f]{4}|x[0-9A-Fa-f]{2}|.)", re.DOTALL)
_CONTROLS = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def read_pairs(line: bytes) -> dict[bytes, bytes | None] | None:
    """Reads the pairs of a line, None as the value of a bare key; None if it is no logfmt.

    The first has a value: what begins with words is a sentence with pairs in it, such as the last
    line of a stack trace, whatever those say.
    """
    pairs: dict[bytes, bytes | None] = {}
    for key, equals, quoted, plain, stray in _EACH_PAIR(line) if b"=" in line else ():
        if stray or not (equals or pairs):
            return None
        if equals:
            pairs[key] = unescape(quoted) if quoted else plain
        else:
            pairs[key] = None
    return pairs or None


def unescape(raw: bytes) -> bytes:
    r"""Undoes the escaping of a quoted value, as Go and JSON write it."""
    return _ESCAPE.sub(_meaning, raw) if b"\\" in raw else raw


def _meaning(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    if len(code) == 1:
        return _CONTROLS.get(code, code)
    number = int(code[1:], 16)
    return chr(number).encode("utf-8", "replace") if code[:1] == b"u" else bytes((number,))


_SEEN_BEFORE = 3
_MOST_SHAPES = 32
_MOST_TRIED = 4
_MOST_CANDIDATES = 256
_MOST_KEYS = 64


class _Shape(NamedTuple):
    match: Callable[[str], re.Match[str] | None]
    keys: tuple[str, ...]


class PairReader:
    """Reads the pairs of lines, as text. What it remembers makes it faster, never different."""

    def __init__(self, decode: Callable[[bytes], str]) -> None:
        self._decode = decode
        self._shapes: list[_Shape] = []
        """The latest that matched is the first."""
        self._seen: dict[tuple[tuple[bytes, bool], ...], int] = {}
        self._left = _MOST_SHAPES

    def read(self, line: bytes) -> dict[str, object] | None:
        """Returns the values by key, True for a bare key; None if the line is no logfmt."""
        quickly = self.read_quickly(line)
        if quickly is not None:
            return quickly
        if self._left:
            self._learn(line)
        return self.careful_read(line)

    def read_quickly(self, line: bytes) -> dict[str, object] | None:
        """Does the same where the keys of the line have come before; None elsewhere."""
        if self._shapes and line.isascii():
            text = line.decode("ascii")
            for number, shape in enumerate(self._shapes):
                found = shape.match(text)
                if found is not None:
                    if number:
                        self._shapes.insert(0, self._shapes.pop(number))
                    return dict(zip(shape.keys, found.groups(), strict=True))
        return None

    def careful_read(self, line: bytes) -> dict[str, object] | None:
        """Does the same, pair by pair."""
        pairs = read_pairs(line)
        if pairs is None:
            return None
        decode = self._decode
        return {decode(key): True if raw is None else decode(raw) for key, raw in pairs.items()}

    def _learn(self, line: bytes) -> None:
        """Remembers the keys of a line, and makes an expression of those that came before."""
        if not line.isascii():
            return
        pairs = _EACH_PAIR(line)
        keys = [key for key, *_ in pairs]
        if not 0 < len(set(keys)) == len(keys) <= _MOST_KEYS or not all(
            equals and not stray for _, equals, *_, stray in pairs
        ):
            return
        form = tuple((key, bool(quoted)) for key, _, quoted, _, _ in pairs)
        seen = self._seen.get(form, 0) + 1
        if seen < _SEEN_BEFORE:
            if len(self._seen) >= _MOST_CANDIDATES:
                self._seen.clear()
            self._seen[form] = seen
            return
        self._seen.pop(form, None)
        self._left -= 1
        names = tuple(key.decode("ascii") for key in keys)
        values = (r'"([^"\\]*+)"' if quoted else r'([^\s"]*+)' for _, quoted in form)
        expression = " ".join(
            f"{re.escape(name)}={value}" for name, value in zip(names, values, strict=True)
        )
        match = re.compile(rf"{expression}\s*+", re.ASCII).fullmatch
        self._shapes.insert(0, _Shape(match, names))
        del self._shapes[_MOST_TRIED:]
