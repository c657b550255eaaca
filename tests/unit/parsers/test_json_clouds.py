"""JSON access logs of CDNs, balancers and clouds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hooktail_parsers import ParseError, Record
from hooktail_parsers.clouds.json_clouds import FORMATS
from hooktail_parsers.testing import check_parser

BY_NAME = {known.name: known for known in FORMATS}
TIME_MS = 1_741_940_813_123
AZURE_PROPERTIES: dict[str, Any] = {
    "CsHost": "shop.example",
    "CIp": "203.0.113.7",
    "SPort": "443",
    "CsUriStem": "/cart",
    "CsUriQuery": "step=2+3",
    "CsMethod": "GET",
    "TimeTaken": "12",
    "ScStatus": "200",
    "UserAgent": "Mozilla/5.0+(compatible;+bot/2.0;++https://bot.example)",
    "Cookie": "sid=abc;+a=1",
    "CsUsername": "",
}
AZURE = {
    "time": "2025-03-14T08:26:53.1234567Z",
    "category": "AppServiceHTTPLogs",
    "properties": AZURE_PROPERTIES,
}


def example(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(BY_NAME[name].example.partition("{")[2].join(("{", "")))
    return found


def parse(name: str, found: dict[str, Any] | bytes) -> Record:
    line = found if isinstance(found, bytes) else json.dumps(found).encode()
    parsed = BY_NAME[name].make({}).parse(line)
    assert isinstance(parsed, Record), parsed
    return parsed


def refused(name: str, found: dict[str, Any]) -> str:
    parsed = BY_NAME[name].make({}).parse(json.dumps(found).encode())
    assert isinstance(parsed, ParseError), parsed
    return parsed.reason


@pytest.mark.parametrize("name", BY_NAME)
def test_the_formats_keep_the_contract(name: str) -> None:
    check_parser(BY_NAME[name], [BY_NAME[name].example.encode(), json.dumps(AZURE).encode()])


@pytest.mark.parametrize("name", BY_NAME)
def test_the_example_states_what_the_others_do(name: str) -> None:
    record = parse(name, BY_NAME[name].example.encode())

    assert (record.ip, record.method, record.host, record.path, record.query) == (
        "203.0.113.7", "GET", "shop.example", "/cart", "step=2",
    )  # fmt: skip
    assert (record.status, record.bytes_sent) == (200, 5120)
    assert record.user_agent is not None
    assert record.user_agent.startswith("Agent/1.0")
    assert record.time_ms is not None
    assert record.time_ms // 1000 == TIME_MS // 1000


@pytest.mark.parametrize("name", BY_NAME)
def test_a_line_cut_anywhere_makes_no_record(name: str) -> None:
    parser = BY_NAME[name].make({})
    line = BY_NAME[name].example.encode()

    for at in range(len(line)):
        assert not isinstance(parser.parse(line[:at]), Record)


def test_cloudfronts_values_are_decoded_once_and_old_ones_twice() -> None:
    record = parse(
        "cloudfront_v2_json",
        {
            **example("cloudfront_v2_json"),
            "cs-uri-stem": "/a%20b",
            "cs-uri-query": "q=a%2520b",
            "cs(User-Agent)": "Mozilla/5.0%2520(X11)",
            "cs(Referer)": "https://r.example/?x=%22",
            "cs(Cookie)": "sid=abc;%20a=1",
            "x-forwarded-for": "203.0.113.50,%2010.0.0.1",
            "timestamp(ms)": "1741940813123",
            "sc-status": "000",
        },
    )

    assert (record.path, record.query) == ("/a%20b", "q=a%2520b")
    assert (record.user_agent, record.referrer) == ("Mozilla/5.0 (X11)", 'https://r.example/?x="')
    assert (record.cookies, record.xff) == ("sid=abc; a=1", "203.0.113.50, 10.0.0.1")
    assert (record.time_ms, record.status) == (TIME_MS, None)


def test_the_viewers_host_outdoes_the_distributions_name() -> None:
    found = {**example("cloudfront_v2_json"), "cs(Host)": "d1.cloudfront.net"}

    assert parse("cloudfront_v2_json", found).host == "shop.example"


def test_a_log_entry_without_a_request_is_refused() -> None:
    assert refused("gcp_http_lb_json", {"textPayload": "x", "timestamp": AZURE["time"]}) == (
        "not_a_request"
    )


@pytest.mark.parametrize("properties", [AZURE_PROPERTIES, json.dumps(AZURE_PROPERTIES)])
def test_azures_properties_may_be_an_object_or_text(properties: object) -> None:
    record = parse("azure_appservice_http", {**AZURE, "properties": properties})

    assert (record.time_ms, record.port, record.duration_s) == (TIME_MS, 443, 0.012)
    assert record.user_agent == "Mozilla/5.0 (compatible; bot/2.0; +https://bot.example)"
    assert (record.cookies, record.query, record.user) == ("sid=abc; a=1", "step=2+3", None)


def test_a_batch_of_azure_must_hold_one_request() -> None:
    other = {**AZURE, "category": "AppServiceConsoleLogs", "properties": {"x": 1}}

    assert parse("azure_appservice_http", {"records": [other, AZURE]}).path == "/cart"
    assert refused("azure_appservice_http", {"records": [AZURE, AZURE]}) == "several_requests"
    assert refused("azure_appservice_http", {"records": [other, other]}) == "not_a_request"
    assert refused("azure_appservice_http", {"records": []}) == "syntax"
    assert refused("azure_appservice_http", {"records": [1, "x"]}) == "syntax"
    assert refused("azure_appservice_http", {"records": [AZURE] * 2000}) == "several_requests"


def test_front_door_has_a_whole_url_and_seconds() -> None:
    record = parse(
        "azure_appservice_http",
        {
            "time": "2025-03-14T08:26:53.1234567Z",
            "category": "FrontDoorAccessLog",
            "properties": {
                "requestUri": "https://shop.example:443/cart?step=2",
                "httpMethod": "GET",
                "clientIp": "203.0.113.7",
                "socketIp": "10.0.0.1",
                "httpStatusCode": "200",
                "timeTaken": "0.02",
                "userAgent": "Agent/1.0 (a + b)",
                "trackingReference": "ref1",
            },
        },
    )

    assert (record.scheme, record.host, record.port) == ("https", "shop.example", 443)
    assert (record.ip, record.duration_s, record.request_id) == ("203.0.113.7", 0.02, "ref1")
    assert record.user_agent == "Agent/1.0 (a + b)"


@pytest.mark.parametrize(
    ("logged", "agent"),
    [
        ("Mozilla%2F5.0+%28Macintosh%3B+Intel%29", "Mozilla/5.0 (Macintosh; Intel)"),
        ("Mozilla/5.0%20(bot;%20+https://b.example)", "Mozilla/5.0 (bot; +https://b.example)"),
        ("caf%C3%A9", "café"),
        ("100%", "100%"),
    ],
)
def test_akamais_values_are_decoded(logged: str, agent: str) -> None:
    record = parse("akamai_datastream2_json", {**example("akamai_datastream2_json"), "UA": logged})

    assert record.user_agent == agent
    assert (record.time_ms, record.scheme, record.port) == (TIME_MS, "https", 443)


@pytest.mark.parametrize(
    "stamp",
    [1_741_940_813_123_456_789, 1_741_940_813_123, "2025-03-14T08:26:53.123Z", "1741940813.123"],
)
def test_cloudflares_time_has_the_unit_of_its_size(stamp: object) -> None:
    found = {
        **example("cloudflare_logpush"),
        "EdgeStartTimestamp": stamp,
        "ClientRequestPath": "/x",
    }

    record = parse("cloudflare_logpush", found)

    assert (record.time_ms, record.path) == (TIME_MS, "/cart")


def test_cloudflares_own_cookies_and_headers_are_read() -> None:
    found = {
        **example("cloudflare_logpush"),
        "Cookies": {"sid": "abc"},
        "RequestHeaders": {"x-forwarded-for": "198.51.100.4", "authorization": "x"},
        "ResponseHeaders": {"set-cookie": "sid=secret", "content-type": "text/html"},
    }

    record = parse("cloudflare_logpush", found)

    assert (record.cookies, record.xff) == ("sid=abc", "198.51.100.4")
    assert record.headers == {"x-forwarded-for": "198.51.100.4"}
    assert record.fields == {"ResponseHeaders": {"content-type": "text/html"}}


def test_fastlys_older_example_calls_the_method_request() -> None:
    line = (
        b'{"timestamp":"2025-03-14T08:26:53","client_ip":"203.0.113.7","request":"GET",'
        b'"host":"shop.example","url":"/cart","is_tls":1}'
    )

    record = parse("fastly_json", line)

    assert (record.method, record.path, record.scheme) == ("GET", "/cart", "https")


def test_fastlys_object_may_be_in_an_event() -> None:
    event = example("fastly_json")

    assert parse("fastly_json", {"time": 1_741_940_813, "event": event}).path == "/cart"
