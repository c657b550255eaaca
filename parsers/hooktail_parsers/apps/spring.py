r"""Spring Boot's log, as Logback writes it, with request lines of `key=value` pairs.

    2025-03-14T08:26:53.123Z  INFO 1 --- [nio-8080-exec-1] c.e.RequestLog : method=GET uri=/a …

A line is a record if its message is nothing but pairs, perhaps behind a label, and they state a
finished request (`json_logs.aliases` has the names). Lines without a header belong to what stands
before them: whatever a stack trace says, it is no request.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, LineParser, ParseError, Record, Skip
from hooktail_parsers.apps.pairs import PairReader
from hooktail_parsers.joining import JoinRules, join
from hooktail_parsers.json_logs.aliases import APP, APP_CONTAINERS, aliases, joined
from hooktail_parsers.json_logs.parser import JsonPlan, ObjectReader
from hooktail_parsers.memo import Memo
from hooktail_parsers.options import COMMON_OPTIONS, check_options, text_decoder
from hooktail_parsers.times import IsoSeconds, iso_time_ms, zone_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail_parsers._api import Parsed, StatefulParser

BLANK = Skip("blank")
NO_REQUEST = Skip("no_request")
SYNTAX = ParseError("syntax")
BAD_TIME = ParseError("bad_time")

_COLOUR = re.compile(rb"\x1b\[[0-9;]*+m")
_STAMP = (
    rb"([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}"
    rb"(?:[.,][0-9]{1,9})?(?: ?(?:Z|[+-][0-9]{2}:?[0-9]{2}))?) "
)
_LEVEL = rb"(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)"
_IN_BRACKETS = rb"\[[^\[\]]*+\]"
_HEADER = re.compile(
    _STAMP
    + rb" *+(?:"
    # Spring Boot: level, perhaps application and trace, process, thread, logger
    + (_LEVEL + rb" ++(?>(?:" + _IN_BRACKETS + rb" ++)*)[0-9]++ --- (?>(?:" + _IN_BRACKETS)
    + rb" ?+)+)(\S++) *+: "
    # Logback's and Log4j's own: thread and level in either order
    + (rb"|(?:" + _IN_BRACKETS + rb" ++" + _LEVEL + rb"|" + _LEVEL + rb"(?> ++" + _IN_BRACKETS)
    + rb"|)) ++(\S++) *+(?:-|:) "
    + rb")"
).match
# Colours may come first. Any line with a time at its beginning is the next record, whosever it is.
_RULES = JoinRules(
    start=r"^(?:\x1b\[[0-9;]*m)?[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}"
)
_PLAN = JsonPlan(
    joined(APP, aliases(duration="dur")), app=True, status_needed=True, containers=APP_CONTAINERS
)
# The first pair of the message, behind a label: `request: `, `HTTP request completed `.
_FIRST_PAIR = re.compile(rb"(?>(?:[A-Za-z][\w.-]{0,31}+:? ++){0,3})(?=[A-Za-z_][\w.-]*+=)").match


class SpringParser(LineParser):
    """Parses whole records: one line, or several joined by newlines, which are no request."""

    def __init__(self, options: Mapping[str, str]) -> None:
        mapped = [option for option in options if option.startswith("map.")]
        check_options(options, (*COMMON_OPTIONS, "date_format", "session_cookie", *mapped))
        zone = zone_of(options)
        self._seconds = IsoSeconds(zone)
        self._times = Memo(lambda stamp: iso_time_ms(stamp, zone), 1024)
        self._pairs = PairReader(text_decoder(options))
        self._record = ObjectReader(options, _PLAN).record

    def parse(self, line: bytes) -> Parsed:
        """Parses one record."""
        text = _COLOUR.sub(b"", line) if b"\x1b" in line else line
        header = _HEADER(text)
        if header is None:
            return SYNTAX if line.strip(b"\x00 \t\r\n") else BLANK
        message = text[header.end() :].rstrip()
        first = _FIRST_PAIR(message)
        if first is None or b"\n" in message:
            return NO_REQUEST
        pairs = self._pairs.read(message[first.end() :])
        if pairs is None or True in pairs.values():  # a word between pairs: a sentence
            return NO_REQUEST
        parsed = self._record(pairs)
        if isinstance(parsed, Record) and parsed.time_ms is None:
            parsed.time_ms = self._seconds.time_ms(header[1].decode("ascii"))
            if parsed.time_ms is None:
                parsed.time_ms = self._times[header[1]]
            if parsed.time_ms is None:
                return BAD_TIME
        return parsed


def _make(options: Mapping[str, str]) -> StatefulParser:
    return join(SpringParser(options), _RULES)


FORMATS = (
    Format(
        "spring_app",
        "Spring Boot's log; request lines of key=value pairs, names as usual or map.<record key>",
        (
            "time", "ip", "method", "scheme", "host", "port", "path", "query", "status",
            "referrer", "user_agent", "user", "bytes_sent", "duration_s", "cookies", "headers",
            "xff", "session", "request_id", "fields",
        ),
        _make,
        example=(
            "2025-03-14T08:26:53.123Z  INFO 1 --- [nio-8080-exec-1] e.s.RequestLog : method=GET"
            ' uri=/items?page=2 status=200 client=203.0.113.7 ua="Agent/1.0 (X11)" dur=12'
        ),
        source="Spring Boot, default Logback pattern; Logback and Log4j, common patterns",
    ),
)  # fmt: skip
