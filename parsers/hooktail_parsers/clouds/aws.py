"""Access logs of Amazon: S3 buckets, application load balancers, classic load balancers.

Columns stand between single spaces, what may hold spaces in quotes. AWS appends columns over the
years, so that a line is read from its beginning and what is unknown behind it is passed over. S3
escapes no quotes: one of its lines with more quoted columns than there are is refused, for a client
has written some of them.
Balancers log a client as `address:port`, an IPv6 address without brackets.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, ParseError, Record, Skip
from hooktail_parsers.address import client_ip, split_authority, virtual_host
from hooktail_parsers.clock import clf_time_ms, iso_seconds
from hooktail_parsers.late import LateRecord
from hooktail_parsers.memo import Memo
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.peer import peer_ip
from hooktail_parsers.request_line import RequestLine
from hooktail_parsers.text import QUOTED, stated, unescape
from hooktail_parsers.times import iso_time_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers._api import JsonValue, Parsed

BLANK = Skip("blank")
DIRECTIVE = Skip("directive")
SYNTAX = ParseError("syntax")
BAD_TIME = ParseError("bad_time")
NOT_A_REQUEST = ParseError("not_a_request")

_TOKEN = rb"([^ \"]++)"
_SECONDS = rb"([0-9]{1,9}(?:\.[0-9]{1,9})?)"
_END = rb"(?=[ \r]|\Z)"

# client target three times status target_status received sent "request" ["agent"]
_BALANCED = (
    (_TOKEN + b" " + _TOKEN)
    # One of the times is -1 where its part of the request did not happen.
    + (
        rb" (?:"
        + _SECONDS
        + b" "
        + _SECONDS
        + b" "
        + _SECONDS
        + rb"|(?:-?[0-9.]++|-) (?:-?[0-9.]++|-) (?:-?[0-9.]++|-))"
    )
    + rb" ([0-9]{3}|0|-) ([0-9]{3}|0|-) (?:[0-9]++|-) ([0-9]{1,18}|-) "
    + QUOTED
)
_ALB = re.compile(
    rb"([a-z0-9]++) ([0-9T:.+-]++Z?+) "
    + (_TOKEN + b" " + _BALANCED + b" " + QUOTED)
    # TLS cipher and version, target group, and the columns behind them that say most
    + rb'(?> [^ "]++ [^ "]++ [^ "]++ "([^"]*+)"(?= )|)'
    + _END,
    re.DOTALL,
).match
_CLASSIC = re.compile(
    rb"()([0-9T:.+-]++Z?+) "
    + (_TOKEN + b" " + _BALANCED)
    # Before 2015 the line ended here.
    + (rb"(?: " + QUOTED + _END + rb"|\r?\Z)()"),
    re.DOTALL,
).match


# A request for a URL, as nearly all are; fewer columns, for those of the fields are read late.
_ORDINARY_BALANCED = (
    _TOKEN.replace(b"(", b"(?:", 1)
    + rb" ([^ \"]+):[0-9]{1,5} (?:[^ \"]++) "
    + (_SECONDS + b" " + _SECONDS + b" " + _SECONDS)
    + rb' ([0-9]{3}|0|-) (?:[0-9]{3}|0|-) (?:[0-9]++|-) ([0-9]{1,18}|-) "([A-Z]++) ([a-z]++)://'
    + rb'([^/?#@ "\\]++)(/[^ ?"\\]*+)(?:\?([^ "\\]*+))? HTTP/[0-9.]++" '
    + QUOTED
)
_ORDINARY_TIME = rb"([0-9-]{10}T[0-9:]{8})(?:\.([0-9]{3})[0-9]{0,6}+)?Z "
_ORDINARY_ALB = re.compile(
    rb"[a-z0-9]++ " + _ORDINARY_TIME + _ORDINARY_BALANCED + _END, re.DOTALL
).match
_ORDINARY_CLASSIC = re.compile(_ORDINARY_TIME + _ORDINARY_BALANCED + _END, re.DOTALL).match


class BalancerParser:
    """Reads lines of application and classic load balancers."""

    def __init__(self, options: Mapping[str, str], *, classic: bool) -> None:
        check_options(options)
        decode = text_decoder(options)
        self._match = _CLASSIC if classic else _ALB
        self._ordinary = _ORDINARY_CLASSIC if classic else _ORDINARY_ALB
        self._decode = decode
        self._read = RequestLine(decode).read
        self._seconds = iso_seconds(b"Z")
        self._encoding = options.get("encoding", "utf-8")
        self._ips = Memo(client_ip, 16_384)
        self._hosts = Memo(lambda raw: split_authority(raw, decode), 1024)
        self._words = Memo(lambda raw: raw.decode("ascii"), 64)
        self._times = Memo(iso_time_ms, 1024)
        self._peers = Memo(peer_ip, 16_384)
        self._texts = Memo(lambda raw: stated(decode(unescape(raw))))
        self._names = Memo(lambda raw: stated(decode(raw)), 1024)
        self._statuses = Memo(_status, 1024)

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order: the ordinary ones here, their fields when they are asked for."""
        ordinary, careful, encoding = self._ordinary, self.careful_parse, self._encoding
        seconds, ips, hosts, words = self._seconds, self._ips, self._hosts, self._words
        statuses, texts = self._statuses, self._texts
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            match = ordinary(line)
            if match is None:
                append(careful(line))
                continue
            (
                second, ms, client, waited, worked, answered, status, sent, method, scheme,
                authority, path, query, agent,
            ) = match.groups()  # fmt: skip
            time_ms = seconds[second]
            place = hosts[authority]
            if time_ms is None or place is None:
                append(careful(line))
                continue
            host, port = place
            append(
                LateRecord(
                    time_ms if ms is None else time_ms + int(ms),
                    ips[client],
                    words[method],
                    words[scheme],
                    host,
                    port,
                    path.decode(encoding, "replace"),
                    None if query is None else query.decode(encoding, "replace"),
                    statuses[status],
                    None,
                    texts[agent],
                    None,
                    None if sent == b"-" else int(sent),
                    round(float(waited) + float(worked) + float(answered), 6),
                    careful=careful,
                    source=line,
                )
            )
        return parsed

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
        match = self._match(line)
        if match is None:
            return without_record(line)
        (
            kind, time, balancer, client, target, waited, worked, answered, status, target_status,
            sent, request_text, agent, trace,
        ) = match.groups()  # fmt: skip
        time_ms = self._times[time]
        if time_ms is None:
            return BAD_TIME
        request = self._read(unescape(request_text))
        if request is None:
            return NOT_A_REQUEST
        names = self._names
        fields: dict[str, JsonValue] = {"elb": names[balancer]}
        if kind:
            fields["type"] = names[kind]
        if target != b"-":
            fields["target"] = names[target]
            fields["target_status_code"] = self._statuses[target_status]
        if trace and trace != b"-":
            fields["trace_id"] = names[trace]
        return Record(
            time_ms,
            self._peers[client],
            *request,
            self._statuses[status],
            user_agent=None if agent is None else self._texts[agent],
            bytes_sent=None if sent == b"-" else int(sent),
            duration_s=(
                None
                if waited is None
                else round(float(waited) + float(worked) + float(answered), 6)
            ),
            fields=fields,
        )


