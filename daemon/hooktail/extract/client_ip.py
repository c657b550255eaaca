"""Whose address a line is about: the peer's, or behind trusted proxies the one they pass on.

Anybody can send `X-Forwarded-For`. So a header counts only if the peer, who sent it, is trusted,
and of a list each address counts only if the one to its right, who wrote it down, is trusted too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail.extract.cache import Cache
from hooktail.extract.headers import LoggedHeaders
from hooktail_parsers.address import client_ip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hooktail.extract.ranges import Ranges
    from hooktail_parsers import Record

FORWARDED_FOR = "x-forwarded-for"
FORWARDED = "forwarded"
MOST_HOPS = 32
"""So many hops of a list are looked at, from the right; proxies write few, attackers many."""

# `Forwarded` (RFC 7239). A comma inside quotes ends an element too: what is legal there and holds
# one (`host`) is not worth what a client could hide behind an open quote. So that nobody smuggles
# an element in by a quoted comma, each piece has to be made of whole pairs.
_PAIR = re.compile(
    r'\s*+(?:([A-Za-z-]++)\s*+=\s*+("(?>(?:[^"\\]|\\.)*)"|[^",;\s\\]*+)\s*+)?(?:;|\Z)', re.DOTALL
).match
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class ClientIps:
    """Finds the client of a record. `headers` are asked in order; the first that is there decides.

    With `trust_nameless`, a record without an address (its peer is a unix socket, or a host name)
    comes from a trusted peer.
    """

    def __init__(
        self, trusted: Ranges, *, headers: Sequence[str], trust_nameless: bool = False
    ) -> None:
        self._names = [name.lower() for name in headers]
        self._logged = LoggedHeaders(self._names)
        self._is_trusted: Cache[bool] = Cache(trusted.__contains__)
        self._trust_nameless = trust_nameless
        self._lists: Cache[str | None] = Cache(self._of_list)
        self._elements: Cache[str | None] = Cache(self._of_elements)

    def client_of(self, record: Record) -> str | None:
        """Returns the client's address; the record's own if no trusted peer names another."""
        peer = record.ip
        trusted = self._trust_nameless if peer is None else self._is_trusted[peer]
        if not trusted:
            return peer
        name, value = self._first(record)
        if value:
            found = self._elements[value] if name == FORWARDED else self._lists[value]
            return peer if found is None else found
        return peer

    def header_of(self, record: Record) -> str:
        """Names the header that decides if the peer is trusted; empty if none is logged."""
        return self._first(record)[0]

    def _first(self, record: Record) -> tuple[str, str]:
        """Returns the first header that is logged, and its value; empty texts if none is."""
        logged = self._logged.of(record)
        for name in self._names:
            value = (record.xff or "").strip() if name == FORWARDED_FOR else ""
            value = value if value and value != "-" else logged.get(name, "")
            if value:
                return name, value
        return "", ""

    def malformed_hop(self, record: Record) -> str:
        """Returns what stands for a hop of a trusted peer's header and is no address, or `""`."""
        peer = record.ip
        if not (self._trust_nameless if peer is None else self._is_trusted[peer]):
            return ""
        name, value = self._first(record)
        if not name:
            return ""
        for piece in reversed(value.rsplit(",", MOST_HOPS)[-MOST_HOPS:]):
            hop = _forwarded_for(piece) if name == FORWARDED else _address(piece.strip(' \t"'))
            if hop is None:
                return piece.strip() or "nothing"
            if not self._is_trusted[hop]:
                break
        return ""

    def _of_list(self, value: str) -> str | None:
        hops = value.rsplit(",", MOST_HOPS)[-MOST_HOPS:]
        return self._walk(_address(hop.strip(' \t"')) for hop in reversed(hops))

    def _of_elements(self, value: str) -> str | None:
        elements = value.rsplit(",", MOST_HOPS)[-MOST_HOPS:]
        return self._walk(_forwarded_for(element) for element in reversed(elements))

    def _walk(self, hops: Iterator[str | None]) -> str | None:
        """Returns the first hop that is not trusted; the last good one if there is none.

        Asks for the hops from the right. What is no address (`unknown`, `_hidden`) stops the walk.
        """
        client = None
        for hop in hops:
            if hop is None:
                break
            client = hop
            if not self._is_trusted[hop]:
                break
        return client


def _forwarded_for(element: str) -> str | None:
    """Returns the address in an element's only `for`.

    Two of them are forbidden (section 4): which one the proxy wrote cannot be told.
    """
    found = None
    at = 0
    while at < len(element):
        pair = _PAIR(element, at)
        if pair is None:
            return None
        at = pair.end()
        if pair[1] is not None and pair[1].lower() == "for":
            if found is not None:
                return None
            found = pair[2]
    if found is None:
        return None
    return _address(_ESCAPED.sub(r"\1", found[1:-1]) if found[:1] == '"' else found)


def _address(text: str) -> str | None:
    return client_ip(text.encode("ascii", "replace"))
