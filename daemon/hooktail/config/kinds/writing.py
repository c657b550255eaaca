"""The way back: a parsed value as one would write it in the file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hooktail.config.kinds.durations import Seconds, duration_text
from hooktail.config.kinds.lists import OneOrMore
from hooktail.config.sections import ConsentCookie, From

if TYPE_CHECKING:
    from hooktail.config.kinds.kind import Kind


def written(kind: Kind, value: object) -> object:
    """Returns a parsed value as one would write it in the file; None stays None, or `"0"`."""
    match value:
        case None if isinstance(kind, Seconds) and kind.zero_is_none:
            return "0"
        case float() if isinstance(kind, Seconds) and kind.zero_is_none:
            return duration_text(value)
        case float() if value.is_integer() and isinstance(kind, Seconds):
            return int(value)
        case (only,) if isinstance(kind, OneOrMore):
            return only
        case tuple():
            return list(value)
        case From():
            return {"from": value.place}
        case ConsentCookie():
            table = {"cookie": value.cookie}
            return table if value.matches is None else {**table, "matches": value.matches}
        case Path():
            return str(value)
        case _:
            return value
