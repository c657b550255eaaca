"""Squid's native access log.

    seconds.ms duration_ms client result/status bytes method URL user hierarchy/peer content_type

The time is that of the end of the request. What is no HTTP request (ICP and HTCP queries between
caches, `error:…` for connections that sent none) is no record. Squid strips query strings unless
`strip_query_terms off` is set; the `?` it leaves then is a query of nothing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, LineParser, ParseError, Record, Skip
from hooktail_parsers.address import client_ip, split_authority
from hooktail_parsers.late import LateRecord
from hooktail_parsers.memo import Memo
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.request import read_target
from hooktail_parsers.text import stated
from hooktail_parsers.times import epoch_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail_parsers._api import JsonValue, Parsed

BLANK = Skip("blank")
SYNTAX = ParseError("syntax")
BAD_TIME = ParseError("bad_time")
NOT_A_REQUEST = ParseError("not_a_request")

# The rest of a time, and what stands behind one: the next line, glued to a torn one.
_NOT_GLUED = rb"(?! ++-?[0-9]{1,15} [^ ]++ [A-Z_]++/[0-9]{3} )"
_LINE = re.compile(
    rb"([0-9]{1,10}\.[0-9]{3}) ++(-?[0-9]{1,15}) ([^ ]++) ([A-Z_]++)/([0-9]{3}) ([0-9]{1,18}|-) "
    # A URL holds no spaces, unless `uri_whitespace allow` lets them in.
    rb"([^ ]++) (\S++|.+?) ([^ ]++) ([A-Z_]++)/([^ ]++) ([^ \r]++)" + _NOT_GLUED
).match
# Of the next line, which was glued to a torn one.
_BEGINNING = re.compile(rb"[0-9]\.[0-9]{3} ++-?[0-9]++\Z").search
_METHOD = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++").fullmatch
_PLAIN_URL = re.compile(rb"(https?)://([^/?#@ ]++)(/[^? ]*+)(?:\?([^ ]*+))?").fullmatch
_ORDINARY = re.compile(
    rb"([0-9]{1,10})\.([0-9]{3}) ++(-?[0-9]{1,15}) ([^ ]++) (?!UDP_)[A-Z_]++/([0-9]{3}) "
    rb"([0-9]{1,18}|-) (GET|POST|HEAD|PUT|DELETE|OPTIONS|PATCH) "
    rb"(https?)://([^/?#@\s]++)(/[^?\s]*+)(?:\?([^\s]*+))? ([^ ]++) [A-Z_]++/[^ ]++ [^ \r]++"
    + _NOT_GLUED
).match


class SquidParser(LineParser):
    """Reads lines of Squid's format `squid`."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        self._decode = decode = text_decoder(options)
        self._ips = Memo(client_ip, 16_384)
        self._hosts = Memo(lambda raw: split_authority(raw, decode), 1024)
        self._texts = Memo(lambda raw: stated(decode(raw)))
        self._methods = Memo(_method, 64)
        self._statuses = Memo(lambda raw: int(raw) or None, 1024)

    def parse(self, line: bytes) -> Parsed:
        """Parses one line: an ordinary one here, its fields when they are asked for."""
        match = _ORDINARY(line)
        if match is None:
            return self.careful_parse(line)
        (
            second, ms, duration_ms, client, status, sent, method, scheme, authority, path, query,
            user,
        ) = match.groups()  # fmt: skip
        place = self._hosts[authority]
        if place is None:
            return self.careful_parse(line)
        decode = self._decode
        return LateRecord(
            int(second) * 1000 + int(ms),
            self._ips[client],
            self._methods[method],
            scheme.decode("ascii"),
            place[0],
            place[1],
            decode(path),
            None if query is None else decode(query),
            self._statuses[status],
            None,
            None,
            self._texts[user],
            None if sent == b"-" else int(sent),
            None if duration_ms.startswith(b"-") else int(duration_ms) / 1000,
            careful=self.careful_parse,
            source=line,
        )

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line, ordinary or not."""
        match = _LINE(line)
        if match is None:
            return SYNTAX if line.strip(b"\x00 \t\r\n") else BLANK
        (
            time, duration_ms, client, result, status, sent, method_text, url, user, hierarchy,
            peer, content_type,
        ) = match.groups()  # fmt: skip
        if _BEGINNING(url):
            return SYNTAX
        time_ms = epoch_ms(time)
        if time_ms is None:
            return BAD_TIME
        method = self._methods[method_text]
        if method is None or result.startswith(b"UDP_"):
            return NOT_A_REQUEST
        decode, texts = self._decode, self._texts
        plain = _PLAIN_URL(url)
        place = self._hosts[plain[2]] if plain else None
        if plain and place:
            where: tuple[str | None, str | None, int | None, str | None, str | None] = (
                plain[1].decode("ascii"),
                *place,
                decode(plain[3]),
                None if plain[4] is None else decode(plain[4]),
            )
        else:
            request = read_target(method, url, decode)
            if request is None:
                return NOT_A_REQUEST
            where = request[1:]
        fields: dict[str, JsonValue] = {"result": texts[result], "hierarchy": texts[hierarchy]}
        if peer != b"-":
            fields["peer"] = texts[peer]
        if content_type != b"-":
            fields["content_type"] = texts[content_type]
        return Record(
            time_ms,
            self._ips[client],
            method,
            *where,
            self._statuses[status],
            user=texts[user],
            bytes_sent=None if sent == b"-" else int(sent),
            duration_s=None if duration_ms.startswith(b"-") else int(duration_ms) / 1000,
            fields=fields,
        )


def _method(raw: bytes) -> str | None:
    """Returns the method, None for what is none and for the queries of other protocols."""
    if raw == b"-" or not _METHOD(raw) or raw.startswith((b"ICP_", b"HTCP_")) or raw == b"NONE":
        return None
    return raw.decode("ascii")


FORMATS = (
    Format(
        "squid_native",
        "Squid's native access log",
        (
            "time", "ip", "method", "scheme", "host", "port", "path", "query", "status", "user",
            "bytes_sent", "duration_s", "fields",
        ),
        SquidParser,
        example=(
            "1741940813.985    120 203.0.113.7 TCP_MISS/200 491 GET http://shop.example/p?a=1 -"
            " HIER_DIRECT/198.51.100.9 text/html"
        ),
        source="Squid configuration directive logformat, format squid",
    ),
)  # fmt: skip
