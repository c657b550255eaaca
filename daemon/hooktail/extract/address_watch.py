"""Looks at the addresses of a source's first events: do they look like its visitors'? Pure.

Behind a proxy that nobody told hooktail of, everybody has the proxy's address. Then the addresses
are private, or those of a known CDN, or there is only one.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from hooktail.extract.addresses import address_kind
from hooktail.extract.networks import vendor_ranges

FIRST_EVENTS = 1000
MOST = 0.5
"""More than this share is worth a word."""


class AddressAdvice(NamedTuple):
    """What the first addresses look like, and what to do about it."""

    looks: str
    """`private`, `one_address`, or `cdn`."""
    events: int
    of: int
    hint: str


class AddressWatch:
    """Counts the addresses of the first events, then gives its advice, once."""

    def __init__(self, first: int = FIRST_EVENTS) -> None:
        self._first = first
        self._counts: Counter[str] = Counter()
        self._seen = 0

    @property
    def done(self) -> bool:
        """Whether the first events have passed."""
        return self._seen >= self._first

    def seen(self, ip: str) -> AddressAdvice | None:
        """Takes the address of one event; with the last of the first ones returns the advice."""
        if self.done:
            return None
        self._seen += 1
        self._counts[ip] += 1
        return self._advice() if self.done else None

    def _advice(self) -> AddressAdvice | None:
        counts = self._counts
        self._counts = Counter()  # it is read once: what it holds need not stay in memory
        most = self._seen * MOST
        private = sum(count for ip, count in counts.items() if address_kind(ip) == "private")
        if private > most:
            return self._of("private", private, "behind a proxy? set trusted_proxies")
        for name, ranges in vendor_ranges().items():
            events = sum(count for ip, count in counts.items() if ip in ranges)
            if events > most:
                hint = f'these are proxies of {name}: set trusted_proxies = ["{name}"]'
                return self._of("cdn", events, hint)
        ((_, events),) = counts.most_common(1)
        if events > most:
            return self._of(
                "one_address",
                events,
                "a proxy, or somebody of your own? set trusted_proxies, or exclude_cidrs",
            )
        return None

    def _of(self, looks: str, events: int, hint: str) -> AddressAdvice:
        return AddressAdvice(looks, events, self._seen, hint)
