"""From the texts that a layout's variables have on a line to a record.

Each text has a meaning: what it says of the request. Where several say the same (`$bytes_sent` and
`$body_bytes_sent`), the one of the lowest rank is the record's, and the others go to `fields` under
their names; hosts and schemes stand in for one another where a line lacks one. A plan knows nothing
of lines: it is given the texts, in the order of the meanings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from hooktail_parsers._api import JsonValue, ParseError, Record
from hooktail_parsers.address import virtual_host
from hooktail_parsers.builders.plain_values import (
    LONGEST_COUNT,
    MISSING,
    https_of,
    ip_of_list,
    method_of,
    port_of,
    scheme_of,
    seconds_of,
    status_of,
    tls_of,
    url_decoded,
)
from hooktail_parsers.cookies import cookie_value
from hooktail_parsers.memo import Memo
from hooktail_parsers.request import Request, read_request, read_target
from hooktail_parsers.text import stated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hooktail_parsers.builders.shapes import Shape

BAD_TIME = ParseError("bad_time")
NOT_A_REQUEST = ParseError("not_a_request")

Role: TypeAlias = Literal[
    "ip", "xff", "request", "method", "target", "query", "host", "port", "scheme", "https", "tls",
    "status", "bytes_sent", "duration_s", "referrer", "user_agent", "user", "cookies", "cookie",
    "header", "session", "request_id", "field", "integer", "number", "ignored",
]  # fmt: skip

_OWN_KEYS = frozenset(
    {
        "ip", "status", "bytes_sent", "duration_s", "referrer", "user_agent", "user", "cookies",
        "session", "request_id",
    }
)  # fmt: skip
"""Roles that are keys of the record, filled by one text."""

PLAIN_REQUEST = rb'([A-Z]++) (/[^ ?"\\]*+)(?:\?([^ "\\]*+))? HTTP/[0-9.]++'
"""An ordinary request line: its method, path and query."""
_PLAIN_REQUEST = re.compile(PLAIN_REQUEST).fullmatch
_PLAIN_TARGET = re.compile(rb'(/[^ ?"\\]*+)(?:\?([^ "\\]*+))?').fullmatch
_SIGNED = re.compile(rb"[+-]?[0-9]{1,15}(?:\.[0-9]{1,15})?").fullmatch


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a variable says."""

    role: Role
    name: str = ""
    """The name under which it goes to `fields`, `headers` or `cookies`; empty to drop it there."""
    header: str = ""
    """The request header that it is, for `headers` if another states the same first."""
    rank: int = 0
    """Among several of one role: the lowest is the record's."""
    per_s: float = 1
    """How many of its units make a second."""
    decode_url: bool = False
    """Whether the writer percent-encodes text that holds no space."""


@dataclass(frozen=True, slots=True)
class Column:
    """A variable of a layout: its name as the definition has it, its shape and its meaning."""

    name: str
    shape: Shape
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class TimeSource:
    """The variables that make the time, by their places, and how to read them.

    Their texts are joined by spaces.
    """

    places: tuple[int, ...]
    read: Callable[[bytes], int | None]


