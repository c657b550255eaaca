"""What named groups say of a request: the record's keys, and the names that are usual for them.

Names are compared in lower case, with `-`, `.` and spaces as `_`; `[source][ip]` is `source_ip`,
and `[nginx][access][remote_ip]` is `remote_ip`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import OptionError
from hooktail_parsers.builders.record_plan import Meaning, Role, TimeSource
from hooktail_parsers.clock import clf_time_ms
from hooktail_parsers.date_format import strptime_ms
from hooktail_parsers.times import ctime_ms, epoch_ms, iso_time_ms, syslog_time_ms, zone_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_NAMES: dict[Role, str] = {
    "ip": "ip clientip client_ip client_addr client_address remote_addr remote_ip remoteaddr"
    " remote_host remotehost source_ip source_address client_address src_ip client",
    "xff": "xff x_forwarded_for http_x_forwarded_for forwarded_for forwardedfor",
    "request": "request_line rawrequest http_request_line",
    "method": "method verb request_method http_method http_request_method cs_method",
    "target": "url uri path request_uri request_url request_path uripath url_original url_path"
    " uri_path cs_uri_stem",
    "query": "query query_string querystring args qs url_query uriparam uri_query cs_uri_query",
    "host": "host http_host vhost virtual_host server_name url_domain domain",
    "port": "port server_port url_port",
    "scheme": "scheme url_scheme request_scheme",
    "status": "status response status_code response_code http_response_status_code code"
    " http_status",
    "bytes_sent": "bytes_sent bytes body_bytes_sent size length response_size"
    " http_response_body_bytes http_response_bytes body_sent_bytes",
    "duration_s": "duration_s duration request_time response_time",
    "referrer": "referrer referer http_referer http_referrer http_request_referrer",
    "user_agent": "user_agent agent useragent http_user_agent user_agent_original ua",
    "user": "user auth userid user_id remote_user username user_name",
    "cookies": "cookies cookie http_cookie",
    "session": "session session_id sessionid sid",
    "request_id": "request_id requestid req_id reqid x_request_id http_request_id",
}
_ROLES: dict[str, tuple[Role, int]] = {
    name: (role, rank) for role, names in _NAMES.items() for rank, name in enumerate(names.split())
}
_PER_S = {"duration_ms": 1e3, "generation_time_milli": 1e3, "duration_us": 1e6, "duration_ns": 1e9}
_DATES = (
    "date", "timestamp", "time_local", "time_iso8601", "datetime", "date_time", "ts", "msec",
    "logdate", "log_time", "timestamp8601", "_timestamp",
)  # fmt: skip
_TIME = "time"
_ZONES = ("timezone", "tz", "time_zone")
_METHODS = frozenset(_NAMES["method"].split())
_XFF_RANK = 50
_OF_A_SERVER = re.compile(r"\A(?:nginx|apache2?|iis|haproxy|traefik)_access_")


def plain_name(name: str) -> str:
    """Returns a group's name in the form in which names are compared."""
    parts = re.findall(r"\[([^\[\]]*)\]", name)
    plain = re.sub(r"[-.\s@]", "_", ("_".join(parts) if parts else name).lower())
    # As the modules of Filebeat and Logstash call what an access log says.
    return _OF_A_SERVER.sub("", plain)


def group_meanings(names: Sequence[str], kinds: Sequence[str | None]) -> list[Meaning]:
    """Returns what each group says; `kinds` are the types (`int`, `float`) that fields ask for."""
    plain = [plain_name(name) for name in names]
    has_method = not _METHODS.isdisjoint(plain)
    return [
        _meaning(name, each, kind, has_method=has_method)
        for name, each, kind in zip(names, plain, kinds, strict=True)
    ]


def _meaning(name: str, plain: str, kind: str | None, *, has_method: bool) -> Meaning:
    if plain in (*_DATES, _TIME, *_ZONES):
        return Meaning("ignored")
    if plain == "request":
        # With the method in a group of its own, it is the target alone.
        return Meaning("target" if has_method else "request", name)
    if plain in _PER_S:
        return Meaning("duration_s", name, per_s=_PER_S[plain], rank=1)
    role, rank = _ROLES.get(plain, ("field", 0))
    if role == "xff":
        rank = _XFF_RANK
    if role == "field" and kind is not None:
        return Meaning("integer" if kind == "int" else "number", name)
    return Meaning(role, name, rank=rank)


def group_time(names: Sequence[str], options: Mapping[str, str]) -> TimeSource | None:
    """Returns how the time is read of groups: a stamp, or a date, a time and a zone.

    With `date_format`, that is the format of the date and the time, joined by a space. Without, the
    forms that can be told apart are known: the common log format's, ISO 8601, ctime, epochs, and
    syslog's if `year` says which year.

    Raises:
        OptionError: `date_format` cannot be used.
    """
    plain = [plain_name(name) for name in names]
    dates = [plain.index(name) for name in _DATES if name in plain][:1]
    times = (
        [plain.index(_TIME)] if _TIME in plain and (not dates or plain[dates[0]] == "date") else []
    )
    zones = [plain.index(name) for name in _ZONES if name in plain][:1]
    if not dates and not times:
        return None
    places = (*dates, *times, *zones)
    date_format = options.get("date_format")
    if date_format is None:
        return TimeSource(places, _any_time(options))
    year = int(options["year"]) if "year" in options else None
    try:
        read = strptime_ms(date_format + " %z" * len(zones), zone_of(options), year)
    except ValueError as error:
        raise OptionError("date_format", str(error)) from error
    return TimeSource(places, read)


def _any_time(options: Mapping[str, str]) -> Callable[[bytes], int | None]:
    zone = zone_of(options)
    year = int(options["year"]) if "year" in options else None

    def read(raw: bytes) -> int | None:
        stamp = raw.strip(b"[] ")
        for time_ms in (clf_time_ms(stamp), iso_time_ms(stamp, zone), epoch_ms(stamp)):
            if time_ms is not None:
                return time_ms
        in_zone = ctime_ms(stamp, zone)
        if in_zone is None and year is not None:
            in_zone = syslog_time_ms(stamp, year, zone)
        return in_zone

    return read
