"""What each server writes of one request: realistic lines of every format that hooktail ships.

The requests are those of `generate`; what its format has not (fractions of a second, durations,
ports, ids, upstreams) is drawn from a generator with a seed, so that the same arguments give the
same bytes and nearly every line is another one. Host names and addresses of servers are made up.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.generate import lines as combined_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST = "shop.example"
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905 - reads as a list
_DAYS = "Mon Tue Wed Thu Fri Sat Sun".split()  # noqa: SIM905 - reads as a list
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = {"js": "text/javascript", "css": "text/css", "png": "image/png", "svg": "image/svg+xml"}


class Hit(NamedTuple):
    """One request, with all that some server writes of it."""

    line: str
    """As nginx's combined format has it."""
    ip: str
    clf: str
    day: str
    clock: str
    us: int
    epoch_s: int
    method: str
    target: str
    path: str
    query: str
    protocol: str
    status: int
    size: int
    referrer: str
    agent: str
    port: int
    taken_ms: int
    upstream: str
    id: str
    number: int

    @property
    def common(self) -> str:
        """The line up to its size."""
        return self.line[: self.line.index('"', self.line.index('"') + 1) + 1] + (
            f" {self.status} {self.size}"
        )

    @property
    def agents(self) -> str:
        """Referrer and agent in quotes."""
        return f'"{self.referrer}" "{self.agent}"'

    @property
    def ms(self) -> str:
        """Milliseconds of the second."""
        return f"{self.us // 1000:03}"

    @property
    def iso(self) -> str:
        """ISO 8601 in UTC, to the microsecond, without a zone."""
        return f"{self.day}T{self.clock}.{self.us:06}"

    @property
    def url(self) -> str:
        """The absolute URL."""
        return f"https://{HOST}{self.target}"


def hits(number: int, *, until: datetime, seed: int = 1) -> Iterator[Hit]:
    """Yields requests, most of them for assets, as in `generate`."""
    rng = Random(seed)
    upstreams = [f"10.4.{rng.randrange(8)}.{rng.randrange(2, 250)}:8080" for _ in range(12)]
    last, at = "", _EPOCH
    for count, line in enumerate(combined_lines(number, until=until, seed=seed), 1):
        lead, request, numbers, referrer, _, agent, _ = line.split('"')
        clf = lead[lead.index("[") + 1 : -2]
        if clf != last:
            last, at = clf, _time_of(clf)
        method, target, protocol = request.split(" ")
        path, _, query = target.partition("?")
        status, size = numbers.split()
        yield Hit(
            line.rstrip("\n"),
            lead[: lead.index(" ")],
            clf,
            f"{at:%Y-%m-%d}",
            f"{at:%H:%M:%S}",
            rng.randrange(1_000_000),
            (at - _EPOCH) // timedelta(seconds=1),
            method,
            target,
            path,
            query,
            protocol,
            int(status),
            int(size),
            referrer,
            agent,
            rng.randrange(1024, 65_536),
            1 + int(rng.expovariate(1 / 40)),
            rng.choice(upstreams),
            f"{rng.getrandbits(128):032x}",
            count,
        )


def _time_of(clf: str) -> datetime:
    return datetime(
        int(clf[7:11]), _MONTHS.index(clf[3:6]) + 1, int(clf[:2]),
        int(clf[12:14]), int(clf[15:17]), int(clf[18:20]), tzinfo=UTC,
    )  # fmt: skip


def _json(found: object) -> str:
    return json.dumps(found, separators=(",", ":"))


def _plus(text: str) -> str:
    """As IIS writes headers: a `+` for a space."""
    return text.replace(" ", "+")


def _percent(text: str) -> str:
    """As CloudFront and others write headers."""
    return text.replace("%", "%25").replace(" ", "%20").replace('"', "%22")


def _type(hit: Hit) -> str:
    return _TYPES.get(hit.path.rpartition(".")[2], "text/html")


def _ctime(hit: Hit) -> str:
    at = datetime.fromtimestamp(hit.epoch_s, UTC)
    return f"{_DAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day:2} {hit.clock} {at.year}"


def _syslog(hit: Hit) -> str:
    return f"{hit.clf[3:6]} {int(hit.clf[:2]):2} {hit.clock}"


def _console(hit: Hit) -> str:
    return hit.clf[:20].replace(":", " ", 1)


def _proxy_manager(hit: Hit) -> str:
    return (
        f"[{hit.clf}] - {hit.status} {hit.status} - {hit.method} https {HOST} "
        f'"{hit.target}" [Client {hit.ip}] [Length {hit.size}] [Gzip {hit.number % 40 / 10}] '
        f'[Sent-to {hit.upstream}] "{hit.agent}" "{hit.referrer}"'
    )


