"""JSON access logs of CDNs, balancers and clouds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

import orjson

from hooktail_parsers import json_text
from hooktail_parsers.json_logs.aliases import SERVER, aliases, joined
from hooktail_parsers.json_logs.parser import JsonPlan, json_format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hooktail_parsers.json_logs.parser import Found

_PLUSES = re.compile(r"\+(\+?)")


def _decoded(text: str) -> str:
    """Undoes percent-encoding; CloudFront's old files have it twice, Akamai has `+` for spaces."""
    if "%" not in text:
        return text
    once = unquote(text, errors="replace")
    if "%20" in once and " " not in once:
        return unquote(once, errors="replace")
    if "%2F" in text and "+" in text and " " not in once:
        return once if "%2B" in text else once.replace("+", " ")
    return once


def _plus_decoded(text: str) -> str:
    """Undoes IIS's `+` for a space; of two in a row the second is meant."""
    return text if " " in text else _PLUSES.sub(r" \1", text)


def _azure_records(found: Found) -> Sequence[Found] | None:
    """Takes a batch apart, and brings a record's `properties`, perhaps text, to its own level."""
    batch = found.get("records")
    objects = batch if isinstance(batch, list) else [found]
    return [_azure_record(each) for each in objects if isinstance(each, dict)] or None


def _azure_record(found: Found) -> Found:
    properties = found.get("properties")
    if isinstance(properties, str):
        try:
            properties = json_text.loads(properties.encode())
        except orjson.JSONDecodeError:
            properties = None
    if isinstance(properties, dict):
        # Both were just decoded, and are nobody else's.
        del found["properties"]
        properties.update(found)
        found = properties
    if "TimeTaken" in found and "CsUriStem" in found:
        # App Service counts milliseconds, Front Door and Application Gateway seconds.
        found["TimeTakenMs"] = found.pop("TimeTaken")
    if "CsHost" in found:
        found.pop("Host", None)  # the machine's
    return found


def _from_brace(line: bytes) -> tuple[bytes, str | None] | None:
    """Cuts off a syslog prefix; its host and time are the edge's, not the request's.

    A bracket begins none, but the line of an application's log, with its context behind it.
    """
    at = -1 if line.startswith(b"[") else line.find(b"{")
    return None if at < 0 else (line[at:], None)


CLOUDFRONT = JsonPlan(
    aliases(
        time="timestamp(ms) timestamp time",
        date="date",
        ip="c-ip",
        method="cs-method",
        target="cs-uri-stem",
        query="cs-uri-query",
        host="x-host-header cs(Host)",
        scheme="cs-protocol",
        status="sc-status",
        referrer="cs(Referer)",
        user_agent="cs(User-Agent)",
        bytes_sent="sc-bytes",
        duration_s="time-taken",
        cookies="cs(Cookie)",
        xff="x-forwarded-for",
        request_id="x-edge-request-id",
    ),
    undo=_decoded,
)

GCP = JsonPlan(
    aliases(
        time="timestamp receiveTimestamp",
        ip="httpRequest.remoteIp",
        method="httpRequest.requestMethod",
        target="httpRequest.requestUrl",
        status="httpRequest.status",
        referrer="httpRequest.referer",
        user_agent="httpRequest.userAgent",
        bytes_sent="httpRequest.responseSize",
        duration_s="httpRequest.latency",
    )
)

_AZURE_HTTP = aliases(
    ip="CIp clientIp socketIp",
    method="CsMethod httpMethod",
    target="requestUri CsUriStem",
    query="CsUriQuery requestQuery",
    host="CsHost originalHost hostName host",
    port="SPort",
    scheme="requestProtocol",
    tls="sslEnabled",
    status="ScStatus httpStatusCode httpStatus",
    referrer="Referer referrer",
    user_agent="UserAgent",
    user="CsUsername",
    bytes_sent="ScBytes responseBytes sentBytes",
    duration_ms="TimeTakenMs",
    duration_s="timeTaken",
    cookies="Cookie",
    request_id="trackingReference transactionId",
)
AZURE = JsonPlan(
    joined(aliases(time="time TimeGenerated EventTime timestamp"), _AZURE_HTTP),
    undo=_plus_decoded,
    objects=_azure_records,
)


AKAMAI = JsonPlan(
    aliases(
        time="reqTimeSec",
        ip="cliIP",
        method="reqMethod",
        target="reqPath",
        query="queryStr",
        host="reqHost",
        port="reqPort",
        scheme="proto",
        status="statusCode",
        referrer="referer",
        user_agent="UA",
        bytes_sent="bytes",
        cookies="cookie",
        xff="xForwardedFor",
        request_id="reqId",
    ),
    undo=_decoded,
)

