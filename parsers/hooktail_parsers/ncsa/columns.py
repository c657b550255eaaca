"""Relatives of the combined format, read by the rule that survives their variants.

    lead [time] (…) "request" status bytes … "referrer" "user agent" more

The request is the first quoted text behind the time, the status the next number, referrer and
agent are the next two quoted texts. What comes before the time is each format's own affair: a
`Lead`. Columns of no known place are read by what they look like: a list of addresses is the
forwarded chain, `rt=0.2` and a number with a decimal point are the duration in seconds, and the
rest goes to `fields`, by its own name or under `extra`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from hooktail_parsers._api import Format, Record
from hooktail_parsers.address import client_ip, virtual_host
from hooktail_parsers.clock import clf_time_ms
from hooktail_parsers.memo import Memo
from hooktail_parsers.ncsa.parser import (
    AGENT_FIELDS,
    BAD_TIME,
    COMMON_FIELDS,
    LAST_FIELDS,
    NOT_A_REQUEST,
    PLAIN_REQUEST,
    PLAIN_TOKEN,
    SYNTAX,
    without_record,
)
from hooktail_parsers.ncsa.tails import add_fields, is_forwarded_list
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.peer import forwarded_ip
from hooktail_parsers.request_line import RequestLine
from hooktail_parsers.text import QUOTED, stated, unescape
from hooktail_parsers.torn import begins_within, is_glued_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hooktail_parsers._api import JsonValue, Parsed
    from hooktail_parsers.ncsa.parser import Decode

    ReadLead: TypeAlias = "Callable[[bytes], Lead | None]"
    ReadOrdinary: TypeAlias = "Callable[[Record, bytes, bytes, bytes], bool]"
    ReadColumn: TypeAlias = "Callable[[Record, Column, Decode], bool]"

# No bracket between time and request: a time within another column is none.
_TIME = rb'\[([^\]"\\]{26})\] ?([^"\[]*+)'
_BEHIND_REQUEST = (
    rb' ([0-9]{3}|0|-)(?> ([0-9]{1,18}|-)(?=\s|\Z)|)((?>(?: [^\s"]++)*))(?> '
    + QUOTED
    + rb" "
    + QUOTED
    + rb"|)(?=\s|\Z)"
)
_REST = re.compile(_TIME + QUOTED + _BEHIND_REQUEST, re.DOTALL).search
_COLUMN = re.compile(
    rb"\s*+(?>([A-Za-z][\w.-]{0,63})=|)(?:" + QUOTED + rb'(?=\s|\Z)|\[([^\]]*+)\]|([^\s"\[]\S*+))',
    re.DOTALL,
).match
_MOST_COLUMNS = 64
_HOLE_OR_BOM = b"\x00\xef\xbb\xbf"
_APACHE_DURATION = re.compile(rb" ([0-9]{1,9})/([0-9]{1,9})").fullmatch
_DECIMAL = re.compile(rb"[0-9]{1,9}\.[0-9]{1,9}").fullmatch
_SECONDS_IN_PARENTHESES = re.compile(rb"\(([0-9]{1,9}(?:\.[0-9]{1,9})?) s\) ?").fullmatch
_SECONDS_AND_MICROSECONDS = re.compile(rb"([0-9]{1,9})/([0-9]{1,15})").fullmatch
_DURATION_NAMES = frozenset(("rt", "request_time"))
_FORWARDED_NAMES = frozenset(("xff", "x-forwarded-for", "x_forwarded_for", "http_x_forwarded_for"))
_REQUEST_ID_NAMES = frozenset(("request_id", "req_id", "rid", "x-request-id", "x_request_id"))


class Lead(NamedTuple):
    """What stands before the time, still as it is logged."""

    client: bytes
    user: bytes
    vhost: bytes = b""
    ident: bytes = b"-"
    forwarded: bytes = b""
    """A list of addresses; the client is taken from it where no client is logged."""


class Column(NamedTuple):
    """A column of no known place."""

    name: str | None
    value: bytes
    quoted: bool


class _Client(NamedTuple):
    """A lead in the normal forms of a record."""

    ip: str | None
    host: str | None
    port: int | None
    user: str | None
    xff: str | None
    ident: str | None


def read_ordinary(record: Record, between: bytes, plain: bytes, tail: bytes) -> bool:
    """Reads the columns of no known place where they are one; False if they are another's."""
    if not tail:
        if not between and _DECIMAL(plain[1:]):
            record.duration_s = float(plain)
            return True
        seconds = None if plain else _SECONDS_IN_PARENTHESES(between)
        if seconds is not None:
            record.duration_s = float(seconds[1])
            return True
    elif not between and not plain:
        duration = _APACHE_DURATION(tail)
        if duration is not None and int(duration[2]) // 1_000_000 == int(duration[1]):
            record.duration_s = int(duration[2]) / 1_000_000
            return True
    return False


