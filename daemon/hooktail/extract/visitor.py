"""The visitor id: stable for a browser on a site, and nobody's address.

The first of these that the line has: the cookie that the configuration names, the field that it
names, or an HMAC over site, address and user agent.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b, sha256
from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract.addresses import visitor_network
from hooktail.extract.cache import Cache
from hooktail.extract.identity import uuid_text
from hooktail.extract.places import NO_GROUPS, Surroundings, cookie, reader
from hooktail.extract.text import parse_query, stated

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.config.sections import Rotation, VisitorSection
    from hooktail_parsers import Record

MAX_ID = 256
"""Characters of an id that a log states; what is longer is no id and is left alone."""
_KNOWN = 16_384
_DAY_S = 86_400
_SHA256_BLOCK_BYTES = 64


class Visitor(NamedTuple):
    """Who an event is about."""

    id: str
    key: int
    """60 bits, even, that stand for the id where memory counts (`sessions`)."""


def visitor(visitor_id: str) -> Visitor:
    """Returns the visitor with this id."""
    text = visitor_id.encode("utf-8", "replace")
    digest = blake2b(text, digest_size=8, person=b"hooktail-visitor").digest()
    return Visitor(visitor_id, _key(digest))


class Mac:
    """HMAC-SHA-256 (RFC 2104) under one key, whose two blocks are hashed once and not each time."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) > _SHA256_BLOCK_BYTES:
            key = sha256(key).digest()
        block = key.ljust(_SHA256_BLOCK_BYTES, b"\0")
        self._inner = sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = sha256(bytes(byte ^ 0x5C for byte in block))

    def digest(self, message: bytes) -> bytes:
        """Returns the 32 bytes for a message."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


def derive(mac: Mac, site: str, ip: str, user_agent: str, period: str = "") -> Visitor:
    """Derives who it is from what the log knows; without the secret it says nothing of the ip.

    The id is an HMAC over site, address (IPv6 cut to its /64, which is a household's) and user
    agent, in the form of a UUID. With a `period` it is another in every one.
    """
    network = visitor_network(ip) if ":" in ip else ip
    # The lengths keep the parts apart, so that no two visitors give the same message.
    message = f"{period}{len(site)} {len(network)} {site}{network}{user_agent}"
    digest = mac.digest(message.encode("utf-8", "replace"))
    return Visitor(uuid_text(digest), _key(digest[16:24]))


def _key(digest: bytes) -> int:
    """Takes 60 bits of eight bytes, the last one 0."""
    return int.from_bytes(digest, "big") >> 4 & ~1


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
        self._mac = Mac(secret)
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

    @property
    def only_derives(self) -> bool:
        """Whether no line states an id, and an id lasts."""
        return self._read is None and self._rotation == "never"

    def derived(self, ip: str, site: str, user_agent: str) -> Visitor:
        """Returns the visitor of any record with this address, where `only_derives`."""
        return derive(self._mac, site, ip, user_agent)

    def _derive(self, key: str) -> Visitor:
        ip, period, site, user_agent = key.split("\n")
        return derive(self._mac, site, ip, user_agent, period)


def id_reader(cookie_name: str | None, place: str | None) -> Callable[[Record], str | None] | None:
    """Compiles where a line states an id: a cookie, else a place in the record; None for nowhere.

    What is empty, `-` or longer than `MAX_ID` is no id.
    """
    places: list[Callable[[Record], object]] = []
    if cookie_name is not None:
        places.append(lambda record: cookie(record.cookies, cookie_name))
    if place is not None:
        read = reader(place, Surroundings(parse_query))
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
