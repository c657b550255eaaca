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


class LateRecord(Record, Generic[Source]):
    """A record whose `fields` and `headers` are those of `careful(source)`, read once.

    `careful` must be pure and make a record of the source, or these two stay None. In all else it
    is a `Record`, and equal to one that holds the same.
    """

    __slots__ = ("_careful", "_fields", "_headers", "_source")

    def __init__(
        self,
        time_ms: int | None = None,
        ip: str | None = None,
        method: str | None = None,
        scheme: str | None = None,
        host: str | None = None,
        port: int | None = None,
        path: str | None = None,
        query: str | None = None,
        status: int | None = None,
        referrer: str | None = None,
        user_agent: str | None = None,
        user: str | None = None,
        bytes_sent: int | None = None,
        duration_s: float | None = None,
        cookies: str | None = None,
        headers: dict[str, str] | None = None,
        xff: str | None = None,
        session: str | None = None,
        request_id: str | None = None,
        fields: dict[str, JsonValue] | None = None,
        careful: Callable[[Source], Result] | None = None,
        source: Source | None = None,
    ) -> None:
        """Takes what a `Record` takes, in its order; without `careful` nothing is late."""
        # Not by the base, which would set the two late ones through their properties.
        self.time_ms = time_ms
        self.ip = ip
        self.method = method
        self.scheme = scheme
        self.host = host
        self.port = port
        self.path = path
        self.query = query
        self.status = status
        self.referrer = referrer
        self.user_agent = user_agent
        self.user = user
        self.bytes_sent = bytes_sent
        self.duration_s = duration_s
        self.cookies = cookies
        self._headers = headers
        self.xff = xff
        self.session = session
        self.request_id = request_id
        self._fields = fields
        self._careful = careful
        self._source = source

    @property
    def headers(self) -> dict[str, str] | None:
        """The request headers, read now if they were not yet."""
        if self._careful is not None:
            self._read()
        return self._headers

    @headers.setter
    def headers(self, headers: dict[str, str] | None) -> None:
        if self._careful is not None:
            self._read()
        self._headers = headers

    @property
    def fields(self) -> dict[str, JsonValue] | None:
        """What else the line states, read now if it was not yet."""
        if self._careful is not None:
            self._read()
        return self._fields

    @fields.setter
    def fields(self, fields: dict[str, JsonValue] | None) -> None:
        if self._careful is not None:
            self._read()
        self._fields = fields

    def _read(self) -> None:
        careful, source = self._careful, self._source
        self._careful = self._source = None
        if careful is None or source is None:
            return
        whole = careful(source)
        if isinstance(whole, Record):
            self._headers, self._fields = whole.headers, whole.fields

    def __eq__(self, other: object) -> bool:
        """Compares what a record holds, whichever of the two classes the other is of."""
        if not isinstance(other, Record):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in _NAMES)

    __hash__ = None  # type: ignore[assignment]  # as for Record: it can be changed

    def __repr__(self) -> str:
        """Shows the record, whole."""
        return f"Record({', '.join(f'{name}={getattr(self, name)!r}' for name in _NAMES)})"


_NAMES = tuple(Record.__match_args__)
