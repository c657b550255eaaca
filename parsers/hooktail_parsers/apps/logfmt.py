r"""logfmt, `key=value key="quoted \"value\"" bare`, and the lines of Heroku's router in it.

What a line's keys say of a request is read as from an application's JSON (`json_logs.parser`): a
line that states no finished request (method, target, status), and no event that the user mapped,
is passed over. What is no logfmt is refused. An empty value is none, a bare key is true, and of a
key that stands twice the last value counts. Keys inside a quoted value are text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, LineParser, ParseError, Record, Skip
from hooktail_parsers.address import virtual_host
from hooktail_parsers.apps.pairs import PairReader, read_pairs
from hooktail_parsers.json_logs.aliases import APP, APP_CONTAINERS, aliases, joined
from hooktail_parsers.json_logs.parser import JsonPlan, ObjectReader
from hooktail_parsers.late import LateRecord
from hooktail_parsers.memo import Memo
from hooktail_parsers.options import COMMON_OPTIONS, check_options, text_decoder
from hooktail_parsers.peer import forwarded_ip
from hooktail_parsers.request import read_target
from hooktail_parsers.text import stated
from hooktail_parsers.times import iso_time_ms, zone_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers._api import JsonValue, Parsed, Result

BLANK = Skip("blank")
SYNTAX = ParseError("syntax")
BAD_TIME = ParseError("bad_time")
NOT_A_REQUEST = ParseError("not_a_request")

# The names of applications that log JSON, and those that only such short lines have.
_PLAN = JsonPlan(
    joined(APP, aliases(ip="peer", duration="dur", xff="fwd")),
    app=True,
    status_needed=True,
    containers=APP_CONTAINERS,
)
_OPTIONS = (*COMMON_OPTIONS, "date_format", "session_cookie")


class LogfmtParser(LineParser):
    """Reads application logs in logfmt."""

    def __init__(self, options: Mapping[str, str]) -> None:
        mapped = [option for option in options if option.startswith("map.")]
        check_options(options, (*_OPTIONS, *mapped))
        self._pairs = PairReader(text_decoder(options))
        self._reader = ObjectReader(options, _PLAN)

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        pairs = self._pairs.read(line)
        if pairs is None:
            return SYNTAX if line.strip(b"\x00 \t\r\n") else BLANK
        return self._reader.record(pairs)

    def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
        """Parses lines in order."""
        pairs_of, parse = self._pairs.read_quickly, self.parse
        quickly, careful = self._reader.read_quickly, self._reader.careful_record
        parsed: list[Result] = []
        append = parsed.append
        for line in lines:
            pairs = pairs_of(line)
            record = None if pairs is None else quickly(pairs, careful, pairs)
            append(parse(line) if record is None else record)
        return parsed


_ROUTER = re.compile(
    rb"(?:[0-9]{1,6} )?(?:<[0-9]{1,3}>)?(?:1 )?"
    rb"(?:([0-9]{4}-[0-9T:.+Zz-]{15,31}) |[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} )?"
    rb"(?:(?!heroku)[^ =]++ )?heroku(?:\[router\]:| router(?>(?: -)+)) "
).match
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++").fullmatch
_ORDINARY = re.compile(
    rb"([0-9]{4}-[0-9T:.+Zz-]{15,31}) heroku\[router\]: "
    rb'at=[a-z]++ method=([A-Z]++) path="(/[^ ?"\\]*+)(?:\?([^ "\\]*+))?" '
    rb'host=([^\s"=]++) request_id=([^\s"]++) fwd="([^"\\]*+)" dyno=[^\s"]*+ '
    rb"connect=([0-9]{1,9})ms service=([0-9]{1,9})ms status=([0-9]{3}) bytes=([0-9]{1,18}) "
    rb"protocol=(https?)(?> tls=[a-z]++|)(?> tls_version=[0-9a-z.]++|)\r?\Z"
).match
_MILLISECONDS = re.compile(rb"([0-9]{1,9})ms").fullmatch


class HerokuRouterParser(LineParser):
    """Reads lines of Heroku's router, with or without the syslog header in front of them."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        self._decode = decode = text_decoder(options)
        zone = zone_of(options)
        self._times = Memo(lambda raw: iso_time_ms(raw, zone), 1024)
        self._words = Memo(lambda raw: raw.decode("ascii"), 64)
        self._statuses = Memo(lambda raw: int(raw) or None, 1024)
        self._chains = Memo(forwarded_ip, 16_384)
        self._hosts = Memo(lambda raw: virtual_host(raw, decode), 1024)
        self._texts = Memo(lambda raw: stated(decode(raw)))

    def parse(self, line: bytes) -> Parsed:
        """Parses one line: an ordinary one here, its fields when they are asked for."""
        match = _ORDINARY(line)
        if match is None:
            return self.careful_parse(line)
        (
            time, method, path, query, authority, request_id, chain, connect_ms, service_ms,
            status, sent, scheme,
        ) = match.groups()  # fmt: skip
        time_ms = self._times[time]
        if time_ms is None:
            return BAD_TIME
        host, port = self._hosts[authority]
        words, decode = self._words, self._decode
        return LateRecord(
            time_ms,
            self._chains[chain],
            words[method],
            words[scheme],
            host,
            port,
            decode(path),
            None if query is None else decode(query),
            self._statuses[status],
            None,
            None,
            None,
            int(sent),
            (int(service_ms) + int(connect_ms)) / 1000,
            None,
            None,
            stated(decode(chain)),
            None,
            stated(decode(request_id)),
            careful=self.careful_parse,
            source=line,
        )

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
        header = _ROUTER(line)
        if header is None and not line.startswith((b"at=", b"sock=")):
            return SYNTAX if line.strip(b"\x00 \t\r\n") else BLANK
        pairs = read_pairs(line[header.end() :] if header else line)
        if pairs is None or b"method" not in pairs or b"path" not in pairs:
            return SYNTAX
        get = pairs.get
        method, target = get(b"method") or b"", get(b"path") or b""
        request = (
            read_target(method.decode("ascii"), target, self._decode) if _METHOD(method) else None
        )
        if request is None:
            return NOT_A_REQUEST
        time_ms = None
        if header is not None and header[1] is not None:
            time_ms = self._times[header[1]]
            if time_ms is None:
                return BAD_TIME
        host, port = self._hosts[get(b"host") or b"-"]
        protocol, chain = get(b"protocol"), get(b"fwd") or b""
        status, sent = get(b"status") or b"", get(b"bytes") or b""
        texts = self._texts
        fields: dict[str, JsonValue] = {}
        for name in (b"at", b"code", b"desc", b"dyno"):
            value = get(name)
            if value:
                fields[name.decode("ascii")] = texts[value]
        return Record(
            time_ms,
            self._chains[chain],
            request.method,
            protocol.decode("ascii") if protocol in (b"http", b"https") else request.scheme,
            request.host if host is None else host,
            request.port if host is None else port,
            request.path,
            request.query,
            (int(status) or None) if status.isdigit() and len(status) == 3 else None,
            bytes_sent=int(sent) if sent.isdigit() and len(sent) <= 18 else None,
            duration_s=_sum_s(get(b"connect"), get(b"service")),
            xff=texts[chain],
            request_id=stated(self._decode(get(b"request_id") or b"")),
            fields=fields or None,
        )


