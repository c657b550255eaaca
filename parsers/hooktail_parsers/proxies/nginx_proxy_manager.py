"""The access log of Nginx Proxy Manager, in its two forms, of proxied and of other hosts.

    [time] cache upstream_status status - method scheme host "uri" [Client ip] [Length n]
        [Gzip ratio] [Sent-to server] "user agent" "referrer"
    [time] status - method scheme host "uri" [Client ip] [Length n] [Gzip ratio]
        "user agent" "referrer"

The agent stands before the referrer. The default host writes nginx's combined format, and so its
lines are records here as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, Record
from hooktail_parsers.address import client_ip, virtual_host
from hooktail_parsers.clock import clf_time_ms
from hooktail_parsers.late import LateRecord
from hooktail_parsers.memo import Memo
from hooktail_parsers.ncsa.parser import (
    AGENT_FIELDS,
    BAD_TIME,
    COMMON_FIELDS,
    LAST_FIELDS,
    NOT_A_REQUEST,
    START,
    Layout,
    NcsaParser,
    without_record,
)
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.split_request import read_split_request
from hooktail_parsers.text import QUOTED, stated, unescape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers._api import JsonValue, Parsed

_LINE = re.compile(
    START + rb'\[([^\]"\\]{26})\] '
    # A retried request has a list of upstream statuses.
    rb'(?:([^\s"]++) ([0-9-]++(?>(?:(?:,| :) [0-9-]++)*)) )?([0-9]{3}|-) - '
    rb'([^\s"]*+) ([^\s"]*+) ([^\s"]*+) '
    + QUOTED
    + rb" \[Client ([^\]]*+)\] \[Length ([0-9]{1,18}|-)\] \[Gzip ([^\]]*+)\]"
    rb"(?: \[Sent-to ([^\]]*+)\])? " + QUOTED + rb" " + QUOTED + rb"(?=\s|\Z)",
    re.DOTALL,
).match
_ORDINARY = re.compile(
    rb'\[([^\]"\\]{26})\] (?:[^\s"]++ [0-9-]++ )?([0-9]{3}|-) - '
    rb'([A-Z]++) ([^\s"]*+) ([^\s"]*+) "(/[^?"\\]*+)(?:\?([^"\\]*+))?"'
    rb" \[Client ([^\]]*+)\] \[Length ([0-9]{1,18}|-)\] \[Gzip [^\]]*+\]"
    rb"(?: \[Sent-to [^\]]*+\])? " + QUOTED + rb" " + QUOTED + rb"(?=\s|\Z)",
    re.DOTALL,
).match
_SCHEMES = {b"http": "http", b"https": "https"}


class NginxProxyManagerParser:
    """Parses lines of either form, and of nginx's combined."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        decode = self._decode = text_decoder(options)
        self._combined = NcsaParser(options, Layout())
        self._encoding = options.get("encoding", "utf-8")
        self._methods = Memo(lambda raw: raw.decode("ascii"), 64)
        self._statuses = Memo(lambda raw: int(raw) or None if raw != b"-" else None, 1024)
        self._times = Memo(clf_time_ms, 1024)
        self._ips = Memo(client_ip, 16_384)
        self._hosts = Memo(lambda token: virtual_host(token, decode), 1024)
        self._texts = Memo(lambda raw: stated(decode(unescape(raw))))

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order: the ordinary ones here, their fields when they are asked for."""
        careful, encoding, schemes = self.careful_parse, self._encoding, _SCHEMES.get
        times, ips, hosts, texts = self._times, self._ips, self._hosts, self._texts
        methods, statuses = self._methods, self._statuses
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            found = _ORDINARY(line)
            if found is None:
                append(careful(line))
                continue
            (
                time, status, method, scheme, vhost, path, query, client, length, agent, referrer,
            ) = found.groups()  # fmt: skip
            time_ms = times[time]
            if time_ms is None:
                append(BAD_TIME)
                continue
            host, port = hosts[vhost]
            append(
                LateRecord(
                    time_ms,
                    ips[client],
                    methods[method],
                    schemes(scheme),
                    host,
                    port,
                    path.decode(encoding, "replace"),
                    None if query is None else query.decode(encoding, "replace"),
                    statuses[status],
                    texts[referrer],
                    texts[agent],
                    None,
                    None if length == b"-" else int(length),
                    careful=careful,
                    source=line,
                )
            )
        return parsed

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
        found = _LINE(line)
        if found is None:
            return without_record(line) if line.startswith(b"[") else self._combined.parse(line)
        (
            time, cache, upstream, status, method, scheme, vhost, target, client, length, ratio,
            server, agent, referrer,
        ) = found.groups()  # fmt: skip
        time_ms = self._times[time]
        if time_ms is None:
            return BAD_TIME
        request = read_split_request(method, unescape(target), self._decode)
        if request is None:
            return NOT_A_REQUEST
        named, port = self._hosts[vhost]
        host, port = (request.host, request.port) if named is None else (named, port)
        texts = self._texts
        others = {
            "upstream_cache_status": cache,
            "upstream_status": upstream,
            "gzip_ratio": ratio,
            "sent_to": server,
        }
        fields: dict[str, JsonValue] = {
            key: texts[value] for key, value in others.items() if value not in (None, b"", b"-")
        }
        return Record(
            time_ms,
            self._ips[client],
            request.method,
            _SCHEMES.get(scheme),
            host,
            port,
            request.path,
            request.query,
            None if status == b"-" else int(status) or None,
            texts[referrer],
            texts[agent],
            bytes_sent=None if length == b"-" else int(length),
            fields=fields or None,
        )


FORMATS = (
    Format(
        "nginx_proxy_manager",
        "Nginx Proxy Manager: proxied hosts, others, and the default host",
        COMMON_FIELDS + AGENT_FIELDS + LAST_FIELDS,
        NginxProxyManagerParser,
        example=(
            "[14/Mar/2025:09:26:53 +0100] HIT 200 200 - GET https shop.example"
            ' "/p?a=1" [Client 203.0.113.7] [Length 512] [Gzip 2.45] [Sent-to 10.0.0.15:8080]'
            ' "Mozilla/5.0 (X11; Linux x86_64)" "https://ref.example/"'
        ),
        source="Nginx Proxy Manager's nginx.conf, log_format proxy and standard",
    ),
)
