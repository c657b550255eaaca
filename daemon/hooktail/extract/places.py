"""Where in a record a value stands: `query.order`, `fields.a.b`, `cookie.sid`, `user`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import unquote

from hooktail.extract.headers import LoggedHeaders
from hooktail.extract.plus_signs import marked, settled, unmarked
from hooktail.extract.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hooktail_parsers import Record

Groups: TypeAlias = "Mapping[str, str]"
ParseQuery: TypeAlias = "Callable[[str], Mapping[str, str]]"
Read: TypeAlias = "Callable[[Record, Groups], object]"

NO_GROUPS: Groups = {}
_YEAR_10000_MS = 253_402_300_800_000

# fmt: off
RECORD_KEYS = (
    "ip", "method", "scheme", "host", "port", "path", "query", "status", "referrer",
    "user_agent", "user", "bytes_sent", "duration_s", "xff", "session", "request_id",
)
PLACES = (
    "query.NAME", "group.NAME", "fields.NAME", "cookie.NAME", "header.NAME", "date", *RECORD_KEYS,
)
# fmt: on


class Surroundings(NamedTuple):
    """What the rules of a source share: the parser of queries, and the source's own host."""

    parse: ParseQuery
    site_host: str | None = None
    """The host of lines that name none."""


def reader(place: str, surroundings: Surroundings) -> Read | None:
    """Compiles where a value comes from (`query.order`); None if there is no such place.

    `cookies.` and `headers.`, as the record calls them, are as good as `cookie.` and `header.`.
    """
    parse, site_host = surroundings
    if place == "host":
        return lambda record, _: record.host or site_host
    if place in RECORD_KEYS:
        return lambda record, _: getattr(record, place)
    if place == "date":
        return lambda record, _: _date(record.time_ms)
    kind, dot, name = place.partition(".")
    if not dot or not name:
        return None
    match kind:
        case "query":
            return lambda record, _: _parameter(record.query, name, parse)
        case "group":
            return lambda _, groups: groups.get(name)
        case "cookie" | "cookies":
            return lambda record, _: cookie(record.cookies, name)
        case "header" | "headers":
            lower = name.lower()
            logged = LoggedHeaders((lower,))
            return lambda record, _: logged.of(record).get(lower)
        case "fields":
            steps = name.split(".")
            return lambda record, _: _nested(record.fields, name, steps)
        case _:
            return None


def _parameter(query: str | None, name: str, parse: ParseQuery) -> str | None:
    """Finds a parameter, decoded; a raw `+` that begins a phone number in it is no blank."""
    if not query:
        return None
    value = parse(query).get(name)
    if value and "+" in query and any(map(str.isdecimal, value)):
        told = parse(marked(query)).get(marked(name.replace(" ", "+")))
        # Otherwise it is another parameter's, or `parse` knew the sign of a whole number itself.
        if told is not None and clean(unmarked(told)) == value:
            return clean(settled(told))
    return value


def _date(time_ms: int | None) -> str | None:
    """Returns the day of a time since 1970, in UTC."""
    if time_ms is None or not 0 <= time_ms < _YEAR_10000_MS:
        return None
    return f"{datetime.fromtimestamp(time_ms // 1000, UTC):%Y-%m-%d}"


def group_of(place: str) -> str | None:
    """Names the group that a place stands for, None if it is another kind of place."""
    kind, _, name = place.partition(".")
    return name if kind == "group" else None


def cookie(cookies: str | None, name: str) -> str | None:
    """Finds a cookie in a logged `Cookie` header, percent-decoded once."""
    for pair in (cookies or "").split(";"):
        key, equals, value = pair.strip().partition("=")
        if equals and key == name:
            return unquote(value.strip('"'), errors="replace")
    return None


def _nested(fields: object, name: str, steps: list[str]) -> object:
    if isinstance(fields, dict) and name in fields:
        return fields[name]
    for step in steps:
        if not isinstance(fields, dict):
            return None
        fields = fields.get(step)
    return fields
