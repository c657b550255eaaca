"""The visitor id: stable for a browser on a site, and nobody's address.

The first of these that the line has: the cookie that the configuration names, the field that it
names, or an HMAC over site, address and user agent.
"""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract.addresses import visitor_network
from hooktail.extract.cache import Cache
from hooktail.extract.identity import uuid_text
from hooktail.extract.places import NO_GROUPS, cookie, reader
from hooktail.extract.text import parse_query, stated

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.config.sections import Rotation, VisitorSection
    from hooktail_parsers import Record

MAX_ID = 256
"""Characters of an id that a log states; what is longer is no id and is left alone."""
_KNOWN = 16_384
_DAY_S = 86_400


class Visitor(NamedTuple):
    """Who an event is about."""

    id: str
    key: int
    """60 bits, even, that stand for the id where memory counts (`sessions`)."""


def visitor(visitor_id: str) -> Visitor:
    """Returns the visitor with this id."""
    text = visitor_id.encode("utf-8", "replace")
    digest = blake2b(text, digest_size=8, person=b"hooktail-visitor").digest()
    return Visitor(visitor_id, int.from_bytes(digest, "big") >> 4 & ~1)


def derive(secret: bytes, site: str, ip: str, user_agent: str, period: str = "") -> str:
    """Derives the id from what the log knows; without the secret it says nothing about the ip.

    HMAC-SHA-256 over site, address (IPv6 cut to its /64, which is a household's) and user agent,
    in the form of a UUID. With a `period` the id is another in every one.
    """
    network = visitor_network(ip)
    # The lengths keep the parts apart, so that no two visitors give the same message.
    message = f"{period}{len(site)} {len(network)} {site}{network}{user_agent}"
    return uuid_text(hmac.digest(secret, message.encode("utf-8", "replace"), "sha256")[:16])


def period_of(rotation: Rotation, day: int) -> str:
    """Names the period that a day (since 1970, UTC) belongs to; weeks begin on Monday."""
    match rotation:
        case "never":
            return ""
        case "daily":
            return f"day {day}:"
        case "weekly":
            return f"week {(day + 3) // 7}:"  # the first of January 1970 was a Thursday
        case "monthly":
            return f"{datetime.fromtimestamp(day * _DAY_S, UTC):month %Y-%m:}"


class Visitors:
    """Tells whose events they are, for one source, remembering those of late."""

    def __init__(self, section: VisitorSection, secret: bytes) -> None:
        self._secret = secret
        self._rotation: Rotation = section.rotate
        self._read = id_reader(section.cookie, section.field)
        self._stated: Cache[Visitor] = Cache(visitor, _KNOWN)
        self._derived: Cache[Visitor] = Cache(self._derive, _KNOWN)
        self._day = -1
        self._period = ""

    def of(self, record: Record, site: str, user_agent: str) -> Visitor:
        """Returns the visitor of a record that has an address and a time.

        Asks for a site and a user agent without control characters.
        """
        if self._read is not None and (told := self._read(record)) is not None:
            return self._stated[told]
        if self._rotation != "never":
            day = (record.time_ms or 0) // (_DAY_S * 1000)
            if day != self._day:
                self._day, self._period = day, period_of(self._rotation, day)
        return self._derived[f"{record.ip}\n{self._period}\n{site}\n{user_agent}"]

    def _derive(self, key: str) -> Visitor:
        ip, period, site, user_agent = key.split("\n")
        return visitor(derive(self._secret, site, ip, user_agent, period))


def id_reader(cookie_name: str | None, place: str | None) -> Callable[[Record], str | None] | None:
    """Compiles where a line states an id: a cookie, else a place in the record; None for nowhere.

    What is empty, `-` or longer than `MAX_ID` is no id.
    """
    places: list[Callable[[Record], object]] = []
    if cookie_name is not None:
        places.append(lambda record: cookie(record.cookies, cookie_name))
    if place is not None:
        read = reader(place, parse_query)
        if read is None:
            raise ValueError(f"{place}: the configuration allows no such place")
        places.append(lambda record: read(record, NO_GROUPS))
    if not places:
        return None

    def told(record: Record) -> str | None:
        for each in places:
            found = each(record)
            if isinstance(found, int) and not isinstance(found, bool):
                found = _digits(found)
            if not isinstance(found, str):
                continue
            found = stated(found)
            if found is not None and len(found) <= MAX_ID:
                return found
        return None

    return told


def _digits(number: int) -> str | None:
    """A number as text; what is longer than any id need not be written."""
    return str(number) if number.bit_length() <= 4 * MAX_ID else None
