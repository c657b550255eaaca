"""The columns that writers put behind the combined format's last one.

Each function reads the rest of a line into its record. A rest that does not have the writer's
form leaves the record as it is: the columns before it are not doubtful because of it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from hooktail_parsers.address import client_ip
from hooktail_parsers.text import QUOTED, stated, unescape

if TYPE_CHECKING:
    from hooktail_parsers._api import JsonValue, Record
    from hooktail_parsers.ncsa.parser import Decode

_END = rb"\s*+\Z"
_FIRST_QUOTED = re.compile(rb" " + QUOTED + rb"(?=\s|\Z)", re.DOTALL).match
_SECONDS = re.compile(rb" ([0-9]{1,12})" + _END).match
_JETTY = re.compile(
    rb"\s++(?>" + QUOTED + rb"|-|)" + rb"(?:\s*+([0-9]{1,12}))?" + _END, re.DOTALL
).match
# With both columns, as mostly they are.
_JETTY_ORDINARY = re.compile(rb'\s++"([^"\\]*+)"\s*+([0-9]{1,12})' + _END).match
# nginx writes one element for each upstream tried: `a, b`, and ` : ` between groups of them.
_LIST = rb"([^\s,]++(?>(?:(?:,| :) [^\s,]++)*))"
_INGRESS = re.compile(
    rb" ([0-9]{1,18}|-) ([0-9]{1,9}(?:\.[0-9]{1,9})?|-)"
    rb" \[([^\]]*+)\](?: \[([^\]]*+)\])?" + (rb" " + _LIST) * 4 + rb"(?: ([^\s]++))?" + _END
).match
# The same without what goes to the fields: of one upstream, and of any number.
_INGRESS_ORDINARY = re.compile(
    rb" (?:[0-9]{1,18}|-) ([0-9]{1,9}\.[0-9]{1,9}) \[[^\]]*+\] \[[^\]]*+\]"
    + rb" [^\s,]++" * 4
    + rb" ([^\s]++)"
    + _END
).match
_INGRESS_LATE = re.compile(
    rb" (?:[0-9]{1,18}|-) ([0-9]{1,9}(?:\.[0-9]{1,9})?|-) \[[^\]]*+\](?: \[[^\]]*+\])?"
    + (rb" " + _LIST.replace(b"([^", b"(?:[^", 1)) * 4
    + rb"(?: ([^\s]++))?"
    + _END
).match
TRAEFIK_END = rb' [0-9-]{1,18} "[^"]*+"? ?"[^"]*+" [0-9]{1,12}ms' + _END
"""What `read_traefik` reads, as an expression without groups."""
_TRAEFIK = re.compile(
    # Real files lack the router's closing quote.
    rb' ([0-9]{1,18}|-) "([^"]*+)"? ?"([^"]*+)" ([0-9]{1,12})ms' + _END
).match
_TRAEFIK_LATE = re.compile(rb' (?:[0-9]{1,18}|-) "[^"]*+"? ?"[^"]*+" ([0-9]{1,12})ms' + _END).match
_LONGEST_LIST_BYTES = 1024
# What is a list at a glance.
# The first digit decides: nothing is tried twice.
_OCTET = rb"(?:1[0-9]{0,2}+|2(?:[0-4][0-9]?+|5[0-5]?+|[6-9]|)|[3-9][0-9]?+|0)"
_IPV4 = rb"\.".join([_OCTET] * 4)
_IPV4_LIST = re.compile(rb' "(' + _IPV4 + rb"(?:, ?" + _IPV4 + rb'){0,8})"(?=\s|\Z)').match
_NO_HOPS = frozenset((b"-", b"unknown"))


def is_forwarded_list(raw: bytes) -> bool:
    """Tells whether a column is an X-Forwarded-For list: addresses, at least one."""
    return len(raw) <= _LONGEST_LIST_BYTES and _is_forwarded_list(raw)


@lru_cache(maxsize=4096)
def _is_forwarded_list(raw: bytes) -> bool:
    hops = [hop.strip() for hop in raw.split(b",")]
    ips = [client_ip(hop) for hop in hops]
    return any(ips) and all(ip or hop in _NO_HOPS for ip, hop in zip(ips, hops, strict=True))


def read_forwarded(record: Record, tail: bytes, decode: Decode) -> None:
    """Reads `"$http_x_forwarded_for"` of nginx's `main`, or the `"$gzip_ratio"` of others."""
    plain = _IPV4_LIST(tail)
    if plain is not None:
        record.xff = plain[1].decode("ascii")
        return
    match = _FIRST_QUOTED(tail)
    if match is None:
        return
    raw = unescape(match[1])
    if is_forwarded_list(raw):
        record.xff = decode(raw)
    elif raw not in (b"", b"-"):
        name = "gzip_ratio" if raw.replace(b".", b"", 1).isdigit() else "http_x_forwarded_for"
        add_fields(record, {name: decode(raw)})