@dataclass(frozen=True)
class Ordinary:
    """How the lines of a format mostly are, for reading those quickly."""

    lead: bytes
    """An expression of three groups (virtual host, client, user) for a lead of plain tokens."""
    chain: bool = False
    """The client is a forwarded list."""
    needs_ip: bool = False
    """A client that is no address tells that the columns are others."""
    read: ReadOrdinary = read_ordinary


# An empty group stands for a column that the format has not.
_USER = rb" - ([^\x00- \"\\\[]++) "
_LISTED = rb"((?>(?:[^\x00- \"#,\[\\\x7f-\xff]++, )*)[^\x00- \"#,\[\\\x7f-\xff]++)"
NCSA = rb"()" + PLAIN_TOKEN + _USER
HOST_NCSA = PLAIN_TOKEN + b" " + PLAIN_TOKEN + _USER
FORWARDED = rb"()" + _LISTED + _USER
HOST_FORWARDED = PLAIN_TOKEN + b" " + _LISTED + _USER


class ClfColumnsParser:
    """Parses lines whose lead one function knows; their other columns go by the rule."""

    def __init__(
        self,
        options: Mapping[str, str],
        read_lead: ReadLead,
        read_column: ReadColumn,
        *,
        agent: bool,
        ordinary: Ordinary,
    ) -> None:
        check_options(options)
        decode = self._decode = text_decoder(options)
        self._read_lead = read_lead
        self._read_column = read_column
        self._needs_agent = agent
        self._request = RequestLine(decode)
        self._times = Memo(clf_time_ms, 1024)
        self._clients = Memo(self._client, 16_384)
        self._texts = Memo(self._text)
        self._statuses = Memo(lambda raw: int(raw) or None if raw != b"-" else None, 1024)
        self._ordinary = re.compile(
            ordinary.lead + _TIME + PLAIN_REQUEST + _BEHIND_REQUEST, re.DOTALL
        ).match
        self._read_ordinary = ordinary.read
        self._peers = Memo(self._chain if ordinary.chain else self._peer, 16_384)
        self._needs_ip = ordinary.needs_ip
        self._hosts = Memo(lambda raw: virtual_host(raw, decode), 1024)
        self._methods = Memo(lambda raw: raw.decode("ascii"), 64)
        self._users = Memo(lambda raw: None if raw == b'""' else self._text(raw), 1024)
        self._encoding = options.get("encoding", "utf-8")

    @staticmethod
    def _peer(raw: bytes) -> tuple[str | None, str | None]:
        return client_ip(raw), None

    def _chain(self, raw: bytes) -> tuple[str | None, str | None]:
        """Reads a forwarded list as client and chain; a host name alone is no list."""
        listed = b"," in raw or client_ip(raw)
        return forwarded_ip(raw), self._text(raw) if listed else None

    def _text(self, raw: bytes) -> str | None:
        return stated(self._decode(unescape(raw)))

    def _client(self, raw: bytes) -> _Client | None:
        lead = self._read_lead(raw)
        if lead is None or is_glued_user(lead.user):
            return None
        chain = unescape(lead.forwarded)
        return _Client(
            client_ip(lead.client) if lead.client else forwarded_ip(chain),
            *virtual_host(lead.vhost, self._decode),
            None if lead.user == b'""' else self._text(lead.user),
            # A socket or a host name alone is no list.
            self._text(lead.forwarded) if b"," in chain or client_ip(chain) else None,
            None if lead.ident == b"-" else self._decode(unescape(lead.ident)),
        )

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order: the ordinary ones here, the others one by one."""
        ordinary, read_ordinary, encoding = self._ordinary, self._read_ordinary, self._encoding
        hosts, peers, times, texts = self._hosts, self._peers, self._times, self._texts
        users, methods, statuses = self._users, self._methods, self._statuses
        needs_ip, needs_agent = self._needs_ip, self._needs_agent
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            found = ordinary(line)
            if found is None:
                append(self.careful_parse(line))
                continue
            (
                vhost, peer, user, time, between, method, path, query, status, size, plain,
                referrer, agent,
            ) = found.groups()  # fmt: skip
            time_ms = times[time]
            ip, xff = peers[peer]
            if time_ms is None or (agent is None and needs_agent) or (ip is None and needs_ip):
                append(self.careful_parse(line))
                continue
            host, port = hosts[vhost]
            record = Record(
                time_ms,
                ip,
                methods[method],
                None,
                host,
                port,
                path.decode(encoding, "replace"),
                None if query is None else query.decode(encoding, "replace"),
                statuses[status],
                None if referrer is None else texts[referrer],
                None if agent is None else texts[agent],
                users[user],
                None if size is None or size == b"-" else int(size),
                None,
                None,
                None,
                xff,
            )
            tail = line[found.end() :]
            if (between or plain or tail) and not read_ordinary(record, between, plain, tail):
                append(self._with_others(record, between, plain, tail, agent))
            else:
                append(record)
        return parsed

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
        found = _REST(line)
        if found is None:
            return without_record(line)
        time, between, request_line, status, size, plain, referrer, agent = found.groups()
        before = line[: found.start()].lstrip(_HOLE_OR_BOM)
        if not before.endswith(b" ") or (self._needs_agent and agent is None):
            return SYNTAX
        client = self._clients[before[:-1]]
        if client is None:
            return SYNTAX
        time_ms = self._times[time]
        if time_ms is None:
            return BAD_TIME
        request = self._request.read(unescape(request_line))
        if request is None:
            return NOT_A_REQUEST
        method, scheme, host, port, path, query = request
        if client.host is not None:
            host, port = client.host, client.port
        record = Record(
            time_ms,
            client.ip,
            method,
            scheme,
            host,
            port,
            path,
            query,
            self._statuses[status],
            None if referrer is None else self._texts[referrer],
            None if agent is None else self._texts[agent],
            client.user,
            None if size is None or size == b"-" else int(size),
            xff=client.xff,
            fields=None if client.ident is None else {"ident": client.ident},
        )
        tail = line[found.end() :]
        if plain and not between and not tail and _DECIMAL(plain[1:]):
            record.duration_s = float(plain)
        elif between or plain or tail:
            return self._with_others(record, between, plain, tail, agent)
        return record

    def _with_others(
        self, record: Record, between: bytes, plain: bytes, tail: bytes, agent: bytes | None
    ) -> Parsed:
        """Reads the columns of no known place: before the request, before and behind the agent."""
        behind, is_whole = _columns(tail)
        # Referrer and agent may stand there, of which one lacks a quote.
        if begins_within(plain + tail) or not (is_whole or agent is not None):
            return SYNTAX
        columns = [Column(None, each, quoted=False) for each in plain.split()[:_MOST_COLUMNS]]
        seconds = _SECONDS_IN_PARENTHESES(between)
        if seconds:
            record.duration_s = float(seconds[1])
        else:
            columns += [Column(None, each, quoted=False) for each in between.split()]
        columns += behind
        extra: list[JsonValue] = []
        named: dict[str, JsonValue] = {}
        for column in columns[:_MOST_COLUMNS]:
            text = stated(self._decode(unescape(column.value)))
            if text is None or self._read_column(record, column, self._decode):
                continue
            if column.name is None:
                extra.append(text)
            else:
                named[column.name] = text
        add_fields(record, named | ({"extra": extra} if extra else {}))
        return record


def _columns(tail: bytes) -> tuple[list[Column], bool]:
    """Cuts what stands behind the agent into columns; what has no form ends them.

    False with them if that was a quote: of two columns that it ought to part, one would hold the
    other's text.
    """
    columns: list[Column] = []
    start = 0
    while len(columns) < _MOST_COLUMNS:
        match = _COLUMN(tail, start)
        if match is None:
            return columns, b'"' not in tail[start:]
        name, quoted, bracketed, plain = match.groups()
        if plain is not None and b'"' in plain:
            return columns, False
        value = next(each for each in (quoted, bracketed, plain) if each is not None)
        columns.append(
            Column(None if name is None else name.decode("ascii"), value, quoted is not None)
        )
        start = match.end()
    return columns, True


def read_column(record: Record, column: Column, decode: Decode) -> bool:
    """Reads a column that tells by itself what it is; False if it does not."""
    name = "" if column.name is None else column.name.lower()
    value = unescape(column.value)
    if record.xff is None and (
        name in _FORWARDED_NAMES or (column.quoted and not name and is_forwarded_list(value))
    ):
        record.xff = decode(value)
    elif record.duration_s is None and _DECIMAL(value) and name in ("", *_DURATION_NAMES):
        if column.quoted and not name:
            return False  # as `"$gzip_ratio"` is written
        record.duration_s = float(value)
    elif record.duration_s is None and not name and _is_apache_duration(value):
        record.duration_s = int(value.rpartition(b"/")[2]) / 1_000_000
    elif record.request_id is None and name in _REQUEST_ID_NAMES:
        record.request_id = decode(value)
    else:
        return False
    return True


def _is_apache_duration(value: bytes) -> bool:
    """Tells whether it is `%T/%D`: the same time in seconds and in microseconds."""
    match = _SECONDS_AND_MICROSECONDS(value)
    return match is not None and int(match[2]) // 1_000_000 == int(match[1])


EXTRA_FIELDS = ("duration_s", "xff", "request_id")
"""What columns of no known place may fill besides `fields`."""


def clf_columns_format(
    name: str,
    summary: str,
    read_lead: ReadLead,
    *,
    ordinary: Ordinary,
    example: str,
    source: str,
    agent: bool = True,
    column: ReadColumn = read_column,
    more_fields: tuple[str, ...] = EXTRA_FIELDS,
) -> Format:
    """Makes such a format; with `agent`, a line without referrer and agent is another format's."""

    def make(options: Mapping[str, str]) -> ClfColumnsParser:
        return ClfColumnsParser(options, read_lead, column, agent=agent, ordinary=ordinary)

    fields = COMMON_FIELDS + AGENT_FIELDS + LAST_FIELDS + more_fields
    return Format(name, summary, fields, make, example=example, source=source)
