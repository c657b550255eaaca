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
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from hooktail_parsers._api import Format, LineParser, Record
from hooktail_parsers.address import client_ip, virtual_host
from hooktail_parsers.clock import clf_time_ms
from hooktail_parsers.memo import Memo
from hooktail_parsers.ncsa.parser import (
    AGENT_FIELDS,
    BAD_TIME,
    COMMON_FIELDS,
    LAST_FIELDS,
    NOT_A_REQUEST,
    SYNTAX,
    without_record,
)
from hooktail_parsers.ncsa.tails import add_fields, is_forwarded_list
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.peer import forwarded_ip
from hooktail_parsers.request_line import RequestLine
from hooktail_parsers.text import QUOTED, stated, unescape

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hooktail_parsers._api import JsonValue, Parsed
    from hooktail_parsers.ncsa.parser import Decode

    ReadLead: TypeAlias = "Callable[[bytes], Lead | None]"
    ReadColumn: TypeAlias = "Callable[[Record, Column, Decode], bool]"

_REST = re.compile(
    # No bracket between time and request: a time within another column is none.
    rb'\[([^\]"\\]{26})\] ?([^"\[]*+)'
    + QUOTED
    + rb' ([0-9]{3}|0|-)(?: ([0-9]{1,18}|-)(?=\s|\Z))?+((?: [^\s"]++)*+)(?: '
    + QUOTED
    + rb" "
    + QUOTED
    + rb")?+(?=\s|\Z)",
    re.DOTALL,
).search
_COLUMN = re.compile(
    rb"\s*+(?:([A-Za-z][\w.-]{0,63})=)?+(?:" + QUOTED + rb'|\[([^\]]*+)\]|([^\s"\[]\S*+))',
    re.DOTALL,
).match
_MOST_COLUMNS = 64
_HOLE_OR_BOM = b"\x00\xef\xbb\xbf"
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


class ClfColumnsParser(LineParser):
    """Parses lines whose lead one function knows; their other columns go by the rule."""

    def __init__(
        self,
        options: Mapping[str, str],
        read_lead: ReadLead,
        read_column: ReadColumn,
        *,
        agent: bool,
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

    def _text(self, raw: bytes) -> str | None:
        return stated(self._decode(unescape(raw)))

    def _client(self, raw: bytes) -> _Client | None:
        lead = self._read_lead(raw)
        if lead is None:
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
            self._read_others(record, between, plain.split(), tail)
        return record

    def _read_others(self, record: Record, between: bytes, plain: list[bytes], tail: bytes) -> None:
        """Reads the columns of no known place: before the request, before and behind the agent."""
        columns = [Column(None, each, quoted=False) for each in plain[:_MOST_COLUMNS]]
        seconds = _SECONDS_IN_PARENTHESES(between)
        if seconds:
            record.duration_s = float(seconds[1])
        else:
            columns += [Column(None, each, quoted=False) for each in between.split()]
        columns += _columns(tail)
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


def _columns(tail: bytes) -> list[Column]:
    """Cuts what stands behind the agent into columns; what has no form ends them."""
    columns: list[Column] = []
    start = 0
    while len(columns) < _MOST_COLUMNS:
        match = _COLUMN(tail, start)
        if match is None:
            break
        name, quoted, bracketed, plain = match.groups()
        value = next(each for each in (quoted, bracketed, plain) if each is not None)
        columns.append(
            Column(None if name is None else name.decode("ascii"), value, quoted is not None)
        )
        start = match.end()
    return columns


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
    example: str,
    source: str,
    agent: bool = True,
    column: ReadColumn = read_column,
    more_fields: tuple[str, ...] = EXTRA_FIELDS,
) -> Format:
    """Makes such a format; with `agent`, a line without referrer and agent is another format's."""

    def make(options: Mapping[str, str]) -> ClfColumnsParser:
        return ClfColumnsParser(options, read_lead, column, agent=agent)

    fields = COMMON_FIELDS + AGENT_FIELDS + LAST_FIELDS + more_fields
    return Format(name, summary, fields, make, example=example, source=source)
