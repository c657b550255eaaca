"""Which addresses belong to a person on the internet, and which to nobody we could report."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal

AddressKind = Literal["public", "private", "invalid"]

# Python before 3.13 does not know RFC 9637.
_NEW_DOCUMENTATION = ipaddress.ip_network("3fff::/20")

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"(({_OCTET})\.{_OCTET})\.{_OCTET}\.{_OCTET}")
# First octets, or first two, under which everything is public: the answer for nearly all of a log's
# addresses, at a tenth of what `ipaddress` costs. Of a first octet with a special purpose somewhere
# below it (IANA IPv4 Special-Purpose Registry), the second ones below which there is one.
_SPECIAL = {
    100: range(64, 128),
    169: (254,),
    172: range(16, 32),
    192: (0, 31, 52, 88, 168, 175),
    198: (18, 19, 51),
    203: (0,),
}
_PUBLIC_BLOCKS = frozenset(
    str(octet) for octet in range(1, 224) if octet not in _SPECIAL and octet not in (10, 127)
) | frozenset(
    f"{first}.{second}"
    for first, special in _SPECIAL.items()
    for second in range(256)
    if second not in special
)
# 2400:: to 2fff:: is unicast without a special purpose (IANA IPv6 Special-Purpose Registry).
# In the normal form no group begins with a zero, and `::` stands for two groups or more.
_GROUP = r"[1-9a-f][0-9a-f]{0,3}+"
_PUBLIC_IPV6 = re.compile(
    rf"2[4-9a-f][0-9a-f]{{2}}(?:(?::{_GROUP}){{7}}|(?::{_GROUP}){{0,4}}::{_GROUP})"
)


def address_kind(text: str) -> AddressKind:
    """Tells public addresses from private ones, and both from what is no address.

    Private is everything that is not globally reachable: RFC 1918, loopback, link-local, CGNAT,
    multicast, reserved and documentation ranges.
    """
    quad = _IPV4.fullmatch(text)
    if quad and (quad[2] in _PUBLIC_BLOCKS or quad[1] in _PUBLIC_BLOCKS):
        return "public"
    if _PUBLIC_IPV6.fullmatch(text):
        return "public"
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return "invalid"
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return "invalid"
        address = address.ipv4_mapped or address
    reachable = (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and address not in _NEW_DOCUMENTATION
    )
    return "public" if reachable else "private"


def visitor_network(text: str) -> str:
    """Returns the part of an address that stays with a visitor: of IPv6 the first four groups.

    Asks for a record's normal form; an address that is none is returned as it is.
    """
    if ":" not in text:
        return text
    groups = text.split(":")
    if len(groups) > 4 and all(groups[:4]):
        return ":".join(groups[:4])
    try:
        network = int(ipaddress.IPv6Address(text)) >> 64
    except ValueError:
        return text
    return ":".join(f"{network >> shift & 0xFFFF:x}" for shift in (48, 32, 16, 0))


def anonymous(text: str) -> str:
    """Cuts an address down to its network: the /24 of IPv4, the /48 of IPv6.

    Raises ValueError for what is no address.
    """
    version = 6 if ":" in text else 4
    network = ipaddress.ip_network((text, 48 if version == 6 else 24), strict=False)
    return str(network.network_address)
