"""Single values of a request, from the bytes that a column holds; None for what is none."""

from __future__ import annotations

import re

from hooktail_parsers.address import client_ip
from hooktail_parsers.peer import forwarded_ip

_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_SCHEME = re.compile(rb"\s*([A-Za-z][A-Za-z0-9+.-]{0,30})\s*(?:,.*)?", re.DOTALL).fullmatch
_COUNT = re.compile(rb"[0-9]{1,18}").fullmatch
_STATUS = re.compile(rb"[0-9]{1,3}").fullmatch
_NUMBER = re.compile(rb"[0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15}").fullmatch
_SEPARATED = re.compile(rb"[,\s]").search
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_HIGHEST_PORT = 65_535
_LONGEST_PORT = 5
LONGEST_COUNT = 18
"""Digits of a number of bytes."""
MISSING = (b"", b"-")
"""How a column says that it has no value."""


def ip_of_list(raw: bytes) -> str | None:
    """Reads a client column that may be a list: its first public address, else the first."""
    ip = client_ip(raw)
    if ip is not None or not _SEPARATED(raw):
        return ip
    return forwarded_ip(b",".join(raw.split()))


def method_of(raw: bytes) -> str | None:
    """Reads a method; None if it is no token."""
    return None if raw == b"-" or not _METHOD(raw) else raw.decode("ascii")


def status_of(raw: bytes) -> int | None:
    """Reads a status; None for 0, 000 and what is none."""
    return int(raw) or None if _STATUS(raw) else None


def port_of(raw: bytes) -> int | None:
    """Reads a port."""
    if len(raw) > _LONGEST_PORT or not _COUNT(raw):
        return None
    return int(raw) if int(raw) <= _HIGHEST_PORT else None


def seconds_of(raw: bytes, per_s: float) -> float | None:
    """Reads a duration of units that make up a second `per_s` times."""
    return float(raw) / per_s if _NUMBER(raw) else None


def scheme_of(raw: bytes) -> str | None:
    """Reads a scheme, or the first of a list of them."""
    match = None if raw in MISSING else _SCHEME(raw)
    return None if match is None else match[1].decode("ascii").lower()


def https_of(raw: bytes) -> str | None:
    """Reads a flag such as nginx's `$https`: `on`, or empty for http."""
    if raw == b"-":
        return None
    return "https" if raw.lower() in (b"on", b"1", b"true", b"https") else "http"


def tls_of(raw: bytes) -> str | None:
    """Reads the version of TLS: where one is stated, the scheme is https."""
    return None if raw in (*MISSING, b"(none)", b"none") else "https"


def url_decoded(raw: bytes) -> bytes:
    """Undoes the encoding of text in which no space may stand: `%20` or `+`."""
    if b" " in raw:
        return raw
    return _PERCENT.sub(lambda code: bytes((int(code[1], 16),)), raw.replace(b"+", b" "))
