"""What a field's value is cast to. What cannot be cast is None: nothing is guessed."""

from __future__ import annotations

import json
import math
import re
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from hooktail.extract.normal import iso_time
from hooktail.extract.text import clean, stated
from hooktail.extract.validation import TooLarge
from hooktail_parsers.times import epoch_number_ms, iso_time_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import tzinfo

    from hooktail_parsers import JsonValue

Scalar: TypeAlias = "str | int | float | bool"
Cast: TypeAlias = "Callable[[object], JsonValue]"
Decimal = Literal["point", "comma"]

MAX_DEPTH = 8
"""Lists and objects within each other, in a field of type json."""
MAX_VALUES = 1000
"""Values in one field of type json or list, those of inner objects included."""
MAX_KEY = 128
MAX_JSON_TEXT = 32 * 1024
"""Characters of text that is read as JSON; the body is limited to as many bytes."""

_EXACT = 2**53
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
# Thousands are three digits behind the first group, or there are no marks at all. Blanks, also the
# narrow and the unbreakable one, and apostrophes are marks in either style.
_STYLED = {
    "point": re.compile(r"([+-]?)([0-9]{1,3}(?:([, '\u2019\u00a0\u202f])[0-9]{3}"
                        r"(?:\3[0-9]{3})*)|[0-9]+)(?:\.([0-9]+))?"),
    "comma": re.compile(r"([+-]?)([0-9]{1,3}(?:([. '\u2019\u00a0\u202f])[0-9]{3}"
                        r"(?:\3[0-9]{3})*)|[0-9]+)(?:,([0-9]+))?"),
}  # fmt: skip
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH = re.compile(r"[0-9]{9,19}(?:\.[0-9]{1,9})?")
_FIRST_EPOCH = 10**8
"""Counts since the epoch below this (March 1973, in seconds) are taken for no time."""


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


def to_list(value: object) -> list[JsonValue] | None:
    """Casts a list of texts, numbers and booleans, or the JSON text of one.

    What says nothing is left out, and an empty list is None. Raises TooLarge beyond `MAX_VALUES`.
    """
    if isinstance(value, str):
        value = _from_text(value, "[")
    if not isinstance(value, list) or any(isinstance(item, list | dict) for item in value):
        return None
    cast = to_json(value)
    return cast if isinstance(cast, list) else None


def to_json(value: object) -> JsonValue:
    """Casts any JSON value; text must be that of a list or an object.

    Inside, what says nothing (null, `""`, `-`, empty lists and objects) is left out, whole numbers
    beyond 2**53 become text, and a NaN spoils it all. Raises TooLarge beyond `MAX_DEPTH` and
    `MAX_VALUES`, and for keys over `MAX_KEY` characters.
    """
    if isinstance(value, str):
        value = _from_text(value, "[{")
    try:
        return _tidy(value, MAX_DEPTH, [MAX_VALUES])
    except ValueError:
        return None


def _from_text(text: str, brackets: str) -> object:
    text = text.strip()
    if text[:1] not in brackets or not text:
        return None
    if len(text) > MAX_JSON_TEXT:
        raise TooLarge
    try:
        # Not orjson: it rounds whole numbers of more than 64 bits.
        value: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value


def _tidy(value: object, depth: int, left: list[int]) -> JsonValue:
    """Raises ValueError for what JSON cannot say; `left` counts the values that may still come."""
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        raise TooLarge
    match value:
        case None | bool():
            return value
        case str():
            return stated(value)
        case int():
            return to_integer(value)
        case float():
            if not math.isfinite(value):
                raise ValueError
            return value
        case list():
            items = [_tidy(item, depth - 1, left) for item in value]
            return [item for item in items if item is not None] or None
        case dict():
            tidied: dict[str, JsonValue] = {}
            for name, inner in value.items():
                key = clean(str(name))
                if len(key) > MAX_KEY:
                    raise TooLarge
                kept = _tidy(inner, depth - 1, left)
                if key and kept is not None:
                    tidied[key] = kept
            return tidied or None
        case _:
            raise ValueError


def to_timestamp(value: object, zone: tzinfo) -> str | None:
    """Casts ISO 8601 and counts since the epoch (s, ms, µs, ns by their digits).

    Without a zone it is a local time of `zone`; a day alone is its first instant. The result is
    UTC: `2025-03-14T08:26:53.000Z`.
    """
    time_ms: int | None = None
    if isinstance(value, str):
        text = value.strip()
        if _EPOCH.fullmatch(text):
            value = float(text) if "." in text else int(text)
        elif text.isascii() and len(text) <= 64:
            stamp = f"{text}T00:00:00" if _DAY.fullmatch(text) else text
            time_ms = iso_time_ms(stamp.encode(), zone)
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= _FIRST_EPOCH:
        time_ms = epoch_number_ms(value)
    return None if time_ms is None else iso_time(time_ms)


def _styled(value: object, style: Decimal) -> object:
    """Rewrites text in a declared style with a point and without marks; other text is None."""
    if not isinstance(value, str):
        return value
    found = _STYLED[style].fullmatch(value.strip())
    if found is None:
        return None
    sign, whole, mark, decimals = found.groups()
    return f"{sign}{whole.replace(mark, '') if mark else whole}.{decimals or 0}"


def _whole_styled(value: object, style: Decimal) -> int | str | None:
    text = _styled(value, style)
    if isinstance(text, str):
        whole, _, decimals = text.partition(".")
        return None if decimals.strip("0") else to_integer(whole)
    return to_integer(text)


def _number_styled(value: object, style: Decimal) -> int | float | str | None:
    whole = _whole_styled(value, style)
    return to_number(_styled(value, style)) if whole is None else whole


CASTS: Mapping[str, Cast] = {
    "string": to_string,
    "number": to_number,
    "integer": to_integer,
    "boolean": to_boolean,
    "list": to_list,
    "json": to_json,
}
"""Those that need nothing but the value."""

TYPES = (*CASTS, "timestamp")


def cast_to(kind: str, *, decimal: Decimal | None, zone: tzinfo) -> Cast:
    """Returns the cast of a type.

    `zone` is that of times without one; `decimal` is how numbers are written, None for plain ones.
    """
    if kind == "timestamp":
        return partial(to_timestamp, zone=zone)
    if decimal is not None and kind == "integer":
        return partial(_whole_styled, style=decimal)
    if decimal is not None and kind == "number":
        return partial(_number_styled, style=decimal)
    return CASTS[kind]


def longest_text(value: JsonValue) -> int:
    """Returns the characters of the longest text in a value that was cast."""
    match value:
        case str():
            return len(value)
        case list():
            return max(map(longest_text, value), default=0)
        case dict():
            return max(map(longest_text, value.values()), default=0)
        case _:
            return 0


def _int_text(value: int) -> str | None:
    try:
        return str(value)
    except ValueError:  # over 4,300 digits Python refuses to write
        return None
