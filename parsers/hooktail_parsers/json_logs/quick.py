"""From the objects of one shape straight to records: a function written for that shape.

What an object of the shape has not costs nothing, and what it has is read as its place mostly holds
it. Only what is plain is read: ASCII text, numbers, a request that is finished. For whatever else
stands there the function gives None, or raises TypeError, and the careful way is asked
(`RecordMaker.record`), which gives the same records.

orjson makes a fraction of a whole number beyond 64 bits, whose digits the careful way keeps. The
functions read such a value only where both come to the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hooktail_parsers._api import Record
from hooktail_parsers.json_logs.headers import LONGEST_VALUE
from hooktail_parsers.json_logs.quick_values import SECOND
from hooktail_parsers.json_logs.values import LONGEST_DURATION_S, LONGEST_MISSING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_HEADERS = ("cookie", "named", "its_referrer", "its_agent", "forwarded")
"""Variables for the headers of `headers.WANTED`."""
ALWAYS_READ = frozenset(
    ("time", "ip", "status", "referrer", "user_agent", "user", "session",
     "request_id")
)  # fmt: skip
"""Slots whose only place is looked at in any case: an object there is refused."""

_STAMP_Z = re.compile(SECOND.pattern + r"[.,][0-9]{3,}Z", re.ASCII).fullmatch
_EPOCH_MS = re.compile(r"[0-9]{10}\.[0-9]{3}", re.ASCII).fullmatch
_EPOCH_NS = re.compile(r"[0-9]{19}", re.ASCII).fullmatch
_CLOCK = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}", re.ASCII).fullmatch
_UNITS = (("duration_s", 1), ("duration_ms", 10**3), ("duration_us", 10**6), ("duration_ns", 10**9))
_UNIT_S = {1: 1.0, 10**3: 1e-3, 10**6: 1e-6, 10**9: 1e-9}
_LOCALS = {"headers": "None", "fields": "None", "duration_s": "took_s"}


class Place(NamedTuple):
    """Where a slot's value stands in the objects of a shape, as expressions of Python."""

    stated: str
    """The value, None where it says that there is none."""
    plain: str
    """The value as it stands there, if there is one such place; else as `stated`."""
    sample: object
    """What stood there."""


def body(
    places: Mapping[str, Place], *, app: bool, has_undo: bool, own_layout: bool
) -> Iterator[str]:
    """Yields the lines of the function for a shape, by what stands in its places.

    They end with a record of `careful` and `source`, or with None.
    """
    writer = _Writer(places, app=app, has_undo=has_undo, own_layout=own_layout)
    for lines in (
        writer.request(), writer.status(), writer.time(), writer.headers(), writer.target(),
        writer.texts(), writer.numbers(),
    ):  # fmt: skip
        yield from lines
    values = ", ".join(_LOCALS.get(key, key) for key in Record.__struct_fields__)
    yield f"return LateRecord({values}, careful, source)"


