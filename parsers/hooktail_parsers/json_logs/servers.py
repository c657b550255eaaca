"""JSON access logs of web servers and proxies: nginx, Caddy, Traefik."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers.json_logs.aliases import SERVER, aliases, joined
from hooktail_parsers.json_logs.parser import JsonPlan, json_format

if TYPE_CHECKING:
    from collections.abc import Mapping

_CADDY_CONSOLE = re.compile(
    rb"([0-9]{4}/[0-9]{2}/[0-9]{2} [0-9:.]{8,18}|[0-9T:.Z+-]{20,35})[\t ]++"
    rb"(?:\x1b\[[0-9;]*m)?[A-Za-z]{4,5}(?:\x1b\[[0-9;]*m)?[\t ]++[^{]*+(?=\{)"
).match


def _caddy_console(line: bytes) -> tuple[bytes, str | None] | None:
    """Cuts off what Caddy's console encoder writes before the object: time, level, logger."""
    prefix = _CADDY_CONSOLE(line)
    if prefix is None or b"http.log.access" not in prefix[0]:
        return None
    return line[prefix.end() :], prefix[1].decode("ascii")


_ACCESS = "http.log.access"


def _caddy_access(found: Mapping[str, object]) -> bool:
    """Tells access lines from errors and from requests to upstreams, which look like them."""
    logger = found.get("logger")
    return logger is None or (type(logger) is str and logger[: len(_ACCESS)] == _ACCESS)


NGINX = JsonPlan(
    joined(SERVER, aliases(said="event msg message")),
    header_prefix="http_",
    containers=frozenset(("http",)),
)

CADDY = JsonPlan(
    aliases(
        time="ts timestamp time",
        ip="request.client_ip request.remote_ip request.remote_addr",
        method="request.method",
        target="request.uri",
        host="request.host",
        tls="request.tls",
        status="status",
        user="user_id",
        bytes_sent="size",
        duration_s="duration",
        headers="request.headers",
    ),
    mine=_caddy_access,
    prefix=_caddy_console,
)

TRAEFIK = JsonPlan(
    aliases(
        time="StartUTC StartLocal time",
        ip="ClientHost ClientAddr",
        request="RequestLine",
        method="RequestMethod",
        target="RequestPath",
        host="RequestHost RequestAddr",
        port="RequestPort",
        scheme="RequestScheme",
        status="DownstreamStatus",
        referrer="request_Referer",
        user_agent="request_User-Agent",
        user="ClientUsername",
        bytes_sent="DownstreamContentSize",
        duration_ns="Duration",
        cookies="request_Cookie",
        xff="request_X-Forwarded-For",
        request_id="request_X-Request-Id",
    ),
    header_prefix="request_",
)

FORMATS = (
    json_format(
        "nginx_json",
        "nginx log_format with escape=json, usual key names or map.*",
        NGINX,
        example=(
            '{"time":"2025-03-14T09:26:53+01:00","remote_addr":"203.0.113.7",'
            '"request":"GET /cart?step=2 HTTP/1.1","status":"200","body_bytes_sent":"5120",'
            '"http_referer":"https://shop.example/","http_user_agent":"Agent/1.0",'
            '"host":"shop.example","scheme":"https"}'
        ),
        source="nginx, ngx_http_log_module; the keys are the user's own",
    ),
    json_format(
        "caddy_json",
        "Caddy 2 access log (logger http.log.access), JSON or console encoder",
        CADDY,
        example=(
            '{"level":"info","ts":1741940813.123,"logger":"http.log.access","msg":"handled '
            'request","request":{"remote_ip":"203.0.113.7","client_ip":"203.0.113.7","proto":'
            '"HTTP/2.0","method":"GET","host":"shop.example","uri":"/cart?step=2","headers":'
            '{"User-Agent":["Agent/1.0"],"Referer":["https://shop.example/"]},"tls":{"version":'
            '772}},"duration":0.0013,"size":5120,"status":200}'
        ),
        source="Caddy documentation, log directive",
    ),
    json_format(
        "traefik_json",
        "Traefik access log in JSON; headers where the configuration keeps them",
        TRAEFIK,
        example=(
            '{"ClientAddr":"203.0.113.7:51234","ClientHost":"203.0.113.7","ClientUsername":"-",'
            '"DownstreamContentSize":5120,"DownstreamStatus":200,"Duration":1300000,'
            '"RequestHost":"shop.example","RequestMethod":"GET","RequestPath":"/cart?step=2",'
            '"RequestPort":"-","RequestScheme":"https","StartUTC":"2025-03-14T08:26:53.123456789Z",'
            '"request_User-Agent":"Agent/1.0","level":"info","msg":"",'
            '"time":"2025-03-14T08:26:53Z"}'
        ),
        source="Traefik documentation, access logs",
    ),
)

ALIASES = {"nginx_json_custom": "nginx_json"}
