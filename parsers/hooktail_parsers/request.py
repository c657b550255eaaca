"""A request line, `GET /path?query HTTP/1.1`, to its parts (RFC 9112, and what servers log).

The method is the first token and the protocol the last, so that spaces inside the target survive.
A line without a protocol is an HTTP/0.9 request. What is no request (`-`, nothing, TLS bytes, a
method that is no token, a target in no legal form, the HTTP/2 preface) gives None.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hooktail_parsers.address import split_authority

if TYPE_CHECKING:
    from collections.abc import Callable

_METHOD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]++) ").match
_PROTOCOL = re.compile(rb"(?:[Hh][Tt][Tt][Pp]|[A-Z]+)/[0-9.]*").fullmatch
_ABSOLUTE = re.compile(rb"([A-Za-z][A-Za-z0-9+.-]*+)://([^/?#]++)(.*)", re.DOTALL).fullmatch


class Request(NamedTuple):
    """The parts of a request line; scheme, host and port only where the target states them."""

    method: str
    scheme: str | None
    host: str | None
    port: int | None
    path: str | None
    query: str | None


def read_request(line: bytes, decode: Callable[[bytes], str]) -> Request | None:
    """Reads a request line whose escaping is undone; None if it is no request."""
    match = _METHOD(line)
    if match is None or match[1] == b"-":
        return None
    target = line[match.end() :].strip(b" ")
    rest, space, last = target.rpartition(b" ")
    if space and _PROTOCOL(last):
        target = rest.rstrip(b" ")
    return read_target(match[1].decode("ascii"), target, decode)


def read_target(method: str, target: bytes, decode: Callable[[bytes], str]) -> Request | None:
    """Reads a request target in one of its four forms; None if it has none of them.

    `//host/x` begins with a slash and is a path. `*` (with OPTIONS) is its own path; an authority
    (with CONNECT, and with its port) has none. An absolute URL without a path has the path `/`.
    """
    if target.startswith(b"/"):
        path, query = _split_query(target, decode)
        return Request(method, None, None, None, path, query)
    if target == b"*":
        return Request(method, None, None, None, "*", None) if method == "OPTIONS" else None
    absolute = _ABSOLUTE(target)
    if absolute is not None:
        scheme, authority, rest = absolute.groups()
        parts = split_authority(authority, decode)
        if parts is None:
            return None
        path, query = _split_query(rest if rest.startswith(b"/") else b"/" + rest, decode)
        return Request(method, scheme.decode("ascii").lower(), *parts, path, query)
    if method == "CONNECT":
        parts = split_authority(target, decode)
        if parts is None or parts[1] is None or b"@" in target:
            return None
        return Request(method, None, *parts, None, None)
    return None


def _split_query(target: bytes, decode: Callable[[bytes], str]) -> tuple[str, str | None]:
    path, mark, query = target.partition(b"?")
    return decode(path), decode(query) if mark else None