def _ingress(hit: Hit) -> str:
    return (
        f"{hit.line} {200 + hit.port % 2000} {hit.taken_ms / 1000:.3f} [default-shop-80] [] "
        f"{hit.upstream} {hit.size} {hit.taken_ms / 1000:.3f} {hit.status} {hit.id}"
    )


def _caddy(hit: Hit) -> str:
    headers = {
        "User-Agent": [hit.agent],
        "Accept": ["text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
        "Accept-Language": ["en-US,en;q=0.5"],
        "Accept-Encoding": ["gzip, deflate, br, zstd"],
        "Sec-Fetch-Dest": ["document"],
        "Sec-Fetch-Mode": ["navigate"],
        "Sec-Fetch-Site": ["same-origin"],
        "Sec-Ch-Ua-Platform": ['"Linux"'],
        "Cookie": ["REDACTED"],
    }
    if hit.referrer != "-":
        headers["Referer"] = [hit.referrer]
    return _json(
        {
            "level": "info",
            "ts": hit.epoch_s + hit.us / 1_000_000,
            "logger": "http.log.access.log0",
            "msg": "handled request",
            "request": {
                "remote_ip": hit.ip, "remote_port": str(hit.port), "client_ip": hit.ip,
                "proto": "HTTP/2.0", "method": hit.method, "host": HOST, "uri": hit.target,
                "headers": headers,
                "tls": {
                    "resumed": False, "version": 772, "cipher_suite": 4865, "proto": "h2",
                    "server_name": HOST,
                },
            },
            "bytes_read": 0,
            "user_id": "",
            "duration": hit.taken_ms / 1000 + hit.us / 10**9,
            "size": hit.size,
            "status": hit.status,
            "resp_headers": {
                "Server": ["Caddy"], "Alt-Svc": ['h3=":443"; ma=2592000'],
                "Content-Type": [_type(hit)], "Content-Length": [str(hit.size)],
            },
        }
    )  # fmt: skip


def _traefik_json(hit: Hit) -> str:
    return _json(
        {
            "ClientAddr": f"{hit.ip}:{hit.port}", "ClientHost": hit.ip,
            "ClientPort": str(hit.port), "ClientUsername": "-", "DownstreamContentSize": hit.size,
            "DownstreamStatus": hit.status, "Duration": hit.taken_ms * 1_000_000 + hit.us,
            "OriginContentSize": hit.size, "OriginDuration": hit.taken_ms * 1_000_000,
            "OriginStatus": hit.status, "Overhead": hit.us, "RequestAddr": HOST,
            "RequestContentSize": 0, "RequestCount": hit.number, "RequestHost": HOST,
            "RequestMethod": hit.method, "RequestPath": hit.target, "RequestPort": "-",
            "RequestProtocol": "HTTP/2.0", "RequestScheme": "https", "RetryAttempts": 0,
            "RouterName": "shop@docker", "ServiceAddr": hit.upstream, "ServiceName": "shop@docker",
            "ServiceURL": f"http://{hit.upstream}", "StartLocal": f"{hit.iso}123Z",
            "StartUTC": f"{hit.iso}123Z", "entryPointName": "websecure", "level": "info",
            "msg": "", "request_Referer": hit.referrer, "request_User-Agent": hit.agent,
            "time": f"{hit.day}T{hit.clock}Z",
        }
    )  # fmt: skip


def _nginx_json(hit: Hit) -> str:
    return _json(
        {
            "time": f"{hit.day}T{hit.clock}+00:00", "remote_addr": hit.ip, "remote_user": "",
            "request": f"{hit.method} {hit.target} {hit.protocol}", "status": str(hit.status),
            "body_bytes_sent": str(hit.size), "request_time": f"{hit.taken_ms / 1000:.3f}",
            "http_referer": "" if hit.referrer == "-"
            else hit.referrer,
            "http_user_agent": hit.agent, "host": HOST, "scheme": "https",
            "http_x_forwarded_for": "",
        }
    )  # fmt: skip


def _cloudfront_v2(hit: Hit) -> str:
    return _json(
        {
            "date": hit.day, "time": hit.clock, "x-edge-location": "FRA60-P4",
            "sc-bytes": str(hit.size), "c-ip": hit.ip, "cs-method": hit.method,
            "cs(Host)": "d111111abcdef8.cloudfront.net", "cs-uri-stem": hit.path,
            "sc-status": str(hit.status), "cs(Referer)": _percent(hit.referrer),
            "cs(User-Agent)": _percent(hit.agent), "cs-uri-query": hit.query or "-",
            "cs(Cookie)": "-", "x-edge-result-type": "Hit", "x-edge-request-id": hit.id,
            "x-host-header": HOST, "cs-protocol": "https", "cs-bytes": str(hit.port % 900),
            "time-taken": f"{hit.taken_ms / 1000:.3f}", "ssl-protocol": "TLSv1.3",
        }
    )  # fmt: skip


def _gcp(hit: Hit) -> str:
    return _json(
        {
            "httpRequest": {
                "requestMethod": hit.method, "requestUrl": hit.url, "requestSize": "412",
                "status": hit.status, "responseSize": str(hit.size), "userAgent": hit.agent,
                "remoteIp": hit.ip, "referer": hit.referrer, "serverIp": hit.upstream[:-5],
                "latency": f"{hit.taken_ms / 1000:.6f}s",
            },
            "insertId": hit.id[:14],
            "jsonPayload": {
                "@type": "type.googleapis.com/google.cloud.loadbalancing.type.LoadBalancerLogEntry",
                "statusDetails": "response_sent_by_backend", "remoteIp": hit.ip,
            },
            "resource": {
                "type": "http_load_balancer",
                "labels": {"project_id": "shop", "url_map_name": "web", "zone": "global"},
            },
            "severity": "INFO",
            "timestamp": f"{hit.iso}Z",
            "trace": f"projects/shop/traces/{hit.id}",
        }
    )  # fmt: skip


def _azure(hit: Hit) -> str:
    return _json(
        {
            "time": f"{hit.iso}7Z", "category": "AppServiceHTTPLogs", "EventTime": f"{hit.iso}7Z",
            "resourceId": "/SUBSCRIPTIONS/1/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.WEB/SITES/SHOP",
            "properties": {
                "CsHost": HOST, "CIp": hit.ip, "SPort": "443", "CsUriStem": hit.path,
                "CsUriQuery": hit.query, "CsMethod": hit.method, "TimeTaken": hit.taken_ms,
                "ScStatus": str(hit.status), "Result": "Success", "CsBytes": "920",
                "ScBytes": str(hit.size), "UserAgent": _plus(hit.agent), "Cookie": "-",
                "CsUsername": "", "Referer": hit.referrer, "ComputerName": "lw1sdlwk0",
            },
        }
    )  # fmt: skip


def _akamai(hit: Hit) -> str:
    return _json(
        {
            "version": 1, "streamId": "87", "cp": "1234", "reqId": hit.id[:8],
            "reqTimeSec": f"{hit.epoch_s}.{hit.ms}", "bytes": str(hit.size), "cliIP": hit.ip,
            "statusCode": str(hit.status), "proto": "HTTPS", "reqHost": HOST,
            "reqMethod": hit.method, "reqPath": hit.path, "reqPort": "443",
            "rspContentLen": str(hit.size), "rspContentType": _type(hit),
            "UA": _percent(hit.agent), "tlsVersion": "TLSv1.3", "queryStr": hit.query,
            "referer": _percent(hit.referrer), "turnAroundTimeMSec": str(hit.taken_ms),
        }
    )  # fmt: skip


def _cloudflare(hit: Hit) -> str:
    return _json(
        {
            "CacheCacheStatus": "hit", "ClientASN": 3320, "ClientCountry": "de",
            "ClientIP": hit.ip, "ClientRequestHost": HOST, "ClientRequestMethod": hit.method,
            "ClientRequestProtocol": "HTTP/2", "ClientRequestReferer":
            "" if hit.referrer == "-" else hit.referrer, "ClientRequestScheme": "https",
            "ClientRequestURI": hit.target, "ClientRequestUserAgent": hit.agent,
            "ClientSSLProtocol": "TLSv1.3", "EdgeColoCode": "FRA",
            "EdgeEndTimestamp": (hit.epoch_s * 1_000_000 + hit.us) * 1000 + hit.taken_ms,
            "EdgeResponseBytes": hit.size, "EdgeResponseStatus": hit.status,
            "EdgeStartTimestamp": (hit.epoch_s * 1_000_000 + hit.us) * 1000,
            "OriginResponseStatus": hit.status, "RayID": hit.id[:16], "SecurityLevel": "med",
        }
    )  # fmt: skip


def _fastly(hit: Hit) -> str:
    return f"<134>{hit.day}T{hit.clock}Z cache-fra-etou{hit.port} shop[42]: " + _json(
        {
            "timestamp": f"{hit.day}T{hit.clock}+0000", "client_ip": hit.ip, "geo_country": "de",
            "host": HOST, "url": hit.target, "request_method": hit.method,
            "request_protocol": hit.protocol, "request_referer": hit.referrer,
            "request_user_agent": hit.agent, "response_state": "HIT",
            "response_status": hit.status, "response_body_size": hit.size,
            "fastly_is_edge": True, "time_elapsed": hit.taken_ms * 1000,
        }
    )  # fmt: skip


def _cloudfront(hit: Hit) -> str:
    return "\t".join(
        (
            hit.day, hit.clock, "FRA60-P4", str(hit.size), hit.ip, hit.method,
            "d111111abcdef8.cloudfront.net", hit.path, str(hit.status), _percent(hit.referrer),
            _percent(hit.agent), hit.query or "-", "-", "Hit", hit.id, HOST, "https",
            str(hit.port % 900), f"{hit.taken_ms / 1000:.3f}", "-", "TLSv1.3",
            "TLS_AES_128_GCM_SHA256", "Hit", "HTTP/2.0", "-", "-", str(hit.port),
            f"{hit.taken_ms / 1000:.3f}", "Hit", _type(hit), str(hit.size), "-", "-",
        )
    )  # fmt: skip


_W3C = (
    "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip"
    " cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken"
)


def _iis(hit: Hit) -> str:
    return (
        f"{hit.day} {hit.clock} 10.0.0.4 {hit.method} {hit.path} {hit.query or '-'} 443 - {hit.ip} "
        f"{_plus(hit.agent)} {hit.referrer} {hit.status} 0 0 {hit.taken_ms}"
    )


def _advanced(hit: Hit) -> str:
    return (
        f"{hit.day} {hit.clock}.{hit.ms} {hit.method} {hit.path} {hit.ip} "
        f'"{hit.agent}" "{HOST}" {hit.status} {hit.taken_ms}'
    )


def _shoutcast(hit: Hit) -> str:
    return (
        f"{hit.ip} {hit.ip} {hit.day} {hit.clock} {hit.target} {hit.status} "
        f"{_percent(hit.agent)} {hit.size} {hit.taken_ms} 524640"
    )


def _netscaler(hit: Hit) -> str:
    return (
        f"{hit.day} {hit.clock} {hit.ip} - {hit.method} {hit.path} {hit.query or '-'} "
        f"{hit.status} {hit.size} {hit.taken_ms} {_plus(hit.agent)}"
    )


def _incapsula(hit: Hit) -> str:
    values = (
        hit.day, hit.clock, hit.ip, hit.agent, HOST + hit.path, "HTTPS", hit.referrer, "443",
        hit.method, hit.query, str(hit.status),
    )  # fmt: skip
    return " ".join(f'"{value}"' for value in values)


def _zeek(hit: Hit) -> str:
    return "\t".join(
        (
            f"{hit.epoch_s}.{hit.us:06}", f"C{hit.id[:16]}", hit.ip, str(hit.port), "10.0.0.4",
            "80", hit.method, HOST, hit.target, hit.referrer, hit.agent, str(hit.size),
            str(hit.status),
        )
    )  # fmt: skip


def _s3(hit: Hit) -> str:
    return (
        f"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be shop [{hit.clf}] "
        f"{hit.ip} - {hit.id[:16].upper()} REST.{hit.method}.OBJECT {hit.path[1:] or '-'} "
        f'"{hit.method} {hit.target} HTTP/1.1" {hit.status} - {hit.size} {hit.size} '
        f"{hit.taken_ms} {hit.taken_ms} {hit.agents} - "
        f"{hit.id}{hit.id}= SigV4 ECDHE-RSA-AES128-GCM-SHA256 - shop.s3.eu-west-1.amazonaws.com "
        "TLSv1.2 - -"
    )


def _alb(hit: Hit) -> str:
    taken_s = hit.taken_ms / 1000
    return (
        f"h2 {hit.iso}Z app/shop/50dc6c495c0c9188 {hit.ip}:{hit.port} {hit.upstream} 0.001 "
        f"{taken_s:.3f} 0.000 {hit.status} {hit.status} {hit.port % 900} {hit.size} "
        f'"{hit.method} https://{HOST}:443{hit.target} HTTP/2.0" "{hit.agent}" '
        "TLS_AES_128_GCM_SHA256 TLSv1.3 arn:aws:elasticloadbalancing:eu-west-1:123456789012:"
        f'targetgroup/shop/73e2d6bc24d8a067 "Root=1-{hit.id[:8]}-{hit.id[8:]}" "{HOST}" '
        '"arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012" '
        f'1 {hit.iso}Z "forward" "-" "-" "{hit.upstream}" "{hit.status}" "-" "-" TID_{hit.id}'
    )


def _elb(hit: Hit) -> str:
    taken_s = hit.taken_ms / 1000
    return (
        f"{hit.iso}Z shop {hit.ip}:{hit.port} {hit.upstream} 0.000073 {taken_s:.6f} 0.000057 "
        f'{hit.status} {hit.status} 0 {hit.size} "{hit.method} https://{HOST}:443{hit.target} '
        f'HTTP/1.1" "{hit.agent}" ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2'
    )


def _haproxy(hit: Hit) -> str:
    waited = hit.taken_ms // 2
    return (
        f"{_syslog(hit)} lb1 haproxy[417]: {hit.ip}:{hit.port} [{hit.clf[:20]}.{hit.ms}] www~ "
        f"shop/web{hit.number % 4} 0/0/1/{waited}/{hit.taken_ms} {hit.status} {hit.size} - - ---- "
        f"{hit.port % 90}/{hit.port % 80}/3/1/0 0/0 {{{HOST}|{hit.agent}|"
        f'{"" if hit.referrer == "-" else hit.referrer}}} "{hit.method} {hit.target} HTTP/1.1"'
    )


def _envoy(hit: Hit) -> str:
    return (
        f'[{hit.day}T{hit.clock}.{hit.ms}Z] "{hit.method} {hit.target} HTTP/1.1" {hit.status} - '
        f'via_upstream - "-" 0 {hit.size} {hit.taken_ms} {hit.taken_ms} "{hit.ip},10.0.0.1" '
        f'"{hit.agent}" "{hit.id[:8]}-{hit.id[8:12]}-4{hit.id[13:16]}-9{hit.id[17:20]}-'
        f'{hit.id[20:]}" "{HOST}" "{hit.upstream}" outbound|80||shop.default.svc.cluster.local '
        f"10.0.0.2:{hit.port} 10.0.0.3:80 {hit.ip}:0 - default"
    )


def _squid(hit: Hit) -> str:
    return (
        f"{hit.epoch_s}.{hit.ms} {hit.taken_ms:6} {hit.ip} TCP_MISS/{hit.status:03} {hit.size} "
        f"{hit.method} http://{HOST}{hit.target} - HIER_DIRECT/{hit.upstream[:-5]} {_type(hit)}"
    )


def _uwsgi(hit: Hit) -> str:
    return (
        f"[pid: {1 + hit.number % 8}|app: 0|req: {hit.number}/{hit.number}] {hit.ip} () "
        f"{{{30 + hit.number % 9} vars in {600 + hit.port % 500} bytes}} [{_ctime(hit)}] "
        f"{hit.method} {hit.target} => generated {hit.size} bytes in {hit.taken_ms} msecs "
        f"({hit.protocol} {hit.status}) 9 headers in 378 bytes (1 switches on core 0)"
    )


def _zoraxy(hit: Hit) -> str:
    return (
        f"[{hit.day} {hit.clock}.{hit.us:06}] [router:host-http] [origin:{HOST}] "
        f"[client: {hit.ip}] [useragent: {hit.agent}] {hit.method} {hit.target} {hit.status}"
    )


def _json_app(hit: Hit) -> str:
    headers = {"User-Agent": [hit.agent]}
    if hit.referrer != "-":
        headers["Referer"] = [hit.referrer]
    return _json(
        {
            "event": "request_finished", "level": "info", "timestamp": f"{hit.iso}Z",
            "request": {
                "method": hit.method, "url": hit.url, "headers": headers, "remote_addr": hit.ip,
            },
            "response": {"status": hit.status, "bytes": hit.size}, "duration_ms": hit.taken_ms,
            "user": {"id": hit.number % 977}, "request_id": hit.id,
        }
    )  # fmt: skip


def _lograge(hit: Hit) -> str:
    return _json(
        {
            "method": hit.method, "path": hit.path, "format": "html",
            "controller": "CartsController", "action": "show", "status": hit.status,
            "time": f"{hit.day}T{hit.clock}.{hit.ms}Z",
            "params": [{"key": "step", "value": str(hit.port)}], "remote_ip": hit.ip,
            "user_id": hit.number % 977, "username": "someone", "ua": hit.agent,
            "correlation_id": hit.id, "db_duration_s": 0.01, "duration_s": hit.taken_ms / 1000,
        }
    )  # fmt: skip


def _pino(hit: Hit) -> str:
    headers = {
        "host": HOST, "user-agent": hit.agent, "accept": "*/*", "accept-language": "en",
        "accept-encoding": "gzip, deflate, br", "connection": "keep-alive",
    }  # fmt: skip
    if hit.referrer != "-":
        headers["referer"] = hit.referrer
    return _json(
        {
            "level": 30, "time": hit.epoch_s * 1000 + hit.us // 1000, "pid": 17,
            "hostname": "web1",
            "req": {
                "id": hit.number, "method": hit.method, "url": hit.target, "query": {},
                "params": {}, "headers": headers, "remoteAddress": f"::ffff:{hit.ip}"
                if "." in hit.ip else hit.ip, "remotePort": hit.port,
            },
            "res": {
                "statusCode": hit.status,
                "headers": {"content-type": _type(hit), "content-length": str(hit.size)},
            },
            "responseTime": hit.taken_ms, "msg": "request completed",
        }
    )  # fmt: skip


def _ecs(hit: Hit) -> str:
    return _json(
        {
            "@timestamp": f"{hit.day}T{hit.clock}.{hit.ms}Z", "log.level": "info",
            "message": "GET handled", "ecs.version": "8.11.0", "service.name": "shop",
            "http": {
                "request": {"method": hit.method, "referrer": hit.referrer},
                "response": {"status_code": hit.status, "body": {"bytes": hit.size}},
                "version": "2",
            },
            "url.full": hit.url, "client.ip": hit.ip, "user_agent.original": hit.agent,
            "event.duration": hit.taken_ms * 1_000_000, "trace.id": hit.id,
        }
    )  # fmt: skip


def _otlp(hit: Hit) -> str:
    texts = {
        "http.request.method": hit.method, "url.full": hit.url, "client.address": hit.ip,
        "user_agent.original": hit.agent,
    }  # fmt: skip
    attributes: list[object] = [
        {"key": key, "value": {"stringValue": text}} for key, text in texts.items()
    ]
    attributes.append({"key": "http.response.status_code", "value": {"intValue": str(hit.status)}})
    stamp = f"{hit.epoch_s}{hit.us:06}123"
    record = {
        "timeUnixNano": stamp, "observedTimeUnixNano": stamp, "severityNumber": 9,
        "severityText": "INFO", "body": {"stringValue": "request"}, "attributes": attributes,
        "traceId": hit.id, "spanId": hit.id[:16],
    }  # fmt: skip
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]}
    scope = {"scope": {"name": "web"}, "logRecords": [record]}
    return _json({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]})


