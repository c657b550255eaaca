"""What a time looks like that was written by a strftime format: enough to find where it ends."""

from __future__ import annotations

import re

from hooktail_parsers.builders.shapes import Shape

_LOOKS = {
    "Y": rb"[0-9]{4}",
    "y": rb"[0-9]{2}",
    "m": rb"[0-9]{2}",
    "d": rb"[0-9]{2}",
    "e": rb"[ 0-9]?[0-9]",
    "H": rb"[0-9]{2}",
    "I": rb"[0-9]{2}",
    "k": rb"[ 0-9]?[0-9]",
    "l": rb"[ 0-9]?[0-9]",
    "M": rb"[0-9]{2}",
    "S": rb"[0-9]{2}",
    "j": rb"[0-9]{3}",
    "b": rb"[A-Z][a-z]{2}",
    "h": rb"[A-Z][a-z]{2}",
    "B": rb"[A-Z][a-z]{2,8}+",
    "a": rb"[A-Z][a-z]{2}",
    "A": rb"[A-Z][a-z]{5,8}+",
    "p": rb"[AP]M",
    "z": rb"[+-][0-9]{2}:?[0-9]{2}",
    "Z": rb"(?:[A-Z]{1,5}+|[+-][0-9]{2,4}+)",
    # From 2001 to 2286, which tells them from digits that follow.
    "s": rb"[0-9]{10}",
    "T": rb"[0-9]{2}:[0-9]{2}:[0-9]{2}",
    "R": rb"[0-9]{2}:[0-9]{2}",
    "F": rb"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "D": rb"[0-9]{2}/[0-9]{2}/[0-9]{2}",
    "%": rb"%",
}
_BEGINS = {"z": b"+-", "p": b"AP"}
_DIRECTIVE = re.compile(r"%(.)|([^%]+)|%", re.DOTALL)


def stamp_shape(date_format: str) -> Shape:
    """Returns the shape of times in a format; of any text, if a directive is not known here."""
    exact = b""
    for directive in _DIRECTIVE.finditer(date_format):
        name, literal = directive.groups()
        if literal is not None:
            exact += re.escape(literal.encode())
        elif name in _LOOKS:
            exact += _LOOKS[name]
        else:
            return Shape(spaced=None if " " not in date_format else True)
    first = re.match(r"%(.)", date_format)
    begins = date_format[:1].encode() if first is None else _BEGINS.get(first[1], b"0123456789")
    if first is not None and first[1] in "bhBaAZ":
        begins = b""
    return Shape(exact, begins=begins)
