"""From the values of an object's slots to a record, or to the reason why there is none."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from hooktail_parsers._api import OptionError, ParseError, Record, Skip
from hooktail_parsers.address import is_plain_ipv4, virtual_host
from hooktail_parsers.cookies import cookie_value
from hooktail_parsers.date_format import strptime_ms
from hooktail_parsers.json_logs import quick
from hooktail_parsers.json_logs.aliases import SLOTS
from hooktail_parsers.json_logs.headers import headers_of
from hooktail_parsers.json_logs.private import plain, public_fields
from hooktail_parsers.json_logs.quick_values import ABSOLUTE, ORDINARY, SITE, known_names
from hooktail_parsers.json_logs.routes import Routes
from hooktail_parsers.json_logs.values import (
    count_of,
    duration_s,
    encoded,
    ip_of,
    joined_text,
    number_time_ms,
    port_of,
    scheme_of,
    status_of,
    text_of,
    time_reader,
    tls_scheme,
    with_day,
)
from hooktail_parsers.memo import Memo
from hooktail_parsers.request import read_request, read_target
from hooktail_parsers.times import zone_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hooktail_parsers._api import Parsed
    from hooktail_parsers.json_logs.shapes import Collected, Names

Source = TypeVar("Source")

BAD_TIME = ParseError("bad_time")
NOT_A_REQUEST = ParseError("not_a_request")
NO_REQUEST = Skip("no_request")
NOT_FINISHED = Skip("not_finished")

_BASE = len(SLOTS)
_REQUEST, _TARGET = SLOTS.index("request"), SLOTS.index("target")

_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}+").fullmatch
# What applications call the line that they write when a request is done, and not before.
_FINISHED = re.compile(
    r"(?i)finish|complet|handled|served|\bended\b|\bdone\b|response[ _]sent|sent[ _]response"
    r"|\A[A-Z]{3,7} (?:/|https?://)"
    r"|\A(?:http[ ._-]?)?(?:request|access|req|access[ ._-]?log)\Z"
).search
_STARTED = re.compile(r"(?i)start|begin|began|incoming|receiv").search
_LONGEST_SAID = 200

_Parts: TypeAlias = "tuple[str | None, str | None, str | None, int | None, str | None, str | None]"
"""Method, scheme, host, port, path and query of a request."""
_NO_PARTS: _Parts = (None, None, None, None, None, None)


def _utf8(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _ip_of_text(text: str) -> str | None:
    return text if is_plain_ipv4(text) else ip_of(encoded(text))


class RecordMaker:
    """Makes records of what `Names` collect."""

    def __init__(
        self,
        options: Mapping[str, str],
        names: Names,
        *,
        app: bool,
        status_needed: bool,
        undo: Callable[[str], str] | None,
    ) -> None:
        """Prepares the readers; raises OptionError for an unusable `date_format` or zone."""
        zone = zone_of(options)
        first = None
        if "date_format" in options:
            year = options.get("year")
            try:
                first = strptime_ms(
                    options["date_format"], zone, None if year is None else int(year)
                )
            except ValueError as error:
                raise OptionError("date_format", str(error)) from error
        read_time = time_reader(zone, first)
        self._times = Memo(read_time, 1024)
        self._ips = Memo(ip_of, 16_384)
        self._hosts = Memo(lambda raw: virtual_host(raw, _utf8), 4096)
        self._session_cookie = options.get("session_cookie")
        self._own_fields = names.own_fields
        self._app = app
        self._status_needed = status_needed
        self._undone = None if undo is None else Memo(lambda raw: undo(_utf8(raw)) or None)
        body = partial(quick.body, app=app, has_undo=undo is not None, own_layout=first is not None)
        known = known_names(zone, read_time, undo, app=app, own_layout=first is not None)
        self.routes = Routes(names, body, known)
        """The quick way to the same records, for objects as they mostly are."""

    def record(self, collected: Collected) -> Parsed:
        """Returns the record. Never raises."""
        values, ranks, header_keys, left = collected
        own: dict[str, object] | None = None
        if self._own_fields:
            own = dict(zip(self._own_fields, values[_BASE:], strict=True))
            values = values[:_BASE]
        (
            time, date, ip, line, method, target, query_text, host, port, scheme, tls,
            status, referrer, agent, user, size, span, span_s, span_ms, span_us, span_ns,
            cookies, headers, xff, session, request_id, said,
        ) = values  # fmt: skip

        code = None if status is None else status_of(status)
        parts = self._parts(line, method, target)
        if parts is None or self._app or (said is not None and status is None):
            mapped = ranks[_TARGET] < 0 or ranks[_REQUEST] < 0
            if own is None or own.get("event") is None:
                refusal = self._refusal(parts, code, said, mapped=mapped)
                if refusal is not None:
                    return refusal
        time_ms = None
        if time is not None or date is not None:
            time_ms = self._time_ms(date if time is None else time, date)
            if time_ms is None:
                return BAD_TIME
        kept = named = None
        if headers is not None or header_keys:
            kept = headers_of(headers, header_keys)
            cookie = kept.pop("cookie", None)
            cookies = cookies or cookie
            named = kept.get("host")
            referrer = referrer or kept.get("referer")
            agent = agent or kept.get("user-agent")
            xff = xff or kept.get("x-forwarded-for")
        verb, its_scheme, its_host, its_port, path, query = parts or _NO_PARTS
        if query is None and query_text is not None:
            query = _text(query_text)
            query = query.removeprefix("?") if query else None
        if its_host is None or not self._app:
            its_host, its_port = self._host(host, named, its_host, its_port)
        if its_port is None and port is not None:
            its_port = port_of(port)
        if scheme is not None:
            its_scheme = scheme_of(scheme) or its_scheme
        if its_scheme is None and tls is not None:
            its_scheme = tls_scheme(tls)
        cookie_text = None if cookies is None else joined_text(cookies, "; ")
        session_text = _text(session)
        agent_text, referrer_text, xff_text = _text(agent), _text(referrer), _list_text(xff)
        if self._undone is not None:
            agent_text, referrer_text = self._plain(agent_text), self._plain(referrer_text)
            cookie_text, xff_text = self._plain(cookie_text), self._plain(xff_text)
        if self._session_cookie is not None and cookie_text is not None:
            session_text = cookie_value(cookie_text, self._session_cookie) or session_text
        seconds = None
        if span_s is not None:
            seconds = duration_s(span_s, 1.0)
        elif span_ms is not None:
            seconds = duration_s(span_ms, 1e-3)
        elif span_us is not None:
            seconds = duration_s(span_us, 1e-6)
        elif span_ns is not None:
            seconds = duration_s(span_ns, 1e-9)
        elif span is not None:
            seconds = duration_s(span, None)
        return Record(
            time_ms,
            None if ip is None else self._ips[encoded(_text(ip) or "")],
            verb,
            its_scheme,
            its_host,
            its_port,
            path,
            query,
            code,
            referrer_text,
            agent_text,
            _text(user),
            None if size is None else count_of(size),
            seconds,
            cookie_text,
            kept or None,
            xff_text,
            session_text,
            _text(request_id),
            public_fields(left, own) if left or own else None,
        )

    def _parts(self, line: object, method: object, target: object) -> _Parts | None:
        """Reads the request, from its line or from its method and target; None if there is none."""
        verb = None if method is None else text_of(method)
        if verb is not None and not _METHOD(verb):
            return None
        if type(line) is str:
            ordinary = ORDINARY(line)
            if ordinary is not None and line.isascii():
                name, path, query = ordinary.groups()
                return name, None, None, None, path, query
            request = read_request(encoded(line), _utf8)
            if request is not None:
                return request
            if line.startswith(("/", "http://", "https://")):
                target = line if target is None else target
            elif verb is None and target is not None and _METHOD(line):
                verb = line
            elif not self._app:
                return None
        if type(target) is not str:
            return None
        if target.startswith("/"):
            path, mark, query = plain(target).partition("?")
            return verb, None, None, None, path, query if mark else None
        if target.startswith("<") and target.endswith(">"):
            target = target[1:-1]  # as documentation marks addresses, and applications copy it
        usual = ABSOLUTE(target)
        if usual is not None and target.isascii():
            scheme, host, path, query = usual.groups()
            return verb, scheme, host, None, path, query
        absolute = read_target(verb or "GET", encoded(target), _utf8)
        return None if absolute is None else (verb, *absolute[1:])

    def _refusal(
        self, parts: _Parts | None, code: int | None, said: object, *, mapped: bool
    ) -> Skip | ParseError | None:
        """Tells why an object states no finished request; None if it does."""
        if parts is None or not self._app:
            # A server's line that says something, but no status, is of an application beside it.
            return NO_REQUEST if self._app else NOT_A_REQUEST
        if parts[0] is None and not mapped:
            return NO_REQUEST
        if code is not None:
            return None
        text = (text_of(said) or "")[:_LONGEST_SAID]
        if mapped:
            return NOT_FINISHED if _STARTED(text) else None
        if self._status_needed or (text and (_STARTED(text) or not _FINISHED(text))):
            return NOT_FINISHED
        return None

    def _time_ms(self, time: object, day: object) -> int | None:
        if type(time) is not str:
            return number_time_ms(time)
        return self._times[encoded(time if day is None else with_day(day, time))]

    def _host(
        self, stated: object, named: str | None, its_host: str | None, its_port: int | None
    ) -> tuple[str | None, int | None]:
        """Reads what the log calls the host, or the header; it outranks that of the target.

        What an application calls the host is mostly the machine; a header never is.
        """
        text = None if stated is None else _text(stated)
        host, port = (None, None) if text is None else self._hosts[encoded(text)]
        if self._app and host is not None and not SITE(host):
            host = None
        if host is None and named is not None:
            host, port = self._hosts[encoded(named)]
        if host is None:
            return its_host, its_port
        return host, its_port if port is None and host == its_host else port

    def _plain(self, text: str | None) -> str | None:
        return None if text is None or self._undone is None else self._undone[encoded(text)]


def _text(value: object) -> str | None:
    return value if type(value) is str and value.isascii() else text_of(value)


def _list_text(value: object) -> str | None:
    return value if type(value) is str and value.isascii() else joined_text(value, ", ")
