"""JSON logs of applications: only finished requests make records, and nothing private leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hooktail_parsers import ParseError, Record, Skip
from hooktail_parsers.json_logs.apps import FORMATS
from hooktail_parsers.testing import check_parser

BY_NAME = {known.name: known for known in FORMATS}
TIME_MS = 1_741_940_813_123
STAMP = "2025-03-14T08:26:53.123456Z"
STRUCTLOG: dict[str, Any] = {
    "event": "request_finished",
    "timestamp": STAMP,
    "request": {
        "method": "GET",
        "url": "https://shop.example/p?q=1",
        "headers": {"user-agent": ["Agent/1.0"], "Referer": "https://r.example/"},
        "remote_addr": "10.0.0.1",
    },
    "response": {"status": "304"},
    "user": {"id": 42},
    "session_id": "s-1",
}
PINO: dict[str, Any] = {
    "level": 30,
    "time": 1_741_940_813_123,
    "hostname": "web1",
    "req": {
        "id": "r-1",
        "method": "POST",
        "url": "/pay?step=2",
        "params": {"email": "someone@shop.example"},
        "body": {"card": "4111"},
        "headers": {"host": "shop.example", "cookie": "sid=abc", "authorization": "Bearer x"},
        "remoteAddress": "::ffff:203.0.113.7",
    },
    "res": {"statusCode": 201, "headers": {"set-cookie": ["sid=new"]}},
    "responseTime": 5,
    "msg": "request completed",
}


def attribute(key: str, kind: str, value: object) -> dict[str, Any]:
    return {"key": key, "value": {kind: value}}


OTLP: dict[str, Any] = {
    "timeUnixNano": "1741940813123456789",
    "severityText": "INFO",
    "body": {"stringValue": "handled"},
    "attributes": [
        attribute("http.request.method", "stringValue", "GET"),
        attribute("url.path", "stringValue", "/p"),
        attribute("url.query", "stringValue", "q=1"),
        attribute("url.scheme", "stringValue", "https"),
        attribute("server.address", "stringValue", "shop.example"),
        attribute("http.response.status_code", "intValue", "200"),
        attribute("client.address", "stringValue", "203.0.113.7"),
        attribute("http.request.header.user-agent", "arrayValue",
                  {"values": [{"stringValue": "Agent/1.0"}]}),
        attribute("cart", "kvlistValue", {"values": [attribute("n", "intValue", "3")]}),
    ],
}  # fmt: skip


def export(*records: dict[str, Any]) -> dict[str, Any]:
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": [attribute("service.name", "stringValue", "shop")]},
                "scopeLogs": [{"scope": {}, "logRecords": list(records)}],
            }
        ]
    }


def parse(name: str, found: dict[str, Any], **options: str) -> Record:
    parsed = BY_NAME[name].make(options).parse(json.dumps(found).encode())
    assert isinstance(parsed, Record), parsed
    return parsed


def skipped(name: str, found: dict[str, Any]) -> str:
    parsed = BY_NAME[name].make({}).parse(json.dumps(found).encode())
    assert isinstance(parsed, Skip), parsed
    return parsed.reason


@pytest.mark.parametrize("name", BY_NAME)
def test_the_formats_keep_the_contract(name: str) -> None:
    more = [json.dumps(each).encode() for each in (STRUCTLOG, PINO, OTLP, export(OTLP))]

    check_parser(BY_NAME[name], [BY_NAME[name].example.encode(), *more])


@pytest.mark.parametrize("name", BY_NAME)
def test_the_example_makes_a_record(name: str) -> None:
    record = parse(name, json.loads(BY_NAME[name].example))

    assert (record.time_ms, record.ip, record.method, record.path, record.status) == (
        TIME_MS, "203.0.113.7", "GET", "/cart", 200,
    )  # fmt: skip


@pytest.mark.parametrize("name", BY_NAME)
def test_a_line_cut_anywhere_makes_no_record(name: str) -> None:
    parser = BY_NAME[name].make({})
    line = BY_NAME[name].example.encode()

    for at in range(len(line)):
        assert not isinstance(parser.parse(line[:at]), Record)


@pytest.mark.parametrize("name", BY_NAME)
@pytest.mark.parametrize(
    "found",
    [
        {"level": "info", "msg": "GET /not-a-request HTTP/1.1", "time": STAMP},
        {"time": STAMP, "request": {"amount": 1, "creditCard": {"number": "4111"}}},
        {"time": STAMP, "remoteAddr": "10.0.0.1", "method": "", "url": "--", "message": "Scan"},
        {"time": STAMP, "method": "PATCH", "url": "--", "message": "Updated"},
        {},
    ],
)
def test_other_lines_are_skipped(name: str, found: dict[str, Any]) -> None:
    assert skipped(name, found) == "no_request"


@pytest.mark.parametrize("name", BY_NAME)
def test_what_is_no_json_is_refused(name: str) -> None:
    parsed = BY_NAME[name].make({}).parse(b"Traceback (most recent call last):")

    assert isinstance(parsed, ParseError)
    assert parsed.reason == "syntax"


def test_a_request_in_an_object_of_its_own() -> None:
    record = parse("json_app", STRUCTLOG)

    assert record == Record(
        time_ms=TIME_MS,
        ip="10.0.0.1",
        method="GET",
        scheme="https",
        host="shop.example",
        path="/p",
        query="q=1",
        status=304,
        referrer="https://r.example/",
        user_agent="Agent/1.0",
        user="42",
        headers={"user-agent": "Agent/1.0", "referer": "https://r.example/"},
        session="s-1",
        fields={"event": "request_finished"},
    )


def test_a_request_that_only_began_is_not_finished() -> None:
    began = {key: STRUCTLOG[key] for key in ("request", "timestamp")}

    assert skipped("json_app", {**began, "event": "request_started"}) == "not_finished"


@pytest.mark.parametrize(
    "found",
    [
        {"message": "request", "meta": {"req": PINO["req"], "res": PINO["res"]}},
        {"message": {"method": "POST", "url": "/pay?step=2", "status": 201}},
        {"@m": "HTTP POST", "RequestMethod": "POST", "RequestPath": "/pay", "StatusCode": 201},
        {"msg": "/pay", "method": "POST", "path": "/pay", "query": "step=2", "status": 201},
        {"http": {"method": "POST", "url": "https://shop.example/pay", "status_code": 201}},
    ],
)
def test_loggers_put_the_request_in_many_places(found: dict[str, Any]) -> None:
    record = parse("json_app", {**found, "time": STAMP})

    assert (record.method, record.path, record.status) == ("POST", "/pay", 201)


def test_a_response_has_headers_of_its_own() -> None:
    found = {**PINO, "res": {"statusCode": 200, "headers": {"user-agent": "server"}}}

    assert parse("pino_http_json", found).user_agent is None


def test_pino_gives_the_request_without_what_is_private() -> None:
    record = parse("pino_http_json", PINO)

    assert (record.ip, record.host, record.request_id) == ("203.0.113.7", "shop.example", "r-1")
    assert (record.duration_s, record.cookies) == (0.005, "sid=abc")
    assert record.headers == {"host": "shop.example"}
    text = str(record)
    for private in ("4111", "someone@", "Bearer", "sid=new"):
        assert private not in text


def test_a_line_within_a_request_is_no_request_of_its_own() -> None:
    within = {key: PINO[key] for key in ("time", "req")}

    assert skipped("pino_http_json", {**within, "msg": "loading user"}) == "not_finished"
    assert skipped("pino_http_json", within) == "not_finished"


def test_lograge_counts_milliseconds_and_keeps_parameters_to_itself() -> None:
    record = parse(
        "rails_lograge_json",
        {"method": "POST", "path": "/users/sign_in", "status": 302, "duration": 58.3,
         "time": STAMP, "params": [{"key": "user", "value": {"login": "root"}}],
         "remote_ip": "203.0.113.7, 127.0.0.1", "user_id": None, "username": "root",
         "ua": "Agent/1.0", "correlation_id": "c-1", "db_duration_s": 0.01},
    )  # fmt: skip

    assert (record.ip, record.user, record.duration_s) == ("203.0.113.7", "root", 0.0583)
    assert (record.request_id, record.fields) == ("c-1", {"db_duration_s": 0.01})


def test_gitlab_states_seconds_beside_its_name() -> None:
    found = {"method": "GET", "path": "/", "status": 200, "duration_s": 0.5, "time": STAMP}

    assert parse("rails_lograge_json", found).duration_s == 0.5


def test_ecs_keys_are_dotted_nested_or_both() -> None:
    found = {
        "@timestamp": STAMP,
        "http": {"request.method": "GET", "response": {"status_code": 404, "body.bytes": 9}},
        "url": {"path": "/p", "query": "q=1", "domain": "shop.example", "scheme": "https"},
        "source.ip": "10.0.0.1",
        "client": {"ip": "203.0.113.7"},
        "user_agent": {"original": "Agent/1.0"},
        "event": {"duration": 12_000_000, "action": "get"},
        "host": {"name": "web1.internal"},
    }

    record = parse("ecs_json", found)

    assert (record.ip, record.host, record.scheme) == ("203.0.113.7", "shop.example", "https")
    assert (record.path, record.query, record.status) == ("/p", "q=1", 404)
    assert (record.user_agent, record.bytes_sent, record.duration_s) == ("Agent/1.0", 9, 0.012)


def test_an_otlp_record_may_come_in_an_export_or_alone() -> None:
    alone, exported = parse("otlp_json", OTLP), parse("otlp_json", export(OTLP))

    assert (alone.time_ms, alone.ip, alone.method) == (TIME_MS, "203.0.113.7", "GET")
    assert (alone.host, alone.path, alone.query) == ("shop.example", "/p", "q=1")
    assert (alone.status, alone.user_agent, alone.scheme) == (200, "Agent/1.0", "https")
    assert alone.fields == {"severityText": "INFO", "message": "handled", "cart": {"n": 3}}
    assert exported.path == "/p"
    assert (exported.fields or {})["resource"] == {"service.name": "shop"}


def test_an_otlp_export_must_hold_one_request() -> None:
    other = {"timeUnixNano": "0", "body": {"stringValue": "hello"}}
    parser = BY_NAME["otlp_json"].make({})

    several = parser.parse(json.dumps(export(OTLP, other, OTLP)).encode())

    assert parse("otlp_json", export(other, OTLP)).path == "/p"
    assert skipped("otlp_json", export(other, other)) == "no_request"
    assert isinstance(several, ParseError)
    assert several.reason == "several_requests"


def test_the_old_names_of_opentelemetry_are_known() -> None:
    found = {
        "timeUnixNano": "0",
        "observedTimeUnixNano": "1741940813123456789",
        "attributes": {"http.method": "GET", "http.target": "/p?q=1", "http.status_code": 200},
    }

    record = parse("otlp_json", found)

    assert (record.time_ms, record.path, record.query) == (TIME_MS, "/p", "q=1")


@pytest.mark.parametrize(
    "value",
    [{"kvlistValue": {"values": [{"key": "a", "value": {"arrayValue": 1}}, 7]}}, {"arrayValue": {}},
     {"intValue": "x"}, {"doubleValue": "NaN"}, {"bytesValue": "AA=="}, 12, None, {}],
)  # fmt: skip
def test_odd_values_of_otlp_raise_nothing(value: object) -> None:
    found = {**OTLP, "attributes": [*OTLP["attributes"], {"key": "odd", "value": value}]}

    assert parse("otlp_json", found).path == "/p"


def test_a_host_header_is_the_site_even_if_it_is_one_word() -> None:
    line = (
        b'{"level":30,"time":1741940813123,"host":"web1","req":{"method":"GET","url":"/a",'
        b'"headers":{"Host":"shop:3000"}},"res":{"statusCode":200}}'
    )
    [known] = [each for each in FORMATS if each.name == "pino_http_json"]
    parser = known.make({})

    for record in parser.parse_batch([line] * 5):
        assert isinstance(record, Record)
        assert (record.host, record.port) == ("shop", 3000)


GOOGLE: dict[str, Any] = {
    "severity": "INFO",
    "timestamp": STAMP,
    "httpRequest": {
        "requestMethod": "GET",
        "requestUrl": "https://shop.example/p?q=1",
        "status": 200,
        "responseSize": "5120",
        "userAgent": "Agent/1.0",
        "remoteIp": "203.0.113.7",
        "referer": "https://r.example/",
        "latency": "0.012s",
        "protocol": "HTTP/1.1",
    },
    "message": "anything",
}


def test_the_request_object_of_google_cloud_holds_the_answer_too() -> None:
    found = BY_NAME["json_app"].make({}).parse_batch([json.dumps(GOOGLE).encode()] * 3)

    for record in found:
        assert isinstance(record, Record)
        assert (record.time_ms, record.ip, record.method) == (TIME_MS, "203.0.113.7", "GET")
        assert (record.host, record.path, record.query) == ("shop.example", "/p", "q=1")
        assert (record.status, record.bytes_sent, record.duration_s) == (200, 5120, 0.012)
        assert (record.user_agent, record.referrer) == ("Agent/1.0", "https://r.example/")


def test_pythons_asctime_is_the_time_and_http_path_the_target() -> None:
    """As python-json-logger writes a record with `extra`."""
    line = {
        "asctime": "2025-03-14 09:26:53,123",
        "levelname": "INFO",
        "message": "request",
        "http_method": "GET",
        "http_path": "/p?q=1",
        "status_code": 200,
    }
    parser = BY_NAME["json_app"].make({"timezone": "+01:00"})

    for record in parser.parse_batch([json.dumps(line).encode()] * 3):
        assert isinstance(record, Record)
        assert (record.time_ms, record.path, record.query) == (TIME_MS, "/p", "q=1")
