"""From the columns of the W3C extended format and its relatives to a record.

The names of the columns are compiled once into a function that picks what a record needs out of a
line's values. What a value means, and how writers differ, `values` knows.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from hooktail_parsers._api import ParseError, Record
from hooktail_parsers.headed import BAD_TIME, NOT_A_REQUEST, SYNTAX
from hooktail_parsers.late import LateRecord
from hooktail_parsers.request import Request, read_target
from hooktail_parsers.text import stated
from hooktail_parsers.times import END_S, epoch_ms, utc_s
from hooktail_parsers.w3c.values import MISSING, SCHEMES, day_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import tzinfo
    from typing import TypeAlias

    from hooktail_parsers._api import JsonValue
    from hooktail_parsers.w3c.values import Texts, Values

_LONGEST_NUMBER = 18
_TO_THE_MS = len("08:26:53.123")


# The columns that hold each part of a record, lower-case; the first that the header names is it.
_COLUMNS: dict[str, tuple[bytes, ...]] = {
    "ip": (b"c-ip",),
    "method": (b"cs-method",),
    "path": (b"cs-uri-stem", b"cs-uri"),
    "query": (b"cs-uri-query",),
    "status": (b"sc-status", b"c-status"),
    "referrer": (b"cs(referer)", b"cs(referrer)", b"cs-referer", b"cs-referrer"),
    "user_agent": (b"cs(user-agent)", b"cs-user-agent"),
    "host": (),
    "port": (b"s-port",),
    "user": (b"cs-username", b"c-auth-id"),
    "bytes_sent": (b"sc-bytes", b"bytes"),
    "duration_s": (b"time-taken", b"timetakenms", b"x-duration"),
    "cookies": (b"cs(cookie)", b"cs-cookie"),
    "xff": (b"x-forwarded-for", b"cs(x-forwarded-for)", b"s-xff"),
    "scheme": (),
    "request_id": (b"x-edge-request-id",),
}
MAPPED = tuple(f"map.{key}" for key in _COLUMNS)
"""Options that name another column for a part of the record."""
_TIMES = (
    (b"timestamp(ms)", b""), (b"timestamp", b""), (b"date", b"time"), (b"date-utc", b"time-utc"),
    (b"date-local", b"time-local"), (b"", b"time"), (b"", b"time-local"),
)  # fmt: skip
_SPACED = ("referrer", "user_agent", "cookies", "xff")

Reading: TypeAlias = "Callable[[list[bytes], Texts], Record | ParseError]"


class Plan:
    """A header, compiled: how many columns there are, and what makes a record of their values."""

    __slots__ = ("count", "read", "spaced")

    def __init__(self, count: int, read: Reading, spaced: frozenset[int]) -> None:
        self.count = count
        self.read = read
        """Makes a record of exactly `count` values; a quoted one of a `spaced` column comes in its
        quotes, unless the texts are literal."""
        self.spaced = spaced


def compile_plan(
    names: Sequence[bytes],
    values: Values,
    options: Mapping[str, str],
    zones: tuple[tzinfo | None, tzinfo | None],
    day: bytes | None,
) -> Plan:
    """Compiles the names of a header.

    `zones` are those of `date` and of `date-local`, None for UTC. `day` is the date for a header
    that names a time and no date.
    """
    at = {name.lower(): index for index, name in reversed(list(enumerate(names)))}
    dialect = values.dialect
    taken: dict[str, int] = {}
    for key, candidates in _COLUMNS.items():
        own = {"host": dialect.hosts, "scheme": dialect.schemes}.get(key, candidates)
        mapped = options.get(f"map.{key}")
        if mapped is not None:
            own = (mapped.encode().lower(),)
        if key == "port" and any(host in at for host in dialect.hosts):
            # The client's own `Host` says the port; the server's may be that behind a balancer.
            own = () if mapped is None else own
        taken[key] = next((at[name] for name in own if name in at), len(names))
    first, second = next(
        (pair for pair in _TIMES if all(not name or name in at for name in pair)), (b"", b"")
    )
    dates = at.get(first, len(names)), at.get(second, len(names))
    spaced = {taken[key] for key in _SPACED}
    used = {*taken.values(), *dates}
    others = [index for index in range(len(names)) if index not in used]
    spaced.update(index for index in others if b"(" in names[index])
    has_request = taken["path"] < len(names) and b"x-event" not in at
    time_of = _time_reader(first, second, values, zones, day)
    read = _compile(names, taken, dates, others, values, time_of) if has_request else _no_request
    return Plan(len(names), read, frozenset(spaced))


def _no_request(_values: list[bytes], _texts: Texts) -> ParseError:
    return NOT_A_REQUEST


def _time_reader(
    first: bytes,
    second: bytes,
    values: Values,
    zones: tuple[tzinfo | None, tzinfo | None],
    day: bytes | None,
) -> Callable[[bytes, bytes], int | None] | None:
    """Returns what reads the time out of two columns; None if the log states no whole time."""
    days, clocks = values.days, values.clocks
    if not second:
        return (lambda count, _: epoch_ms(count)) if first else None
    zone = zones[second == b"time-local"]
    fixed_ms = None if first or day is None else day_ms(day)
    if not first and fixed_ms is None:
        return None

    def utc_time_ms(date: bytes, clock: bytes) -> int | None:
        start_ms = days[date] if first else fixed_ms
        if len(clock) == _TO_THE_MS and clock[8:9] == b"." and clock[9:].isdigit():
            # Each millisecond is another one, of a second that is not; but of a leap second none.
            within_ms = clocks[clock[:8]]
            if within_ms is not None and clock[6:7] != b"6":
                within_ms += int(clock[9:])
        else:
            within_ms = clocks[clock]
        return None if start_ms is None or within_ms is None else start_ms + within_ms

    def zone_time_ms(date: bytes, clock: bytes) -> int | None:
        local_ms = utc_time_ms(date, clock)
        if local_ms is None or zone is None:
            return local_ms
        time_ms = utc_s(local_ms // 1000, zone) * 1000 + local_ms % 1000
        return time_ms if 0 <= time_ms < END_S * 1000 else None

    return utc_time_ms if zone is None else zone_time_ms


def _compile(
    names: Sequence[bytes],
    taken: Mapping[str, int],
    dates: tuple[int, int],
    others: Sequence[int],
    values: Values,
    time_of: Callable[[bytes, bytes], int | None] | None,
) -> Reading:
    encoding, decode = values.encoding, values.decode
    ips, methods, statuses = values.ips, values.methods, values.statuses
    hosts, ports, schemes, plain = values.hosts, values.ports, values.schemes, values.texts
    has_method = taken["method"] < len(names)
    has_sessions = values.has_sessions
    name_of = {key: names[index].lower() for key, index in taken.items() if index < len(names)}
    duration_name = name_of.get("duration_s")
    in_ms = duration_name == b"timetakenms" or (
        duration_name == b"time-taken" and not values.dialect.taken_in_s
    )
    durations = values.durations_ms if in_ms else values.durations_s
    has_host_in_path = values.dialect.uri_has_host and name_of["path"] == b"cs-uri"
    # A missing column is at the end, where `read` puts a value that says so.
    pick = itemgetter(*dates, *taken.values())
    remaining = [(index, decode(names[index])) for index in others if b"(" not in names[index]]
    headers = [(index, decode(names[index])) for index in others if b"(" in names[index]]

    def fields_of(source: tuple[list[bytes], Texts]) -> Record:
        columns, texts = source
        fields: dict[str, JsonValue] = {
            name: text for index, name in remaining if (text := plain[columns[index]]) is not None
        }
        for index, name in headers:
            text = texts.headers[columns[index]]
            if text is not None:
                fields[name] = text
        return Record(fields=fields or None)

    def read(columns: list[bytes], texts: Texts) -> Record | ParseError:
        columns.append(b"-")
        (
            date, clock, ip, method_raw, target, query_raw, status_raw, referrer, agent, host_raw,
            port_raw, user, size, duration, cookies, chain, scheme_raw, request_id,
        ) = pick(columns)  # fmt: skip
        time_ms = None
        if time_of is not None:
            time_ms = time_of(date, clock)
            if time_ms is None:
                return BAD_TIME
        method = methods[method_raw] if has_method else None
        if method is None and has_method:
            return NOT_A_REQUEST
        status = statuses[status_raw]
        if status < 0:
            return SYNTAX
        host, port = hosts[host_raw]
        scheme = schemes[scheme_raw]
        if has_host_in_path and target[:1] != b"/":
            authority, slash, rest = target.partition(b"/")
            named = hosts[authority]
            if named[0] is None:
                return NOT_A_REQUEST
            if host is None:
                host, port = named
            target = b"/" + rest if slash else b"/"
        query = None if query_raw in (b"-", b"") else query_raw.decode(encoding, "replace")
        if target[:1] == b"/" and b"?" not in target:
            path: str | None = target.decode(encoding, "replace")
        else:
            request = _read_target(method, target, decode)
            if request is None:
                return NOT_A_REQUEST
            path = request.path
            if request.query is not None:
                query = request.query if query is None else f"{request.query}?{query}"
            if host is None:
                host, port = request.host, request.port
            scheme = scheme or request.scheme
        return LateRecord(
            time_ms,
            ips[ip],
            method,
            scheme,
            host,
            port or ports[port_raw],
            path,
            query,
            status or None,
            texts.referrers[referrer],
            texts.agents[agent],
            plain[user],
            int(size) if size.isdigit() and len(size) <= _LONGEST_NUMBER else None,
            durations[duration],
            texts.cookies[cookies],
            None,
            texts.chains[chain],
            texts.sessions[cookies] if has_sessions else None,
            # Each is another one: nothing to remember.
            None if request_id in MISSING else stated(request_id.decode(encoding, "replace")),
            None,
            fields_of if others else None,
            (columns, texts),
        )

    return read


def _read_target(
    method: str | None, target: bytes, decode: Callable[[bytes], str]
) -> Request | None:
    """Reads a target; a log without methods has none of the forms that hang on the method."""
    request = read_target(method or "GET", target, decode)
    if request is None or (request.scheme is not None and request.scheme.encode() not in SCHEMES):
        return None
    return request
