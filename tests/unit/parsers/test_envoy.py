"""Envoy's text log, plain and as Istio writes it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import ParseError, Record, Result, Skip
from hooktail_parsers.proxies.envoy import FORMATS
from hooktail_parsers.testing import check_parser

ENVOY = FORMATS[0]
ISTIO = ENVOY.example.encode()
PLAIN = (
    b'[2025-03-14T08:26:53.123Z] "GET /p?a=1 HTTP/2" 200 - 0 135 11 10 "203.0.113.7,10.0.0.1"'
    b' "Agent/1.0 (X11)" "d209e46f" "shop.example:8443" "10.0.0.9:80"'
)
OLD_ISTIO = PLAIN.replace(b"200 - 0", b'200 - "-" 0') + b" out|80 - 10.0.0.3:80 198.51.100.4:5 -"


def parse(line: bytes) -> Result:
    return ENVOY.make({}).parse(line)


def record(line: bytes) -> Record:
    parsed = parse(line)
    assert isinstance(parsed, Record), parsed
    return parsed


def refusal(line: bytes) -> str:
    parsed = parse(line)
    assert isinstance(parsed, ParseError | Skip), parsed
    return parsed.reason


def test_a_line_has_all_its_parts() -> None:
    assert record(PLAIN) == Record(
        time_ms=1_741_940_813_123,
        ip="203.0.113.7",
        method="GET",
        host="shop.example",
        port=8443,
        path="/p",
        query="a=1",
        status=200,
        user_agent="Agent/1.0 (X11)",
        bytes_sent=135,
        duration_s=0.011,
        xff="203.0.113.7,10.0.0.1",
        request_id="d209e46f",
        fields={"upstream_host": "10.0.0.9:80"},
    )


def test_the_contract_is_kept() -> None:
    check_parser(ENVOY, [PLAIN, ISTIO, OLD_ISTIO, PLAIN.replace(b"Agent", b'A "q" B')])


@pytest.mark.parametrize("line", [ISTIO, OLD_ISTIO, b"ACCESS " + PLAIN, PLAIN + b"\r"])
def test_other_layouts_give_the_same_request(line: bytes) -> None:
    found, plain = record(line), record(PLAIN)

    for name in ("time_ms", "ip", "method", "path", "query", "status", "user_agent", "bytes_sent"):
        assert getattr(found, name) == getattr(plain, name)


@pytest.mark.parametrize(
    ("chain", "ip"),
    [
        (b"10.0.0.1, 198.51.100.9, 203.0.113.7", "198.51.100.9"),
        (b"10.0.0.1,192.168.0.1", "10.0.0.1"),
        (b"[2001:db8::7]:443,10.0.0.1", "2001:db8::7"),
        (b"unknown, 203.0.113.7:80", "203.0.113.7"),
        (b"-", None),
    ],
)
def test_the_client_is_the_first_public_address_of_the_chain(chain: bytes, ip: str | None) -> None:
    assert record(PLAIN.replace(b"203.0.113.7,10.0.0.1", chain)).ip == ip


def test_without_a_chain_the_client_is_istios_downstream_address() -> None:
    for chain, ip in ((b"-", "198.51.100.4"), (b"203.0.113.7", "203.0.113.7")):
        found = record(OLD_ISTIO.replace(b"203.0.113.7,10.0.0.1", chain))
        assert found.ip == ip
        assert (found.fields or {})["downstream_remote_address"] == "198.51.100.4:5"
    over_ipv6 = OLD_ISTIO.replace(b"198.51.100.4:5", b"[2001:db8::4]:5")
    assert record(over_ipv6.replace(b"203.0.113.7,10.0.0.1", b"-")).ip == "2001:db8::4"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"", "blank"),
        (b"[2025-03-14 15:31:30.492][1][warning][runtime] [source/x.cc:31] text", "syntax"),
        (PLAIN.replace(b"GET /p?a=1 HTTP/2", b"- - -"), "not_a_request"),
        (PLAIN.replace(b"GET /p?a=1 HTTP/2", b"- - HTTP/1.1"), "not_a_request"),
        (PLAIN.replace(b"2025-03-14", b"2025-02-30"), "bad_time"),
    ],
)
def test_what_is_no_request_is_refused(line: bytes, reason: str) -> None:
    assert refusal(line) == reason


def test_a_client_that_went_away_has_no_status() -> None:
    found = record(PLAIN.replace(b"200 - 0 135", b"0 DC 0 0"))

    assert (found.status, found.bytes_sent) == (None, 0)
    assert (found.fields or {})["response_flags"] == "DC"


@pytest.mark.parametrize("agent", [b'a "quoted" b', b'"', b'a" b', b"back\\slash\\"])
def test_quotes_in_an_agent_are_its_own(agent: bytes) -> None:
    for line in (PLAIN, ISTIO):
        found = record(line.replace(b"Agent/1.0 (X11)", agent))
        assert found.user_agent == agent.decode()
        assert found.host == "shop.example"


FORGED = b'a" "id" "evil.example" "192.0.2.9:1'


@pytest.mark.parametrize("line", [PLAIN, ISTIO, OLD_ISTIO])
@pytest.mark.parametrize(
    ("column", "text"),
    [
        (b"Agent/1.0 (X11)", FORGED),
        (b"Agent/1.0 (X11)", FORGED + b'" out|80 - 10.0.0.3:80 192.0.2.9:5 -'),
        (b"Agent/1.0 (X11)", b'a" "b'),
        (b"203.0.113.7,10.0.0.1", b'192.0.2.9" "x'),
        (b"203.0.113.7,10.0.0.1", b'192.0.2.9" "'),
        (b"d209e46f", b'd" "evil.example" "192.0.2.9:1'),
        (b"/p?a=1", b'/q HTTP/1.1" 404 - 0 1 1 1 "192.0.2.9" "' + FORGED),
        (b"/p?a=1", b'/q HTTP/1.1" 404 - 0 1 1 1 "192.0.2.9" "b'),
    ],
)
def test_no_text_of_a_client_takes_the_place_of_another_column(
    line: bytes, column: bytes, text: bytes
) -> None:
    assert column in line

    assert refusal(line.replace(column, text, 1)) == "syntax"


def test_a_torn_line_never_names_another_client() -> None:
    parser = ENVOY.make({})
    for line in (PLAIN, OLD_ISTIO.replace(b"203.0.113.7,10.0.0.1", b"-")):
        whole = record(line)
        for at in range(len(line)):
            parsed = parser.parse(line[:at])
            if isinstance(parsed, Record):
                assert parsed.ip in (None, whole.ip)
                assert (parsed.host, parsed.path) == (whole.host, whole.path)
                assert parsed.user_agent == whole.user_agent


@settings(max_examples=60)
@given(
    st.from_regex(r"/[!#-;=@-~]{0,40}", fullmatch=True),
    st.from_regex(r"[!#-~][ !#-~]{1,60}", fullmatch=True),
    st.lists(st.ip_addresses(v=4).map(str), min_size=1, max_size=3),
    st.integers(0, 599),
)
def test_any_request_comes_back(path: str, agent: str, chain: list[str], status: int) -> None:
    line = (
        f'[2025-03-14T08:26:53.123Z] "POST {path} HTTP/1.1" {status:03d} UF,URX 5 7 9 -'
        f' "{",".join(chain)}" "{agent}" "id" "shop.example" "-"'
    )

    found = record(line.encode())

    assert (found.method, found.path, found.user_agent) == ("POST", path, agent)
    assert (found.status, found.xff) == (status or None, ",".join(chain))
    assert found.ip in chain


@pytest.mark.parametrize(
    "piece", [b'"', b'" "', b'" 200 - 0 0 0 - "', b'" 200 - 0 0 0 - "-" "', b"1 ", b"a,"]
)
def test_long_hostile_lines_take_linear_time(piece: bytes) -> None:
    parser = ENVOY.make({})
    began = time.process_time()

    for line in (PLAIN[:28] + piece * 20_000, PLAIN[:70] + piece * 20_000, PLAIN + piece * 20_000):
        parser.parse(line)

    assert time.process_time() - began < 1
