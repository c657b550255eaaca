"""Where a line stops fitting its format: as far as it could be the beginning of one that fits.

A parser says only that it cannot read a line. So the line's beginnings are put, the longest first,
in front of the ends of lines that it can read: the first that is read together tells how far the
line was good, and what would have come next.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LONGEST_BYTES = 4096
_MOST_CUTS = 96
_MOST_MODELS = 3
_MARK = re.compile(rb'[\s"\[\]|,;{}]')


class Misfit(NamedTuple):
    """How far a line fits; both texts go on to the line's end."""

    offset: int
    """Bytes that fit."""
    instead: bytes
    """What a line that fits has there; empty where that is not known."""


def find_misfit(
    line: bytes, reads: Callable[[bytes], bool], models: Iterable[bytes]
) -> Misfit | None:
    """Returns how far a line fits that `reads` refuses; None if that cannot be told.

    `models` are lines that may be of the format; those that `reads` refuses are no help.
    """
    if line.lstrip().startswith(b"{"):
        return _json_misfit(line)
    if len(line) > _LONGEST_BYTES:
        return None
    good = [model for model in models if len(model) <= _LONGEST_BYTES and reads(model)]
    # The shortest end that makes it whole says best what is missing.
    ends = sorted((model[cut:] for model in good[:_MOST_MODELS] for cut in _cuts(model)), key=len)
    for cut in reversed(_cuts(line)):
        begin = line[:cut]
        for end in ends:
            if reads(begin + end):
                return Misfit(cut, end) if cut else None
    return None


def _cuts(line: bytes) -> list[int]:
    """Returns the places where a line may be cut: around marks and blanks, and at its ends."""
    places = {0, len(line)}
    for found in _MARK.finditer(line):
        places.update(found.span())
    return sorted(places)[:_MOST_CUTS] + ([len(line)] if len(places) > _MOST_CUTS else [])


def _json_misfit(line: bytes) -> Misfit | None:
    text = line.decode("utf-8", "replace")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        # Of a text that ends too early, the parser names where its last string began.
        ends = error.msg.startswith("Unterminated") or error.pos >= len(text.rstrip())
        return Misfit(len(line) if ends else len(text[: error.pos].encode()), b"")
    except (ValueError, RecursionError):
        return None
    return None
