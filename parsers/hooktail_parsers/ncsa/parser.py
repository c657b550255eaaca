"""The common and combined log formats of NCSA, and the writers that add to them.

    [vhost[:port]] host ident user [time] "request" status bytes ["referrer" "user agent"] [more]

Two expressions read a line. The first knows the ordinary one (ident `-`, an origin-form target
without escapes) and gives every part at once; the second knows them all and leaves the request
line to `request`. Both are linear: each repetition is possessive or ends at a byte that it cannot
contain. Neither knows anything of files, and nothing here remembers more than repeated values.

What a writer does otherwise is its `Layout`. The columns that a writer adds behind the agent are
read by `tails`; the formats themselves are listed in `formats`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from hooktail_parsers._api import Format, ParseError, Record, Skip
from hooktail_parsers.address import client_ip, virtual_host
from hooktail_parsers.clock import clf_time_ms
from hooktail_parsers.late import LateRecord
from hooktail_parsers.memo import Memo
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.request import read_request
from hooktail_parsers.shape import LineShape
from hooktail_parsers.stops import Stop, farthest, where_it_stops
from hooktail_parsers.text import QUOTED, stated, unescape
from hooktail_parsers.torn import begins_within, is_glued_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hooktail_parsers._api import Parsed

    Decode: TypeAlias = "Callable[[bytes], str]"
    Finish: TypeAlias = "Callable[[Record, bytes, Decode], None]"

BLANK = Skip("blank")
DIRECTIVE = Skip("directive")
SYNTAX = ParseError("syntax")
BAD_TIME = ParseError("bad_time")
NOT_A_REQUEST = ParseError("not_a_request")

_BOM = b"\xef\xbb\xbf"
START = rb"(?>\xef\xbb\xbf|\x00++|)"
"""What may stand in front of a line: a byte order mark, or the hole that copytruncate leaves."""
# A host holds none of these; NUL and high bytes are left to the second expression.
# Ranges instead of `\s`: one look into a bitmap per byte.
PLAIN_TOKEN = rb'([^\x00- "#,\\\x7f-\xff]++)'
_PLAIN_USER = rb' - ([^\x00- "\\\[]++) '
# With a comma it is an element of a forwarded list, and the columns behind it are shifted.
_TOKEN = rb'([^\s"#,]++)'
_TIME = rb'\[([^\]"\\]{26})\]'
_STATUS_BYTES = rb" ([0-9]{3}|0|-) ([0-9]{1,18}|-)"
PLAIN_REQUEST = rb'"([A-Z]++) (/[^ ?"\\]*+)(?:\?([^ "\\]*+))? HTTP/[0-9.]++"'
# An empty pair of groups where the format has no such column keeps one loop for all formats.
_NO_COLUMN = rb"()"
_END = rb"(?=\s|\Z)"
NOTHING_MORE = rb"\s*+\Z"
"""As `raw_agent_end`: the agent is the last column."""
# ingress-nginx up to 0.22 repeats the address in front of the user: `- [203.0.113.7] - user`.
_REPEATED_ADDRESS = rb"(?>\[[^\]\s]*+\] - |)"
# A user may hold spaces and escaped quotes; a raw quote only as `""`, Apache's empty user.
_USER = _REPEATED_ADDRESS + rb'((?:[^"\\]|\\.)*?|"")'
# A host where others write the ident: an ident or a session id there is none.
_HOST_SECOND = rb"((?>(?:[0-9A-Za-z_-]++\.)+)[0-9A-Za-z_-]++|localhost)"
_GROUPS = (
    "virtual host", "client", "ident", "user", "time", "request", "status", "bytes", "referrer",
    "user agent",
)  # fmt: skip
_NAMES = dict(enumerate(_GROUPS, 1))
"""Of the groups of the second expression, for people."""
_IS_HOST = re.compile(
    _HOST_SECOND
    + rb"(?::[0-9]*+)?|[0-9A-Za-z_-]++:[0-9]++|\[[0-9A-Fa-f:.]++\](?::[0-9]*+)?"
    # One word is a host of an inner network; an id has digits.
    + rb"|[A-Za-z][A-Za-z-]{0,30}"
).fullmatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How one writer's lines differ from the plain ones."""

    vhost: bool = False
    """The virtual host stands in front."""
    host_second: bool = False
    """The virtual host stands where others write the ident."""
    agent: bool = True
    """Referrer and user agent are there."""
    clientless: bool = False
    """The client is nothing at all, not `-`, when the request came over a Unix socket."""
    raw_agent_end: bytes = b""
    """What stands behind an agent whose quotes are not escaped, up to the line's end, as an
    expression without groups. Empty where quotes are escaped."""
    quoted_prefix: bool = False
    """A quote may stand in front of the line, or around all that comes before the request."""
    absolute: bool = False
    """The target is a URL, `http://host/path`, in every line."""
    finish: Finish | None = None
    """Reads what stands behind the last known column into the record."""
    more_quoted: int | None = 0
    """How many quoted columns, and nothing else, stand behind the agent of an ordinary line; None
    if that cannot be said."""
    late: Finish | None = None
    """Reads of that, quickly, what is no field; the fields are read when they are asked for."""


