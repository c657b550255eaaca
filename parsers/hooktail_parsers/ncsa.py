"""The common and combined log formats of NCSA, with or without the virtual host in front.

    [vhost[:port]] host ident user [time] "request" status bytes ["referrer" "user agent"] [more]

Two expressions read a line. The first knows the ordinary one (ident `-`, an origin-form target
without escapes) and gives every part at once; the second knows them all and leaves the request
line to `request`. Both are linear: each repetition is possessive or ends at a byte that it cannot
contain. Neither knows anything of files, and nothing here remembers more than repeated values.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, ParseError, Record, Skip
from hooktail_parsers.address import client_ip, virtual_host
from hooktail_parsers.clock import clf_time_ms
from hooktail_parsers.memo import Memo
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.request import read_request
from hooktail_parsers.text import QUOTED, stated, unescape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers._api import Parsed

BLANK = Skip("blank")
DIRECTIVE = Skip("directive")
SYNTAX = ParseError("syntax")
BAD_TIME = ParseError("bad_time")
NOT_A_REQUEST = ParseError("not_a_request")

_BOM = b"\xef\xbb\xbf"
# A host holds none of these; NUL and high bytes are left to the second expression, which passes
# over a byte order mark or the hole that copytruncate leaves in front of a line.
# Ranges instead of `\s`: one look into a bitmap per byte.
_PLAIN_TOKEN = rb'([^\x00- "#\\\x7f-\xff]++)'
_PLAIN_USER = rb' - ([^\x00- "\\\[]++) '
_TOKEN = rb'([^\s"#]++)'
_TIME = rb'\[([^\]"\\]{26})\]'
_STATUS_BYTES = rb" ([0-9]{3}|0|-) ([0-9]{1,18}|-)"
_PLAIN_REQUEST = rb'"([A-Z]++) (/[^ ?"\\]*+)(?:\?([^ "\\]*+))? HTTP/[0-9.]++"'
# An empty pair of groups where the format has no such column keeps one loop for all formats.
_NO_COLUMN = rb"()"
_END = rb"(?=\s|\Z)"
# A user may hold spaces and escaped quotes; a raw quote only as `""`, Apache's empty user.
_USER = rb'((?:[^"\\]|\\.)*?|"")'


class NcsaParser:
    """Parses lines of one of the formats. Its memories make it faster, never different."""

    def __init__(self, options: Mapping[str, str], *, vhost: bool, agent: bool) -> None:
        check_options(options)
        decode = self._decode = text_decoder(options)
        # Spelt out in the loop below, where a call of `decode` is a tenth of a line's cost.
        self._encoding = options.get("encoding", "utf-8")
        tail = (rb" " + QUOTED + rb" " + QUOTED if agent else _NO_COLUMN * 2) + _END
        self._ordinary = re.compile(
            (_PLAIN_TOKEN + b" " if vhost else _NO_COLUMN)
            + (_PLAIN_TOKEN + _PLAIN_USER + _TIME + b" " + _PLAIN_REQUEST)
            + (_STATUS_BYTES + tail),
            re.DOTALL,
        ).match
        self._any = re.compile(
            rb"(?:\xef\xbb\xbf|\x00++)?+"
            + (_TOKEN + b" " if vhost else _NO_COLUMN)
            + (_TOKEN + b" " + _TOKEN + b" " + _USER + b" " + _TIME + b" " + QUOTED)
            + (_STATUS_BYTES + tail),
            re.DOTALL,
        ).match
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
        hosts, ips, times, texts = self._hosts, self._ips, self._times, self._texts
        users, methods, statuses = self._users, self._methods, self._statuses
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            found = match(line)
            if found is None:
                append(self._parse_any(line))
                continue
            vhost, ip, user, time, method, path, query, status, size, referrer, agent = (
                found.groups()
            )
            time_ms = times[time]
            if time_ms is None:
                append(BAD_TIME)
                continue
            host, port = hosts[vhost]
            append(
                Record(
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
            )
        return parsed

    def _parse_any(self, line: bytes) -> Parsed:
        found = self._any(line)
        if found is None:
            return _without_record(line)
        vhost, ip, ident, user, time, line_text, status, size, referrer, agent = found.groups()
        if user.startswith(b"- "):
            # The columns of another format, one to the right: no user is called that.
            return SYNTAX
        time_ms = self._times[time]
        if time_ms is None:
            return BAD_TIME
        request = read_request(unescape(line_text), self._decode)
        if request is None:
            return NOT_A_REQUEST
        method, scheme, host, port, path, query = request
        named, named_port = self._hosts[vhost]
        if named is not None:
            # The server's own name for the site outranks what a client wrote in its target.
            host, port = named, named_port
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
            self._texts[referrer],
            self._texts[agent],
            self._users[user],
            None if size == b"-" else int(size),
            fields=None if ident == b"-" else {"ident": self._decode(unescape(ident))},
        )


def _without_record(line: bytes) -> Skip | ParseError:
    text = line.removeprefix(_BOM).strip(b"\x00 \t\r\n")
    if not text:
        return BLANK
    return DIRECTIVE if text.startswith(b"#") else SYNTAX


_COMMON_FIELDS = (
    "time", "ip", "method", "scheme", "host", "port", "path", "query", "status",
)  # fmt: skip
_AGENT_FIELDS = ("referrer", "user_agent")
_LAST_FIELDS = ("user", "bytes_sent", "fields")


def ncsa_format(name: str, summary: str, *, vhost: bool, agent: bool) -> Format:
    """Makes a format of the family: with or without virtual host, referrer and user agent."""

    def make(options: Mapping[str, str]) -> NcsaParser:
        return NcsaParser(options, vhost=vhost, agent=agent)

    fields = _COMMON_FIELDS + (_AGENT_FIELDS if agent else ()) + _LAST_FIELDS
    return Format(name, summary, fields, make)
