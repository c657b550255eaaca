"""Time stamps other than the common log format's, to epoch milliseconds (UTC, truncated).

An impossible time gives None, never a neighbouring one: no 30 February, no hour 24, no year before
1970, no instant behind the year 9999. A leap second (`:60`) counts as the last millisecond before
the next minute, whatever its fraction. Month and day names are English whatever the locale.

A stamp without a zone is a local time of the zone that `timezone` names. When clocks go forward,
the local times that are left out are read by the offset from before; when clocks go back, the
local times that come twice are their first occurrence. The same bytes always give the same time.

A format of the user's own (`date_format`) is compiled by `date_format.strptime_ms`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hooktail_parsers._api import OptionError
from hooktail_parsers.memo import TextMemo

if TYPE_CHECKING:
    from collections.abc import Mapping

END_S = (date.max.toordinal() + 1 - date(1970, 1, 1).toordinal()) * 86_400
"""The first second behind the year 9999."""

MONTHS = {
    name: number
    for number, name in enumerate(b"jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)
}
"""Months by the first three letters of their English names, in lower case."""

_FIRST_YEAR = 1970
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  # local times are counted without a zone
_HOUR_S = 3600
_SECOND_END = len("2025-03-14T08:26:53")
_ZONE_TEXT = re.compile(r"([+-])([0-9]{2}):?([0-5][0-9])").fullmatch

_CLOCK = rb"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)"
_FRACTION = rb"(?:[.,]([0-9]++))?"
OFFSET = rb"[Zz]|UTC|GMT|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?"
"""A zone as stamps state it, as an expression; `offset_s` reads it."""
_ISO = re.compile(
    rb"([0-9]{4}-[0-9]{2}-[0-9]{2}[T t](?:[01][0-9]|2[0-3]):[0-5][0-9]):([0-5][0-9]|60)"
    + _FRACTION
    + rb"(?: ?("
    + OFFSET
    + rb"))?"
).fullmatch
_CTIME = re.compile(
    rb"(?:[A-Z][a-z]{2},? )?([A-Z][a-z]{2}) ([ 0-3]?[0-9]) " + _CLOCK + _FRACTION + rb" ([0-9]{4})"
).fullmatch
_SYSLOG = re.compile(rb"([A-Z][a-z]{2}) ([ 0-3]?[0-9]) " + _CLOCK + _FRACTION).fullmatch
_USUAL_STAMPS = (len("1741940813.123"), len("1741940813.123456"))
_EPOCH_NUMBER = re.compile(rb"([0-9]{1,19})(?:[.,]([0-9]{1,30}))?").fullmatch
_LONGEST_SECONDS, _LONGEST_MS, _LONGEST_US = 11, 14, 17


def zone_of(options: Mapping[str, str]) -> tzinfo:
    """Returns the zone that the option `timezone` names: IANA name or `+02:00`; default UTC.

    Raises:
        OptionError: there is no such zone.
    """
    name = options.get("timezone", "UTC")
    offset = _ZONE_TEXT(name)
    try:
        if offset:
            away = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
            return timezone(-away if offset[1] == "-" else away)
        return UTC if name in ("UTC", "Z") else ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        message = f"found {name!r}; allowed: a zone such as Europe/Berlin, UTC or +02:00"
        raise OptionError("timezone", message) from error


def iso_time_ms(stamp: bytes, zone: tzinfo = UTC) -> int | None:
    """Reads ISO 8601 and RFC 3339: `2025-03-14T08:26:53.123Z`, `2025-03-14 09:26:53,1 +0100`.

    `T` or a space, `.` or `,` and any number of digits, and `Z`, `UTC`, `+01`, `+0100` or `+01:00`
    with or without a space before it. Without a zone it is a local time of `zone`.
    """
    match = _ISO(stamp)
    if match is None:
        return None
    minute, second, fraction, offset = match.groups()
    if offset is None:
        minute_s = _iso_minute_s(minute, zone)
    else:
        minute_s = _iso_minute_s(minute, UTC)
        if minute_s is not None:
            minute_s -= offset_s(offset)
    return None if minute_s is None else within_minute_ms(minute_s, second, fraction)


class IsoSeconds:
    """Reads the ISO stamps that most logs write, quickly: each second is read once."""

    def __init__(self, zone: tzinfo = UTC) -> None:
        self._local = TextMemo[int | None](lambda text: _whole_second_ms(text, "", zone), 1024)
        self._utc = TextMemo[int | None](lambda text: _whole_second_ms(text, "Z", zone), 1024)

    def time_ms(self, stamp: str) -> int | None:
        """Returns what `iso_time_ms` does of `2025-03-14T08:26:53.123456Z`; None if it is to do it.

        Fraction and `Z` may be absent. Other stamps, impossible ones and leap seconds are its own.
        """
        rest = stamp[_SECOND_END:]
        if rest[-1:] == "Z":
            second_ms = self._utc[stamp[:_SECOND_END]]
            rest = rest[:-1]
        else:
            second_ms = self._local[stamp[:_SECOND_END]]
        if second_ms is None or not rest:
            return second_ms
        fraction = rest[1:]
        if rest[0] in ".," and fraction.isdecimal() and fraction.isascii():
            return second_ms + int((fraction + "00")[:3])
        return None


def _whole_second_ms(stamp: str, zone_text: str, zone: tzinfo) -> int | None:
    if len(stamp) != _SECOND_END or not stamp.isascii() or stamp.endswith(":60"):
        return None
    return iso_time_ms(f"{stamp}{zone_text}".encode("ascii"), zone)


def ctime_ms(stamp: bytes, zone: tzinfo = UTC) -> int | None:
    """Reads C's ctime, `Sun Mar 13 22:49:12 2016`, a local time of `zone`.

    The name of the day may be absent and is not checked; a fraction may follow the seconds.
    """
    match = _CTIME(stamp)
    if match is None:
        return None
    month, day, hour, minute, second, fraction, year = match.groups()
    return _named_month_ms(int(year), month, day, hour, minute, second, fraction, zone)


def syslog_time_ms(stamp: bytes, year: int, zone: tzinfo = UTC) -> int | None:
    """Reads the time of RFC 3164, `Feb 25 16:19:49`, which states no year: a local time."""
    match = _SYSLOG(stamp)
    if match is None:
        return None
    month, day, hour, minute, second, fraction = match.groups()
    return _named_month_ms(year, month, day, hour, minute, second, fraction, zone)


def epoch_ms(text: bytes) -> int | None:
    """Reads a count since the epoch: seconds, ms, µs or ns, told apart by the number of digits.

    Up to 11 digits (before a fraction) are seconds, up to 14 ms, up to 17 µs, and 19 ns.
    """
    if len(text) in _USUAL_STAMPS and text[10:11] == b"." and text[11:].isdigit():
        whole_s = text[:10]
        if whole_s.isdigit():
            return int(whole_s) * 1000 + int(text[11:14])
    match = _EPOCH_NUMBER(text)
    if match is None:
        return None
    whole, fraction = match.groups()
    count = int(whole)
    digits = len(str(count))
    if digits <= _LONGEST_SECONDS:
        time_ms = count * 1000 + (int((fraction + b"00")[:3]) if fraction else 0)
    elif digits <= _LONGEST_MS:
        time_ms = count
    elif digits <= _LONGEST_US:
        time_ms = count // 1000
    else:
        time_ms = count // 1_000_000
    return time_ms if time_ms < END_S * 1000 else None


def epoch_number_ms(number: float) -> int | None:
    """Reads a count since the epoch that came as a number (JSON); the units as for `epoch_ms`."""
    if isinstance(number, int):
        return epoch_ms(b"%d" % number) if 0 <= number < 10**19 else None
    if not 0 <= number < 10.0**19:  # NaN too
        return None
    if number < 10.0**_LONGEST_SECONDS:
        # A float is exact to a quarter of a microsecond here, and never exact to the digit.
        return epoch_ms(b"%.6f" % number)
    return epoch_ms(b"%d" % number)


def utc_s(local_s: int, zone: tzinfo) -> int:
    """Converts a local time of `zone`, counted in seconds as if it were UTC, to UTC."""
    away_s = _hour_away_s(zone, local_s // _HOUR_S)
    return local_s - (_away_s(zone, local_s) if away_s is None else away_s)


@lru_cache(maxsize=256)
def _hour_away_s(zone: tzinfo, hour: int) -> int | None:
    """Returns the offset that holds for a local hour, None if it changes within."""
    first = _away_s(zone, hour * _HOUR_S)
    return first if first == _away_s(zone, hour * _HOUR_S + _HOUR_S - 1) else None


def _away_s(zone: tzinfo, local_s: int) -> int:
    away = zone.utcoffset((_EPOCH + timedelta(seconds=local_s)).replace(tzinfo=zone))
    return 0 if away is None else away // timedelta(seconds=1)


@lru_cache(maxsize=512)
def day_s(year: int, month: int, day: int) -> int | None:
    """Returns the start of a day, counted without a zone; None if there is no such day."""
    if year < _FIRST_YEAR:
        return None
    try:
        return (date(year, month, day).toordinal() - _EPOCH_DAY) * 86_400
    except ValueError:
        return None


@lru_cache(maxsize=64)
def offset_s(text: bytes) -> int:
    """Returns how far a zone as matched by `OFFSET` is ahead of UTC."""
    if text[:1] not in b"+-":
        return 0
    digits = text[1:].replace(b":", b"").ljust(4, b"0")
    away_s = int(digits[:2]) * _HOUR_S + int(digits[2:]) * 60
    return -away_s if text.startswith(b"-") else away_s


def within_minute_ms(minute_s: int, second: bytes, fraction: bytes | None) -> int | None:
    """Puts a stamp together: the minute's start in UTC, its seconds and their fraction."""
    if minute_s >= END_S:
        return None
    if second == b"60":
        return minute_s * 1000 + 59_999
    time_ms = (minute_s + int(second)) * 1000
    return time_ms + int((fraction + b"00")[:3]) if fraction else time_ms


@lru_cache(maxsize=1024)
def _iso_minute_s(stamp: bytes, zone: tzinfo) -> int | None:
    start_s = day_s(int(stamp[:4]), int(stamp[5:7]), int(stamp[8:10]))
    if start_s is None:
        return None
    return utc_s(start_s + int(stamp[11:13]) * _HOUR_S + int(stamp[14:16]) * 60, zone)


def _named_month_ms(
    year: int,
    month: bytes,
    day: bytes,
    hour: bytes,
    minute: bytes,
    second: bytes,
    fraction: bytes | None,
    zone: tzinfo,
) -> int | None:
    start_s = day_s(year, MONTHS.get(month.lower(), 0), int(day))
    if start_s is None:
        return None
    minute_s = utc_s(start_s + int(hour) * _HOUR_S + int(minute) * 60, zone)
    return within_minute_ms(minute_s, second, fraction)
