"""Lines that are one JSON object each, to records, by a plan of names (`json_logs.aliases`).

An access log's line must state a request, or it is refused. An application's line makes a record
only if it states a finished request, or holds the event name that the user mapped; other lines are
skipped, whatever is in them, and nothing of them goes anywhere.

    options     map.<record key>=<key in the log>   outdoes the names that the format knows
                map.url, map.request                an absolute URL or a path; a request line
                map.event                           the name of an event: `fields["event"]`
                map.fields.<name>=<key in the log>  a field of the user's own
                timezone, date_format, session_cookie, encoding

A key in the log is written with dots, `client.ip`, whether its levels are nested or dotted there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import orjson

from hooktail_parsers import json_text
from hooktail_parsers._api import Format, OptionError, ParseError, Skip
from hooktail_parsers.json_logs.aliases import SLOTS
from hooktail_parsers.json_logs.records import NOT_A_REQUEST, RecordMaker
from hooktail_parsers.json_logs.repair import repaired
from hooktail_parsers.json_logs.shapes import Names
from hooktail_parsers.options import COMMON_OPTIONS, check_options, text_decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hooktail_parsers._api import Parsed, Record
    from hooktail_parsers.json_logs.aliases import Aliases

Found: TypeAlias = "dict[str, object]"
"""An object of a line, decoded."""
ReadQuickly: TypeAlias = (
    "Callable[[Mapping[str, object], Callable[[Any], Parsed], Any], Record | None]"
)

SYNTAX = ParseError("syntax")
BLANK = Skip("blank")
SEVERAL = ParseError("several_requests")
_BOM = b"\xef\xbb\xbf"
_OPTIONS = (*COMMON_OPTIONS, "date_format", "session_cookie")
_OWN_FIELD = re.compile(r"fields\.([A-Za-z0-9_-]{1,64})").fullmatch
_LONGEST_PATH = 256
_MAPPED_SLOTS = {
    **{name: name for name in SLOTS if name not in ("date", "tls", "said", "duration")},
    "url": "target",
    "path": "target",
}
_MOST_OBJECTS = 1000
_BEGINS = re.compile(rb"[!-~]").match
"""A line before which nothing stands that is passed over."""


@dataclass(frozen=True)
class JsonPlan:
    """How a format's objects are read."""

    names: Aliases
    app: bool = False
    """An application's log: only some lines state requests."""
    status_needed: bool = False
    """For an application's log: a request without a status is not finished."""
    containers: frozenset[str] = frozenset()
    """Normal keys of objects in which every name may stand."""
    header_prefix: str = ""
    """What begins the keys that hold one request header each."""
    undo: Callable[[str], str] | None = None
    """Undoes the escaping of referrer, user agent, cookies and forwarded addresses."""
    mine: Callable[[Mapping[str, object]], bool] | None = None
    """Tells an access log's objects from others of the same program that state a request too."""
    objects: Callable[[Found], Sequence[Found] | None] | None = None
    """Takes an object apart that wraps others, or puts its keys where the names look for them.
    None says that it is no object of this format."""
    prefix: Callable[[bytes], tuple[bytes, str | None] | None] | None = None
    """Cuts off text before the object, and gives the time in it."""


class ObjectReader:
    """Makes records of objects that are decoded already.

    For parsers whose lines come to names and values in another way (logfmt, a message's context):
    `ObjectReader(options, plan).record(found)`. The names may be dotted, values may be text or
    whatever JSON has. `options` are those of the whole format; the keys `map.*`, `timezone`,
    `year`, `date_format` and `session_cookie` are looked at here, others are not.
    """

    def __init__(self, options: Mapping[str, str], plan: JsonPlan) -> None:
        """Prepares the names; raises OptionError for a mapping or a format that cannot be used."""
        names = Names(plan.names, plan.containers, plan.header_prefix, _mapped(options))
        self._collect = names.collect
        self._mine = plan.mine
        maker = RecordMaker(
            options,
            names,
            app=plan.app,
            status_needed=plan.status_needed,
            undo=plan.undo,
        )
        self._make = maker.record
        # What the user asks for besides is left to the careful way.
        asked = names.own_fields or names.is_mapped or "session_cookie" in options
        self.read_quickly: ReadQuickly = _no_record if asked else maker.routes.read
        """Gives what `careful(source)` does of an object, or None."""

    def record(self, found: Mapping[str, object]) -> Parsed:
        """Returns the record that an object states, or why it states none. Never raises."""
        if self._mine is None or self._mine(found):
            record = self.read_quickly(found, self.careful_record, found)
            if record is not None:
                return record
        return self.careful_record(found)

    def careful_record(self, found: Mapping[str, object]) -> Parsed:
        """Returns the same, whole and at once, whatever was read before."""
        if self._mine is not None and not self._mine(found):
            return NOT_A_REQUEST
        return self._make(self._collect(found))


def _no_record(_found: Mapping[str, object], _careful: object, _source: object) -> None:
    """Stands for routes where there are none."""


def _mapped(options: Mapping[str, str]) -> dict[str, str]:
    mapped = {}
    for option, path in options.items():
        if not option.startswith("map."):
            continue
        key = option.removeprefix("map.")
        own = _OWN_FIELD(key)
        name = f"fields.{own[1]}" if own else _MAPPED_SLOTS.get(key, "")
        if key == "event":
            name = "fields.event"
        if not name:
            allowed = ", ".join(sorted((*_MAPPED_SLOTS, "event", "fields.<name>")))
            raise OptionError(option, f"no record key; allowed behind `map.`: {allowed}")
        if not 0 < len(path.strip()) <= _LONGEST_PATH:
            raise OptionError(option, f"found {path!r}; allowed: a key of the log, `client.ip`")
        mapped[name] = path.strip()
    return mapped


