"""Which address a column names: a peer joined with its port, or the first of a forwarded chain."""

from __future__ import annotations

import re

from hooktail_parsers.address import client_ip

_MOST_HOPS = 64
# Not what `ipaddress` calls private, which counts the networks of documentation as well. Addresses
# come in their normal form here, so that their text tells what their bits would.
_INNER = re.compile(
    r"(?:0|10|127)\.|169\.254\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\."
    r"|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\."
    # fc00::/7, fe80::/10, and nobody and this host
    r"|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:|::1?\Z"
).match


def peer_ip(token: bytes) -> str | None:
    """Returns the address of `address:port` where the port is always there.

    An IPv6 address often stands without brackets there, `2001:db8::7:50599`, so that only the last
    colon tells where it ends. A token without a colon is an address alone.
    """
    address, colon, _ = token.rpartition(b":")
    return client_ip(address if colon else token)


def forwarded_ip(chain: bytes) -> str | None:
    """Returns the client of an X-Forwarded-For list: the first public address, else the first.

    Elements that are no addresses (`unknown`, host names) are passed over.
    """
    first = None
    for element in chain.split(b",", _MOST_HOPS)[:_MOST_HOPS]:
        ip = client_ip(element.strip(b' \t"'))
        if ip is None:
            continue
        if not is_inner(ip):
            return ip
        first = first or ip
    return first


def is_inner(ip: str) -> bool:
    """Tells whether an address in normal form belongs to a private network or this host."""
    return _INNER(ip) is not None
