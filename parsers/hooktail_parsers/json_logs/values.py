"""What stands in JSON, numbers as text and text as numbers, to a record's values.

Nothing here raises, whatever the type: a value of no use gives None.
"""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from hooktail_parsers.address import client_ip
from hooktail_parsers.clock import clf_time_ms
from hooktail_parsers.json_logs.private import plain
from hooktail_parsers.peer import forwarded_ip
from hooktail_parsers.times import epoch_ms, epoch_number_ms, iso_time_ms

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

MISSING = frozenset(
    ("", "-", "--", "N/A", "n/a", "null", "(null)", "<nil>", "nil", "undefined", "None",
     "REDACTED", "[REDACTED]", "[Redacted]", "[FILTERED]")
)  # fmt: skip
"""Text that says that there is no value, or that it was taken out."""

LONGEST_MISSING = max(map(len, MISSING))

_FIRST_EPOCH_MS = 10**11
"""1973: a number below it is a duration or a counter, no time since the epoch."""

_FIRST_EPOCH_S = 10**8
_HALF_US_MS = 0.0005
_SLASHED_DAY = re.compile(rb"([0-9]{4})/([0-9]{2})/([0-9]{2})([T ].*)", re.DOTALL).fullmatch
_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}.*", re.DOTALL).fullmatch
_MAIL_DATE = re.compile(
    rb"[A-Z][a-z]{2}, [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} "
    rb"(?:GMT|UTC|[+-][0-9]{4})"
).fullmatch
_DURATION_PART = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([a-zµμ]{1,12})")
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?").fullmatch
_UNIT_S = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "secs": 1.0,
    "seconds": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0,
    "msec": 1e-3, "msecs": 1e-3, "milliseconds": 1e-3, "usec": 1e-6, "microseconds": 1e-6,
}  # fmt: skip
LONGEST_DURATION_S = 10_000_000.0
"""Almost four months: what is longer was counted in another unit."""
_MOST_UNITS = 10**18
_LONGEST_TIME = 64
_LONGEST_DURATION = 64
_STATUS = re.compile(r"[1-9][0-9]{2}(?![0-9A-Za-z.])").match
_LAST_STATUS = 999
_FIRST_STATUS = 100
_DIGITS = re.compile(r"[0-9]{1,18}").fullmatch
_HIGHEST_PORT = 65_535
_ON = frozenset(("on", "1", "true", "yes", "https"))
_OFF = frozenset(("off", "0", "false", "no", "http"))
_SCHEMES = frozenset(("http", "https", "ws", "wss"))
_MOST_COOKIES = 64


def encoded(text: str) -> bytes:
    """Returns UTF-8; a lone surrogate, which has none, becomes U+FFFD."""
    return text.encode() if text.isascii() else plain(text).encode()


def time_reader(
    zone: tzinfo, first: Callable[[bytes], int | None] | None
) -> Callable[[bytes], int | None]:
    """Returns a function from a stamp to epoch milliseconds, None if it is no time.

    It reads ISO 8601, a count since the epoch in s, ms, µs or ns, the common log format, days
    with slashes and the date of HTTP. `first`, a user's own layout, is tried before.
    """

    def read(stamp: bytes) -> int | None:
        if len(stamp) > _LONGEST_TIME:
            return None
        stamp = stamp.strip(b" []")
        if first is not None:
            time_ms = first(stamp)
            if time_ms is not None:
                return time_ms
        time_ms = iso_time_ms(stamp, zone)
        if time_ms is not None:
            return time_ms
        time_ms = _plausible(epoch_ms(stamp))
        if time_ms is not None:
            return time_ms
        time_ms = clf_time_ms(stamp)
        if time_ms is not None:
            return time_ms
        slashed = _SLASHED_DAY(stamp)
        if slashed:
            return iso_time_ms(b"%s-%s-%s%s" % slashed.groups(), zone)
        return _mail_time_ms(stamp) if _MAIL_DATE(stamp) else None

    return read


def _mail_time_ms(stamp: bytes) -> int | None:
    try:
        moment = parsedate_to_datetime(stamp.decode("ascii"))
        return _plausible(int(moment.timestamp()) * 1000)
    except (ValueError, OverflowError):
        return None


