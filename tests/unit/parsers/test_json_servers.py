"""JSON access logs of nginx, Caddy and Traefik."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hooktail_parsers import ParseError, Record
from hooktail_parsers.json_logs.servers import FORMATS
from hooktail_parsers.testing import check_parser

BY_NAME = {known.name: known for known in FORMATS}
TIME_MS = 1_741_940_813_123
CADDY: dict[str, Any] = {
    "ts": 1_741_940_813.1234567,
    "logger": "http.log.access.log0",
    "request": {
        "remote_ip": "10.0.0.1",
        "client_ip": "203.0.113.7",
        "method": "GET",
        "host": "shop.example:8443",
        "uri": "/cart?step=2",
        "headers": {"User-Agent": ["Agent/1.0"], "Cookie": ["REDACTED"]},
        "tls": {"version": 772},
    },
    "status": 200,
    "size": 5120,
    "duration": 0.0013,
    "user_id": "",
    "resp_headers": {"Content-Type": ["text/html"], "Set-Cookie": ["sid=secret"]},
}
TRAEFIK: dict[str, Any] = {
    "ClientAddr": "10.0.0.1:51234",
    "ClientHost": "203.0.113.7",
    "ClientUsername": "-",
    "DownstreamStatus": "404",
    "OriginStatus": 200,
    "Duration": 1_300_000,
    "RequestHost": "shop.example",
    "RequestMethod": "GET",
    "RequestPath": "/cart?step=2",
    "RequestPort": "-",
    "RequestScheme": "https",
    "StartUTC": "2025-03-14T08:26:53.123456789Z",
    "time": "2025-03-14T10:00:00",
    "request_User-Agent": "Agent/1.0",
    "request_Accept-Language": "de",
    "request_Authorization": "Basic c2VjcmV0",
}


def parse(name: str, found: dict[str, Any] | bytes) -> Record:
    line = found if isinstance(found, bytes) else json.dumps(found).encode()
    parsed = BY_NAME[name].make({}).parse(line)
    assert isinstance(parsed, Record), parsed
    return parsed


def refused(name: str, line: bytes) -> str:
    parsed = BY_NAME[name].make({}).parse(line)
    assert isinstance(parsed, ParseError), parsed
    return parsed.reason


@pytest.mark.parametrize("name", BY_NAME)
def test_the_formats_keep_the_contract(name: str) -> None:
    lines = [BY_NAME[name].example.encode()]
    lines += [json.dumps(each).encode() for each in (CADDY, TRAEFIK)]

    check_parser(BY_NAME[name], lines)


@pytest.mark.parametrize("name", BY_NAME)
def test_the_example_states_what_the_others_do(name: str) -> None:
    record = parse(name, BY_NAME[name].example.encode())

    assert (record.ip, record.method, record.path, record.query, record.status) == (
        "203.0.113.7", "GET", "/cart", "step=2", 200,
    )  # fmt: skip
    assert (record.host, record.scheme, record.user_agent) == (
        "shop.example", "https", "Agent/1.0",
    )  # fmt: skip
    assert record.time_ms is not None
    assert record.time_ms // 1000 == TIME_MS // 1000


@pytest.mark.parametrize("name", BY_NAME)
def test_a_line_cut_anywhere_makes_no_record(name: str) -> None:
    parser = BY_NAME[name].make({})
    line = BY_NAME[name].example.encode()

    for at in range(len(line)):
        assert not isinstance(parser.parse(line[:at]), Record)
        assert at == 0 or not isinstance(parser.parse(line[at:]), Record)


def test_nginx_without_escape_json_is_repaired() -> None:
    record = parse(
        "nginx_json",
        rb'{"time":"2025-03-14T09:26:53+01:00","request":"GET /a\x22b HTTP/1.1","status":000,'
        rb'"http_referer":"-","http_user_agent":"A \x22q\x22 caf\xC3\xA9 \x5C","t":,"b":-}',
    )

    assert (record.path, record.status, record.referrer) == ('/a"b', None, None)
    assert record.user_agent == 'A "q" café \\'


def test_nginx_prefers_the_request_line_to_the_rewritten_uri() -> None:
    record = parse(
        "nginx_json",
        {"msec": "1741940813.123", "uri": "/index.php", "request": "GET /cart?step=2 HTTP/2.0",
         "server_port": "443", "remote_user": "-", "request_time": "0.012",
         "body_bytes_sent": "0", "bytes_sent": "180", "http_x_forwarded_for": "203.0.113.7"},
    )  # fmt: skip

    assert (record.time_ms, record.path, record.query) == (TIME_MS, "/cart", "step=2")
    assert (record.port, record.user, record.duration_s) == (443, None, 0.012)
    assert (record.bytes_sent, record.xff) == (0, "203.0.113.7")


def test_envoys_json_names_the_peer_and_the_chain() -> None:
    record = parse(
        "nginx_json",
        {"start_time": "2025-03-14T08:26:53.123Z", "method": "GET", "path": "/cart?step=2",
         "response_code": 200, "authority": "shop.example", "x_forwarded_for": "198.51.100.4",
         "downstream_remote_address": "203.0.113.7:51234", "user_agent": "Agent/1.0"},
    )  # fmt: skip

    assert (record.ip, record.xff, record.host) == ("203.0.113.7", "198.51.100.4", "shop.example")


def test_caddy_gives_the_client_behind_its_proxies() -> None:
    record = parse("caddy_json", CADDY)

    assert record == Record(
        time_ms=TIME_MS,
        ip="203.0.113.7",
        method="GET",
        scheme="https",
        host="shop.example",
        port=8443,
        path="/cart",
        query="step=2",
        status=200,
        user_agent="Agent/1.0",
        bytes_sent=5120,
        duration_s=0.0013,
        headers={"user-agent": "Agent/1.0"},
        fields={
            "logger": "http.log.access.log0",
            "request": {"remote_ip": "10.0.0.1"},
            "resp_headers": {"Content-Type": ["text/html"]},
        },
    )


def test_old_caddy_has_address_and_port_in_one() -> None:
    request = {
        "remote_addr": "[2001:db8::7]:51234",
        "method": "GET",
        "uri": "/",
        "host": "a.example",
    }
    record = parse("caddy_json", {"ts": 1_741_940_813, "request": request, "status": 0})

    assert (record.ip, record.scheme, record.status) == ("2001:db8::7", None, None)


@pytest.mark.parametrize(
    "found",
    [
        {"level": "info", "ts": 1_741_940_813.1, "msg": "serving initial configuration"},
        {**CADDY, "logger": "http.log.error"},
        {**CADDY, "logger": "http.handlers.reverse_proxy"},
    ],
)
def test_other_loggers_of_caddy_are_refused(found: dict[str, Any]) -> None:
    assert refused("caddy_json", json.dumps(found).encode()) == "not_a_request"


def test_caddys_console_has_the_time_before_the_object() -> None:
    rest = {key: CADDY[key] for key in CADDY if key not in ("ts", "logger")}
    line = b"2025/03/14 08:26:53.123\t\x1b[34mINFO\x1b[0m\thttp.log.access\thandled request\t"

    record = parse("caddy_json", line + json.dumps(rest).encode())

    assert (record.time_ms, record.path) == (TIME_MS, "/cart")
    other = line.replace(b"http.log.access", b"http.log.error") + json.dumps(rest).encode()
    assert refused("caddy_json", other) == "syntax"


def test_traefik_gives_its_client_and_the_start_of_the_request() -> None:
    record = parse("traefik_json", TRAEFIK)

    assert (record.time_ms, record.ip, record.status) == (TIME_MS, "203.0.113.7", 404)
    assert (record.host, record.port, record.scheme, record.user) == (
        "shop.example", None, "https", None,
    )  # fmt: skip
    assert (record.duration_s, record.headers) == (0.0013, {"accept-language": "de"})
    assert record.fields == {
        "OriginStatus": 200,
        "ClientAddr": "10.0.0.1:51234",
        "time": "2025-03-14T10:00:00",
    }


def test_traefik_takes_the_public_address_of_a_list() -> None:
    record = parse("traefik_json", {**TRAEFIK, "ClientHost": "10.0.0.9, 203.0.113.8"})

    assert record.ip == "203.0.113.8"


def test_a_line_of_traefik_itself_is_refused() -> None:
    line = b'{"level":"debug","msg":"Plugin loaded","time":"2025-03-14T08:26:53Z"}'

    assert refused("traefik_json", line) == "not_a_request"
