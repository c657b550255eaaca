"""The fields of a rule's event: where a value comes from and what it is cast to.

A value that cannot be cast counts as missing; nothing is guessed.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote

from hooktail.extract.links import TooLarge
from hooktail.extract.pageview import header
from hooktail.extract.text import stated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hooktail_parsers import Record

Scalar: TypeAlias = "str | int | float | bool"
Groups: TypeAlias = "Mapping[str, str]"
ParseQuery: TypeAlias = "Callable[[str], Mapping[str, str]]"

# fmt: off
RECORD_KEYS = (
    "ip", "method", "scheme", "host", "port", "path", "query", "status", "referrer",
    "user_agent", "user", "bytes_sent", "duration_s", "xff", "session", "request_id",
)
# fmt: on
SOURCES = ("query.NAME", "group.NAME", "fields.NAME", "cookie.NAME", "header.NAME", *RECORD_KEYS)

_EXACT = 2**53
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledField:
    """One field, ready to be asked of a record."""

    name: str
    source: str
    """As in the file, for people; `""` for a constant."""
    type: str
    read: Callable[[Record, Groups], object]
    cast: Callable[[object], Scalar | None]
    required: bool
    default: Scalar | None
    max_length: int

    def value(self, record: Record, groups: Groups) -> Scalar | None:
        """Returns the value for the body, None if there is none.

        Raises TooLarge if it is longer than `max_length`: a cut order id would be another one.
        """
        found = self.read(record, groups)
        value = None if found is None else self.cast(found)
        if value is None:
            return self.default
        if isinstance(value, str) and len(value) > self.max_length:
            raise TooLarge
        return value


def to_string(value: object) -> str | None:
    """Casts a JSON value to text; objects, lists and what says nothing (`""`, `-`) to None."""
    if isinstance(value, str):
        return stated(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _int_text(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    return None


def to_integer(value: object) -> int | str | None:
    """Casts whole numbers; beyond 2**53, where JSON readers lose digits, they stay text."""
    if isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        return value if abs(value) <= _EXACT else _int_text(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if not _INTEGER.fullmatch(text):
        return None
    digits = text.lstrip("+-").lstrip("0") or "0"
    sign = "-" if text.startswith("-") and digits != "0" else ""
    if len(digits) > 16 or int(digits) > _EXACT:
        return sign + digits
    return int(sign + digits)


def to_number(value: object) -> int | float | str | None:
    """Casts decimal numbers with a point; no thousands, no comma, no NaN, no infinity."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    whole = to_integer(value)
    if whole is not None or not isinstance(value, str):
        return whole
    text = value.strip()
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    return number if math.isfinite(number) else None


def to_boolean(value: object) -> bool | None:
    """Casts true/false, yes/no and 1/0."""
    if isinstance(value, bool):
        return value
    return _BOOLEANS.get(str(value).strip().lower()) if isinstance(value, str | int) else None


_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

CASTS: Mapping[str, Callable[[object], Scalar | None]] = {
    "string": to_string,
    "number": to_number,
    "integer": to_integer,
    "boolean": to_boolean,
}


def _int_text(value: int) -> str | None:
    try:
        return str(value)
    except ValueError:  # over 4,300 digits Python refuses to write
        return None


def reader(source: str, parse: ParseQuery) -> Callable[[Record, Groups], object] | None:
    """Compiles where a value comes from (`query.order`); None if there is no such place."""
    if source in RECORD_KEYS:
        return lambda record, _: getattr(record, source)
    place, dot, name = source.partition(".")
    if not dot or not name:
        return None
    match place:
        case "query":
            return lambda record, _: parse(record.query).get(name) if record.query else None
        case "group":
            return lambda _, groups: groups.get(name)
        case "cookie":
            return lambda record, _: cookie(record.cookies, name)
        case "header":
            lower = name.lower()
            return lambda record, _: header(record, lower)
        case "fields":
            steps = name.split(".")
            return lambda record, _: _nested(record.fields, name, steps)
        case _:
            return None


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
