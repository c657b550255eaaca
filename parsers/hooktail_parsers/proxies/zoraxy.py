"""The access log of the reverse proxy Zoraxy.

    [local time] [router:kind] [origin:host] [client: ip] [useragent: agent] METHOD target status

The time has no zone. The agent may itself hold a bracket: target and status are the last words,
and what stands before the method is the agent's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, LineParser, Record
from hooktail_parsers.address import client_ip, virtual_host
from hooktail_parsers.memo import Memo
from hooktail_parsers.ncsa.parser import BAD_TIME, NOT_A_REQUEST, START, SYNTAX, without_record
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.split_request import read_split_request
from hooktail_parsers.text import stated
from hooktail_parsers.times import iso_time_ms, zone_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail_parsers._api import Parsed

_LINE = re.compile(
    START + rb"\[([0-9][0-9:. T-]{18,30})\] \[router: ?([^\]]*+)\] \[origin: ?([^\]]*+)\]"
    rb" \[client:? ?([^\]]*+)\](?: \[useragent:? ?(.*)\])? ([^\s\[\]]++) (\S++) ([0-9]{3})\s*+\Z",
    re.DOTALL,
).match


class ZoraxyParser(LineParser):
    """Parses Zoraxy's lines; its start-up and error lines are none."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        decode = self._decode = text_decoder(options)
        zone = zone_of(options)
        self._times = Memo(lambda stamp: iso_time_ms(stamp, zone), 1024)
        self._ips = Memo(client_ip, 16_384)
        self._hosts = Memo(lambda token: virtual_host(token, decode), 1024)
        self._texts = Memo(lambda raw: stated(decode(raw)))

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        found = _LINE(line)
        if found is None:
            return without_record(line)
        time, router, origin, client, agent, method, target, status = found.groups()
        if agent is not None and b"[router:" in agent:
            return SYNTAX
        time_ms = self._times[time]
        if time_ms is None:
            return BAD_TIME
        request = read_split_request(method, target, self._decode)
        if request is None:
            return NOT_A_REQUEST
        named, port = self._hosts[origin]
        host, port = (request.host, request.port) if named is None else (named, port)
        kind = self._texts[router]
        return Record(
            time_ms,
            self._ips[client],
            request.method,
            request.scheme,
            host,
            port,
            request.path,
            request.query,
            int(status) or None,
            user_agent=None if agent is None else self._texts[agent],
            fields=None if kind is None else {"router": kind},
        )


FORMATS = (
    Format(
        "zoraxy",
        "the reverse proxy Zoraxy (local time: give the timezone)",
        (
            "time", "ip", "method", "scheme", "host", "port", "path", "query", "status",
            "user_agent", "fields",
        ),
        ZoraxyParser,
        example=(
            "[2025-03-14 09:26:53.123456] [router:host-http] [origin:shop.example]"
            " [client: 203.0.113.7] [useragent: Mozilla/5.0 (X11)] GET /p?a=1 200"
        ),
        source="Zoraxy, package dynamicproxy, traffic log",
    ),
)  # fmt: skip
