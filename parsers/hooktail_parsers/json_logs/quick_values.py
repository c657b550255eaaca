"""What the functions of `quick` look values up in: memories by text, for text that is plain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers.address import is_plain_ipv4, virtual_host
from hooktail_parsers.json_logs.headers import WantedNames
from hooktail_parsers.json_logs.values import (
    MISSING,
    count_of,
    duration_s,
    encoded,
    epoch_text_ms,
    ip_of,
    number_time_ms,
    port_of,
    scheme_of,
    status_of,
    text_of,
    tls_scheme,
    with_day,
)
from hooktail_parsers.late import LateRecord
from hooktail_parsers.memo import TextMemo
from hooktail_parsers.times import iso_time_ms

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import tzinfo

_PLAIN_ORIGIN = r"(https?)://([a-z0-9][a-z0-9.-]*+)"
_ORIGIN = re.compile(_PLAIN_ORIGIN).fullmatch
ABSOLUTE = re.compile(_PLAIN_ORIGIN + r"(/[^?]*+)(?:\?(.*))?", re.DOTALL).fullmatch
ORDINARY = re.compile(r"([A-Z]{1,20}+) (/[^ ?]*+)(?:\?([^ ]*+))? HTTP/[0-9.]++").fullmatch
SITE = re.compile(r".*[.:\]].*|localhost").fullmatch
"""A host that is not just a machine's short name."""

SECOND = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-5][0-9]", re.ASCII)
"""An ISO stamp without its zone, of which a fraction may follow; no leap second."""
_DAY_AND_CLOCK = re.compile(SECOND.pattern.replace("[T ]", "T"), re.ASCII).fullmatch
_LONGEST_TIME = 64
_MOST_CODES = 2000
_MOST_ADDRESSES = 16_384
_LONGEST_LIST = 512
_METHODS = frozenset(("GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"))


class _Texts(TextMemo[object]):
    """A memory of values by ASCII text; TypeError for whatever else is asked for."""

    __slots__ = ()

    def __missing__(self, key: str) -> object:
        if type(key) is not str or not key.isascii():
            raise TypeError
        return TextMemo.__missing__(self, key)


class _Addresses(dict[str, str | None]):
    """A memory of client addresses by text, most of which are plain and many of them new."""

    __slots__ = ()

    def __missing__(self, text: str) -> str | None:
        if is_plain_ipv4(text):
            ip: str | None = text
        elif text.isascii() and len(text) <= _LONGEST_LIST:
            ip = ip_of(text.encode())
        else:
            raise TypeError
        if len(self) >= _MOST_ADDRESSES:
            self.clear()
        self[text] = ip
        return ip


class _Codes(dict[object, object]):
    """Statuses by what says them, 200 or `"200"`; None for what the careful way has to read."""

    def __missing__(self, stated: object) -> object:
        if type(stated) is not str:
            return None
        status = status_of(stated)
        if len(self) < _MOST_CODES and len(stated) <= _LONGEST_TIME:
            self[stated] = status
        return status


def known_names(
    zone: tzinfo,
    read_time: Callable[[bytes], int | None],
    undo: Callable[[str], str] | None,
    *,
    app: bool,
    own_layout: bool,
) -> dict[str, object]:
    """Returns what the functions for the shapes of one format have in common, by name.

    `read_time` reads any stamp (`values.time_reader`), `own_layout` says that the user gave one.
    """

    def place_of(text: str) -> tuple[str | None, int | None]:
        host, port = (None, None) if text in MISSING else virtual_host(text.encode(), _utf8)
        return (None, None) if host is None or (app and not SITE(host)) else (host, port)

    def whole_second_ms(text: str) -> int | None:
        # A leap second is not as long as others.
        return iso_time_ms(text.encode(), zone) if SECOND.match(text) else None

    seconds = _Texts(whole_second_ms, 1024)
    utc_seconds = _Texts(lambda text: whole_second_ms(f"{text}Z"), 1024)
    fractions = _Texts(lambda text: int(text[1:]) if re.fullmatch("[.,][0-9]{3}", text) else None)
    times = _Texts(lambda text: read_time(text.encode()), 1024)

    def text_time(text: object) -> object:
        """Reads any stamp; those that say fractions of seconds are each another one."""
        if type(text) is not str or not text.isascii():
            return None
        if own_layout or len(text) > _LONGEST_TIME:
            return times[text]
        if text[4:5] == "-" and text[19:20] in (".", ","):
            end = -1 if text[-1] == "Z" else -6 if text[-6] in "+-" else len(text)
            if text[20:end].isdecimal():
                fraction = (text[20:end] + "00")[:3]
                second = seconds[text[:19] + text[end:]]
                return None if second is None else second + int(fraction)  # type: ignore[operator]
        elif text[:1].isdecimal():
            time_ms = epoch_text_ms(text)
            if time_ms is not None:
                return time_ms
        return times[text]

    return {
        "LateRecord": LateRecord, "methods": _METHODS, "missing": MISSING, "ordinary": ORDINARY,
        "origins": TextMemo(_origin), "text_of": text_of, "port_of": port_of, "count_of": count_of,
        "duration_s": duration_s, "tls_scheme": tls_scheme, "with_day": with_day,
        "number_time_ms": number_time_ms, "text_time": text_time,
        "times": times, "utc_seconds": utc_seconds, "fractions": fractions,
        "days": _Texts(lambda text: read_time(text.encode()) if _DAY_AND_CLOCK(text) else None),
        "ips": _Addresses(),
        "hosts": _Texts(place_of),
        "named_hosts": TextMemo(lambda text: virtual_host(encoded(text), _utf8)),
        "codes": _Codes({status: status for status in range(100, 1000)}),
        "ports": _Texts(port_of, 1024),
        "schemes": _Texts(scheme_of, 64),
        "spans": TextMemo(lambda text: duration_s(text, None)),
        "spans_s": TextMemo(lambda text: duration_s(text, 1.0)),
        "undone": _Texts(lambda text: None if not undo or text in MISSING else undo(text) or None),
        "wanted_names": WantedNames(),
    }  # fmt: skip


def _origin(text: str) -> tuple[str, str] | None:
    found = _ORIGIN(text)
    return None if found is None else (found[1], found[2])


def _utf8(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")
