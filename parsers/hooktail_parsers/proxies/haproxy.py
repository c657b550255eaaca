"""HAProxy's `option httplog` and `httpslog`, with or without a syslog header in front.

    client:port [time] frontend[~] backend/server TR/Tw/Tc/Tr/Ta status bytes cookie cookie state
    connections queues [{request headers}] [{response headers}] "request" [TLS]

Captured headers stand between braces without their names, so that only the option
`request_captures` says what they are. If there is one group of braces, it may be that of the
response: it counts as the request's if it has as many values as there are names. The time has no
zone. Lines of other kinds (TCP mode, failed handshakes, start and stop) are no records.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hooktail_parsers._api import Format, OptionError, ParseError, Record, Skip
from hooktail_parsers.address import client_ip, virtual_host
from hooktail_parsers.cookies import cookie_value
from hooktail_parsers.late import LateRecord
from hooktail_parsers.memo import Memo
from hooktail_parsers.options import COMMON_OPTIONS, check_options, text_decoder
from hooktail_parsers.peer import peer_ip
from hooktail_parsers.request_line import RequestLine
from hooktail_parsers.text import stated
from hooktail_parsers.times import MONTHS, day_s, offset_s, utc_s, within_minute_ms, zone_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers._api import JsonValue, Parsed

BLANK = Skip("blank")
SYNTAX = ParseError("syntax")
BAD_TIME = ParseError("bad_time")
NOT_A_REQUEST = ParseError("not_a_request")

_LINE = re.compile(
    rb"([^ \[\]]++) \[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[^\]]{8,24})\] "
    rb"([^ ]++) ([^ /]++)/([^ ]++) "
    rb"(?:-?[0-9]++/){4}\+?(-?[0-9]{1,15}) "
    rb"([0-9]{3}|0|-1|-) \+?(-?[0-9]{1,18}) ([^ ]++) ([^ ]++) ([^ ]{4}) "
    rb"[0-9]++/[0-9]++/[0-9]++/[0-9]++/\+?[0-9]++ [0-9]++/[0-9]++ "
    rb"(?>\{([^{}]*+)\} |)(?>\{([^{}]*+)\} |)"
    rb'"([^"]*+)(?:(")(?=[ \r]|\Z)'
    # httpslog: error codes, then server name, version and cipher
    rb"(?> [-0-9a-zA-Z/]++ ([^ /]++)/[^ /]++/[^ \r]++(?=[ \r]|\Z)|)|\Z)"
).match
# Where the line itself begins behind a syslog header, which ends with a tag (`haproxy[7]: `) or,
# in RFC 5424, with structured data (`- `, `] `).
_BEGINNING = re.compile(rb"[:\]-] (?=[^ \[\]]++ \[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:)").search
_LONGEST_HEADER_BYTES = 512
_ORDINARY = re.compile(
    rb'(?>[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8} [^ \[\]"]++ [^ \[\]":]++(?:\[[0-9]++\])?: |)'
    rb"([0-9a-fA-F.:]+):[0-9]{1,5} \[([0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:[0-9:]{8})"
    rb"(?:\.([0-9]{3}))?\] "
    rb"[^ ~]++(~?+) [^ /]++/[^ ]++ "
    rb"(?:-?[0-9]++/){4}\+?(-?[0-9]{1,15}) "
    rb"([0-9]{3}|0|-1|-) \+?(-?[0-9]{1,18}) ([^ ]++) [^ ]++ [^ ]{4} "
    rb"[0-9]++/[0-9]++/[0-9]++/[0-9]++/\+?[0-9]++ [0-9]++/[0-9]++ "
    rb"(?>\{([^{}]*+)\} |)"
    rb'"([A-Z]++) (/[^ ?"#]*+)(?:\?([^ "#]*+))? HTTP/[0-9.]++"(?=\r?\Z)'
).match
_CUT_FROM_BYTES: Final = 1000
"""HAProxy cuts lines at 1024 bytes by itself; a shorter one without an end is torn."""

_TIME = re.compile(
    rb"([0-9]{2})/([A-Z][a-z]{2})/([0-9]{4}):([01][0-9]|2[0-3]):([0-5][0-9])"
).fullmatch
_SECOND = re.compile(
    rb":([0-5][0-9]|60)(?:\.([0-9]{1,9}))?(?: ([+-](?:[01][0-9]|2[0-3])[0-5][0-9]))?"
).fullmatch
_MINUTE_BYTES = len(b"14/Mar/2025:09:26")

_ESCAPE = re.compile(rb"#([0-9A-Fa-f]{2})")
_CUT_END = re.compile(rb"(?: H| HT| HTT| HTTP|#[0-9A-Fa-f]?)\Z")

_ATTRIBUTES_OF = {
    "user-agent": "user_agent", "useragent": "user_agent", "ua": "user_agent",
    "referer": "referrer", "referrer": "referrer",
    "x-forwarded-for": "xff", "xff": "xff",
    "x-request-id": "request_id", "request-id": "request_id",
    "cookie": "cookies", "cookies": "cookies",
    "host": "host",
    "x-forwarded-proto": "scheme", "scheme": "scheme",
}  # fmt: skip
_ATTRIBUTES = frozenset(_ATTRIBUTES_OF.values())
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]*").fullmatch
_MOST_CAPTURES = 100
_NO_CAPTURES = [b""]
_OPTIONS = (*COMMON_OPTIONS, "request_captures", "session_cookie")


class HaproxyParser:
    """Reads HTTP lines of HAProxy."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options, _OPTIONS)
        self._decode = decode = text_decoder(options)
        self._names = capture_names(options.get("request_captures", ""))
        self._session_cookie = options.get("session_cookie")
        self._zone = zone_of(options)
        self._read = RequestLine(decode).read
        self._minutes = Memo(self._local_minute_s, 1024)
        self._seconds = Memo(self._whole_second_ms, 1024)
        self._encoding = options.get("encoding", "utf-8")
        self._peers = Memo(peer_ip, 16_384)
        self._texts = Memo(lambda raw: stated(decode(unescape(raw)).strip()))
        self._captures = Memo(self._named)
        # The captures by the keys that they fill; other headers, and what ends TLS, are seldom.
        self._plan = [_ATTRIBUTES_OF.get(name, name) for name in self._names]
        named = [name for name in self._plan if name]
        self._is_plain = {*named} <= {*_ATTRIBUTES} - {"scheme"} and len({*named}) == len(named)
        self._ips = Memo(client_ip, 16_384)
        self._methods = Memo(lambda raw: raw.decode("ascii"), 64)
        self._hosts = Memo(
            lambda raw: virtual_host(unescape(raw), decode) if self._texts[raw] else (None, None),
            1024,
        )
        self._statuses = Memo(lambda raw: max(int(raw), 0) or None if raw != b"-" else None, 1024)

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order: the ordinary ones here, their fields when they are asked for."""
        careful, encoding, plan = self.careful_parse, self._encoding, self._plan
        seconds, ips, methods = self._seconds, self._ips, self._methods
        statuses, texts, hosts = self._statuses, self._texts, self._hosts
        most = len(plan) if self._is_plain else 0
        # What is not captured is a value behind the last one.
        places = {name: place for place, name in enumerate(plan) if self._is_plain}
        to_host, to_referrer, to_agent, to_cookies, to_xff, to_request_id = (
            places.get(name, most)
            for name in ("host", "referrer", "user_agent", "cookies", "xff", "request_id")
        )
        session_cookie = self._session_cookie
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            match = _ORDINARY(line)
            if match is None:
                append(careful(line))
                continue
            (
                client, second, ms, tls, active_ms, status, sent, cookie, captures, method, path,
                query,
            ) = match.groups()  # fmt: skip
            second_ms = seconds[second]
            values = _NO_CAPTURES * most if captures is None else captures.split(b"|")
            if second_ms is None or len(values) != most:
                append(careful(line))
                continue
            values.append(b"")
            host, port = hosts[values[to_host]]
            record = LateRecord(
                second_ms if ms is None else second_ms + int(ms),
                ips[client],
                methods[method],
                "https" if tls else "http",
                host,
                port,
                path.decode(encoding, "replace"),
                None if query is None else query.decode(encoding, "replace"),
                statuses[status],
                texts[values[to_referrer]],
                texts[values[to_agent]],
                None,
                None if sent[:1] == b"-" else int(sent),
                None if active_ms[:1] == b"-" else int(active_ms) / 1000,
                texts[values[to_cookies]] or texts[cookie],
                None,
                texts[values[to_xff]],
                None,
                texts[values[to_request_id]],
                careful=careful,
                source=line,
            )
            if session_cookie is not None and record.cookies is not None:
                record.session = cookie_value(record.cookies, session_cookie)
            append(record)
        return parsed

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
        match = _LINE(line)
        if match is None:
            begin = _BEGINNING(line, 0, _LONGEST_HEADER_BYTES)
            quoted = begin is not None and b'"' in line[: begin.end()]
            match = _LINE(line, begin.end()) if begin and not quoted else None
            if match is None:
                return SYNTAX if line.strip(b"\x00 \t\r\n") else BLANK
        (
            client, time, frontend, backend, server, active_ms, status, sent, cookie,
            set_cookie, state, first, second, request_text, quote, sni,
        ) = match.groups()  # fmt: skip
        if not quote:
            if match.end() - match.start() < _CUT_FROM_BYTES:
                return SYNTAX
            request_text = _CUT_END.sub(b"", request_text.rstrip(b"\r"))
        time_ms = self._time_ms(time)
        if time_ms is None:
            return BAD_TIME
        request = self._read(unescape(request_text))
        if request is None:
            return NOT_A_REQUEST
        method, scheme, host, port, path, query = request
        texts = self._texts
        fields: dict[str, JsonValue] = {
            "frontend": texts[frontend.removesuffix(b"~")],
            "backend": texts[backend],
            "server": texts[server],
            "termination_state": texts[state],
        }
        record = Record(
            time_ms,
            self._peers[client],
            method,
            "https" if frontend.endswith(b"~") else scheme or "http",
            host,
            port,
            path,
            query,
            self._statuses[status],
            None,
            None,
            None,
            None if sent.startswith(b"-") else int(sent),
            None if active_ms.startswith(b"-") else int(active_ms) / 1000,
            texts[cookie],
            fields=fields,
        )
        if first is not None:
            self._name_captures(record, fields, first, second)
        if set_cookie != b"-":
            fields["captured_response_cookie"] = texts[set_cookie]
        if sni and sni != b"-":
            fields["ssl_fc_sni"] = texts[sni]
        if not quote:
            fields["cut"] = True
        if self._session_cookie is not None and record.cookies is not None:
            record.session = cookie_value(record.cookies, self._session_cookie)
        return record

    def _name_captures(
        self, record: Record, fields: dict[str, JsonValue], first: bytes, second: bytes | None
    ) -> None:
        named = self._captures[first]
        if named is None:
            # Which is which nobody says.
            group = "captures" if second is None else "request_captures"
            fields[group] = self._values(first)
        else:
            for key, value in named:
                if key == "scheme":
                    # TLS may end before this proxy; if it ends here, the frontend says so.
                    record.scheme = "https"
                elif key == "host_port":
                    record.port = value  # type: ignore[assignment]  # an int under this key
                elif key in _ATTRIBUTES:
                    setattr(record, key, value)
                else:
                    headers = record.headers = record.headers or {}
                    headers[key] = str(value)
        if second:
            fields["response_captures"] = self._values(second)

    def _values(self, group: bytes) -> list[JsonValue]:
        return [self._texts[value] for value in group.split(b"|")]

    def _named(self, group: bytes) -> tuple[tuple[str, str | int | None], ...] | None:
        """Returns what a group of captures says of a record; None if it is not the named one."""
        values = group.split(b"|")
        if len(values) != len(self._names):
            return None
        named: list[tuple[str, str | int | None]] = []
        for name, value in zip(self._names, values, strict=True):
            text = self._texts[value]
            key = _ATTRIBUTES_OF.get(name, name)
            if text is None or not name:
                continue
            if key == "host":
                host, port = virtual_host(unescape(value), self._decode)
                if host is not None:
                    # No header is called that: their names come here without underscores.
                    named += (("host", host), ("host_port", port))
            elif key != "scheme" or text.lower() == "https":
                named.append((key, text))
        return tuple(named)

    def _time_ms(self, stamp: bytes) -> int | None:
        rest = _SECOND(stamp, _MINUTE_BYTES)
        if rest is None:
            return None
        second, fraction, offset = rest.groups()
        minute_s = self._minutes[stamp[:_MINUTE_BYTES] + (offset or b"")]
        return None if minute_s is None else within_minute_ms(minute_s, second, fraction)

    def _whole_second_ms(self, stamp: bytes) -> int | None:
        """Converts a second, no leap second, to milliseconds."""
        return None if stamp.endswith(b":60") else self._time_ms(stamp)

    def _local_minute_s(self, stamp: bytes) -> int | None:
        """Converts a minute, and the zone if there is one behind it, to seconds in UTC."""
        match = _TIME(stamp[:_MINUTE_BYTES])
        if match is None:
            return None
        day, month, year, hour, minute = match.groups()
        start_s = day_s(int(year), MONTHS.get(month.lower(), 0), int(day))
        if start_s is None:
            return None
        minute_s = start_s + int(hour) * 3600 + int(minute) * 60
        offset = stamp[_MINUTE_BYTES:]
        return minute_s - offset_s(offset) if offset else utc_s(minute_s, self._zone)


def unescape(raw: bytes) -> bytes:
    """Undoes HAProxy's escaping, `#22` for a quote; a `#` of the client's comes as `#23`."""
    if b"#" not in raw:
        return raw
    return _ESCAPE.sub(lambda escape: bytes((int(escape[1], 16),)), raw)


def capture_names(text: str) -> tuple[str, ...]:
    """Reads `request_captures`: header names in the order of their `capture` lines.

    `host,user-agent`, or a list as JSON or Python write it; an empty name or `-` passes over a
    capture. Names come back in lower case.

    Raises:
        OptionError: one is no header name.
    """
    inner = text.strip()
    if inner[:1] in ("[", "(", "{"):
        inner = inner[1:].rstrip(" ])}")
    if not inner:
        return ()
    names: list[str] = []
    for each in inner.replace("|", ",").split(","):
        name = each.strip().strip("'\"").strip().lower().replace("_", "-")
        if not _NAME(name) or len(names) >= _MOST_CAPTURES:
            message = f"found {each!r}; allowed: header names such as host,user-agent,referer"
            raise OptionError("request_captures", message)
        names.append("" if name == "-" else name)
    return tuple(names)


FORMATS = (
    Format(
        "haproxy_http",
        "HAProxy option httplog or httpslog; captured headers by request_captures",
        (
            "time", "ip", "method", "scheme", "host", "port", "path", "query", "status",
            "referrer", "user_agent", "bytes_sent", "duration_s", "cookies", "headers", "xff",
            "session", "request_id", "fields",
        ),
        HaproxyParser,
        example=(
            "Mar 14 09:26:53 lb1 haproxy[123]: 203.0.113.7:51000 [14/Mar/2025:09:26:53.001] www~"
            " app/s1 0/0/1/2/3 200 1234 - - ---- 1/1/0/0/0 0/0"
            ' {shop.example|Agent/1.0 (X11)} "GET /p?a=1 HTTP/1.1"'
        ),
        source="HAProxy configuration manual, HTTP log format",
    ),
)  # fmt: skip