class RecordPlan:
    """Makes records of texts. Its memories make it faster, never different."""

    def __init__(
        self,
        meanings: Sequence[Meaning],
        time: TimeSource | None,
        decode: Callable[[bytes], str],
        unescape: Callable[[bytes], bytes],
        *,
        session_cookie: str | None = None,
        kept: frozenset[str] | None = None,
        escaped_fields: bool = True,
    ) -> None:
        """Sorts meanings by what they fill; `kept` names those that may go to `fields`.

        Without `escaped_fields`, users and fields are taken as they stand: only what comes from
        clients is known to be escaped.
        """
        self._decode, self._unescape = decode, unescape
        self._time = None if time is None else Memo(time.read, 1024)
        self._time_places = () if time is None else time.places
        self._time_place = self._time_places[0] if len(self._time_places) == 1 else None
        self._session_cookie = session_cookie
        self._kept = kept
        self._texts: Memo[str | None] = Memo(lambda raw: stated(decode(unescape(raw))))
        self._own_texts = self._texts if escaped_fields else Memo(lambda raw: stated(decode(raw)))
        self._encoded: Memo[str | None] = Memo(
            lambda raw: stated(decode(url_decoded(unescape(raw))))
        )
        self._methods = Memo(method_of, 64)
        self._values: list[tuple[int, str, Mapping[bytes, object]]] = []
        self._fields: list[tuple[int, str, Mapping[bytes, JsonValue]]] = []
        self._headers: list[tuple[int, str]] = []
        self._cookies: list[tuple[int, str]] = []
        self._cookie_place: int | None = None
        self._hosts: list[tuple[int, Mapping[bytes, tuple[str | None, int | None]]]] = []
        self._schemes: list[tuple[int, Mapping[bytes, str | None]]] = []
        self._port: tuple[int, Mapping[bytes, int | None]] | None = None
        self._request: int | None = None
        self._method: int | None = None
        self._target: int | None = None
        self._query: int | None = None
        ranked = sorted(enumerate(meanings), key=lambda each: each[1].rank)
        for place, meaning in ranked:
            self._assign(place, meaning)
        self._fields.sort(key=lambda each: each[0])
        # Sizes hardly repeat: they are read without a memory.
        self._size = next((at for at, name, _ in self._values if name == "bytes_sent"), None)
        self._repeated = [each for each in self._values if each[1] != "bytes_sent"]
        self._more = bool(self._fields or self._headers or self._cookies or session_cookie)
        self._located = bool(self._hosts or self._schemes or self._port)

    def _assign(self, place: int, meaning: Meaning) -> None:
        """Gives a text its place in the record, unless one of a lower rank has it."""
        role = meaning.role
        match role:
            case "host":
                self._hosts.append((place, Memo(lambda raw: virtual_host(raw, self._decode), 1024)))
            case "scheme" | "https" | "tls":
                read = {"scheme": scheme_of, "https": https_of, "tls": tls_of}[role]
                self._schemes.append((place, Memo(read, 64)))
                if role == "tls":
                    self._keep(place, meaning)
            case "port" if self._port is None:
                self._port = (place, Memo(port_of, 1024))
            case "request" if self._request is None and self._target is None:
                self._request = place
            case "target" if self._request is None and self._target is None:
                self._target = place
            case "method" if self._method is None:
                self._method = place
            case "query" if self._query is None:
                self._query = place
            case "xff":
                self._value(place, "xff", self._texts)
                if not self._has("ip"):
                    self._value(place, "ip", Memo(ip_of_list, 16_384))
            case "cookie":
                if meaning.name == self._session_cookie:
                    self._value(place, "session", self._texts)
                self._cookies.append((place, meaning.name))
            case "header":
                self._headers.append((place, meaning.name.lower()))
            case "ignored":
                pass
            case _ if role in _OWN_KEYS and not self._has(role):
                self._value(place, role, self._reader(meaning))
                if role == "cookies":
                    self._cookie_place = place
            case _ if meaning.header:
                self._headers.append((place, meaning.header))
            case _:
                self._keep(place, meaning)

    def _has(self, name: str) -> bool:
        return any(known == name for _, known, _ in self._values)

    def _value(self, place: int, name: str, reader: Mapping[bytes, object]) -> None:
        self._values.append((place, name, reader))

    def _reader(self, meaning: Meaning) -> Mapping[bytes, object]:
        per_s = meaning.per_s
        match meaning.role:
            case "ip":
                return Memo(ip_of_list, 16_384)
            case "status":
                return Memo(status_of, 1024)
            case "duration_s":
                return Memo(lambda raw: seconds_of(raw, per_s))
            case "user":
                return Memo(lambda raw: None if raw == b'""' else self._own_texts[raw], 1024)
            case _:
                return self._encoded if meaning.decode_url else self._texts

    def _keep(self, place: int, meaning: Meaning) -> None:
        name = meaning.name
        if not name or (self._kept is not None and name not in self._kept):
            return
        reader: Mapping[bytes, JsonValue] = self._own_texts
        if meaning.role == "integer":
            reader = Memo(lambda raw: int(float(raw)) if _SIGNED(raw) else self._own_texts[raw])
        elif meaning.role == "number":
            reader = Memo(lambda raw: float(raw) if _SIGNED(raw) else self._own_texts[raw])
        self._fields.append((place, name, reader))

    @property
    def request(self) -> int | None:
        """The place of the text that is the request line."""
        return self._request

    @property
    def has_ip(self) -> bool:
        """Whether some text is to state the client."""
        return self._has("ip")

    @property
    def has_request(self) -> bool:
        """Whether some text is to state the request, or its target."""
        return self._request is not None or self._target is not None

    @property
    def has_time(self) -> bool:
        """Whether some text is to state the time."""
        return self._time is not None

    def record(
        self, texts: Sequence[bytes], plain: Sequence[Any] | None = None
    ) -> Record | ParseError:
        """Makes a record of the texts of one line; a missing text is empty or `-`.

        With `plain`, the request is taken apart already: its method, path and query.
        """
        time_ms = None
        if self._time is not None:
            place = self._time_place
            time_ms = self._time[
                texts[place]
                if place is not None
                else b" ".join([texts[each] for each in self._time_places])
            ]
            if time_ms is None:
                return BAD_TIME
        method, scheme, host, port, path, query = None, None, None, None, None, None
        if self._request is not None:
            raw = texts[self._request]
            if plain is None:
                found = _PLAIN_REQUEST(raw)
                plain = None if found is None else found.groups()
            if plain is not None:
                verb, target, text = plain
                decode = self._decode
                method, path = self._methods[verb], decode(target)
                query = None if text is None else decode(text)
            else:
                request = read_request(self._unescape(raw), self._decode)
                if request is None:
                    return NOT_A_REQUEST
                method, scheme, host, port, path, query = request
        elif self._target is not None or self._method is not None:
            request = self._composed(texts)
            if request is None:
                return NOT_A_REQUEST
            method, scheme, host, port, path, query = request
            method = method or None
        record = Record(time_ms, None, method, scheme, host, port, path, query)
        for place, name, reader in self._repeated:
            setattr(record, name, reader[texts[place]])
        if self._size is not None:
            size = texts[self._size]
            if size.isdigit() and len(size) <= LONGEST_COUNT:
                record.bytes_sent = int(size)
        if self._located:
            self._locate(record, texts)
        if self._more:
            self._add_more(record, texts)
        return record

    def _composed(self, texts: Sequence[bytes]) -> Request | None:
        """Reads a request of several texts; one without a method has `""` for it."""
        method = None if self._method is None else self._methods[texts[self._method]]
        if method is None:
            if self._method is not None:
                return None
            method = ""
        if self._target is None:
            return Request(method, None, None, None, None, None)
        raw = texts[self._target]
        if self._query is None:
            plain = _PLAIN_TARGET(raw)
            if plain is not None:
                path, query = plain.groups()
                decode = self._decode
                text = None if query is None else decode(query)
                return Request(method, None, None, None, decode(path), text)
        target = self._unescape(raw)
        if self._query is not None:
            behind = texts[self._query]
            # nginx's $request_uri has the query already, beside $args.
            if behind not in MISSING and b"?" not in target:
                target += b"?" + self._unescape(behind).removeprefix(b"?")
        return read_target(method, target, self._decode)

    def _locate(self, record: Record, texts: Sequence[bytes]) -> None:
        # What the server says of the site outranks what a client wrote in its target.
        for place, hosts in self._hosts:
            host, port = hosts[texts[place]]
            if host is not None:
                record.host, record.port = host, port
                break
        if self._port is not None:
            place, ports = self._port
            if record.port is None:
                record.port = ports[texts[place]]
        for place, schemes in self._schemes:
            scheme = schemes[texts[place]]
            if scheme is not None:
                record.scheme = scheme
                break

    def _add_more(self, record: Record, texts: Sequence[bytes]) -> None:
        plain = self._texts
        if self._fields:
            fields: dict[str, JsonValue] = {}
            for place, name, reader in self._fields:
                value = reader[texts[place]]
                if value is not None:
                    fields[name] = value
            record.fields = fields or None
        if self._headers:
            headers = {}
            for place, name in self._headers:
                header = plain[texts[place]]
                if header is not None:
                    headers[name] = header
            record.headers = headers or None
        if self._cookies and self._cookie_place is None:
            pairs = [(name, plain[texts[place]]) for place, name in self._cookies]
            together = "; ".join(f"{name}={value}" for name, value in pairs if value is not None)
            record.cookies = together or None
        if self._session_cookie and record.session is None and record.cookies is not None:
            record.session = cookie_value(record.cookies, self._session_cookie)