def _status(raw: bytes) -> int | None:
    return None if raw == b"-" else int(raw) or None


# owner bucket [time] ip requester request_id operation key "uri" status error bytes size
# total_ms turnaround_ms "referrer" "agent" version [host_id signature cipher auth host tls ...]
_S3_HEAD = (
    rb"([0-9a-zA-Z-]++) ([^ ]++) \[([^\]]{26})\] ([^ ]++) ([^ ]++) ([^ ]++) ([^ ]++) ([^ ]++) "
)
_S3_NUMBERS = (
    rb" ([0-9]{3}|0|-) ([^ ]++) ([0-9]{1,18}|-) (?:[0-9]++|-) ([0-9]{1,18}|-) (?:[0-9]++|-) "
)
# The host counts only with a space behind it: at the end of a torn line it may be cut.
_S3_TAIL = (
    rb"(?> [^ \"]++(?> [^ \"]++ [^ \"]++ [^ \"]++ [^ \"]++ ([^ \"]++)(?= )|)"
    rb"(?>(?: [^ \"]++)*)|)"
)
_S3 = re.compile(
    _S3_HEAD
    + rb'(?:"([^"]*+)"|-)'
    + _S3_NUMBERS
    + rb'(?:"([^"]*+)"|-) (?:"([^"]*+)"|-)'
    + (_S3_TAIL + rb"[ \r]*+\Z")
).match
# A request for an object; what web sites of buckets do otherwise is left out.
_ORDINARY_S3 = re.compile(
    rb"[0-9a-zA-Z-]++ [^ ]++ \[([^\]]{26})\] ([^ ]++) ([^ ]++) ([^ ]++) (?!WEBSITE\.)[^ ]++ [^ ]++ "
    rb'"([A-Z]++) (/[^ ?"\\]*+)(?:\?([^ "\\]*+))? HTTP/[0-9.]++"'
    rb" ([0-9]{3}|0|-) [^ ]++ ([0-9]{1,18}|-) (?:[0-9]++|-) ([0-9]{1,18}|-) (?:[0-9]++|-) "
    rb'(?:"([^"]*+)"|-) (?:"([^"]*+)"|-)' + (_S3_TAIL + rb"[ \r]*+\Z")
).match
# S3 escapes no quotes: with one inside, what surrounds a column tells where it ends.
_S3_QUOTES = re.compile(
    # Atomic up to the agent: what was found first is not looked for again.
    (rb"(?>" + _S3_HEAD + rb'"(.*?)"' + _S3_NUMBERS)
    + rb'(?:"([^"]*+)"|-) ")(?P<agent>[^\r\n]*)"'
    + (_S3_TAIL + rb"\r?\Z"),
    re.DOTALL,
).match
# Of the next line, which was glued to a torn one.
_BEGINNING = re.compile(rb" \[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8} [+-][0-9]{4}\] ").search
# More columns than there are: a client has written some of them.
_MORE_COLUMNS = re.compile(
    rb'" (?:"|(?:[0-9]{3}|0|-) [^ ]++ (?:[0-9]++|-) |(?:[^ "]++ ){7}[^"]*+")'
).search


