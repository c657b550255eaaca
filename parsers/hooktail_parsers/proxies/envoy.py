"""Envoy's default access log and Istio's, which has columns between and behind.

    [start] "METHOD path PROTOCOL" status flags [details [termination]] ["failure"] received sent
    duration upstream_time "forwarded for" "agent" "request id" "authority" "upstream"
    [cluster upstream_local downstream_local downstream_remote server_name route]

The client is the first public address of X-Forwarded-For; without one it is Istio's downstream
remote address. Envoy escapes no quotes: a header with one inside is read by what surrounds it, and
a line that has more quoted columns than these is refused, for a client has written some of them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, ParseError, Record, Skip
from hooktail_parsers.address import client_ip, virtual_host
from hooktail_parsers.clock import iso_seconds
from hooktail_parsers.late import LateRecord
from hooktail_parsers.memo import Memo
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.peer import forwarded_ip, is_inner
from hooktail_parsers.request_line import RequestLine
from hooktail_parsers.text import stated
from hooktail_parsers.times import iso_time_ms, zone_of
from hooktail_parsers.torn import begins_within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers._api import JsonValue, Parsed

BLANK = Skip("blank")
SYNTAX = ParseError("syntax")
BAD_TIME = ParseError("bad_time")
NOT_A_REQUEST = ParseError("not_a_request")

_HEAD = rb"(?>ACCESS |)\[([0-9][^\]]{18,34})\] "  # ACCESS: Ambassador
_COUNTERS = (
    rb' ([0-9]{3}|0|-) ([^ "]++)(?: [^ "]++){0,2}?(?> "[^"]*+"|)'
    rb" (?:[0-9]++|-) ([0-9]{1,18}|-) ([0-9]{1,15}|-) (?:[0-9]++|-) "
)
_LAST = rb'"([^"]*+)" "([^"]*+)" "([^"]*+)"((?: [^"]*+|\r)?)\Z'
_LINE = re.compile(_HEAD + rb'"([^"]*+)"' + _COUNTERS + rb'"([^"]*+)" "([^"]*+)" ' + _LAST).match
_ORDINARY = re.compile(
    rb"(?>ACCESS |)\[([0-9-]{10}T[0-9:]{8})(?:\.([0-9]{3})[0-9]{0,6}+)?Z\] "
    rb'"([A-Z]++) (/[^ ?"\\]*+)(?:\?([^ "\\]*+))? HTTP/[0-9.]++"'
    # As above, without what goes to the fields.
    + _COUNTERS.replace(b'([^ "]++)', b'[^ "]++', 1)
    + rb'"([^"]*+)" "([^"]*+)" "([^"]*+)" "([^"]*+)" "[^"]*+"(?: [^"]*+|\r)?\Z'
).match
# Atomic up to the agent: what was found first is not looked for again, so that time stays linear.
_QUOTES = re.compile(
    rb"(?>" + _HEAD + rb'"(.*?)"' + _COUNTERS + rb'"([^"]*+)" ")(?P<agent>.*?)" ' + _LAST, re.DOTALL
).match
_BETWEEN_COLUMNS = b'" "'
_MISSING = (b"", b"-")
# Behind the cluster: the addresses of both ends. The last one counts only with a column behind
# it: at the end of a torn line it may be cut.
_REMOTE = re.compile(rb" ([^ ]++) [^ ]++ [^ ]++ ([^ ]++) ").match


def _public_ip(hop: bytes) -> str | None:
    ip = client_ip(hop)
    return None if ip is None or is_inner(ip) else ip


class EnvoyParser:
    """Reads lines of Envoy in the text format."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        decode = self._decode = text_decoder(options)
        zone = zone_of(options)
        self._read = RequestLine(decode).read
        self._seconds = iso_seconds(b"Z")
        self._encoding = options.get("encoding", "utf-8")
        self._firsts = Memo(_public_ip, 16_384)
        self._methods = Memo(lambda raw: raw.decode("ascii"), 64)
        self._times = Memo(lambda raw: iso_time_ms(raw, zone), 1024)
        self._chains = Memo(forwarded_ip, 16_384)
        self._ips = Memo(client_ip, 16_384)
        self._hosts = Memo(lambda raw: virtual_host(raw, decode), 1024)
        self._texts = Memo(lambda raw: stated(decode(raw)))
        self._statuses = Memo(lambda raw: int(raw) or None if raw != b"-" else None, 1024)

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order: the ordinary ones here, their fields when they are asked for."""
        careful, encoding = self.careful_parse, self._encoding
        seconds, firsts, chains, hosts = self._seconds, self._firsts, self._chains, self._hosts
        methods, statuses, texts = self._methods, self._statuses, self._texts
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            match = _ORDINARY(line)
            if match is None:
                append(careful(line))
                continue
            (
                second, ms, method, path, query, status, sent, duration_ms, chain, agent,
                request_id, authority,
            ) = match.groups()  # fmt: skip
            time_ms = seconds[second]
            # Mostly the first one is public, and so the client.
            ip = firsts[chain.partition(b",")[0]] or chains[chain]
            if time_ms is None or ip is None:
                # Without a forwarded chain the client may be among the last columns.
                append(careful(line))
                continue
            host, port = hosts[authority]
            append(
                LateRecord(
                    time_ms if ms is None else time_ms + int(ms),
                    ip,
                    methods[method],
                    None,
                    host,
                    port,
                    path.decode(encoding, "replace"),
                    None if query is None else query.decode(encoding, "replace"),
                    statuses[status],
                    None,
                    texts[agent],
                    None,
                    None if sent == b"-" else int(sent),
                    None if duration_ms == b"-" else int(duration_ms) / 1000,
                    None,
                    None,
                    chain.decode(encoding, "replace"),
                    None,
                    request_id.decode(encoding, "replace") if request_id not in _MISSING else None,
                    careful=careful,
                    source=line,
                )
            )
        return parsed

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
        match = _LINE(line)
        if match is None and line[:1] in b"[A":
            match = _QUOTES(line)
            if match is not None and (
                _BETWEEN_COLUMNS in match["agent"] or begins_within(line, match.start(2))
            ):
                return SYNTAX
        if match is None:
            return SYNTAX if line.strip(b"\x00 \t\r\n") else BLANK
        (
            time, request_text, status, flags, sent, duration_ms, chain, agent, request_id,
            authority, upstream, tail,
        ) = match.groups()  # fmt: skip
        time_ms = self._times[time]
        if time_ms is None:
            return BAD_TIME
        request = self._read(request_text)
        if request is None:
            return NOT_A_REQUEST
        method, scheme, host, port, path, query = request
        named, named_port = self._hosts[authority]
        if named is not None:
            host, port = named, named_port
        texts = self._texts
        fields: dict[str, JsonValue] = {}
        if flags != b"-":
            fields["response_flags"] = texts[flags]
        if upstream != b"-":
            fields["upstream_host"] = texts[upstream]
        ip = self._chains[chain]
        remote = _REMOTE(tail) if tail else None
        if remote is not None:
            cluster, address = remote.groups()
            fields["upstream_cluster"] = texts[cluster]
            fields["downstream_remote_address"] = texts[address]
            if ip is None:
                ip = self._ips[address]
        return Record(
            time_ms,
            ip,
            method,
            scheme,
            host,
            port,
            path,
            query,
            self._statuses[status],
            user_agent=texts[agent],
            bytes_sent=None if sent == b"-" else int(sent),
            duration_s=None if duration_ms == b"-" else int(duration_ms) / 1000,
            xff=texts[chain],
            request_id=stated(self._decode(request_id)),
            fields=fields or None,
        )


FORMATS = (
    Format(
        "envoy_text",
        "Envoy's default text log, and Istio's",
        (
            "time", "ip", "method", "scheme", "host", "port", "path", "query", "status",
            "user_agent", "bytes_sent", "duration_s", "xff", "request_id", "fields",
        ),
        EnvoyParser,
        example=(
            '[2025-03-14T08:26:53.123Z] "GET /p?a=1 HTTP/1.1" 200 - via_upstream - "-" 0 135 11 10'
            ' "203.0.113.7,10.0.0.1" "Agent/1.0 (X11)" "d209e46f-9ed5-9b61-bbdd-43e22662702a"'
            ' "shop.example" "10.0.0.9:80" outbound|80||shop.default.svc.cluster.local'
            " 10.0.0.2:41854 10.0.0.3:80 10.0.0.1:60290 - default"
        ),
        source="Envoy documentation, access logging; Istio documentation, Envoy access logs",
    ),
)  # fmt: skip