def _logfmt(hit: Hit) -> str:
    return (
        f'ts={hit.day}T{hit.clock}.{hit.ms}Z level=info msg="request" method={hit.method} '
        f'path="{hit.target}" status={hit.status} bytes={hit.size} remote={hit.ip} '
        f'ua="{hit.agent}" referer={hit.referrer} duration={hit.taken_ms}ms request_id={hit.id}'
    )


def _heroku(hit: Hit) -> str:
    return (
        f'{hit.iso}+00:00 heroku[router]: at=info method={hit.method} path="{hit.target}" '
        f'host={HOST} request_id={hit.id} fwd="{hit.ip}" dyno=web.{1 + hit.number % 4} '
        f"connect=0ms service={hit.taken_ms}ms status={hit.status} bytes={hit.size} "
        "protocol=https tls=true tls_version=tls1.3"
    )


def _rails3(hit: Hit) -> str:
    pid = hit.number % 9
    tag = f"I, [{hit.iso} #{pid}]  INFO -- : [{hit.id}]"
    return (
        f'{tag} Started {hit.method} "{hit.target}" for {hit.ip} at {hit.day} {hit.clock} +0000\n'
        f"{tag} Processing by PagesController#show as HTML\n"
        f"{tag} Completed {hit.status} OK in {hit.taken_ms}ms (Views: 3.1ms | ActiveRecord: 1.2ms)"
    )


