"""Records of which the seldom wanted parts are read when somebody asks for them.

Most lines of a log are for files that nobody counts, and of those only the path is ever looked at.
A quick reader therefore reads what decides that, and leaves `fields` and `headers` to the careful
one, which reads the same line in full once they are wanted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from hooktail_parsers._api import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail_parsers._api import JsonValue, Result

Source = TypeVar("Source")


class LateRecord(Record, Generic[Source], gc=False):
    """A record whose `fields` and `headers` are those of `careful(source)`, read once.

    `careful` must be pure and make a record of the source, or these two stay None; without it
    nothing is late. In all else it is a `Record`, and equal to one that holds the same.
    """

    # Not collected either: a source is a line's own text or values, and a parser keeps no record.
    careful: Callable[[Source], Result] | None = None
    source: Source | None = None

    @property  # type: ignore[misc]  # of a struct mypy believes that nothing can hide a field
    def headers(self) -> dict[str, str] | None:
        """The request headers, read now if they were not yet."""
        if self.careful is not None:
            self._read()
        return _headers_of(self)

    @headers.setter
    def headers(self, headers: dict[str, str] | None) -> None:
        if self.careful is not None:
            self._read()
        _set_headers(self, headers)

    @property  # type: ignore[misc]  # as for the headers
    def fields(self) -> dict[str, JsonValue] | None:
        """What else the line states, read now if it was not yet."""
        if self.careful is not None:
            self._read()
        return _fields_of(self)

    @fields.setter
    def fields(self, fields: dict[str, JsonValue] | None) -> None:
        if self.careful is not None:
            self._read()
        _set_fields(self, fields)

    def _read(self) -> None:
        careful, source = self.careful, self.source
        self.careful = self.source = None
        if careful is None or source is None:
            return
        whole = careful(source)
        if isinstance(whole, Record):
            _set_headers(self, whole.headers)
            _set_fields(self, whole.fields)

    def __eq__(self, other: object) -> bool:
        """Compares what a record holds, whichever of the two classes the other is of."""
        if not isinstance(other, Record):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _NAMES)

    __hash__ = None  # type: ignore[assignment]  # as for Record: it can be changed

    def __repr__(self) -> str:
        """Shows the record, whole."""
        return f"Record({', '.join(f'{name}={getattr(self, name)!r}' for name in _NAMES)})"


_NAMES = Record.__struct_fields__
# What the properties hide: where the base keeps the two.
_HEADERS, _FIELDS = vars(Record)["headers"], vars(Record)["fields"]
_headers_of: Callable[[Record], dict[str, str] | None] = _HEADERS.__get__
_set_headers: Callable[[Record, dict[str, str] | None], None] = _HEADERS.__set__
_fields_of: Callable[[Record], dict[str, JsonValue] | None] = _FIELDS.__get__
_set_fields: Callable[[Record, dict[str, JsonValue] | None], None] = _FIELDS.__set__