class JsonParser:
    """Parses lines of one object each. Without state between lines."""

    def __init__(self, options: Mapping[str, str], plan: JsonPlan) -> None:
        check_options(
            {key: text for key, text in options.items() if not key.startswith("map.")}, _OPTIONS
        )
        decode = text_decoder(options)
        self._decode = (
            None if options.get("encoding", "utf-8").lower() in ("utf-8", "utf8") else decode
        )
        self._decode_any = decode
        self._reader = ObjectReader(options, plan)
        self._plan = plan

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order."""
        reader = self._reader
        quickly, careful = reader.read_quickly, reader.careful_record
        # What is read late is read from the line: what stands in it is not kept until then.
        late = self.careful_parse
        mine, objects, prefix = self._plan.mine, self._plan.objects, self._plan.prefix
        ordinary, loads = self._decode is None, orjson.loads
        exact: bool | None = None
        parsed: list[Parsed] = []
        append = parsed.append
        for line in lines:
            if ordinary and line.startswith(b"{"):
                text, stated = line, None
            elif ordinary and prefix is not None and _BEGINS(line) and (cut := prefix(line)):
                text, stated = cut
            else:
                append(self._parse_any(line))
                continue
            try:
                found = loads(text)
            except orjson.JSONDecodeError:
                append(self._parse_any(line))
                continue
            if stated is not None:
                found.setdefault("time", stated)
            if objects is not None:
                apart = objects(found)
                if apart is None or len(apart) != 1:
                    append(self._parse_any(line))
                    continue
                found = apart[0]
            # What `reader.record` does, spelt out: a call less for every line.
            if mine is None or mine(found):
                record = quickly(found, late, line)
                if record is not None:
                    append(record)
                    continue
            # The quick way takes nothing that orjson may have rounded; here it has to be known.
            if exact is None:
                exact = not json_text.may_round(b"\n".join(lines))
            append(careful(found) if exact else late(line))
        return parsed

    def careful_parse(self, line: bytes) -> Parsed:
        """Parses one line the careful way, whatever came before it."""
        return self._parse_any(line, self._reader.careful_record)

    def _parse_any(self, line: bytes, record: Callable[[Found], Parsed] | None = None) -> Parsed:
        record = record or self._reader.record
        text = line.removeprefix(_BOM).strip(b"\x00 \t\r\n")
        if not text:
            return BLANK
        stated: str | None = None
        if not text.startswith(b"{"):
            cut = None if self._plan.prefix is None else self._plan.prefix(text)
            if cut is None:
                return SYNTAX
            text, stated = cut
        found = self._object(text)
        if found is None:
            return SYNTAX
        if stated is not None:
            found.setdefault("time", stated)
        objects = self._plan.objects
        if objects is None:
            return record(found)
        apart = objects(found)
        return SYNTAX if apart is None else self._one_of(apart, record)

    def _object(self, text: bytes) -> Found | None:
        """Decodes an object, repaired if need be; None if it is none."""
        text = text.removesuffix(b",").rstrip()  # a line of a list
        if not text.endswith(b"}"):
            return None
        found: object = None
        try:
            found = json_text.loads(
                text if self._decode is None else self._decode(text).encode("utf-8", "replace")
            )
        except (orjson.JSONDecodeError, UnicodeError):
            whole = self._decode_any(repaired(text)).encode("utf-8", "replace")
            try:
                found = json_text.loads(whole)
            except orjson.JSONDecodeError:
                return None
        return found if isinstance(found, dict) else None

    def _one_of(self, objects: Sequence[Found], record: Callable[[Found], Parsed]) -> Parsed:
        """Returns the one request of a line's objects; a line of several is refused whole."""
        if len(objects) == 1:
            return record(objects[0])
        only: Parsed | None = None
        other: Parsed = SYNTAX
        if len(objects) > _MOST_OBJECTS:
            return SEVERAL
        for found in objects:
            parsed = record(found)
            if isinstance(parsed, Skip | ParseError):
                other = parsed
            elif only is not None:
                return SEVERAL
            else:
                only = parsed
        return other if only is None else only


def json_format(
    name: str, summary: str, plan: JsonPlan, *, example: str = "", source: str = ""
) -> Format:
    """Makes a format of a plan."""

    def make(options: Mapping[str, str]) -> JsonParser:
        return JsonParser(options, plan)

    return Format(name, summary, _fields(plan), make, example=example, source=source)


# What a target can state, and what is kept beside the named slots.
_ALWAYS = ("time", "method", "scheme", "host", "port", "path", "query", "fields")
_SLOT_FIELDS = {
    "duration": "duration_s", "duration_ms": "duration_s", "duration_us": "duration_s",
    "duration_ns": "duration_s", "date": "time", "request": "method", "target": "path",
    "tls": "scheme", "said": "fields",
}  # fmt: skip
_IN_HEADERS = ("host", "referrer", "user_agent", "cookies", "xff")


def _fields(plan: JsonPlan) -> tuple[str, ...]:
    fields = dict.fromkeys(_ALWAYS)
    for slot in plan.names:
        fields[_SLOT_FIELDS.get(slot, slot)] = None
    if "headers" in plan.names or plan.header_prefix:
        fields.update(dict.fromkeys((*_IN_HEADERS, "headers")))
    return tuple(fields)