class _Writer:
    def __init__(
        self, places: Mapping[str, Place], *, app: bool, has_undo: bool, own_layout: bool
    ) -> None:
        self._places = places
        self._app = app
        self._has_undo = has_undo
        self._own_layout = own_layout

    def _has(self, *names: str) -> bool:
        return any(name in self._places for name in names)

    def _plain(self, name: str) -> str:
        return self._places[name].plain if name in self._places else "None"

    def _stated(self, name: str) -> str:
        return self._places[name].stated if name in self._places else "None"

    def request(self) -> Iterator[str]:
        """Method, path and query; of an absolute target scheme and host as well."""
        yield "scheme = host = port = query = None"
        if self._has("request"):
            yield f"line = {self._plain('request')}"
            yield "if type(line) is str:"
            yield "    found = ordinary(line)"
            yield "    if found is None or not line.isascii(): return None"
            if self._has("method"):
                yield f"    method = {self._stated('method')}"
                yield "    if method is not None and method not in methods: return None"
            yield "    method, path, query = found.groups()"
            if not self._has("target"):
                yield "else: return None"
                return
            yield "elif line is not None: return None"
            yield "else:"
            yield from (f"    {line}" for line in self._method_and_target())
        else:
            yield from self._method_and_target()

    def _method_and_target(self) -> Iterator[str]:
        if not self._has("target") or (self._app and not self._has("method")):
            yield "return None"
            return
        if self._has("method"):
            yield f"method = {self._plain('method')}"
            allowed = "" if self._app else "method is not None and "
            yield f"if {allowed}method not in methods: return None"
        else:
            yield "method = None"
        yield f"path = {self._plain('target')}"
        yield "if type(path) is not str or not path.isascii(): return None"
        yield "if path[:1] != '/':"
        yield "    at = path.find('/', 8)"
        yield "    found = None if at < 0 else origins[path[:at]]"
        yield "    if found is None: return None"
        yield "    scheme, host = found"
        yield "    path = path[at:]"
        yield "if '?' in path: path, _, query = path.partition('?')"

    def status(self) -> Iterator[str]:
        if self._has("status"):
            yield f"status = codes[{self._places['status'].plain}]"
            yield "if status is None: return None"
        elif self._app:
            yield "return None"
        else:
            yield "status = None"
            if self._has("said"):
                yield f"if {self._stated('said')} is not None: return None"

    def time(self) -> Iterator[str]:
        if not self._has("time"):
            yield "time_ms = None"
            if self._has("date"):
                yield f"if {self._stated('date')} is not None: return None"
            return
        place = self._places["time"]
        sample = place.sample if type(place.sample) is str else ""
        yield f"stamp = {place.plain}"
        if self._has("date"):
            yield f"day = {self._stated('date')}"
            if _CLOCK(sample) and not self._own_layout:
                yield "if type(day) is not str or type(stamp) is not str: return None"
                yield "time_ms = days[f'{day}T{stamp}']"
            else:
                yield "if type(stamp) is not str or (day is not None and type(day) is not str):"
                yield "    return None"
                yield "time_ms = text_time(stamp if day is None else with_day(day, stamp))"
        elif type(place.sample) in (int, float):
            yield "if type(stamp) is float and 1e8 <= stamp < 1e11:"
            yield "    time_ms = int(stamp * 1000 + 0.0005)"
            yield f"elif type(stamp) is int and {10**11} <= stamp < {10**14}: time_ms = stamp"
            yield f"elif type(stamp) is int and {10**17} <= stamp < {10**19}:"
            yield f"    time_ms = stamp // {10**6}"
            yield "elif type(stamp) is str: time_ms = text_time(stamp)"
            yield "else: time_ms = number_time_ms(stamp)"
        elif self._own_layout or (SECOND.match(sample) and sample[19:20] not in (".", ",")):
            yield "time_ms = times[stamp]"
        elif _STAMP_Z(sample):
            yield "if type(stamp) is str and 23 < len(stamp) < 65 and stamp[-1] == 'Z' and ("
            yield "    len(stamp) == 24 or (stamp[23:-1].isdecimal() and stamp.isascii())"
            yield "): time_ms = utc_seconds[stamp[:19]] + fractions[stamp[19:23]]"
            yield "else: time_ms = text_time(stamp)"
        elif _EPOCH_NS(sample):
            yield "if (type(stamp) is str and len(stamp) == 19 and stamp.isdecimal()"
            yield "    and stamp.isascii() and stamp[0] != '0'"
            yield "): time_ms = int(stamp[:13])"
            yield "else: time_ms = text_time(stamp)"
        elif _EPOCH_MS(sample):
            yield "if (type(stamp) is str and len(stamp) == 14 and stamp[10] == '.'"
            yield "    and stamp[:10].isdecimal() and stamp[11:].isdecimal() and stamp.isascii()"
            yield "    and stamp[0] != '0'"
            yield "): time_ms = int(stamp[:10]) * 1000 + int(stamp[11:])"
            yield "else: time_ms = text_time(stamp)"
        else:
            yield "time_ms = text_time(stamp)"
        yield "if time_ms is None: return None"

    def headers(self) -> Iterator[str]:
        if self._has("headers"):
            yield f"{' = '.join(_HEADERS)} = None"
            yield f"inside = {self._plain('headers')}"
            yield "if inside is not None:"
            yield "    if type(inside) is not dict: return None"
            names = [f"n{number}" for number in range(len(_HEADERS))]
            yield f"    {', '.join(names)} = wanted_names[tuple(inside)]"
            for logged, header in zip(names, _HEADERS, strict=True):
                yield f"    if {logged} is not None:"
                yield f"        {header} = inside[{logged}]"
                yield f"        if type({header}) is list and len({header}) == 1:"
                yield f"            {header} = {header}[0]"
                yield f"        if type({header}) is not str or not {header}.isascii(): return None"
                yield f"        if len({header}) <= {LONGEST_MISSING}:"
                yield f"            if {header} in missing: {header} = None"
                yield f"        elif len({header}) > {LONGEST_VALUE}: return None"

    def target(self) -> Iterator[str]:
        """What names the place of the request besides its target."""
        if self._has("host", "headers"):
            if self._app:
                yield "if host is None:"
                yield from (f"    {line}" for line in self._host())
            else:
                yield from self._host()
        if self._has("query"):
            yield "if query is None:"
            yield f"    query = {self._stated('query')}"
            yield "    if query is not None:"
            yield "        if type(query) is not str or not query.isascii(): return None"
            yield "        if query[0] == '?': query = query[1:]"
        if self._has("port"):
            yield "if port is None:"
            yield f"    port = {self._places['port'].plain}"
            yield "    if type(port) is str: port = ports[port]"
            yield "    elif port is not None: port = port_of(port)"
        if self._has("scheme"):
            yield f"stated = {self._places['scheme'].plain}"
            yield "if stated is not None: scheme = schemes[stated] or scheme"
        if self._has("tls"):
            yield "if scheme is None:"
            yield f"    switch = {self._plain('tls')}"
            yield "    if switch is not None: scheme = tls_scheme(switch)"

    def _host(self) -> Iterator[str]:
        if self._has("host"):
            yield f"stated = {self._places['host'].plain}"
            yield "known, its_port = (None, None) if stated is None else hosts[stated]"
        else:
            yield "known = None"
        if self._has("headers"):
            yield "if known is None and named is not None: known, its_port = named_hosts[named]"
        yield "if known is not None:"
        yield "    if its_port is not None or known != host: port = its_port"
        yield "    host = known"

    def texts(self) -> Iterator[str]:
        if self._has("ip"):
            yield f"ip = {self._places['ip'].plain}"
            yield "if ip is not None: ip = ips[ip]"
        else:
            yield "ip = None"
        for name, header in (
            ("referrer", "its_referrer"), ("user_agent", "its_agent"), ("cookies", "cookie"),
            ("xff", "forwarded"),
        ):  # fmt: skip
            if self._has_undo and not self._has("headers"):
                yield f"{name} = {self._places[name].plain if self._has(name) else None}"
                if self._has(name):
                    yield f"if {name} is not None: {name} = undone[{name}]"
                continue
            yield from self._text(name)
            if self._has("headers"):
                yield f"{name} = {name} or {header}"
            if self._has_undo:
                yield f"if {name} is not None: {name} = undone[{name}]"
        for name in ("user", "session", "request_id"):
            yield from self._text(name, f"{name} = text_of({name})")

    def _text(self, name: str, number: str = "") -> Iterator[str]:
        if not self._has(name):
            yield f"{name} = None"
            return
        yield f"{name} = {self._places[name].plain}"
        yield f"if type({name}) is str:"
        yield f"    if not {name}.isascii(): return None"
        yield f"    if len({name}) <= {LONGEST_MISSING} and {name} in missing: {name} = None"
        if number:
            yield f"elif type({name}) is int: {number}"
        yield f"elif {name} is not None: return None"

    def numbers(self) -> Iterator[str]:
        if self._has("bytes_sent"):
            yield f"bytes_sent = {self._places['bytes_sent'].plain}"
            yield f"if type(bytes_sent) is int and 0 <= bytes_sent < {2**63}: pass"
            yield "elif type(bytes_sent) is str and bytes_sent.isdecimal() and ("
            yield "    len(bytes_sent) < 19 and bytes_sent.isascii()"
            yield "): bytes_sent = int(bytes_sent)"
            yield "elif bytes_sent is not None: bytes_sent = count_of(bytes_sent)"
        else:
            yield "bytes_sent = None"
        spans = [(name, parts) for name, parts in _UNITS if self._has(name)]
        alone = len(spans) == 1 and not self._has("duration")
        yield "took_s = None"
        indent = ""
        for name, parts in spans:
            place = self._places[name]
            # Of several the first counts that is stated, whatever it comes to.
            yield f"{indent}span = {place.plain if alone else place.stated}"
            yield from (f"{indent}{line}" for line in _span(parts, sample=place.sample))
            if not alone:
                yield f"{indent}if span is None:"
                indent += "    "
        if self._has("duration"):
            # A number here has no unit.
            yield f"{indent}span = {self._stated('duration')}"
            yield f"{indent}if type(span) is str: took_s = spans[span]"
        elif not alone and spans:
            yield f"{indent}pass"


def _span(parts: int, *, sample: object) -> Iterator[str]:
    """Reads a duration of so many parts of a second, mostly of the type of a sample."""
    unit_s = _UNIT_S[parts]
    text = f"took_s = {'spans_s[span]' if parts == 1 else f'duration_s(span, {unit_s!r})'}"
    choose = "if"
    if type(sample) is str:
        yield f"if type(span) is str: {text}"
        choose = "elif"
    yield f"{choose} type(span) is int and 0 <= span < {parts * 10**6}: took_s = span / {parts}"
    yield "elif type(span) is float:"
    yield f"    took_s = span * {unit_s!r}"
    yield f"    took_s = round(took_s, 9) if 0 <= took_s <= {LONGEST_DURATION_S!r} else None"
    if type(sample) is not str:
        yield f"elif type(span) is str: {text}"
    yield f"elif span is not None: took_s = duration_s(span, {unit_s!r})"
