"""Request headers, wherever the format of a log has put them.

Some formats keep headers apart (`headers`), others have them among `fields`, under names that their
servers gave them: `http_sec_gpc`, `cs(Sec-GPC)`, `http.request.headers.sec-gpc`, `sec_gpc`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract.cache import LONGEST_KEY, Cache

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hooktail_parsers import Record

_CALLED = re.compile(
    r"(?:cs\((?P<column>[^()]+)\)"
    r"|(?:(?:http[._])?(?:request|req)[._]headers?[._]|headers?[._]|http_|request_)?(?P<name>.+))",
    re.DOTALL | re.IGNORECASE,
)
_OBJECTS = (
    ("headers",),
    ("request_headers",),
    ("request", "headers"),
    ("req", "headers"),
    ("http", "request", "headers"),
)
"""Where an application's log keeps an object of headers."""
_TOPS = frozenset(steps[0] for steps in _OBJECTS)
_MOST_SHAPES = 512
_NOTHING: Mapping[str, str] = {}


class LoggedHeaders:
    """Finds the values of some headers in records, and remembers where by the records' keys."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(name.lower() for name in names)
        self._in_headers = _Shapes(self._names, by_field=False)
        self._in_fields = _Shapes(self._names, by_field=True)

    def of(self, record: Record) -> Mapping[str, str]:
        """Returns what the record says, by lower-case names; nothing for `-` and blanks."""
        headers, fields = record.headers, record.fields
        in_headers = self._in_headers[tuple(headers)] if headers else None
        in_fields = self._in_fields[tuple(fields)] if fields else None
        if in_headers is None and in_fields is None:
            return _NOTHING
        found: dict[str, str] = {}
        if headers and in_headers is not None:
            _add(headers, in_headers, found)
        if fields and in_fields is not None:
            _add(fields, in_fields, found)
            if in_fields.has_objects:
                self._add_nested(fields, found)
        return found

    def _add_nested(self, fields: Mapping[str, object], found: dict[str, str]) -> None:
        for steps in _OBJECTS:
            inner = _follow(fields, steps)
            if not isinstance(inner, dict):
                continue
            for key, value in inner.items():
                name = key.lower().replace("_", "-")
                if name in self._names and name not in found and (text := _text(value)):
                    found[name] = text


class _Shape(NamedTuple):
    """Which keys of a mapping hold headers."""

    places: tuple[tuple[str, str], ...]
    """Names of headers, each with its key."""
    has_objects: bool
    """Whether there may be an object of headers."""


class _Shapes(dict[tuple[str, ...], "_Shape | None"]):
    """Remembers, by the keys of a mapping, which of them hold the headers that are wanted."""

    def __init__(self, names: frozenset[str], *, by_field: bool) -> None:
        super().__init__()
        self._names = names
        self._by_field = by_field
        self._called: Cache[str] = Cache(_field_called if by_field else str.lower, 2048)

    def __missing__(self, keys: tuple[str, ...]) -> _Shape | None:
        called = self._called
        places = [(called[key], key) for key in keys if called[key] in self._names]
        # A field that says that it is a header comes before one that may be something else.
        places.sort(key=lambda place: place[1].lower().replace("_", "-") == place[0])
        has_objects = self._by_field and not _TOPS.isdisjoint(keys)
        shape = _Shape(tuple(places), has_objects) if places or has_objects else None
        if sum(map(len, keys)) <= LONGEST_KEY:
            if len(self) >= _MOST_SHAPES:
                self.clear()
            self[keys] = shape
        return shape


def _add(values: Mapping[str, object], shape: _Shape, found: dict[str, str]) -> None:
    for name, key in shape.places:
        if name not in found and (text := _text(values[key])):
            found[name] = text


def _field_called(key: str) -> str:
    """Returns the lower-case name of the header that a field of this name may hold."""
    found = _CALLED.fullmatch(key)
    name = "" if found is None else found["column"] or found["name"]
    return name.lower().replace("_", "-")


def _follow(fields: Mapping[str, object], steps: tuple[str, ...]) -> object:
    value: object = fields
    for step in steps:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value


def _text(value: object) -> str:
    """Returns a header's value as text; empty for none (`-`), and for what is no header's."""
    match value:
        case [first, *_]:
            return _text(first) if not isinstance(first, list) else ""
        case bool():
            return "1" if value else "0"
        case int():
            return str(value)
        case str():
            text = value.strip()
            return "" if text == "-" else text
        case _:
            return ""
