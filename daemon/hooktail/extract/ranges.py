"""Sets of addresses: networks in, membership out. It reads no file and knows no vendor."""

from __future__ import annotations

import re
from bisect import bisect_right
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Network: TypeAlias = IPv4Network | IPv6Network

MOST_NETWORKS = 100_000
_COMMENT = re.compile(r"\s*(?:#.*)?$")


class Ranges:
    """The addresses of some networks. `text in ranges` takes the normal form of a record's ip.

    A look-up is a bisection over disjoint ranges of numbers: 2 µs, however many networks there
    are. Ask through a cache. What is no address is in no ranges.
    """

    __slots__ = ("_firsts", "_lasts", "networks")

    def __init__(self, networks: Iterable[Network]) -> None:
        self.networks = tuple(networks)
        self._firsts: dict[int, list[int]] = {4: [], 6: []}
        self._lasts: dict[int, list[int]] = {4: [], 6: []}
        for version in (4, 6):
            _join(
                [each for each in self.networks if each.version == version],
                self._firsts[version],
                self._lasts[version],
            )

    def __bool__(self) -> bool:
        return bool(self.networks)

    def __contains__(self, text: str) -> bool:
        if not self.networks:
            return False
        try:
            address = ip_address(text)
        except ValueError:
            return False
        number = int(address)
        at = bisect_right(self._firsts[address.version], number) - 1
        return at >= 0 and number <= self._lasts[address.version][at]


def _join(networks: list[Network], firsts: list[int], lasts: list[int]) -> None:
    """Fills in the first and last numbers of ranges that neither touch nor overlap, in order."""
    ends = sorted((int(each.network_address), int(each.broadcast_address)) for each in networks)
    for first, last in ends:
        if lasts and first <= lasts[-1] + 1:
            lasts[-1] = max(lasts[-1], last)
        else:
            firsts.append(first)
            lasts.append(last)


def network(text: str) -> Network:
    """Reads an address or a network, `10.0.0.0/8`. Raises ValueError with what is wrong."""
    try:
        return ip_network(text)
    except ValueError:
        pass
    try:
        meant = ip_network(text, strict=False)
    except ValueError:
        raise ValueError("neither an address nor a network") from None
    raise ValueError(f"has bits set behind its prefix; write {meant}")


def networks_of(text: str) -> list[Network]:
    """Reads a list of networks, one a line; `#` begins a comment.

    Raises ValueError, which names the line.
    """
    found: list[Network] = []
    for number, line in enumerate(text.splitlines(), start=1):
        entry = _COMMENT.sub("", line).strip()
        if not entry:
            continue
        if len(found) == MOST_NETWORKS:
            raise ValueError(f"line {number}: more than {MOST_NETWORKS} networks")
        try:
            found.append(network(entry))
        except ValueError as error:
            raise ValueError(f"line {number}: {entry[:60]!r}: {error}") from None
    return found