class S3Parser:
    """Reads server access logs of S3 buckets."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        decode = self._decode = text_decoder(options)
        self._read = RequestLine(decode).read
        self._times = Memo(clf_time_ms, 1024)
        self._ips = Memo(client_ip, 16_384)
        self._hosts = Memo(lambda raw: virtual_host(raw, decode), 1024)
        self._texts = Memo(lambda raw: stated(decode(raw)))
        self._methods = Memo(lambda raw: raw.decode("ascii"), 64)
        self._statuses = Memo(_status, 1024)
        self._encoding = options.get("encoding", "utf-8")

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order: the ordinary ones here, their fields when they are asked for."""
        careful, encoding = self.careful_parse, self._encoding
        times, ips, hosts, texts = self._times, self._ips, self._hosts, self._texts
        methods, statuses = self._methods, self._statuses
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            match = _ORDINARY_S3(line)
            if match is None:
                append(careful(line))
                continue
            (
                time, ip, requester, request_id, method, path, query, status, sent, total_ms,
                referrer, agent, host_header,
            ) = match.groups()  # fmt: skip
            time_ms = times[time]
            if time_ms is None:
                append(BAD_TIME)
                continue
            host, port = (None, None) if host_header is None else hosts[host_header]
            append(
                LateRecord(
                    time_ms,
                    ips[ip],
                    methods[method],
                    None,
                    host,
                    port,
                    path.decode(encoding, "replace"),
                    None if query is None else query.decode(encoding, "replace"),
                    statuses[status],
                    None if referrer is None else texts[referrer],
                    None if agent is None else texts[agent],
                    texts[requester],
                    None if sent == b"-" else int(sent),
                    None if total_ms == b"-" else int(total_ms) / 1000,
                    None,
                    None,
                    None,
                    None,
                    # Each is another one: nothing to remember.
                    None if request_id == b"-" else request_id.decode(encoding, "replace"),
                    careful=careful,
                    source=line,
                )
            )
        return parsed

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
        match = _S3(line)
        if match is None:
            match = _S3_QUOTES(line)
            # With one more quote, for the agent's own.
            if match is not None and (
                _MORE_COLUMNS(match["agent"] + b'"') or _BEGINNING(line, match.end(3))
            ):
                return SYNTAX
        if match is None:
            return without_record(line)
        (
            _, bucket, time, ip, requester, request_id, operation, key, request_text, status,
            error, sent, total_ms, referrer, agent, host_header,
        ) = match.groups()  # fmt: skip
        time_ms = self._times[time]
        if time_ms is None:
            return BAD_TIME
        request = self._read(request_text or b"")
        if request is None:
            return NOT_A_REQUEST
        method, scheme, host, port, path, query = request
        if host_header is not None:
            host, port = self._hosts[host_header]
        if host is None and operation.startswith(b"WEBSITE."):
            # A bucket that serves a web site has the site's name.
            host, port = self._hosts[bucket]
        texts = self._texts
        fields: dict[str, JsonValue] = {"bucket": texts[bucket], "operation": texts[operation]}
        if key != b"-":
            fields["key"] = texts[key]
        if error != b"-":
            fields["error_code"] = texts[error]
        return Record(
            time_ms,
            self._ips[ip],
            method,
            scheme,
            host,
            port,
            path,
            query,
            self._statuses[status],
            None if referrer is None else texts[referrer],
            None if agent is None else texts[agent],
            texts[requester],
            None if sent == b"-" else int(sent),
            None if total_ms == b"-" else int(total_ms) / 1000,
            request_id=stated(self._decode(request_id)),
            fields=fields,
        )


