r"""Laravel's log, as Monolog's line formatter writes it.

    [2025-03-14 08:26:53] production.INFO: message {"context":"JSON"} []

A record goes on to the next line that begins with a time: traces hold raw newlines, and the
context may be complete only in the last line. No record states a request by itself: only options
`map.*` make events. Their keys in the log are `message`, `level`, `channel`, `datetime`,
`context.…` and `extra.…`; any other is looked up in the context. What has none of the mapped values
besides its event name is no event that the user means; neither are debug messages, errors, and
what comes with an exception.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers import json_text
from hooktail_parsers._api import Format, LineParser, ParseError, Record, Skip
from hooktail_parsers.joining import JoinRules, join
from hooktail_parsers.json_logs.aliases import aliases
from hooktail_parsers.json_logs.balance import end_of_value
from hooktail_parsers.json_logs.parser import JsonPlan, ObjectReader
from hooktail_parsers.json_logs.repair import repaired
from hooktail_parsers.options import COMMON_OPTIONS, check_options, text_decoder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail_parsers._api import Parsed, StatefulParser

BLANK = Skip("blank")
NO_REQUEST = Skip("no_request")
SYNTAX = ParseError("syntax")

_START = (
    rb"\[([0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}[0-9.:+Z-]{0,20})\] "
    rb"([A-Za-z0-9_-]{1,64})"
    rb"\.(DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL|ALERT|EMERGENCY): "
)
_HEADER = re.compile(_START).match
_RULES = JoinRules(start="^" + _START.decode("ascii"))
_PLAN = JsonPlan(aliases(time="datetime"), app=True)
_NO_EVENTS = frozenset((b"DEBUG", b"ERROR", b"CRITICAL", b"ALERT", b"EMERGENCY"))
_OF_THE_RECORD = frozenset(("event", "time"))
"""What every record of the log has."""
_KEYS = frozenset(("datetime", "channel", "level", "message", "context", "extra"))
_STATED_AS = {"url": "path", "request": "path"}
_BEGINNING = re.compile(rb"(?:\A| )(?=[{\[])").finditer
_MOST_BEGINNINGS = 16
_NOTHING: dict[str, object] = {}


class LaravelParser(LineParser):
    """Parses whole records: one line, or several joined by newlines."""

    def __init__(self, options: Mapping[str, str]) -> None:
        mapped = [option for option in options if option.startswith("map.")]
        check_options(options, (*COMMON_OPTIONS, "date_format", "session_cookie", *mapped))
        self._decode = text_decoder(options)
        placed = {option: _placed(path) for option, path in options.items() if option in mapped}
        self._reader = ObjectReader({**options, **placed}, _PLAN) if mapped else None
        keys = {option.removeprefix("map.") for option in mapped} - _OF_THE_RECORD
        self._values = tuple(_STATED_AS.get(key, key) for key in sorted(keys))

    def parse(self, line: bytes) -> Parsed:
        """Parses one record."""
        header = _HEADER(line)
        if header is None:
            return SYNTAX if line.strip(b"\x00 \t\r\n") else BLANK
        stamp, channel, level = header.groups()
        if self._reader is None or level in _NO_EVENTS:
            return NO_REQUEST
        apart = self._taken_apart(line[header.end() :].rstrip())
        if apart is None or "exception" in apart[1]:
            return NO_REQUEST
        message, context, extra = apart
        parsed = self._reader.record(
            {
                "datetime": stamp.decode("ascii"),
                "channel": channel.decode("ascii"),
                "level": level.decode("ascii"),
                "message": self._decode(message),
                "context": context,
                "extra": extra,
            }
        )
        return NO_REQUEST if isinstance(parsed, Record) and not self._is_meant(parsed) else parsed

    def _is_meant(self, record: Record) -> bool:
        """Tells whether some mapped value is there."""
        own = record.fields or {}
        return not self._values or any(
            key.removeprefix("fields.") in own
            if key.startswith("fields.")
            else getattr(record, key, None) is not None
            for key in self._values
        )

    def _taken_apart(
        self, text: bytes
    ) -> tuple[bytes, dict[str, object], dict[str, object]] | None:
        """Splits a text into message, context and extra; None if an object has no end here.

        A message may hold brackets too.
        """
        for number, beginning in enumerate(_BEGINNING(text)):
            start = beginning.end()
            if not number and (context := self._last_object(text, start)) is not None:
                return text[: beginning.start()], context, _NOTHING
            end = end_of_value(text, start)
            if number >= _MOST_BEGINNINGS or (end is None and text.startswith(b'{"', start)):
                return None
            values = None if end is None else self._objects(text, start, end)
            if values is not None:
                return text[: beginning.start()], *values
        return text, _NOTHING, _NOTHING

    def _last_object(self, text: bytes, start: int) -> dict[str, object] | None:
        """Reads an object behind which stands an empty extra or nothing, as is usual; or None.

        What is JSON as a whole need not be followed bracket by bracket.
        """
        whole = text[start:].removesuffix(b"[]").rstrip()
        if not whole.startswith(b"{") or not whole.endswith(b"}"):
            return None
        try:
            found = json_text.loads(whole)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def _objects(
        self, text: bytes, start: int, end: int
    ) -> tuple[dict[str, object], dict[str, object]] | None:
        """Reads one or two objects that stand from `start` to the text's end, or None."""
        rest = text[end:].lstrip()
        if rest and end_of_value(rest, 0) != len(rest):
            return None
        context = self._object(text[start:end])
        extra = self._object(rest) if rest else _NOTHING
        return None if context is None or extra is None else (context, extra)

    def _object(self, text: bytes) -> dict[str, object] | None:
        """Decodes an object; PHP writes an empty one as a list."""
        if text == b"[]":
            return _NOTHING
        try:
            found = json_text.loads(text)
        except ValueError:
            try:
                found = json_text.loads(self._decode(repaired(text)).encode("utf-8", "replace"))
            except ValueError:
                return None
        return found if isinstance(found, dict) else None


def _placed(path: str) -> str:
    """Returns where a mapped key stands in a record, as `ObjectReader` is given it."""
    own = path.strip().partition(".")[0] in _KEYS
    return path if own or not path.strip() else f"context.{path.strip()}"


def _make(options: Mapping[str, str]) -> StatefulParser:
    return join(LaravelParser(options), _RULES)


FORMATS = (
    Format(
        "laravel_app",
        "Laravel's log (Monolog lines); makes events only with map.<record key>",
        (
            "time", "ip", "method", "scheme", "host", "port", "path", "query", "status",
            "referrer", "user_agent", "user", "bytes_sent", "duration_s", "cookies", "headers",
            "xff", "session", "request_id", "fields",
        ),
        _make,
        example=(
            '[2025-03-14 08:26:53] production.INFO: order.placed {"ip":"203.0.113.7",'
            '"url":"https://shop.example/checkout?step=3"} []'
        ),
        source="Monolog, LineFormatter, as configured by Laravel",
    ),
)  # fmt: skip
