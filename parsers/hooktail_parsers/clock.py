"""The time of the common log format, `10/Feb/2012:16:42:07 -0500`, to epoch milliseconds.

The month names are English whatever the locale. An impossible time gives None, never a
neighbouring one. A leap second (`:60`) counts as the last millisecond before the next minute, so
that it stays within its day.
"""

from __future__ import annotations

import re
from datetime import UTC, date
from functools import lru_cache
from typing import TYPE_CHECKING

from hooktail_parsers.memo import Memo
from hooktail_parsers.times import iso_time_ms

if TYPE_CHECKING:
    from datetime import tzinfo

_STAMP = re.compile(
    rb"([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4})"
    rb":([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)"
    rb" ([+-])([01][0-9]|2[0-3])([0-5][0-9])"
).fullmatch
_MONTHS = {
    name: number
    for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_FIRST_YEAR = 1970
_END_S = (date.max.toordinal() + 1 - _EPOCH_DAY) * 86_400


def iso_seconds(end: bytes, zone: tzinfo = UTC) -> Memo[int | None]:
    """Returns a memory of the seconds of ISO stamps, which lack `end` (`Z`), in milliseconds.

    None for what is no whole second of a day: a leap second is not, as no fraction adds to it.
    """
    return Memo(lambda raw: None if raw.endswith(b":60") else iso_time_ms(raw + end, zone), 1024)


def clf_time_ms(stamp: bytes) -> int | None:
    """Returns milliseconds since the epoch, or None if there is no such time.

    Years before 1970, and instants that do not fit a four-digit year in UTC, are impossible.
    """
    match = _STAMP(stamp)
    if match is None:
        return None
    day, month, year, hour, minute, second, sign, zone_hour, zone_minute = match.groups()
    day_s = _day_s(year, month, day)
    if day_s is None:
        return None
    offset_s = int(zone_hour) * 3600 + int(zone_minute) * 60
    if sign == b"+":
        offset_s = -offset_s
    time_s = day_s + int(hour) * 3600 + int(minute) * 60 + int(second) + offset_s
    if time_s >= _END_S:
        return None
    return time_s * 1000 - 1 if second == b"60" else time_s * 1000


@lru_cache(maxsize=64)
def _day_s(year: bytes, month: bytes, day: bytes) -> int | None:
    number = _MONTHS.get(month)
    if number is None or int(year) < _FIRST_YEAR:
        return None
    try:
        return (date(int(year), number, int(day)).toordinal() - _EPOCH_DAY) * 86_400
    except ValueError:
        return None
