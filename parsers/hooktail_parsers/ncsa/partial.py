"""Relatives of the common format that lack one of its columns.

Apache's ssl_request_log states no status, and is mostly a second log of requests that the access
log has as well. `clf_no_time` is the common format without its time, as it is sent through syslog,
whose line has one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, Record
from hooktail_parsers.address import client_ip
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
    START,
    SYNTAX,
    without_record,
)
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.request_line import RequestLine
from hooktail_parsers.text import QUOTED, stated, unescape
from hooktail_parsers.torn import is_glued_user

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers._api import JsonValue, Parsed

_SSL_REQUEST = re.compile(
    START
    + rb'\[([^\]"\\]{26})\] ([^\s"]++) ([^\s"]++) ([^\s"]++) '
    + QUOTED
    + rb" ([0-9]{1,18}|-)(?=\s|\Z)",
    re.DOTALL,
).match
_NO_TIME = re.compile(
    START
    + rb'([^\s"#\[]++) ([^\s"]++) ((?:[^"\\\[]|\\.)*?|"") '
    + QUOTED
    + rb" ([0-9]{3}|0|-) ([0-9]{1,18}|-)(?> "
    + QUOTED
    + rb" "
    + QUOTED
    + rb"|)(?: ([0-9]{1,9}\.[0-9]{1,9}))?(?=\s|\Z)",
    re.DOTALL,
).match

_ORDINARY_SSL = re.compile(
    rb'\[([^\]"\\]{26})\] '
    + PLAIN_TOKEN
    + rb' ([^\s"]++) ([^\s"]++) '
    + PLAIN_REQUEST
    + rb" ([0-9]{1,18}|-)(?=\s|\Z)"
).match
_ORDINARY_NO_TIME = re.compile(
    PLAIN_TOKEN.replace(b",", b",\\[", 1)
    + rb' - ([^\x00- "\\\[]++) '
    + PLAIN_REQUEST
    + rb" ([0-9]{3}|0|-) ([0-9]{1,18}|-)(?> "
    + QUOTED
    + rb" "
    + QUOTED
    + rb"|)(?: ([0-9]{1,9}\.[0-9]{1,9}))?(?=\s|\Z)",
    re.DOTALL,
).match


class SslRequestParser:
    """Parses lines of `%t %h %{SSL_PROTOCOL}x %{SSL_CIPHER}x "%r" %b`."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        decode = self._decode = text_decoder(options)
        self._encoding = options.get("encoding", "utf-8")
        self._methods = Memo(lambda raw: raw.decode("ascii"), 64)
        self._words = Memo(decode, 64)
        self._request = RequestLine(decode)
        self._times = Memo(clf_time_ms, 1024)
        self._ips = Memo(client_ip, 16_384)

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order: the ordinary ones here, the others one by one."""
        encoding, times, ips = self._encoding, self._times, self._ips
        methods, words = self._methods, self._words
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            found = _ORDINARY_SSL(line)
            if found is None:
                append(self.careful_parse(line))
                continue
            time, client, protocol, cipher, method, path, query, size = found.groups()
            time_ms = times[time]
            if time_ms is None or protocol == b"-" or cipher == b"-":
                append(self.careful_parse(line))
                continue
            append(
                Record(
                    time_ms,
                    ips[client],
                    methods[method],
                    "https",
                    None,
                    None,
                    path.decode(encoding, "replace"),
                    None if query is None else query.decode(encoding, "replace"),
                    bytes_sent=None if size == b"-" else int(size),
                    fields={"ssl_protocol": words[protocol], "ssl_cipher": words[cipher]},
                )
            )
        return parsed

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
        found = _SSL_REQUEST(line)
        if found is None:
            return without_record(line)
        time, client, protocol, cipher, request_line, size = found.groups()
        time_ms = self._times[time]
        if time_ms is None:
            return BAD_TIME
        request = self._request.read(unescape(request_line))
        if request is None:
            return NOT_A_REQUEST
        method, scheme, host, port, path, query = request
        fields: dict[str, JsonValue] = {}
        if protocol != b"-":
            # The log stands beside TLS; a request without it (`-`) may be there all the same.
            scheme = "https"
            fields["ssl_protocol"] = self._decode(protocol)
        if cipher != b"-":
            fields["ssl_cipher"] = self._decode(cipher)
        return Record(
            time_ms,
            self._ips[client],
            method,
            scheme,
            host,
            port,
            path,
            query,
            bytes_sent=None if size == b"-" else int(size),
            fields=fields or None,
        )


class NoTimeParser:
    """Parses common and combined lines that have no time, perhaps with seconds at the end."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        decode = self._decode = text_decoder(options)
        self._encoding = options.get("encoding", "utf-8")
        self._methods = Memo(lambda raw: raw.decode("ascii"), 64)
        self._statuses = Memo(lambda raw: int(raw) or None if raw != b"-" else None, 1024)
        self._request = RequestLine(decode)
        self._ips = Memo(client_ip, 16_384)
        self._texts = Memo(lambda raw: stated(decode(unescape(raw))))

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order: the ordinary ones here, the others one by one."""
        encoding, ips, texts = self._encoding, self._ips, self._texts
        methods, statuses = self._methods, self._statuses
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            found = _ORDINARY_NO_TIME(line)
            if found is None:
                append(self.careful_parse(line))
                continue
            client, user, method, path, query, status, size, referrer, agent, seconds = (
                found.groups()
            )
            append(
                Record(
                    None,
                    ips[client],
                    methods[method],
                    None,
                    None,
                    None,
                    path.decode(encoding, "replace"),
                    None if query is None else query.decode(encoding, "replace"),
                    statuses[status],
                    None if referrer is None else texts[referrer],
                    None if agent is None else texts[agent],
                    texts[user],
                    None if size == b"-" else int(size),
                    None if seconds is None else float(seconds),
                )
            )
        return parsed

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
        found = _NO_TIME(line)
        if found is None:
            return without_record(line)
        client, ident, user, request_line, status, size, referrer, agent, seconds = found.groups()
        if is_glued_user(user):
            return SYNTAX
        request = self._request.read(unescape(request_line))
        if request is None:
            return NOT_A_REQUEST
        texts = self._texts
        return Record(
            None,
            self._ips[client],
            *request,
            None if status == b"-" else int(status) or None,
            None if referrer is None else texts[referrer],
            None if agent is None else texts[agent],
            None if user == b'""' else texts[user],
            None if size == b"-" else int(size),
            None if seconds is None else float(seconds),
            fields=None if ident == b"-" else {"ident": self._decode(unescape(ident))},
        )


FORMATS = (
    Format(
        "apache_ssl_request",
        "Apache's ssl_request_log: TLS protocol and cipher, no status",
        (*(name for name in COMMON_FIELDS if name != "status"), "bytes_sent", "fields"),
        SslRequestParser,
        example=(
            "[14/Mar/2025:09:26:53 +0100] 203.0.113.7 TLSv1.2 ECDHE-RSA-AES128-GCM-SHA256"
            ' "GET /p?a=1 HTTP/1.1" 512'
        ),
        source="Apache httpd's default ssl.conf, CustomLog ssl_request_log",
    ),
    Format(
        "clf_no_time",
        "common or combined without the time, for wrappers that have one",
        (
            *(name for name in COMMON_FIELDS if name != "time"),
            *AGENT_FIELDS, *LAST_FIELDS, "duration_s",
        ),
        NoTimeParser,
        example='203.0.113.7 - - "GET /p?a=1 HTTP/1.1" 200 512 0.386',
        source="Apache httpd mod_log_config, common without %t",
    ),
)  # fmt: skip
