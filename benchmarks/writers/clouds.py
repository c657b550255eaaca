"""Lines of content networks, load balancers and stores in the cloud, JSON or not."""

from __future__ import annotations

from benchmarks.writers.hit import (
    HOST,
    Hit,
    Written,
    as_json,
    content_type,
    with_percent,
    with_plus,
)


def _cloudfront_v2(hit: Hit) -> str:
    return as_json(
        {
            "date": hit.day, "time": hit.clock, "x-edge-location": "FRA60-P4",
            "sc-bytes": str(hit.size), "c-ip": hit.ip, "cs-method": hit.method,
            "cs(Host)": "d111111abcdef8.cloudfront.net", "cs-uri-stem": hit.path,
            "sc-status": str(hit.status), "cs(Referer)": with_percent(hit.referrer),
            "cs(User-Agent)": with_percent(hit.agent), "cs-uri-query": hit.query or "-",
            "cs(Cookie)": "-", "x-edge-result-type": "Hit", "x-edge-request-id": hit.id,
            "x-host-header": HOST, "cs-protocol": "https", "cs-bytes": str(hit.port % 900),
            "time-taken": hit.taken_s, "ssl-protocol": "TLSv1.3",
        }
    )  # fmt: skip


def _gcp(hit: Hit) -> str:
    return as_json(
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
    return as_json(
        {
            "time": f"{hit.iso}7Z", "category": "AppServiceHTTPLogs", "EventTime": f"{hit.iso}7Z",
            "resourceId": "/SUBSCRIPTIONS/1/RESOURCEGROUPS/SHOP/PROVIDERS/MICROSOFT.WEB/SITES/SHOP",
            "properties": {
                "CsHost": HOST, "CIp": hit.ip, "SPort": "443", "CsUriStem": hit.path,
                "CsUriQuery": hit.query, "CsMethod": hit.method, "TimeTaken": hit.taken_ms,
                "ScStatus": str(hit.status), "Result": "Success", "CsBytes": "920",
                "ScBytes": str(hit.size), "UserAgent": with_plus(hit.agent), "Cookie": "-",
                "CsUsername": "", "Referer": hit.referrer, "ComputerName": "lw1sdlwk0",
            },
        }
    )  # fmt: skip


def _akamai(hit: Hit) -> str:
    return as_json(
        {
            "version": 1, "streamId": "87", "cp": "1234", "reqId": hit.id[:8],
            "reqTimeSec": f"{hit.epoch_s}.{hit.ms}", "bytes": str(hit.size), "cliIP": hit.ip,
            "statusCode": str(hit.status), "proto": "HTTPS", "reqHost": HOST,
            "reqMethod": hit.method, "reqPath": hit.path, "reqPort": "443",
            "rspContentLen": str(hit.size), "rspContentType": content_type(hit),
            "UA": with_percent(hit.agent), "tlsVersion": "TLSv1.3", "queryStr": hit.query,
            "referer": with_percent(hit.referrer), "turnAroundTimeMSec": str(hit.taken_ms),
        }
    )  # fmt: skip


def _cloudflare(hit: Hit) -> str:
    return as_json(
        {
            "CacheCacheStatus": "hit", "ClientASN": 3320, "ClientCountry": "de",
            "ClientIP": hit.ip, "ClientRequestHost": HOST, "ClientRequestMethod": hit.method,
            "ClientRequestProtocol": "HTTP/2", "ClientRequestReferer":
            hit.referrer_if_any, "ClientRequestScheme": "https",
            "ClientRequestURI": hit.target, "ClientRequestUserAgent": hit.agent,
            "ClientSSLProtocol": "TLSv1.3", "EdgeColoCode": "FRA",
            "EdgeEndTimestamp": (hit.epoch_s * 1_000_000 + hit.us) * 1000 + hit.taken_ms,
            "EdgeResponseBytes": hit.size, "EdgeResponseStatus": hit.status,
            "EdgeStartTimestamp": (hit.epoch_s * 1_000_000 + hit.us) * 1000,
            "OriginResponseStatus": hit.status, "RayID": hit.id[:16], "SecurityLevel": "med",
        }
    )  # fmt: skip


def _fastly(hit: Hit) -> str:
    return f"<134>{hit.day}T{hit.clock}Z cache-fra-etou{hit.port} shop[42]: " + as_json(
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
            "d111111abcdef8.cloudfront.net", hit.path, str(hit.status), with_percent(hit.referrer),
            with_percent(hit.agent), hit.query or "-", "-", "Hit", hit.id, HOST, "https",
            str(hit.port % 900), hit.taken_s, "-", "TLSv1.3",
            "TLS_AES_128_GCM_SHA256", "Hit", "HTTP/2.0", "-", "-", str(hit.port),
            hit.taken_s, "Hit", content_type(hit), str(hit.size), "-", "-",
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


FORMATS: tuple[Written, ...] = (
    Written("cloudfront_v2_json", _cloudfront_v2),
    Written("gcp_http_lb_json", _gcp),
    Written("azure_appservice_http", _azure),
    Written("akamai_datastream2_json", _akamai),
    Written("cloudflare_logpush", _cloudflare),
    Written("fastly_json", _fastly),
    Written("cloudfront_standard", _cloudfront),
    Written("aws_s3", _s3),
    Written("aws_alb", _alb),
    Written("aws_elb_classic", _elb),
)