class NcsaParser:
    """Parses lines of one of the formats. Its memories make it faster, never different."""

    def __init__(self, options: Mapping[str, str], layout: Layout) -> None:
        check_options(options)
        decode = self._decode = text_decoder(options)
        # Spelt out in the loop below, where a call of `decode` is a tenth of a line's cost.
        self._encoding = options.get("encoding", "utf-8")
        self._finish, self._late = layout.finish, layout.late
        self.shape = _shape(layout)
        self._host_second, self._is_raw = layout.host_second, bool(layout.raw_agent_end)
        self._ordinary = re.compile(_ordinary_expression(layout), re.DOTALL).match
        expressions = [_any_expression(layout, _tail(layout.agent, _END))]
        if layout.raw_agent_end:
            # The agent goes as far as what must follow allows.
            raw = rb' "([^"]*+)" "(.*)"(?=' + layout.raw_agent_end + rb")"
            expressions.insert(0, _any_expression(layout, raw))
        patterns = [re.compile(each, re.DOTALL) for each in expressions]
        self._patterns = patterns
        self._any = [pattern.match for pattern in patterns]
        self._times = Memo(clf_time_ms, 1024)
        self._ips = Memo(client_ip, 16_384)
        self._hosts = Memo(lambda token: virtual_host(token, decode), 1024)
        self._users = Memo(
            lambda raw: None if raw == b'""' else stated(decode(unescape(raw))), 1024
        )
        self._texts = Memo(lambda raw: stated(decode(unescape(raw))))
        self._methods = Memo(lambda raw: raw.decode("ascii"), 64)
        self._statuses = Memo(lambda raw: int(raw) or None if raw != b"-" else None, 1024)

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order."""
        match, encoding = self._ordinary, self._encoding
        finish, late, careful = self._finish, self._late, self.careful_parse
        hosts, ips, times, texts = self._hosts, self._ips, self._times, self._texts
        users, methods, statuses = self._users, self._methods, self._statuses
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            found = match(line)
            if found is None:
                append(careful(line))
                continue
            vhost, ip, user, time, method, path, query, status, size, referrer, agent = (
                found.groups()
            )
            time_ms = times[time]
            if time_ms is None:
                append(BAD_TIME)
                continue
            host, port = hosts[vhost]
            if late is not None:
                record: Record = LateRecord(
                    time_ms,
                    ips[ip],
                    methods[method],
                    None,
                    host,
                    port,
                    path.decode(encoding, "replace"),
                    None if query is None else query.decode(encoding, "replace"),
                    statuses[status],
                    texts[referrer],
                    texts[agent],
                    users[user],
                    None if size == b"-" else int(size),
                    careful=careful,
                    source=line,
                )
                late(record, line[found.end() :], self._decode)
                append(record)
                continue
            record = Record(
                time_ms,
                ips[ip],
                methods[method],
                None,
                host,
                port,
                path.decode(encoding, "replace"),
                None if query is None else query.decode(encoding, "replace"),
                statuses[status],
                texts[referrer],
                texts[agent],
                users[user],
                None if size == b"-" else int(size),
            )
            if finish is not None:
                finish(record, line[found.end() :], self._decode)
            append(record)
        return parsed

    def where_it_stops(self, line: bytes, reason: str) -> Stop | None:
        """Says where a refused line stops fitting."""
        stop = farthest([where_it_stops(each, _NAMES, line, reason) for each in self._patterns])
        shifted = next(filter(None, (match(line) for match in self._any)), None)
        if stop is None and shifted is not None:
            return Stop(shifted.start(_GROUPS.index("user") + 1), "user")
        return stop

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
        found = next(filter(None, (match(line) for match in self._any)), None)
        if found is None:
            return without_record(line)
        vhost, ip, ident, user, time, line_text, status, size, referrer, agent = found.groups()
        if is_glued_user(user) or (self._is_raw and begins_within(agent)):
            # Or the columns of another format, one to the right.
            return SYNTAX
        time_ms = self._times[time]
        if time_ms is None:
            return BAD_TIME
        request = read_request(unescape(line_text), self._decode)
        if request is None:
            return NOT_A_REQUEST
        method, scheme, host, port, path, query = request
        if self._host_second and _IS_HOST(ident):
            vhost, ident = ident, b"-"
        named, named_port = self._hosts[vhost]
        if named is not None:
            # The server's own name for the site outranks what a client wrote in its target.
            host, port = named, named_port
        record = Record(
            time_ms,
            self._ips[ip],
            method,
            scheme,
            host,
            port,
            path,
            query,
            self._statuses[status],
            self._texts[referrer],
            self._texts[agent],
            self._users[user],
            None if size == b"-" else int(size),
            fields=None if ident == b"-" else {"ident": self._decode(unescape(ident))},
        )
        if self._finish is not None:
            self._finish(record, line[found.end() :], self._decode)
        return record


# What is surely a time of some day; 29 February is left to the parser.
_SURE_DAY = (
    rb"(?:(?:0[1-9]|1[0-9]|2[0-8])/(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    rb"|(?:29|30)/(?:Jan|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    rb"|31/(?:Jan|Mar|May|Jul|Aug|Oct|Dec))"
)
_SURE_TIME = (
    rb"\[" + _SURE_DAY + rb"/20[0-9]{2}:(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
) + rb" [+-](?:0[0-9]|1[0-4])[0-5][0-9]\] "


def _shape(layout: Layout) -> LineShape | None:
    """Returns the shape of the ordinary lines, None where it would not be worth its while."""
    if layout.host_second or layout.absolute or layout.more_quoted is None:
        return None
    host = PLAIN_TOKEN.strip(b"()") + b" " if layout.vhost else b""
    quoted = 2 + layout.more_quoted if layout.agent else 0
    return LineShape(
        lead=host + rb'[0-9A-Fa-f.:]++ - [^\x00- "\\\[]++ ' + _SURE_TIME,
        tail=rb" (?:[0-9]{1,18}+|-)" + rb' "[^"]*+"' * quoted,
        quotes=2 + 2 * quoted,
    )


def _ordinary_expression(layout: Layout) -> bytes:
    lead = (PLAIN_TOKEN + b" " if layout.vhost else _NO_COLUMN) + PLAIN_TOKEN + _PLAIN_USER
    if layout.host_second:
        # The host comes second, and first among the groups.
        host = rb"(?=[^ ]++ " + _HOST_SECOND + rb" )"
        lead = host + PLAIN_TOKEN + _PLAIN_USER.replace(rb" - ", rb" [^ ]++ ", 1)
    request = PLAIN_REQUEST
    if layout.absolute:
        lead = (
            rb'(?=[^"]++"[A-Z]++ http://([0-9A-Za-z.-]++(?>:[0-9]{1,4}+|))/)'
            + PLAIN_TOKEN
            + _PLAIN_USER
        )
        request = PLAIN_REQUEST.replace(rb" (/", rb" http://[^/]++(/", 1)
    end = _END
    if layout.raw_agent_end:
        # Nor may the agent go on over the next quote, as it does where that is what follows.
        end = rb"(?=" + layout.raw_agent_end + rb')(?![^"]*+" [0-9-]++ ")'
    return lead + _TIME + b" " + request + _STATUS_BYTES + _tail(layout.agent, end)


def _any_expression(layout: Layout, tail: bytes) -> bytes:
    quote = rb'"?+' if layout.quoted_prefix else b""
    client = _TOKEN.replace(b"++", b"*+") if layout.clientless else _TOKEN
    return (
        (START + quote)
        + (_TOKEN + b" " if layout.vhost else _NO_COLUMN)
        + (client + b" " + _TOKEN + b" " + _USER + b" " + _TIME + quote + b" " + QUOTED)
        + (_STATUS_BYTES + tail)
    )


def _tail(agent: bool, end: bytes) -> bytes:
    return (rb" " + QUOTED + rb" " + QUOTED if agent else _NO_COLUMN * 2) + end


def without_record(line: bytes) -> Skip | ParseError:
    """Says what a line is that matches no expression: blank, a directive, or a mistake."""
    text = line.removeprefix(_BOM).strip(b"\x00 \t\r\n")
    if not text:
        return BLANK
    return DIRECTIVE if text.startswith(b"#") else SYNTAX


COMMON_FIELDS = ("time", "ip", "method", "scheme", "host", "port", "path", "query", "status")
"""What every line of the family states, or may."""
AGENT_FIELDS = ("referrer", "user_agent")
LAST_FIELDS = ("user", "bytes_sent", "fields")


def writer_format(
    name: str,
    summary: str,
    *,
    layout: Layout,
    example: str = "",
    source: str = "",
    more_fields: tuple[str, ...] = (),
) -> Format:
    """Makes a format of the family; `more_fields` are those that its tail fills."""

    def make(options: Mapping[str, str]) -> NcsaParser:
        return NcsaParser(options, layout)

    fields = COMMON_FIELDS + (AGENT_FIELDS if layout.agent else ()) + LAST_FIELDS + more_fields
    return Format(name, summary, fields, make, example=example, source=source)
