"""Client addresses and hosts in their normal forms."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_OCTET = rb"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(_OCTET + rb"(?:\." + _OCTET + rb"){3}").fullmatch
is_plain_ipv4 = re.compile((_OCTET + rb"(?:\." + _OCTET + rb"){3}").decode("ascii")).fullmatch
"""Matches text that is an address as it stands, of IPv4."""
# As a socket names a client of IPv4: mapped into IPv6, with its port, or both.
_IPV4_OF_A_SOCKET = re.compile(
    rb"(?:::[Ff]{4}:|)(" + _OCTET + rb"(?:\." + _OCTET + rb"){3})(?::[0-9]{1,5}|)"
).fullmatch
# An IPv6 address that already is in its normal form: no group is zero, none begins with one, and
# `::`, if it is there, stands for two groups or more. `ipaddress` takes twenty times as long.
_GROUP = rb"[1-9a-f][0-9a-f]{0,3}"
_WHOLE_IPV6 = re.compile(_GROUP + rb"(?::" + _GROUP + rb"){7}").fullmatch
_SHORT_IPV6 = re.compile(
    _GROUP + rb"(?>(?::" + _GROUP + rb")*)::" + _GROUP + rb"(?>(?::" + _GROUP + rb")*)"
).fullmatch
_SHORT_IPV6_COLONS = 6
_BRACKETED = re.compile(rb"\[([^\[\]]+)\](?::[0-9]{0,5})?").fullmatch
_WITH_PORT = re.compile(rb"(.+):[0-9]{1,5}", re.DOTALL).fullmatch
_LONGEST_ADDRESS_BYTES = 120
_AUTHORITY = re.compile(
    rb"""(?>[^/?#@]*@|)
         (\[[0-9A-Fa-f:.]+(?:%[^\]\s]*)?\] | [^\x00-\x20"<>/?#@:\[\]\\\x7f]+)
         (?::([0-9]*))?""",
    re.VERBOSE,
).fullmatch
_HIGHEST_PORT = 65_535


def client_ip(token: bytes) -> str | None:
    """Returns the address as compressed lower-case text, or None if the token is no address.

    Port, brackets and zone id go; an IPv4-mapped IPv6 address becomes IPv4. Host names, `-` and
    `unix:` give None.
    """
    if _IPV4(token):
        return token.decode("ascii")
    if b":" not in token or len(token) > _LONGEST_ADDRESS_BYTES:
        return None
    of_a_socket = _IPV4_OF_A_SOCKET(token)
    if of_a_socket:
        return of_a_socket[1].decode("ascii")
    if _WHOLE_IPV6(token) or (token.count(b":") <= _SHORT_IPV6_COLONS and _SHORT_IPV6(token)):
        return token.decode("ascii")
    bracketed = _BRACKETED(token)
    if bracketed:
        return _ipv6(bracketed[1])
    address = _ipv6(token)
    if address is not None:
        return address
    with_port = _WITH_PORT(token)
    if with_port is None:
        return None
    return _ipv6(with_port[1])


def _ipv6(token: bytes) -> str | None:
    try:
        address = IPv6Address(token.partition(b"%")[0].decode("ascii"))
    except ValueError:
        return None
    mapped = address.ipv4_mapped
    return str(address if mapped is None else mapped)


def split_authority(
    authority: bytes, decode: Callable[[bytes], str]
) -> tuple[str, int | None] | None:
    """Splits `host:port` into the lower-case host and the port; None if it has no legal form.

    `-`, which logs write for what is missing, is no host. User information goes. An IPv6 host
    keeps its brackets, as it stands in a URL, and is compressed.
    """
    match = _AUTHORITY(authority)
    if match is None:
        return None
    host, digits = match.groups()
    if host == b"-":
        return None
    port = None
    if digits:
        if len(digits) > len(str(_HIGHEST_PORT)) or int(digits) > _HIGHEST_PORT:
            return None
        port = int(digits)
    if host.startswith(b"["):
        address = _ipv6_host(host)
        return None if address is None else (address, port)
    return decode(host).lower(), port


def _ipv6_host(bracketed: bytes) -> str | None:
    try:
        address = IPv6Address(bracketed[1:-1].partition(b"%")[0].decode("ascii"))
    except ValueError:
        return None
    return f"[{address}]"


def virtual_host(token: bytes, decode: Callable[[bytes], str]) -> tuple[str | None, int | None]:
    """Reads a server name as `%v` or `%v:%p` write it; (None, None) if it names no host.

    `-` and `_` (the nginx name of the server that has none) are no hosts.
    """
    if token.count(b":") > 1 and not token.startswith(b"["):
        # An IPv6 address without brackets: no port can be told from its last group.
        host = _ipv6_host(b"[" + token + b"]")
        return host, None
    parts = split_authority(token, decode)
    if parts is None or parts[0] == "_":
        return None, None
    return parts
