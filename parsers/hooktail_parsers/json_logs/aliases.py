"""The usual names of a request's parts in JSON logs, by slot, the best name first.

A slot is a record field, or a part of one (`target` becomes path and query; `duration_ms` becomes
`duration_s`). A name is a path of keys. Case, `_`, `-` and other marks within a key do not count:
`userAgent`, `user_agent` and `User-Agent` are one name. A dot in a log's key counts as a level.

    time        request time        date        the day, where `time` is a clock only
    request     request line        target      URL, or path with or without its query
    tls         anything there: https           headers     an object of request headers
    said        what kind of line it is (event name, message)
    duration    a number of unknown unit, or text that states its unit
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SLOTS = (
    "time", "date", "ip", "request", "method", "target", "query", "host", "port", "scheme", "tls",
    "status", "referrer", "user_agent", "user", "bytes_sent", "duration", "duration_s",
    "duration_ms", "duration_us", "duration_ns", "cookies", "headers", "xff", "session",
    "request_id", "said",
)  # fmt: skip
"""In the order in which `parser` unpacks them."""

Aliases: TypeAlias = "Mapping[str, tuple[str, ...]]"
"""For each slot its names, the best first."""

_MARKS = re.compile(r"[^a-z0-9]+")


def normal_key(key: str) -> str:
    """Returns what counts of one level of a key: its ASCII letters and digits, in lower case."""
    return _MARKS.sub("", key.lower())


def aliases(**names: str) -> Aliases:
    """Makes a table from names separated by spaces."""
    return {slot: tuple(text.split()) for slot, text in names.items()}


def joined(*tables: Aliases) -> Aliases:
    """Joins tables; the names of an earlier one are the better ones."""
    slots = dict.fromkeys(slot for table in tables for slot in table)
    return {
        slot: tuple(dict.fromkeys(name for table in tables for name in table.get(slot, ())))
        for slot in slots
    }


def under(containers: Iterable[str], table: Aliases) -> Aliases:
    """Returns the table as it holds within objects of these names."""
    return {
        slot: tuple(f"{container}.{name}" for container in containers for name in names)
        for slot, names in table.items()
    }


# Where times, addresses and the like stand is the same for servers and applications.
_COMMON = aliases(
    time="""@timestamp time_iso8601 time_local timestamp msec ts time datetime date_time
        timestamp_iso8601 start_time time_start event_time log_time logged_at created_at started_at
        timestamp_ms request_time_epoch epoch unixtime start""",
    date="date",
    ip="""client_ip remote_addr remote_ip clientip ip real_ip realip_remote_addr remote_address
        client_addr client_address remote client remote_host source_ip src_ip ip_address user_ip
        http_x_real_ip x_real_ip downstream_remote_address_without_port
        downstream_remote_address""",
    request="request request_line http_request",
    method="request_method method http_method verb",
    target="""request_uri request_url url full_url original_url uri request_path path target
        document_uri uri_path url_path""",
    query="args query_string query querystring request_query url_query",
    port="server_port port request_port",
    scheme="""scheme request_scheme http_scheme url_scheme http_x_forwarded_proto
        x_forwarded_proto proto protocol""",
    tls="https is_tls is_ssl ssl tls",
    status="""status status_code response_status http_status response_code http_status_code
        response_status_code resp_status sc_status code""",
    referrer="http_referer referer referrer http_referrer request_referer request_referrer ref",
    user_agent="http_user_agent user_agent request_user_agent agent ua",
    user="user_id user.id remote_user user.name user username auth_user",
    bytes_sent="""body_bytes_sent bytes_sent response_size response_body_size resp_size bytes_out
        response_bytes response_length body_bytes bytes size length""",
    duration_ms="""duration_ms request_time_ms response_time_ms latency_ms elapsed_ms
        time_taken_ms generation_time_milli elapsed_milliseconds duration_millis""",
    duration_us="""duration_us duration_usec request_time_us request_time_usec elapsed_usec
        latency_us""",
    duration_ns="duration_ns latency_ns elapsed_ns duration_nanos",
    cookies="http_cookie cookie cookies request_cookie",
    headers="headers request_headers req_headers",
    xff="""http_x_forwarded_for x_forwarded_for xff proxy_add_x_forwarded_for forwarded_for
        request_x_forwarded_for""",
    session="session_id session.id session",
    request_id="request_id req_id http_x_request_id x_request_id correlation_id",
)

# Elastic Common Schema and OpenTelemetry's semantic conventions, with those they replaced.
ECS = aliases(
    time="time_unix_nano observed_time_unix_nano",
    ip="""client.ip client.address source.ip source.address http.client_ip network.client.ip
        net.sock.peer.addr net.peer.ip network.peer.address""",
    method="http.request.method http.method",
    target="url.full url.original http.url http.target url.path",
    query="url.query",
    host="url.domain http.request.header.host http.host server.address net.host.name",
    port="url.port server.port net.host.port",
    scheme="url.scheme http.scheme",
    status="http.response.status_code http.status_code",
    referrer="http.request.referrer http.request.header.referer http.referer",
    user_agent="""user_agent.original http.request.header.user_agent http.user_agent
        http.useragent""",
    user="user.id user.name enduser.id usr.id",
    bytes_sent="""http.response.body.bytes http.response.body.size http.response.bytes
        http.response_content_length""",
    duration_ns="event.duration",
    cookies="http.request.header.cookie",
    headers="http.request.headers http.request.header http.headers",
    xff="http.request.header.x_forwarded_for",
    session="session.id",
    request_id="http.request.id http.request_id",
)

# A request in an object of its own, as applications write it, and the answer beside it.
_REQUEST_OBJECT = under(
    ("request", "req", "http_request"),
    aliases(
        ip="client_ip ip remote_addr remote_ip remote_address remote",
        method="method request_method http_method",
        target="original_url url uri request_uri request_url path path_info",
        query="query_string querystring query",
        host="host hostname",
        scheme="scheme protocol",
        referrer="referer referrer",
        user_agent="user_agent useragent",
        user="user.id user",
        cookies="cookies cookie",
        headers="headers header",
        xff="x_forwarded_for",
        session="session_id",
        request_id="id request_id",
    ),
)
_RESPONSE_OBJECT = under(
    ("response", "res", "http_response"),
    aliases(
        status="status status_code code",
        bytes_sent="bytes bytes_sent size body_size content_length",
        duration_ms="duration_ms response_time_ms",
    ),
)

# Google Cloud's LogEntry has the answer in the same object.
_GOOGLE_REQUEST = under(
    ("http_request",),
    aliases(status="status", bytes_sent="response_size", duration="latency"),
)

SERVER = joined(
    _COMMON,
    aliases(
        host="http_host host request_host vhost server_name virtual_host domain authority",
        duration_s="""request_time duration_s duration response_time elapsed latency time_taken
            processing_time request_duration""",
    ),
    _REQUEST_OBJECT,
    _RESPONSE_OBJECT,
    ECS,
)
"""For logs that a server writes in a layout of its user's own: nginx, Fastly."""

APP = joined(
    _COMMON,
    aliases(
        host="http_host request_host vhost domain",
        duration="duration latency elapsed response_time took request_time time_taken",
        duration_s="duration_s latency_s elapsed_s",
        said="event msg message short_message event.action event.name event_name action",
    ),
    _REQUEST_OBJECT,
    _RESPONSE_OBJECT,
    _GOOGLE_REQUEST,
    ECS,
    aliases(target="http_path http_url http_target http_uri"),
    # Mostly the machine's own name, and only then the site's; the times of Serilog and Python.
    aliases(host="host", time="@t asctime"),
)
"""For logs of applications, of which only some lines state requests."""

APP_CONTAINERS = frozenset(
    """http context ctx extra meta metadata fields props properties attributes attrs json_payload
    event message msg""".replace("_", "").split()
)
"""Objects of an application's line in which any of the names may stand."""
