"""The access log of the reverse proxy Zoraxy.

    [local time] [router:kind] [origin:host] [client: ip] [useragent: agent] METHOD target status

The time has no zone. The agent may itself hold a bracket: target and status are the last words,
and what stands before the method is the agent's.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, Record
from hooktail_parsers.address import client_ip, virtual_host
from hooktail_parsers.clock import iso_seconds
from hooktail_parsers.memo import Memo
from hooktail_parsers.ncsa.parser import BAD_TIME, NOT_A_REQUEST, START, SYNTAX, without_record
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.split_request import read_split_request
from hooktail_parsers.text import stated
from hooktail_parsers.times import iso_time_ms, zone_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers._api import Parsed

_LINE = re.compile(
    START + rb"\[([0-9][0-9:. T-]{18,30})\] \[router: ?([^\]]*+)\] \[origin: ?([^\]]*+)\]"
    rb" \[client:? ?([^\]]*+)\](?: \[useragent:? ?(.*)\])? ([^\s\[\]]++) (\S++) ([0-9]{3})\s*+\Z",
    re.DOTALL,
).match

# Without brackets in an agent and spaces in a target.
_ORDINARY = re.compile(
    rb"\[([0-9-]{10} [0-9:]{8})(?:\.([0-9]{3})[0-9]{0,6}+)?\] \[router: ?([^\]]*+)\]"
    rb" \[origin: ?([^\]]*+)\] \[client:? ?([^\]]*+)\](?: \[useragent:? ?([^\[\]]*+)\])?"
    rb" ([A-Z]++) (/[^\s?]*+)(?:\?(\S*+))? ([0-9]{3})\s*+\Z"
).match


class ZoraxyParser:
    """Parses Zoraxy's lines; its start-up and error lines are none."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        decode = self._decode = text_decoder(options)
        zone = zone_of(options)
        self._encoding = options.get("encoding", "utf-8")
        self._seconds = iso_seconds(b"", zone)
        self._methods = Memo(lambda raw: raw.decode("ascii"), 64)
        self._statuses = Memo(lambda raw: int(raw) or None, 1024)
        self._times = Memo(lambda stamp: iso_time_ms(stamp, zone), 1024)
        self._ips = Memo(client_ip, 16_384)
        self._hosts = Memo(lambda token: virtual_host(token, decode), 1024)
        self._texts = Memo(lambda raw: stated(decode(raw)))

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order: the ordinary ones here, the others one by one."""
        encoding, seconds, ips, hosts = self._encoding, self._seconds, self._ips, self._hosts
        texts, methods, statuses = self._texts, self._methods, self._statuses
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            found = _ORDINARY(line)
            if found is None:
                append(self.careful_parse(line))
                continue
            second, ms, router, origin, client, agent, method, path, query, status = found.groups()
            time_ms = seconds[second]
            if time_ms is None:
                append(self.careful_parse(line))
                continue
            host, port = hosts[origin]
            kind = texts[router]
            append(
                Record(
                    time_ms if ms is None else time_ms + int(ms),
                    ips[client],
                    methods[method],
                    None,
                    host,
                    port,
                    path.decode(encoding, "replace"),
                    None if query is None else query.decode(encoding, "replace"),
                    statuses[status],
                    None,
                    None if agent is None else texts[agent],
                    fields=None if kind is None else {"router": kind},
                )
            )
        return parsed

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
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
