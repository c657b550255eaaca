"""JSON logs of applications, in which only some lines state requests.

Those lines make records when the request is finished, all others are skipped. What their keys hold
besides goes to `fields` within the limits of `private`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hooktail_parsers.json_logs.aliases import APP, APP_CONTAINERS, aliases, joined
from hooktail_parsers.json_logs.parser import JsonPlan, json_format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hooktail_parsers.json_logs.parser import Found

_MOST_RECORDS = 1001
_MOST_VALUES = 256
_MOST_LEVELS = 6
_PLAIN_KINDS = frozenset(
    ("stringValue", "string_value", "boolValue", "bool_value", "doubleValue", "double_value")
)
"""Of OTLP's AnyValue: the value is what stands in JSON."""
_WHOLE_KINDS = frozenset(("intValue", "int_value"))
_UNLIKE_OTHERS = frozenset(("timeUnixNano", "observedTimeUnixNano", "attributes", "body"))


def _log_records(found: Found) -> Sequence[Found] | None:
    """Takes an export of OTLP apart: records with their attributes as keys beside the others.

    A line may also be a record alone.
    """
    alone = _only_record(found)
    if alone is not None:
        return (alone,)
    if "resourceLogs" not in found and "resource_logs" not in found:
        return [_log_record(found, None)]
    records: list[Found] = []
    for resource_logs in _objects(found, "resourceLogs", "resource_logs"):
        resource = resource_logs.get("resource")
        for scope_logs in _objects(
            resource_logs, "scopeLogs", "scope_logs", "instrumentationLibraryLogs"
        ):
            for record in _objects(scope_logs, "logRecords", "log_records"):
                if len(records) < _MOST_RECORDS:
                    records.append(_log_record(record, resource))
    return records or None


def _only_record(found: Found) -> Found | None:
    """Takes an export of one record apart, as exporters of lines write it; None if it is another.

    The same as is done of any export, without looking for what is not there.
    """
    if len(found) != 1:
        return None
    whole: Any = found
    try:
        (resource_logs,) = whole["resourceLogs"]
        (scope_logs,) = resource_logs["scopeLogs"]
        (record,) = scope_logs["logRecords"]
        if (
            type(record) is not dict
            or "instrumentationLibraryLogs" in resource_logs
            or "scope_logs" in resource_logs
            or "log_records" in scope_logs
        ):
            return None
        return _log_record(record, resource_logs.get("resource"))
    except (KeyError, TypeError, ValueError):
        return None


def _objects(found: Found, *names: str) -> list[Found]:
    objects: list[Found] = []
    for name in names:
        within = found.get(name)
        if isinstance(within, list):
            objects += [each for each in within if isinstance(each, dict)]
    return objects


def _log_record(record: Found, resource: object) -> Found:
    flat: Found = {}
    for key, value in record.items():
        if key in _UNLIKE_OTHERS:
            if key == "attributes":
                flat.update(_attributes(value))
            elif key == "body":
                body = _any_value(value, 1)
                flat["body" if isinstance(body, dict) else "message"] = body
            elif value not in ("0", 0):  # else it is not known
                flat[key] = value
        else:
            flat[key] = value
    if isinstance(resource, dict):
        flat["resource"] = _attributes(resource.get("attributes"))
    return flat


def _attributes(found: object, level: int = 1) -> Found:
    """Reads a list of keys and values, or an object of them as some exporters write it."""
    if isinstance(found, dict):
        return found
    if not isinstance(found, list):
        return {}
    flat: Found = {}
    for pair in found[:_MOST_VALUES]:
        if type(pair) is not dict:
            continue
        key, value = pair.get("key"), pair.get("value")
        if type(key) is not str:
            continue
        if type(value) is dict:
            # A call less for what nearly every attribute is.
            if len(value) == 1 and level <= _MOST_LEVELS:
                (kind,) = value
                if kind in _PLAIN_KINDS:
                    flat[key] = value[kind]
                    continue
            value = _any_value(value, level)
        flat[key] = value
    return flat


