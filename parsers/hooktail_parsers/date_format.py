"""A user's `date_format`, `%d/%b/%Y:%H:%M:%S %z`, compiled to a reader of time stamps.

The directives are strptime's and those of GNU date and Ruby that servers write; flags (`%-d`,
`%_H`) only say how a writer pads and are passed over. Numbers may be padded with a zero or a
space, or not at all; names are English in any case; a space stands for one or more. Matching is
linear: every part is possessive or of fixed width.
"""

from __future__ import annotations

import re
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING

from hooktail_parsers.times import (
    END_S,
    MONTHS,
    OFFSET,
    day_s,
    offset_s,
    utc_s,
    within_minute_ms,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TWO_DIGITS = rb"(?: [0-9]|[0-9]{1,2}+)"
_MONTH_NAME = (
    rb"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    rb"|sep(?:t(?:ember)?)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_DAY_NAME = rb"(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"

# What a directive matches, and the part of the time that it states ("" if none).
_PARTS: dict[str, tuple[str, bytes]] = {
    "Y": ("year", rb"[0-9]{4}"),
    "y": ("short_year", rb"[0-9]{2}"),
    "m": ("month", _TWO_DIGITS),
    "d": ("day", _TWO_DIGITS),
    "e": ("day", _TWO_DIGITS),
    "j": ("day_of_year", rb"[0-9]{1,3}+"),
    "H": ("hour", _TWO_DIGITS),
    "k": ("hour", _TWO_DIGITS),
    "I": ("hour_of_12", _TWO_DIGITS),
    "l": ("hour_of_12", _TWO_DIGITS),
    "p": ("half", rb"[ap]m"),
    "P": ("half", rb"[ap]m"),
    "M": ("minute", _TWO_DIGITS),
    "S": ("second", _TWO_DIGITS),
    "f": ("fraction", rb"[0-9]++"),
    "L": ("fraction", rb"[0-9]++"),
    "N": ("fraction", rb"[0-9]++"),
    "b": ("month_name", _MONTH_NAME),
    "B": ("month_name", _MONTH_NAME),
    "h": ("month_name", _MONTH_NAME),
    "a": ("", _DAY_NAME),
    "A": ("", _DAY_NAME),
    "u": ("", rb"[1-7]"),
    "w": ("", rb"[0-6]"),
    "z": ("offset", OFFSET),
    "Z": ("zone_name", rb"[a-z]{1,5}+"),
    "s": ("epoch", rb"[0-9]{1,12}+"),
    "%": ("", rb"%"),
    "n": ("", rb"\s++"),
    "t": ("", rb"\s++"),
}
_SHORT = {
    "T": "%H:%M:%S",
    "R": "%H:%M",
    "r": "%I:%M:%S %p",
    "D": "%m/%d/%y",
    "x": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "X": "%H:%M:%S",
    "c": "%a %b %e %H:%M:%S %Y",
    "v": "%e-%b-%Y",
}
_TOKEN = re.compile(r"%(?:[-_0^#]|:{1,3}(?=z)|[0-9](?=[NLf]))?(.)|(\s+)|([^%\s]+)|(%)", re.DOTALL)
_LONGEST_FORMAT = 200
_PIVOT = 69
"""Two-digit years from here on are of the 20th century, as in POSIX."""


def strptime_ms(
    date_format: str, zone: tzinfo = UTC, year: int | None = None
) -> Callable[[bytes], int | None]:
    """Returns a function from a stamp to milliseconds since the epoch, None if it is no such time.

    A stamp without a zone is a local time of `zone`; a format without a year needs `year`.

    Raises:
        ValueError: a directive is unknown or there twice, or no date comes of them.
    """
    if len(date_format) > _LONGEST_FORMAT:
        raise ValueError(f"longer than {_LONGEST_FORMAT} characters")
    names: list[str] = []
    pattern = _pattern(date_format, names)
    _check_names(names, year)
    match_stamp = re.compile(pattern, re.IGNORECASE).fullmatch

    def read(stamp: bytes) -> int | None:
        match = match_stamp(stamp)
        if match is None:
            return None
        return _time_ms(dict(zip(names, match.groups(), strict=True)), zone, year)

    return read


def _pattern(date_format: str, names: list[str]) -> bytes:
    pattern = b""
    for token in _TOKEN.finditer(date_format):
        directive, space, literal, lone = token.groups()
        if lone:
            raise ValueError(f"{date_format!r} ends within a directive")
        if space:
            pattern += rb"\s++"
        elif literal:
            pattern += re.escape(literal.encode())
        elif directive in _SHORT:
            pattern += _pattern(_SHORT[directive], names)
        elif directive not in _PARTS:
            raise ValueError(f"{token[0]!r} is no directive known here")
        else:
            name, expression = _PARTS[directive]
            if name in names:
                raise ValueError(f"{token[0]!r} states the {name.replace('_', ' ')} again")
            if name:
                names.append(name)
            pattern += b"(" * bool(name) + expression + b")" * bool(name)
    return pattern


def _check_names(names: list[str], year: int | None) -> None:
    stated = set(names)
    if "epoch" in stated:
        return
    for either in (
        {"year", "short_year"},
        {"month", "month_name"},
        {"hour", "hour_of_12"},
        {"offset", "zone_name"},
    ):
        if either <= stated:
            raise ValueError(f"states the {min(either, key=len)} twice")
    if not stated & {"year", "short_year"} and year is None:
        raise ValueError("states no year (%Y or %y), and there is no option year")
    if "day_of_year" not in stated and not ("day" in stated and stated & {"month", "month_name"}):
        raise ValueError("states no day of a month (%m or %b, and %d; or %j)")
    if ("hour_of_12" in stated) != ("half" in stated):
        raise ValueError("%I and %p need each other")


def _time_ms(parts: Mapping[str, bytes], zone: tzinfo, year: int | None) -> int | None:
    fraction = parts.get("fraction")
    if "epoch" in parts:
        epoch_s = int(parts["epoch"])
        return within_minute_ms(epoch_s, b"0", fraction)
    start_s = _start_s(parts, year)
    hour = _hour(parts)
    minute = int(parts.get("minute", b"0"))
    second = parts.get("second", b"0")
    if start_s is None or hour is None or hour > 23 or minute > 59 or int(second) > 60:
        return None
    minute_s = start_s + hour * 3600 + minute * 60
    offset = parts.get("offset") or parts.get("zone_name", b"").upper()
    if "offset" in parts or offset in (b"Z", b"UTC", b"GMT"):
        minute_s -= offset_s(offset)
    else:
        # What other names mean (`IST`, `CST`) only the option can say.
        minute_s = utc_s(minute_s, zone)
    return within_minute_ms(minute_s, second, fraction)


def _start_s(parts: Mapping[str, bytes], year: int | None) -> int | None:
    if "year" in parts:
        year = int(parts["year"])
    elif "short_year" in parts:
        short = int(parts["short_year"])
        year = short + (1900 if short >= _PIVOT else 2000)
    if year is None:  # not without an error from _check_names
        return None
    if "day_of_year" in parts:
        first_s, next_s = day_s(year, 1, 1), day_s(year + 1, 1, 1)
        if first_s is None:
            return None
        start_s = first_s + (int(parts["day_of_year"]) - 1) * 86_400
        return start_s if first_s <= start_s < (next_s or END_S) else None
    named = parts.get("month_name")
    month = int(parts["month"]) if named is None else MONTHS[named[:3].lower()]
    return day_s(year, month, int(parts["day"]))


def _hour(parts: Mapping[str, bytes]) -> int | None:
    if "hour" in parts:
        return int(parts["hour"])
    if "hour_of_12" not in parts:
        return 0
    hour = int(parts["hour_of_12"])
    if not 1 <= hour <= 12:
        return None
    return hour % 12 + (12 if parts["half"].lower() == b"pm" else 0)
