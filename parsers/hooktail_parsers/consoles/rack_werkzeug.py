"""The request logs of Ruby's Rack (and WEBrick), and of Python's Werkzeug and http.server.

    client - user [time] "request" status bytes [seconds]

They look like the common format, but mostly have no zone, and a space before the hour. The client
of Rack is the X-Forwarded-For header where there is one, and so may be a list.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, Record
from hooktail_parsers.address import client_ip
from hooktail_parsers.consoles.lines import console_time_ms, without_colours
from hooktail_parsers.memo import Memo
from hooktail_parsers.ncsa.parser import (
    BAD_TIME,
    COMMON_FIELDS,
    NOT_A_REQUEST,
    SYNTAX,
    without_record,
)
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.peer import forwarded_ip
from hooktail_parsers.request_line import RequestLine
from hooktail_parsers.text import QUOTED, stated, unescape
from hooktail_parsers.times import zone_of
from hooktail_parsers.torn import is_glued_user

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers._api import Parsed

_STAMP = rb"[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}[ :][0-9:]{8}"
_REST = rb"\] " + QUOTED + rb" ([0-9]{3}|-) ([0-9]{1,18}|-)(?: ([0-9]{1,9}\.[0-9]{1,9}))?\s*+\Z"
_BEFORE = rb'([^"\[]*+)\['
_RACK = re.compile(
    _BEFORE + rb"(" + _STAMP + rb"(?: [+-][0-9]{4}| [A-Z]{1,5})?)" + _REST, re.DOTALL
).match
_WERKZEUG = re.compile(_BEFORE + rb"(" + _STAMP + rb")" + _REST, re.DOTALL).match
_LIST = rb'[^\s",]++(?>(?:, ?[^\s",]++)*)'
_RACK_LEAD = re.compile(rb"(" + _LIST + rb") [^\s]++ (?!- .)(.*) ", re.DOTALL).fullmatch
_WERKZEUG_LEAD = re.compile(
    # As logging writes it: `INFO:werkzeug:`, or a time, a level and the logger's name.
    rb"(?:.*[ \t])?(?:[A-Z]++:[\w.]++:)?([^\s]++) - - ",
    re.DOTALL,
).fullmatch

# Without a prefix, colours and lists.
_ORDINARY_LEAD = rb'([^\x00- ",\[\x7f-\xff]++)'
_ORDINARY_REST = (
    rb'"([A-Z]++) (/[^ ?"\\\x1b]*+)(?:\?([^ "\\\x1b]*+))? HTTP/[0-9.]++"'
    rb" ([0-9]{3}|-) ([0-9]{1,18}|-)(?: ([0-9]{1,9}\.[0-9]{1,9}))?\s*+\Z"
)
_ORDINARY_RACK = re.compile(
    _ORDINARY_LEAD
    + rb" [^\x00- \"\\\[\x7f-\xff]++ ([^\x00- \"\\\[\x7f-\xff]++) \[("
    + _STAMP
    + rb"(?: [+-][0-9]{4}| [A-Z]{1,5})?)\] "
    + _ORDINARY_REST
).match
_ORDINARY_WERKZEUG = re.compile(
    rb"(?![A-Z]++:[\w.]++:)" + _ORDINARY_LEAD + rb" - (-) \[(" + _STAMP + rb")\] " + _ORDINARY_REST
).match


class ConsoleClfParser:
    """Parses lines of either kind; `werkzeug` allows for a logging prefix, and no user."""

    def __init__(self, options: Mapping[str, str], *, werkzeug: bool) -> None:
        check_options(options)
        decode = self._decode = text_decoder(options)
        zone = zone_of(options)
        self._encoding = options.get("encoding", "utf-8")
        self._ordinary = _ORDINARY_WERKZEUG if werkzeug else _ORDINARY_RACK
        self._methods = Memo(lambda raw: raw.decode("ascii"), 64)
        self._statuses = Memo(lambda raw: int(raw) or None if raw != b"-" else None, 1024)
        self._line = _WERKZEUG if werkzeug else _RACK
        self._lead = _WERKZEUG_LEAD if werkzeug else _RACK_LEAD
        self._names_user = not werkzeug
        self._request = RequestLine(decode)
        self._times = Memo(lambda stamp: console_time_ms(stamp, zone), 1024)
        self._ips = Memo(client_ip, 16_384)
        self._users = Memo(lambda raw: stated(decode(unescape(raw))), 1024)

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order: the ordinary ones here, the others one by one."""
        ordinary, encoding = self._ordinary, self._encoding
        ips, users, times = self._ips, self._users, self._times
        methods, statuses = self._methods, self._statuses
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            found = ordinary(line)
            if found is None:
                append(self.careful_parse(line))
                continue
            client, user, time, method, path, query, status, size, seconds = found.groups()
            time_ms = times[time]
            if time_ms is None:
                append(BAD_TIME)
                continue
            append(
                Record(
                    time_ms,
                    ips[client],
                    methods[method],
                    None,
                    None,
                    None,
                    path.decode(encoding, "replace"),
                    None if query is None else query.decode(encoding, "replace"),
                    statuses[status],
                    None,
                    None,
                    users[user],
                    None if size == b"-" else int(size),
                    None if seconds is None else float(seconds),
                )
            )
        return parsed

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
        found = self._line(without_colours(line))
        if found is None:
            return without_record(line)
        before, time, request_line, status, size, seconds = found.groups()
        lead = self._lead(before)
        if lead is None or (self._names_user and is_glued_user(lead[2])):
            return SYNTAX
        time_ms = self._times[time]
        if time_ms is None:
            return BAD_TIME
        request = self._request.read(unescape(request_line))
        if request is None:
            return NOT_A_REQUEST
        client = lead[1]
        is_list = b"," in client
        return Record(
            time_ms,
            forwarded_ip(client) if is_list else self._ips[client],
            *request,
            None if status == b"-" else int(status) or None,
            user=self._users[lead[2]] if self._names_user else None,
            bytes_sent=None if size == b"-" else int(size),
            duration_s=None if seconds is None else float(seconds),
            xff=self._decode(client) if is_list else None,
        )


def _rack(options: Mapping[str, str]) -> ConsoleClfParser:
    return ConsoleClfParser(options, werkzeug=False)


def _werkzeug(options: Mapping[str, str]) -> ConsoleClfParser:
    return ConsoleClfParser(options, werkzeug=True)


_FIELDS = (*COMMON_FIELDS, "bytes_sent", "duration_s")

FORMATS = (
    Format(
        "rack_common_logger",
        "Rack::CommonLogger, Sinatra, WEBrick (local time: give the timezone)",
        (*_FIELDS, "user", "xff"),
        _rack,
        example='203.0.113.7 - - [14/Mar/2025 09:26:53] "GET /p?a=1 HTTP/1.1" 200 512 0.0241',
        source="Rack, lib/rack/common_logger.rb",
    ),
    Format(
        "werkzeug",
        "Werkzeug (Flask) and Python's http.server (local time: give the timezone)",
        (*_FIELDS, "xff"),
        _werkzeug,
        example='203.0.113.7 - - [14/Mar/2025 09:26:53] "GET /p?a=1 HTTP/1.1" 200 -',
        source="Werkzeug, serving.py, WSGIRequestHandler.log_request",
    ),
)
