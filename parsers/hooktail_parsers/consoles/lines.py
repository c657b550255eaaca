"""What the access lines of web frameworks' consoles share: colours, logging prefixes, their times.

A framework writes its line through its language's logging, so that a level, a logger's name and a
time may stand in front, in any order. Only the time is of use.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers.clock import clf_time_ms
from hooktail_parsers.times import MONTHS, iso_time_ms

if TYPE_CHECKING:
    from datetime import tzinfo

_COLOUR = re.compile(rb"\x1b\[[0-9;]{0,20}m")
_HOLE_OR_BOM = b"\x00\xef\xbb\xbf"
_STAMP = re.compile(
    rb"([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4})[ :]([0-9]{2}:[0-9]{2}:[0-9]{2})"
    rb"(?: ([+-][0-9]{4}|[A-Z]{1,5}))?"
).fullmatch
_PREFIX_STAMP = re.compile(
    rb"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?"
    rb"(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?(?![0-9A-Za-z:])"
).search
_UTC_NAMES = frozenset((b"UTC", b"GMT", b"Z"))


def without_colours(line: bytes) -> bytes:
    """Returns the line without a terminal's colours, nor what may stand in front of a line."""
    plain = line.lstrip(_HOLE_OR_BOM)
    return _COLOUR.sub(b"", plain) if b"\x1b" in plain else plain


def console_time_ms(stamp: bytes, zone: tzinfo) -> int | None:
    """Reads `14/Mar/2025 09:26:53`, with or without an offset; None if there is no such time.

    Without an offset it is a local time of `zone`; so it is with the name of a zone (WEBrick),
    which tells no offset, unless the name is UTC or GMT.
    """
    match = _STAMP(stamp)
    if match is None:
        return None
    day, month, year, clock, offset = match.groups()
    if offset is not None and offset[:1] in b"+-":
        return clf_time_ms(b"%s/%s/%s:%s %s" % (day, month, year, clock, offset))
    number = MONTHS.get(month.lower(), 0)
    utc = b"Z" if offset in _UTC_NAMES else b""
    return iso_time_ms(b"%s-%02d-%s %s%s" % (year, number, day, clock, utc), zone)


def prefix_stamp(prefix: bytes) -> bytes | None:
    """Returns the ISO time within what a logger wrote before its message, if there is one."""
    match = _PREFIX_STAMP(prefix)
    return None if match is None else match[0]
