"""Lines of applications: JSON, pairs, and records over several lines."""

from __future__ import annotations

from benchmarks.writers.hit import HOST, Hit, Written, as_json, content_type


def _json_app(hit: Hit) -> str:
    headers = {"User-Agent": [hit.agent]}
    if hit.referrer_if_any:
        headers["Referer"] = [hit.referrer]
    return as_json(
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
    return as_json(
        {
            "method": hit.method, "path": hit.path, "format": "html",
            "controller": "CartsController", "action": "show", "status": hit.status,
            "time": f"{hit.iso_ms}Z",
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
    if hit.referrer_if_any:
        headers["referer"] = hit.referrer
    return as_json(
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
                "headers": {"content-type": content_type(hit), "content-length": str(hit.size)},
            },
            "responseTime": hit.taken_ms, "msg": "request completed",
        }
    )  # fmt: skip


def _ecs(hit: Hit) -> str:
    return as_json(
        {
            "@timestamp": f"{hit.iso_ms}Z", "log.level": "info",
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
    return as_json({"resourceLogs": [{"resource": resource, "scopeLogs": [scope]}]})


def _logfmt(hit: Hit) -> str:
    return (
        f'ts={hit.iso_ms}Z level=info msg="request" method={hit.method} '
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
    context = as_json(
        {
            "method": hit.method, "url": hit.url, "status": hit.status, "ip": hit.ip,
            "ua": hit.agent, "user_id": hit.number % 977,
        }
    )  # fmt: skip
    return f"[{hit.day} {hit.clock}] production.INFO: request.finished {context} []"


def _spring(hit: Hit) -> str:
    return (
        f"{hit.iso_ms}Z  INFO 1 --- [nio-8080-exec-{hit.number % 10}] "
        f"e.s.RequestLog : method={hit.method} uri={hit.target} status={hit.status} "
        f'client={hit.ip} ua="{hit.agent}" dur={hit.taken_ms}'
    )


FORMATS: tuple[Written, ...] = (
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