def read_seconds(record: Record, tail: bytes, _decode: Decode) -> None:
    """Reads Icecast's seconds for which a client was connected."""
    match = _SECONDS(tail)
    if match is not None:
        record.duration_s = float(match[1])


def read_cookies_and_latency(record: Record, tail: bytes, decode: Decode) -> None:
    """Reads Jetty's cookies, quoted, and its latency in milliseconds; either may be absent."""
    match = _JETTY_ORDINARY(tail)
    if match is not None:
        raw, spent_ms = match.groups()
        if b"=" in raw:
            record.cookies = decode(raw)
        record.duration_s = int(spent_ms) / 1000
        return
    match = _JETTY(tail)
    if match is None:
        return
    cookies, latency_ms = match.groups()
    if cookies is not None and b"=" in cookies:
        record.cookies = stated(decode(unescape(cookies)))
    if latency_ms is not None:
        record.duration_s = int(latency_ms) / 1000


def read_ingress(record: Record, tail: bytes, decode: Decode) -> None:
    """Reads what ingress-nginx adds; the lists of its upstreams stay as they are."""
    match = _INGRESS(tail)
    if match is None:
        return
    length, time, name, alternative, address, sent, spent, status, request_id = match.groups()
    if time != b"-":
        record.duration_s = float(time)
    if request_id not in (None, b"-"):
        record.request_id = decode(request_id)
    texts = {
        "proxy_upstream_name": name,
        "proxy_alternative_upstream_name": alternative,
        "upstream_addr": address,
        "upstream_response_length": sent,
        "upstream_response_time": spent,
        "upstream_status": status,
    }
    fields: dict[str, JsonValue] = {}
    if length != b"-":
        fields["request_length"] = int(length)
    for key, value in texts.items():
        if value not in (None, b"", b"-"):
            fields[key] = decode(unescape(value))
    add_fields(record, fields)


def read_ingress_late(record: Record, tail: bytes, decode: Decode) -> None:
    """Reads the duration and the request's id, as `read_ingress` does."""
    match = _INGRESS_ORDINARY(tail) or _INGRESS_LATE(tail)
    if match is None:
        return
    time, request_id = match.groups()
    if time != b"-":
        record.duration_s = float(time)
    if request_id is not None and request_id != b"-":
        record.request_id = decode(request_id)


def read_traefik_late(record: Record, tail: bytes, _decode: Decode) -> None:
    """Reads the duration, as `read_traefik` does."""
    match = _TRAEFIK_LATE(tail)
    if match is not None:
        record.duration_s = int(match[1]) / 1000


def read_traefik(record: Record, tail: bytes, decode: Decode) -> None:
    """Reads Traefik's count of requests, its router, the server's URL and the milliseconds."""
    match = _TRAEFIK(tail)
    if match is None:
        return
    count, router, server, duration_ms = match.groups()
    record.duration_s = int(duration_ms) / 1000
    fields: dict[str, JsonValue] = {}
    if count != b"-":
        fields["request_count"] = int(count)
    for key, value in (("router", router.strip()), ("server_url", server)):
        if value not in (b"", b"-"):
            fields[key] = decode(value)
    add_fields(record, fields)


def drop_scheme(record: Record, _tail: bytes, _decode: Decode) -> None:
    """Forgets the scheme of varnishncsa's URLs: it writes `http` whatever the client used."""
    record.scheme = None


def add_fields(record: Record, fields: dict[str, JsonValue]) -> None:
    """Adds to what the record's `fields` hold."""
    if fields:
        record.fields = fields if record.fields is None else record.fields | fields
