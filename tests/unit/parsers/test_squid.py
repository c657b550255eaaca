"""Squid's native log."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import ParseError, Record, Result, Skip
from hooktail_parsers.proxies.squid import FORMATS
from hooktail_parsers.testing import check_parser

SQUID = FORMATS[0]
LINE = SQUID.example.encode()
REQUEST = b"GET http://shop.example/p?a=1"


def parse(line: bytes) -> Result:
    return SQUID.make({}).parse(line)


def record(line: bytes) -> Record:
    parsed = parse(line)
    assert isinstance(parsed, Record), parsed
    return parsed


def refusal(line: bytes) -> str:
    parsed = parse(line)
    assert isinstance(parsed, ParseError | Skip), parsed
    return parsed.reason


def test_a_line_has_all_its_parts() -> None:
    assert record(LINE) == Record(
        time_ms=1_741_940_813_985,
        ip="203.0.113.7",
        method="GET",
        scheme="http",
        host="shop.example",
        path="/p",
        query="a=1",
        status=200,
        bytes_sent=491,
        duration_s=0.12,
        fields={
            "result": "TCP_MISS",
            "hierarchy": "HIER_DIRECT",
            "peer": "198.51.100.9",
            "content_type": "text/html",
        },
    )


def test_the_contract_is_kept() -> None:
    check_parser(SQUID, [LINE, LINE.replace(REQUEST, b"CONNECT shop.example:443"), LINE + b" [x]"])


@pytest.mark.parametrize(
    ("request_text", "parts"),
    [
        (b"GET http://Shop.example", ("GET", "http", "shop.example", None, "/", None)),
        (b"GET http://shop.example/p?", ("GET", "http", "shop.example", None, "/p", "")),
        (b"GET http://a@shop.example:81/", ("GET", "http", "shop.example", 81, "/", None)),
        (b"GET https://[2001:db8::7]:8443/x", ("GET", "https", "[2001:db8::7]", 8443, "/x", None)),
        (b"CONNECT shop.example:443", ("CONNECT", None, "shop.example", 443, None, None)),
        (b"GET /accelerated?a", ("GET", None, None, None, "/accelerated", "a")),
        (b"GET http://shop.example/a b?c d", ("GET", "http", "shop.example", None, "/a b", "c d")),
    ],
)
def test_a_url_gives_its_parts(request_text: bytes, parts: tuple[object, ...]) -> None:
    found = record(LINE.replace(REQUEST, request_text))

    assert (found.method, found.scheme, found.host, found.port, found.path, found.query) == parts


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "blank"),
        (b"2025/03/14 09:14:49 kid1| Accepting HTTP Socket connections", "syntax"),
        (LINE.replace(REQUEST, b"- error:transaction-end-before-headers"), "not_a_request"),
        (LINE.replace(REQUEST, b"NONE error:invalid-request"), "not_a_request"),
        (LINE.replace(REQUEST, b"GET error:invalid-request"), "not_a_request"),
        (LINE.replace(b"TCP_MISS", b"UDP_MISS").replace(b"GET", b"ICP_QUERY"), "not_a_request"),
        (LINE.replace(b"TCP_MISS", b"UDP_HIT"), "not_a_request"),
    ],
)
def test_what_is_no_request_is_refused(line: bytes, reason: str) -> None:
    assert refusal(line) == reason


def test_a_status_of_zeros_is_none_and_a_name_is_no_address() -> None:
    line = LINE.replace(b"MISS/200", b"MISS_ABORTED/000").replace(b"203.0.113.7", b"pc.example")

    assert (record(line).status, record(line).ip) == (None, None)


def test_a_user_is_kept() -> None:
    assert record(LINE.replace(b" - HIER", b" jdoe HIER")).user == "jdoe"


def test_a_torn_line_never_names_another_client() -> None:
    whole = record(LINE)
    for at in range(len(LINE)):
        parsed = parse(LINE[:at])
        if isinstance(parsed, Record):
            parsed.fields = whole.fields
            assert parsed == whole


@settings(max_examples=60)
@given(
    st.integers(0, 4_000_000_000_000),
    st.integers(0, 999_999),
    st.from_regex(r"/[!-;=@-~]{0,40}(\?[!-~]{0,20})?", fullmatch=True),
    st.ip_addresses().map(str),
)
def test_any_request_comes_back(time_ms: int, duration_ms: int, target: str, ip: str) -> None:
    line = (
        f"{time_ms // 1000:>10d}.{time_ms % 1000:03d} {duration_ms:6d} {ip} TCP_HIT/304 5"
        f" HEAD http://shop.example{target} - HIER_NONE/- -"
    ).lstrip()

    found = record(line.encode())

    path, mark, query = target.partition("?")
    assert (found.time_ms, found.duration_s) == (time_ms, duration_ms / 1000)
    assert (found.path, found.query) == (path, query if mark else None)
    assert found.method == "HEAD"


@pytest.mark.parametrize("piece", [b" ", b"a ", b"A/", b" - A/", b"x"])
def test_long_hostile_lines_take_linear_time(piece: bytes) -> None:
    began = time.process_time()

    for line in (LINE[:50] + piece * 30_000, LINE[:80] + piece * 30_000):
        parse(line)

    assert time.process_time() - began < 1