def _sum_s(connect: bytes | None, service: bytes | None) -> float | None:
    served = _MILLISECONDS(service or b"")
    if served is None:
        return None
    connected = _MILLISECONDS(connect or b"")
    return (int(served[1]) + (int(connected[1]) if connected else 0)) / 1000


FORMATS = (
    Format(
        "logfmt_app",
        "application log in logfmt; keys by their usual names or map.<record key>",
        (
            "time", "ip", "method", "scheme", "host", "port", "path", "query", "status",
            "referrer", "user_agent", "user", "bytes_sent", "duration_s", "cookies", "xff",
            "session", "request_id", "fields",
        ),
        LogfmtParser,
        example=(
            'ts=2025-03-14T08:26:53.123Z level=info msg="request" method=GET path="/p?q=1"'
            ' status=200 remote=203.0.113.7:51234 ua="Agent/1.0 (X11)" duration=1.5ms'
        ),
        source="logfmt as written by Go's log/slog, logrus and go-kit",
    ),
    Format(
        "heroku_router_logfmt",
        "Heroku's router, with or without a syslog header",
        (
            "time", "ip", "method", "scheme", "host", "port", "path", "query", "status",
            "bytes_sent", "duration_s", "xff", "request_id", "fields",
        ),
        HerokuRouterParser,
        example=(
            '2025-03-14T08:26:53.123456+00:00 heroku[router]: at=info method=GET path="/p?a=1"'
            ' host=shop.example request_id=8601b555-6a83 fwd="203.0.113.7" dyno=web.1'
            " connect=0ms service=5ms status=200 bytes=12 protocol=https"
        ),
        source="Heroku Dev Center, HTTP routing, router logs",
    ),
)  # fmt: skip