def _rails2(hit: Hit) -> str:
    return (
        f"Processing PagesController#show (for {hit.ip} at {hit.day} {hit.clock}) [{hit.method}]\n"
        f"Completed in {hit.taken_ms}ms (View: 12, DB: 3) | {hit.status} OK "
        f"[http://{HOST}{hit.target}]"
    )


def _laravel(hit: Hit) -> str:
    context = _json(
        {
            "method": hit.method, "url": hit.url, "status": hit.status, "ip": hit.ip,
            "ua": hit.agent, "user_id": hit.number % 977,
        }
    )  # fmt: skip
    return f"[{hit.day} {hit.clock}] production.INFO: request.finished {context} []"


def _spring(hit: Hit) -> str:
    return (
        f"{hit.day}T{hit.clock}.{hit.ms}Z  INFO 1 --- [nio-8080-exec-{hit.number % 10}] "
        f"e.s.RequestLog : method={hit.method} uri={hit.target} status={hit.status} "
        f'client={hit.ip} ua="{hit.agent}" dur={hit.taken_ms}'
    )


def _docker(hit: Hit) -> str:
    return _json({"log": f"{hit.line}\n", "stream": "stdout", "time": f"{hit.iso}123Z"})


def _journald(hit: Hit) -> str:
    return _json(
        {
            "__REALTIME_TIMESTAMP": str(hit.epoch_s * 1_000_000 + hit.us), "_PID": "77",
            "_HOSTNAME": "web1", "SYSLOG_IDENTIFIER": "nginx", "PRIORITY": "6",
            "MESSAGE": hit.line,
        }
    )  # fmt: skip