CLOUDFLARE = JsonPlan(
    aliases(
        time="EdgeStartTimestamp Datetime EdgeEndTimestamp",
        ip="ClientIP",
        method="ClientRequestMethod",
        target="ClientRequestURI ClientRequestPath",
        host="ClientRequestHost",
        scheme="ClientRequestScheme",
        status="EdgeResponseStatus",
        referrer="ClientRequestReferer",
        user_agent="ClientRequestUserAgent",
        bytes_sent="EdgeResponseBytes",
        cookies="Cookies",
        headers="RequestHeaders",
        request_id="RayID",
    )
)

# Fastly's own example calls the method `request`, which the reader of request lines allows for.
FASTLY = JsonPlan(
    joined(
        aliases(
            ip="fastly_client_ip client_ip",
            target="url req_url",
            duration_us="time_elapsed elapsed_usec",
            said="event msg message",
        ),
        SERVER,
    ),
    containers=frozenset(("event",)),
    prefix=_from_brace,
)


FORMATS = (
    json_format(
        "cloudfront_v2_json",
        "Amazon CloudFront standard logging v2, JSON",
        CLOUDFRONT,
        example=(
            '{"date":"2025-03-14","time":"08:26:53","c-ip":"203.0.113.7","cs-method":"GET",'
            '"cs-uri-stem":"/cart","sc-status":"200","cs(User-Agent)":"Agent/1.0%20(X11)",'
            '"cs-uri-query":"step=2","x-host-header":"shop.example","cs-protocol":"https",'
            '"sc-bytes":"5120","time-taken":"0.012"}'
        ),
        source="Amazon CloudFront Developer Guide, standard logging reference",
    ),
    json_format(
        "gcp_http_lb_json",
        "Google Cloud HTTP(S) load balancer, LogEntry with httpRequest",
        GCP,
        example=(
            '{"httpRequest":{"requestMethod":"GET","requestUrl":"https://shop.example/cart?step=2",'
            '"status":200,"responseSize":"5120","userAgent":"Agent/1.0","remoteIp":"203.0.113.7",'
            '"referer":"https://shop.example/","latency":"0.012s"},"insertId":"x1","timestamp":'
            '"2025-03-14T08:26:53.123456Z"}'
        ),
        source="Google Cloud documentation, LogEntry and HttpRequest",
    ),
    json_format(
        "azure_appservice_http",
        "Azure App Service, Front Door or Application Gateway access log",
        AZURE,
        example=(
            '{"time":"2025-03-14T08:26:53.1234567Z","category":"AppServiceHTTPLogs","properties":'
            '{"CsHost":"shop.example","CIp":"203.0.113.7","SPort":"443","CsUriStem":"/cart",'
            '"CsUriQuery":"step=2","CsMethod":"GET","TimeTaken":12,"ScStatus":200,"ScBytes":5120,'
            '"UserAgent":"Agent/1.0+(X11)","Referer":"https://shop.example/"}}'
        ),
        source="Azure Monitor reference, AppServiceHTTPLogs; Front Door access log",
    ),
    json_format(
        "akamai_datastream2_json",
        "Akamai DataStream 2, JSON",
        AKAMAI,
        example=(
            '{"version":1,"reqId":"1239f220","reqTimeSec":"1741940813.123","bytes":"5120","cliIP":'
            '"203.0.113.7","statusCode":"200","proto":"HTTPS","reqHost":"shop.example",'
            '"reqMethod":"GET","reqPath":"/cart","reqPort":"443","UA":"Agent/1.0%20(X11)",'
            '"queryStr":"step=2"}'
        ),
        source="Akamai DataStream 2 guide, log format and data set parameters",
    ),
    json_format(
        "cloudflare_logpush",
        "Cloudflare Logpush, data set http_requests",
        CLOUDFLARE,
        example=(
            '{"ClientIP":"203.0.113.7","ClientRequestHost":"shop.example","ClientRequestMethod":'
            '"GET","ClientRequestURI":"/cart?step=2","ClientRequestScheme":"https",'
            '"ClientRequestUserAgent":"Agent/1.0","EdgeResponseBytes":5120,"EdgeResponseStatus":'
            '200,"EdgeStartTimestamp":1741940813123000000,"RayID":"761fde4e984e5ab2"}'
        ),
        source="Cloudflare documentation, Logpush data set http_requests",
    ),
    json_format(
        "fastly_json",
        "Fastly log streaming, a JSON format; text before the object is passed over",
        FASTLY,
        example=(
            '<134>2025-03-14T08:26:54Z cache-fra1 shop[42]: {"timestamp":'
            '"2025-03-14T08:26:53+0000","client_ip":"203.0.113.7","host":"shop.example","url":'
            '"/cart?step=2","request_method":"GET","request_user_agent":"Agent/1.0",'
            '"response_status":200,"response_body_size":5120,"time_elapsed":1300}'
        ),
        source="Fastly documentation, useful log formats; the keys are the user's own",
    ),
)