def epoch_text_ms(text: str) -> int | None:
    """Reads a count since the epoch that came as ASCII text; None for any other text."""
    return _plausible(epoch_ms(text.encode("ascii")))


def _plausible(time_ms: int | None) -> int | None:
    return time_ms if time_ms is not None and time_ms >= _FIRST_EPOCH_MS else None


def number_time_ms(value: object) -> int | None:
    """Reads a count since the epoch that came as a number."""
    if type(value) is float and _FIRST_EPOCH_S <= value < _FIRST_EPOCH_MS:
        # Seconds: a float is exact to a quarter of a microsecond here, never to the digit.
        return int(value * 1000 + _HALF_US_MS)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _plausible(epoch_number_ms(value))


def with_day(day: object, clock: str) -> str:
    """Puts `date` before a `time` that is a clock only."""
    if isinstance(day, str) and len(day) <= _LONGEST_TIME and _CLOCK(clock):
        return f"{day}T{clock}"
    return clock


def ip_of(text: bytes) -> str | None:
    """Reads the client's address; of a list the first public one, else the first."""
    return forwarded_ip(text) if b"," in text else client_ip(text.strip())


def text_of(value: object) -> str | None:
    """Reads text; of a list its first element, of a number its digits."""
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, str):
        return None if value in MISSING else plain(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if -(2**63) <= value < 2**64 else None
    return None


def joined_text(value: object, separator: str) -> str | None:
    """Reads text that may come in pieces: a list, or an object of names and values."""
    if isinstance(value, dict):
        pieces = [
            f"{name}={text}"
            for name, each in list(value.items())[:_MOST_COOKIES]
            if (text := text_of(each)) is not None
        ]
    elif isinstance(value, list):
        pieces = [text for each in value[:_MOST_COOKIES] if (text := text_of(each)) is not None]
    else:
        return text_of(value)
    return plain(separator.join(pieces)) or None


def status_of(value: object) -> int | None:
    """Reads a status, 100 to 999: a number, its digits, or those before ` OK`."""
    if isinstance(value, str):
        digits = _STATUS(value)
        return int(digits[0]) if digits else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if _FIRST_STATUS <= value <= _LAST_STATUS and value == int(value) else None


def count_of(value: object) -> int | None:
    """Reads a number of bytes."""
    if isinstance(value, str):
        return int(value) if _DIGITS(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value < 2.0**63 and value == int(value) else None


def port_of(value: object) -> int | None:
    """Reads a port."""
    port = count_of(value)
    return port if port is not None and port <= _HIGHEST_PORT else None


def scheme_of(value: object) -> str | None:
    """Reads `http`, `https`, `ws` or `wss` in any case; `HTTP/1.1` names none."""
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, str):
        return None
    scheme = value.lower()
    return scheme if scheme in _SCHEMES else None


def tls_scheme(value: object) -> str | None:
    """Reads `https` from a switch, or from an object that describes the TLS connection."""
    if isinstance(value, dict):
        return "https" if value else None
    if isinstance(value, bool | int):
        return "https" if value else "http"
    if isinstance(value, str):
        switch = value.lower()
        if switch in _OFF:
            return "http"
        return "https" if switch in _ON or switch.startswith(("tls", "ssl")) else None
    return None


def duration_s(value: object, unit_s: float | None) -> float | None:
    """Reads a duration: text may state its unit (`12ms`, `1m2.5s`), numbers are in `unit_s`.

    None without a unit, and for what no request takes.
    """
    seconds: float | None = None
    if type(value) is float or type(value) is int:
        seconds = value * unit_s if unit_s is not None and value < _MOST_UNITS else None
    elif isinstance(value, str) and len(value) <= _LONGEST_DURATION:
        if not _NUMBER(value):
            seconds = _stated_duration_s(value)
        elif unit_s is not None:
            seconds = float(value) * unit_s
    if seconds is None or not 0 <= seconds <= LONGEST_DURATION_S:
        return None
    return round(seconds, 9)


def _stated_duration_s(text: str) -> float | None:
    at, seconds = 0, 0.0
    while at < len(text):
        part = _DURATION_PART.match(text, at)
        if part is None or part[2] not in _UNIT_S:
            return None
        seconds += float(part[1]) * _UNIT_S[part[2]]
        at = part.end()
    return seconds if at else None