def _any_value(found: object, level: int) -> object:
    """Reads OTLP's AnyValue; what is no object of it is a value already."""
    if not isinstance(found, dict) or level > _MOST_LEVELS:
        return None if isinstance(found, dict) else found
    for kind, value in found.items():
        if kind in _PLAIN_KINDS:
            return value
        if kind in _WHOLE_KINDS:
            return _whole(value)
        match kind:
            case "arrayValue" | "array_value" if isinstance(value, dict):
                values = value.get("values")
                return (
                    [_any_value(each, level + 1) for each in values[:_MOST_VALUES]]
                    if isinstance(values, list)
                    else None
                )
            case "kvlistValue" | "kvlist_value" if isinstance(value, dict):
                return _attributes(value.get("values"), level + 1)
            case _:
                continue
    return found


def _whole(value: object) -> object:
    """Reads an integer, which OTLP writes as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    return value


JSON_APP = JsonPlan(APP, app=True, containers=APP_CONTAINERS)

PINO_HTTP = JsonPlan(
    joined(aliases(duration_ms="responseTime"), APP),
    app=True,
    status_needed=True,
    containers=APP_CONTAINERS,
)

LOGRAGE = JsonPlan(
    joined(aliases(duration_ms="duration", host="host"), APP),
    app=True,
    status_needed=True,
)

ECS_JSON = JsonPlan(joined(aliases(time="@timestamp"), APP), app=True, containers=APP_CONTAINERS)

OTLP = JsonPlan(
    joined(aliases(said="event_name"), APP),
    app=True,
    containers=APP_CONTAINERS | {"body"},
    objects=_log_records,
)

FORMATS = (
    json_format(
        "json_app",
        "application log, one JSON object per line: structlog, bunyan, zap, winston, Serilog",
        JSON_APP,
        example=(
            '{"event":"request_finished","timestamp":"2025-03-14T08:26:53.123456Z","request":'
            '{"method":"GET","url":"https://shop.example/cart?step=2","headers":{"User-Agent":'
            '["Agent/1.0"]},"remote_addr":"203.0.113.7"},"response":{"status":200},"user":{"id":42}}'
        ),
        source="no specification; the names that loggers and frameworks commonly use",
    ),
    json_format(
        "rails_lograge_json",
        "Rails with lograge, JSON; GitLab's production_json.log",
        LOGRAGE,
        example=(
            '{"method":"GET","path":"/cart","format":"html","controller":"CartsController",'
            '"action":"show","status":200,"time":"2025-03-14T08:26:53.123Z","remote_ip":'
            '"203.0.113.7","user_id":42,"ua":"Agent/1.0","duration":58.3}'
        ),
        source="lograge, Formatters::Json; GitLab documentation, log system",
    ),
    json_format(
        "pino_http_json",
        "Node.js with pino-http or bunyan's request log",
        PINO_HTTP,
        example=(
            '{"level":30,"time":1741940813123,"pid":1,"hostname":"web1","req":{"id":1,"method":'
            '"GET","url":"/cart?step=2","headers":{"host":"shop.example","user-agent":"Agent/1.0"},'
            '"remoteAddress":"::ffff:203.0.113.7","remotePort":51234},"res":{"statusCode":200},'
            '"responseTime":5,"msg":"request completed"}'
        ),
        source="pino-http and pino-std-serializers",
    ),
    json_format(
        "ecs_json",
        "Elastic Common Schema; keys dotted, nested or both",
        ECS_JSON,
        example=(
            '{"@timestamp":"2025-03-14T08:26:53.123Z","ecs.version":"8.11.0","http":{"request":'
            '{"method":"GET"},"response":{"status_code":200}},"url.full":'
            '"https://shop.example/cart?step=2","client.ip":"203.0.113.7",'
            '"user_agent.original":"Agent/1.0"}'
        ),
        source="Elastic Common Schema, field reference",
    ),
    json_format(
        "otlp_json",
        "OpenTelemetry log records, OTLP in JSON; one request in a line",
        OTLP,
        example=(
            '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1741940813123456789",'
            '"body":{"stringValue":"request"},"attributes":['
            '{"key":"http.request.method","value":{"stringValue":"GET"}},'
            '{"key":"url.full","value":{"stringValue":"https://shop.example/cart?step=2"}},'
            '{"key":"http.response.status_code","value":{"intValue":"200"}},'
            '{"key":"client.address","value":{"stringValue":"203.0.113.7"}},'
            '{"key":"user_agent.original","value":{"stringValue":"Agent/1.0"}}]}]}]}]}'
        ),
        source="OpenTelemetry protocol and HTTP semantic conventions",
    ),
)

ALIASES = {"ecs_json_app": "ecs_json", "nextcloud_app_json": "json_app"}
