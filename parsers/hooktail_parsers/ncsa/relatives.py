"""Relatives of the combined format whose columns before the time, or in between, are their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers.address import client_ip
from hooktail_parsers.ncsa.columns import (
    EXTRA_FIELDS,
    FORWARDED,
    HOST_FORWARDED,
    HOST_NCSA,
    NCSA,
    Column,
    Lead,
    Ordinary,
    clf_columns_format,
    read_column,
)
from hooktail_parsers.ncsa.tails import add_fields
from hooktail_parsers.text import IN_QUOTES, QUOTED

if TYPE_CHECKING:
    from hooktail_parsers._api import Record
    from hooktail_parsers.ncsa.parser import Decode

_TOKEN = rb'([^\s"#,]++)'
_USER = rb"(" + IN_QUOTES + rb'|"")'
_NCSA = re.compile(_TOKEN + rb" " + _TOKEN + rb" (?!- )" + _USER, re.DOTALL).fullmatch
_HOST_NCSA = re.compile(
    _TOKEN + rb" " + _TOKEN + rb" " + _TOKEN + rb" (?!- )" + _USER, re.DOTALL
).fullmatch
# `$http_x_forwarded_for` with or without quotes, then perhaps `$remote_addr`.
_FORWARDED = (
    rb"(?:" + QUOTED + rb'|([^,\s"]++(?>(?:\s*+,\s*+[^,\s"]++)*)))'
    rb'(?: ([^\s",\[]++))? - (?!- )([^"]*+)'
)
_XFF_FIRST = re.compile(_FORWARDED, re.DOTALL).fullmatch
_VHOST_XFF_FIRST = re.compile(_TOKEN + rb" " + _FORWARDED, re.DOTALL).fullmatch
_MOST_LEAD_COLUMNS = 12
_SESSION = re.compile(rb"(?=[^.]*[A-F]|.{32})[0-9A-F]{8,64}(?:\.[\w.-]{1,64})?").fullmatch
_THREAD = re.compile(rb"[\w.-]{1,64}-exec-[0-9]{1,9}").fullmatch
_WHOLE_NUMBER = re.compile(rb"[0-9]{1,15}").fullmatch


def ncsa_lead(lead: bytes) -> Lead | None:
    """Reads `client ident user`."""
    match = _NCSA(lead)
    return None if match is None else Lead(match[1], match[3], ident=match[2])


def host_ncsa_lead(lead: bytes) -> Lead | None:
    """Reads `host client ident user`."""
    match = _HOST_NCSA(lead)
    return None if match is None else Lead(match[2], match[4], match[1], match[3])


def vhost_plus_lead(lead: bytes) -> Lead | None:
    """Reads `host … client ident user`, and the leads with a forwarded list."""
    plain = host_ncsa_lead(lead)
    if plain is None:
        return vhost_xff_first_lead(lead)
    if client_ip(plain.client) is None:
        columns = lead.split(b" ", _MOST_LEAD_COLUMNS)
        for at in range(2, len(columns) - 2):
            if b":" in columns[0] and b":" in columns[at - 1]:
                return None  # two virtual hosts: of a torn line, and of the next
            if client_ip(columns[at]):
                user = b" ".join(columns[at + 2 :])
                return Lead(columns[at], user, columns[0], columns[at + 1])
    return plain


def xff_first_lead(lead: bytes) -> Lead | None:
    """Reads `forwarded [client] - user`, the forwarded list quoted or not."""
    match = _XFF_FIRST(lead)
    if match is None:
        return None
    quoted, plain, client, user = match.groups()
    if plain and client and b"," not in plain and plain != b"-" and not client_ip(plain):
        return None  # a virtual host
    return Lead(client or b"", user, forwarded=plain if quoted is None else quoted)


def vhost_xff_first_lead(lead: bytes) -> Lead | None:
    """Reads `host forwarded [client] - user`."""
    match = _VHOST_XFF_FIRST(lead)
    if match is None:
        return None
    vhost, quoted, plain, client, user = match.groups()
    return Lead(client or b"", user, vhost, forwarded=plain if quoted is None else quoted)


def read_tomcat_column(record: Record, column: Column, decode: Decode) -> bool:
    """Reads Tomcat's `%S` (session), `%I` (thread), `%T` (seconds) and `%D`.

    `%D` is in milliseconds or, from Tomcat 10.1 on, in microseconds; the line does not say which,
    so that it stays a field.
    """
    value = column.value
    if column.name is not None or column.quoted:
        return read_column(record, column, decode)
    if record.session is None and _SESSION(value):
        record.session = decode(value)
    elif _THREAD(value):
        add_fields(record, {"thread": decode(value)})
    elif _WHOLE_NUMBER(value) and "elapsed" not in (record.fields or {}):
        add_fields(record, {"elapsed": int(value)})
    else:
        return read_column(record, column, decode)
    return True


_ORDINARY_TOMCAT = re.compile(
    rb" ((?=[0-9]*+[A-F]|[0-9]{32})[0-9A-F]{8,64}) ([0-9]{1,15})"
).fullmatch


def read_tomcat_ordinary(record: Record, between: bytes, plain: bytes, tail: bytes) -> bool:
    """Reads a session and a duration behind the size, quickly; False if there is something else."""
    columns = None if between or tail else _ORDINARY_TOMCAT(plain)
    if columns is None:
        return False
    record.session = columns[1].decode("ascii")
    record.fields = {"elapsed": int(columns[2])}
    return True


_STAMP = "[14/Mar/2025:09:26:53 +0100]"
_REQUEST = '"GET /p?a=1 HTTP/1.1" 200 512'
_AGENT = '"https://ref.example/" "Mozilla/5.0 (X11; Linux x86_64)"'

FORMATS = (
    clf_columns_format(
        "vhost_combined_plus",
        "vhost_combined with further columns",
        vhost_plus_lead,
        ordinary=Ordinary(HOST_NCSA, needs_ip=True),
        example=f"shop.example:443 203.0.113.7 - - {_STAMP} {_REQUEST} {_AGENT} 0/12345",
        source="Debian's apache2.conf, LogFormat vhost_combined, with columns added",
    ),
    clf_columns_format(
        "nginx_with_time",
        "combined with the request time, before the referrer or behind the agent",
        ncsa_lead,
        ordinary=Ordinary(NCSA),
        example=f"203.0.113.7 - - {_STAMP} {_REQUEST} 0.202 {_AGENT}",
        source="nginx ngx_http_log_module, combined with $request_time",
    ),
    clf_columns_format(
        "nginx_xff_first",
        "combined behind X-Forwarded-For, quoted or not, with or without the peer",
        xff_first_lead,
        ordinary=Ordinary(FORWARDED, chain=True),
        example=f"203.0.113.7, 10.0.0.1 - - {_STAMP} {_REQUEST} {_AGENT}",
        source="nginx ngx_http_log_module, $http_x_forwarded_for before combined",
    ),
    clf_columns_format(
        "nginx_vhost_xff_first",
        "virtual host, X-Forwarded-For, combined",
        vhost_xff_first_lead,
        ordinary=Ordinary(HOST_FORWARDED, chain=True),
        example=f"shop.example 203.0.113.7, 10.0.0.1 - - {_STAMP} {_REQUEST} {_AGENT}",
        source="nginx ngx_http_log_module, $host $http_x_forwarded_for before combined",
    ),
    clf_columns_format(
        "gandi",
        "Gandi web hosting: host, client, combined with seconds before the request",
        host_ncsa_lead,
        ordinary=Ordinary(HOST_NCSA),
        example=f"shop.example 203.0.113.7 - - {_STAMP} (0 s) {_REQUEST} {_AGENT}",
        source="Gandi Simple Hosting logs",
    ),
    clf_columns_format(
        "tomcat",
        "Tomcat's AccessLogValve: common or combined, with session, thread and duration",
        ncsa_lead,
        ordinary=Ordinary(NCSA, read=read_tomcat_ordinary),
        example=f"203.0.113.7 - admin {_STAMP} {_REQUEST} 8F3C2A901B77D4E5A6C0D1E2F3A4B5C6 12",
        source="Apache Tomcat configuration reference, Access Log Valve",
        agent=False,
        column=read_tomcat_column,
        more_fields=(*EXTRA_FIELDS, "session"),
    ),
)
