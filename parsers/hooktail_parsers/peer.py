"""Which address a column names: a peer joined with its port, or the first of a forwarded chain."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from hooktail_parsers.address import client_ip

_MOST_HOPS = 64
# Not `is_private`, which counts the networks of documentation as well, and an empty host's 0.0.0.0.
_INNER = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.168.0.0/16", "::/127", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip


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
    address = ip_address(ip)
    return any(address in network for network in _INNER)