def without_record(line: bytes) -> Skip | ParseError:
    """Says what a line is that has not the format's form."""
    text = line.strip(b"\x00 \t\r\n")
    if not text:
        return BLANK
    return DIRECTIVE if text.startswith(b"#") else SYNTAX


_REQUEST_FIELDS = ("time", "ip", "method", "scheme", "host", "port", "path", "query", "status")

FORMATS = (
    Format(
        "aws_s3",
        "Amazon S3 server access log",
        (*_REQUEST_FIELDS, "referrer", "user_agent", "user", "bytes_sent", "duration_s",
         "request_id", "fields"),
        S3Parser,
        example=(
            "79a5ffexample shop [14/Mar/2025:08:26:53 +0000] 203.0.113.7 - 3E57427F3EXAMPLE"
            ' REST.GET.OBJECT p.html "GET /p.html?a=1 HTTP/1.1" 200 - 113 113 7 6'
            ' "https://ref.example/" "Agent/1.0 (X11)" - s9lzHY= SigV4'
            " ECDHE-RSA-AES128-GCM-SHA256 AuthHeader shop.s3.eu-west-1.amazonaws.com TLSv1.2 - -"
        ),
        source="Amazon S3 user guide, server access log format",
    ),
    Format(
        "aws_alb",
        "AWS application load balancer",
        (*_REQUEST_FIELDS, "user_agent", "bytes_sent", "duration_s", "fields"),
        lambda options: BalancerParser(options, classic=False),
        example=(
            "https 2025-03-14T08:26:53.123456Z app/shop/50dc6c495c0c9188 203.0.113.7:2817"
            ' 10.0.0.1:80 0.001 0.102 0.000 200 200 225 24950 "GET https://shop.example:443/p?a=1'
            ' HTTP/2.0" "Agent/1.0 (X11)" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2'
            " arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/shop/73e2d6bc24d8a067"
            ' "Root=1-58337262-36d228ad5d99923122bbe354" "shop.example" "-" 0'
            ' 2025-03-14T08:26:53.020000Z "forward" "-" "-" "10.0.0.1:80" "200" "-" "-"'
        ),
        source="Elastic Load Balancing, access logs for your application load balancer",
    ),
    Format(
        "aws_elb_classic",
        "AWS classic load balancer",
        (*_REQUEST_FIELDS, "user_agent", "bytes_sent", "duration_s", "fields"),
        lambda options: BalancerParser(options, classic=True),
        example=(
            "2025-03-14T08:26:53.945958Z shop 203.0.113.7:2817 10.0.0.1:80 0.000086 0.001048"
            ' 0.001337 200 200 0 57 "GET https://shop.example:443/p?a=1 HTTP/1.1"'
            ' "Agent/1.0 (X11)" DHE-RSA-AES128-SHA TLSv1.2'
        ),
        source="Elastic Load Balancing, access logs for your classic load balancer",
    ),
)  # fmt: skip