class Written(NamedTuple):
    """A format as the benchmark reads it: the name to ask for, and how its lines are written."""

    format: str
    write: Callable[[Hit], str]
    header: str = ""
    options: tuple[tuple[str, str], ...] = ()


def _console_line(hit: Hit) -> str:
    return f'{hit.ip} - - [{_console(hit)}] "{hit.method} {hit.target} HTTP/1.1" {hit.status} '


FORMATS: tuple[Written, ...] = (
    Written("ncsa_common", lambda hit: hit.common),
    Written("ncsa_combined", lambda hit: hit.line),
    Written("vhost_common", lambda hit: f"{HOST}:443 {hit.common}"),
    Written("vhost_combined", lambda hit: f"{HOST}:443 {hit.line}"),
    Written("nginx_combined", lambda hit: hit.line),
    Written("nginx_main", lambda hit: f'{hit.line} "{hit.ip}, 10.0.0.1"'),
    Written("nginx_ingress", _ingress),
    Written(
        "traefik_clf",
        lambda hit: f'{hit.line} {hit.number} "shop@docker" "http://{hit.upstream}" '
        f"{hit.taken_ms}ms",
    ),
    Written(
        "varnishncsa", lambda hit: hit.line.replace(f" {hit.path}", f" http://{HOST}{hit.path}", 1)
    ),
    Written("lighttpd", lambda hit: hit.line.replace(" - - ", f" {HOST} - ", 1)),
    Written("ovh", lambda hit: hit.line.replace(" - - ", f" {HOST} - ", 1)),
    Written("litespeed_combined", lambda hit: hit.line),
    Written("gunicorn_default", lambda hit: hit.line),
    Written("morgan_combined", lambda hit: hit.line),
    Written("jetty_ncsa", lambda hit: f'{hit.line} "sid={hit.id[:8]}"  {hit.taken_ms}'),
    Written("icecast2", lambda hit: f"{hit.line} {hit.taken_ms}"),
    Written(
        "vhost_combined_plus",
        lambda hit: f"{HOST}:443 {hit.line} {hit.taken_ms // 1000}/{hit.taken_ms * 1000}",
    ),
    Written("nginx_with_time", lambda hit: f"{hit.common} {hit.taken_ms / 1000:.3f} {hit.agents}"),
    Written("nginx_xff_first", lambda hit: f"{hit.ip}, 10.0.0.1{hit.line[len(hit.ip) :]}"),
    Written(
        "nginx_vhost_xff_first", lambda hit: f"{HOST} {hit.ip}, 10.0.0.1{hit.line[len(hit.ip) :]}"
    ),
    Written("gandi", lambda hit: f"{HOST} {hit.line.replace('] ', '] (0 s) ', 1)}"),
    Written("tomcat", lambda hit: f"{hit.common} {hit.id.upper()} {hit.taken_ms}"),
    Written("nginx_proxy_manager", _proxy_manager),
    Written(
        "apache_ssl_request",
        lambda hit: f"[{hit.clf}] {hit.ip} TLSv1.3 TLS_AES_256_GCM_SHA384 "
        f'"{hit.method} {hit.target} HTTP/1.1" {hit.size}',
    ),
    Written(
        "clf_no_time",
        lambda hit: f'{hit.ip} - - "{hit.method} {hit.target} {hit.protocol}" {hit.status} '
        f"{hit.size} {hit.taken_ms / 1000:.3f}",
    ),
    Written("nginx_json", _nginx_json),
    Written("caddy_json", _caddy),
    Written("traefik_json", _traefik_json),
    Written("cloudfront_v2_json", _cloudfront_v2),
    Written("gcp_http_lb_json", _gcp),
    Written("azure_appservice_http", _azure),
    Written("akamai_datastream2_json", _akamai),
    Written("cloudflare_logpush", _cloudflare),
    Written("fastly_json", _fastly),
    Written("cloudfront_standard", _cloudfront),
    Written("w3c", _iis, _W3C),
    Written("iis_w3c", _iis, _W3C),
    Written(
        "iis_advanced_logging",
        _advanced,
        "#Fields: date-local time-local cs-method cs-uri-stem c-ip cs(User-Agent) cs(Host)"
        " sc-status TimeTakenMS",
    ),
    Written(
        "shoutcast_w3c",
        _shoutcast,
        "#Fields: c-ip c-dns date time cs-uri-stem c-status cs(User-Agent) sc-bytes x-duration"
        " avgbandwidth",
    ),
    Written(
        "netscaler_w3c",
        _netscaler,
        "#Fields: date time c-ip cs-username cs-method cs-uri-stem cs-uri-query sc-status sc-bytes"
        " time-taken cs(User-Agent)",
    ),
    Written(
        "incapsula_w3c",
        _incapsula,
        "#Fields: date time c-ip cs(User-Agent) cs-uri cs-version cs(Referrer) s-port cs-method"
        " cs-uri-query sc-status",
    ),
    Written(
        "zeek_http",
        _zeek,
        "#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tmethod\thost\turi\t"
        "referrer\tuser_agent\tresponse_body_len\tstatus_code",
    ),
    Written("aws_s3", _s3),
    Written("aws_alb", _alb),
    Written("aws_elb_classic", _elb),
    Written("haproxy_http", _haproxy, options=(("request_captures", "host,user-agent,referer"),)),
    Written("envoy_text", _envoy),
    Written("squid_native", _squid),
    Written(
        "rack_common_logger",
        lambda hit: f"{_console_line(hit)}{hit.size} {hit.taken_ms / 1000:.4f}",
    ),
    Written("werkzeug", lambda hit: f"{_console_line(hit)}-"),
    Written(
        "django_runserver",
        lambda hit: f'[{_console(hit)}] "{hit.method} {hit.target} HTTP/1.1" {hit.status} '
        f"{hit.size}",
    ),
    Written(
        "uvicorn",
        lambda hit: f'INFO:     {hit.ip}:{hit.port} - "{hit.method} {hit.target} HTTP/1.1" '
        f"{hit.status} OK",
    ),
    Written("uwsgi", _uwsgi),
    Written("zoraxy", _zoraxy),
    Written(
        "morgan_dev",
        lambda hit: f"\x1b[0m{hit.method} {hit.target} \x1b[32m{hit.status}\x1b[0m "
        f"{hit.taken_ms + hit.us % 1000 / 1000:.3f} ms - {hit.size}\x1b[0m",
    ),
    Written("json_app", _json_app),
    Written("rails_lograge_json", _lograge),
    Written("pino_http_json", _pino),
    Written("ecs_json", _ecs),
    Written("otlp_json", _otlp),
    Written("logfmt_app", _logfmt),
    Written("heroku_router_logfmt", _heroku),
    Written("rails3_log", _rails3),
    Written("rails2_log", _rails2),
    Written(
        "laravel_app",
        _laravel,
        options=(
            ("map.method", "context.method"), ("map.path", "context.url"),
            ("map.status", "context.status"), ("map.ip", "context.ip"),
            ("map.user_agent", "context.ua"), ("map.event", "message"),
        ),
    ),
    Written("spring_app", _spring),
)  # fmt: skip

