"""The access lines of Django's runserver and of uvicorn, plain or behind a logging prefix.

    [local time] "request" status bytes                  Django
    INFO:     ip:port - "request" status phrase          uvicorn

Django names no client, and uvicorn no time. A prefix that logging wrote, such as
`2025-03-14 08:26:53,123 INFO uvicorn.access`, states the time then.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, LineParser, Record
from hooktail_parsers.address import client_ip
from hooktail_parsers.consoles.lines import console_time_ms, prefix_stamp, without_colours
from hooktail_parsers.memo import Memo
from hooktail_parsers.ncsa.parser import (
    BAD_TIME,
    COMMON_FIELDS,
    NOT_A_REQUEST,
    SYNTAX,
    without_record,
)
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.peer import peer_ip
from hooktail_parsers.request_line import RequestLine
from hooktail_parsers.times import iso_time_ms, zone_of
from hooktail_parsers.torn import begins_within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail_parsers._api import Parsed

# Neither escapes quotes: the last quote with a status behind it ends the request.
_DJANGO = re.compile(rb'([^"]*+)"(.*)" ([0-9]{3}) ([0-9]{1,18}|-)\s*+\Z', re.DOTALL).match
_UVICORN = re.compile(rb'([^"]*+)"(.*)" ([0-9]{3})(?: [A-Za-z][^"]*+)?\s*+\Z', re.DOTALL).match
_DJANGO_STAMP = re.compile(rb"\[([0-9]{2}/[A-Z][a-z]{2}/[0-9: ]{13})\] ").fullmatch


class DjangoRunserverParser(LineParser):
    """Parses the lines of `django.server`; its other lines, and tracebacks, are none."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        zone = zone_of(options)
        self._request = RequestLine(text_decoder(options))
        self._times = Memo(lambda stamp: console_time_ms(stamp, zone), 1024)
        self._prefix_times = Memo(lambda stamp: iso_time_ms(stamp, zone), 1024)

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        found = _DJANGO(without_colours(line))
        if found is None:
            return without_record(line)
        before, request_line, status, size = found.groups()
        if begins_within(request_line):
            return SYNTAX
        stamp = _DJANGO_STAMP(before)
        if stamp is not None:
            time_ms = self._times[stamp[1]]
        else:
            logged = prefix_stamp(before)
            if logged is None or b" - " in before:
                # What names a client is another server's line.
                return SYNTAX
            time_ms = self._prefix_times[logged]
        if time_ms is None:
            return BAD_TIME
        request = self._request.read(request_line)
        if request is None:
            return NOT_A_REQUEST
        return Record(
            time_ms,
            None,
            *request,
            int(status) or None,
            bytes_sent=None if size == b"-" else int(size),
        )


class UvicornParser(LineParser):
    """Parses the lines of `uvicorn.access`."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        zone = zone_of(options)
        self._request = RequestLine(text_decoder(options))
        self._times = Memo(lambda stamp: iso_time_ms(stamp, zone), 1024)
        # uvicorn joins address and port by a colon, IPv6 too, without brackets.
        self._ips = Memo(lambda raw: peer_ip(raw) or client_ip(raw), 16_384)

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        found = _UVICORN(without_colours(line))
        if found is None:
            return without_record(line)
        before, request_line, status = found.groups()
        if not before.endswith(b" - ") or begins_within(request_line):
            return SYNTAX
        prefix, _, client = before[:-3].rpartition(b" ")
        if client == b"-":
            return SYNTAX
        time_ms = None
        stamp = prefix_stamp(prefix)
        if stamp is not None:
            time_ms = self._times[stamp]
            if time_ms is None:
                return BAD_TIME
        # A WebSocket's handshake, `"WebSocket /ws" 403`, has no protocol.
        request = self._request.read(request_line) if b" HTTP/" in request_line else None
        if request is None:
            return NOT_A_REQUEST
        return Record(time_ms, self._ips[client], *request, int(status) or None)


FORMATS = (
    Format(
        "django_runserver",
        "Django's runserver: no client address (local time: give the timezone)",
        (*(name for name in COMMON_FIELDS if name != "ip"), "bytes_sent"),
        DjangoRunserverParser,
        example='[14/Mar/2025 09:26:53] "GET /p?a=1 HTTP/1.1" 200 512',
        source="Django, django.core.servers.basehttp and the logger django.server",
    ),
    Format(
        "uvicorn",
        "uvicorn's access log; a time only from a logging prefix",
        COMMON_FIELDS,
        UvicornParser,
        example='INFO:     203.0.113.7:54321 - "GET /p?a=1 HTTP/1.1" 200 OK',
        source="uvicorn.logging.AccessFormatter",
    ),
)
