"""Where a line's parts differ in kind from those of a format's example. Pure.

For formats that do not say themselves where a line stops fitting. Parts are told apart by their
look alone: in quotes, in brackets, in braces, or a word.
"""

from __future__ import annotations

import re

from hooktail_parsers.stops import LONGEST_BYTES, Stop

_PARTS = re.compile(
    rb'(?P<quoted>"(?>(?:[^"\\]|\\.)*)"?)|(?P<bracketed>\[[^\]]*+\]?)|(?P<braced>\{[^}]*+\}?)'
    rb"|(?P<word>[^\s]++)"
)
_SHOWN = 40


def differs(line: bytes, example: bytes) -> Stop | None:
    """Finds the first part of another kind than in the example; None if there is none."""
    line, example = line[:LONGEST_BYTES], example[:LONGEST_BYTES]
    wanted = list(_PARTS.finditer(example))
    found = list(_PARTS.finditer(line))
    for want, have in zip(wanted, found, strict=False):
        if want.lastgroup != have.lastgroup and have[0] != b"-" and want[0] != b"-":
            return Stop(have.start(), _as_in(want[0]))
    if len(found) < len(wanted):
        return Stop(len(line), _as_in(wanted[len(found)][0]))
    return None


def _as_in(part: bytes) -> str:
    text = part.decode("utf-8", "replace")
    return f"a part like {text if len(text) <= _SHOWN else text[:_SHOWN] + '...'} of its example"