COMPOSED: tuple[Written, ...] = (
    Written("docker_json+ncsa_combined", _docker),
    Written("cri+nginx_ingress", lambda hit: f"{hit.iso}123Z stdout F {_ingress(hit)}"),
    Written("cri+caddy_json", lambda hit: f"{hit.iso}123Z stdout F {_caddy(hit)}"),
    Written("docker_compose+ncsa_combined", lambda hit: f"web-1  | {hit.line}"),
    Written("rfc3164+ncsa_combined", lambda hit: f"<190>{_syslog(hit)} web1 nginx: {hit.line}"),
    Written("rfc5424+ncsa_combined", lambda hit: f"<190>1 {hit.iso}Z web1 nginx 77 - - {hit.line}"),
    Written("journald_json+ncsa_combined", _journald),
    Written("auto", lambda hit: hit.line),
    Written(
        'nginx:$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
        '"$http_referer" "$http_user_agent" $request_time',
        lambda hit: f"{hit.line} {hit.taken_ms / 1000:.3f}",
    ),
    Written(
        r'apache:%h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i" %D',
        lambda hit: f"{hit.line} {hit.taken_ms * 1000}",
    ),
    Written('goaccess:%h %^[%d:%t %^] "%r" %s %b "%R" "%u"', lambda hit: hit.line),
    Written("grok:%{COMBINEDAPACHELOG}", lambda hit: hit.line),
    Written(
        r'regex:(?P<ip>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d+) '
        r'(?P<bytes>\d+) "(?P<referer>[^"]*)" "(?P<user_agent>[^"]*)"',
        lambda hit: hit.line,
    ),
)
