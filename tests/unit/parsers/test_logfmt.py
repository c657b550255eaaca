"""Application logs in logfmt, and Heroku's router."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import OptionError, ParseError, Record, Result, Skip
from hooktail_parsers.apps.logfmt import FORMATS
from hooktail_parsers.apps.pairs import read_pairs
from hooktail_parsers.testing import check_parser

APP, ROUTER = FORMATS
LINE = APP.example.encode()
ROUTED = ROUTER.example.encode()
PAIRS = ROUTED[ROUTED.index(b"at=info") :]
REQUEST = b"method=GET path=/p status=200 "


def parse(line: bytes, **options: str) -> Result:
    return APP.make({key.replace("map_", "map."): text for key, text in options.items()}).parse(
        line
    )


def record(line: bytes, **options: str) -> Record:
    parsed = parse(line, **options)
    assert isinstance(parsed, Record), parsed
    return parsed


def routed(line: bytes) -> Record:
    parsed = ROUTER.make({}).parse(line)
    assert isinstance(parsed, Record), parsed
    return parsed


def reason(parsed: Result) -> str:
    assert isinstance(parsed, ParseError | Skip), parsed
    return parsed.reason


def test_a_line_has_all_its_parts() -> None:
    assert record(LINE) == Record(
        time_ms=1_741_940_813_123,
        ip="203.0.113.7",
        method="GET",
        path="/p",
        query="q=1",
        status=200,
        user_agent="Agent/1.0 (X11)",
        duration_s=0.0015,
        fields={"level": "info", "msg": "request"},
    )


def test_the_contract_is_kept() -> None:
    check_parser(APP, [LINE, REQUEST + rb'ua="\"\u00e9\\" x_forwarded_for=1.2.3.4 bare'])
    check_parser(APP, [LINE, b"page=/x who=7"], {"map.url": "page", "map.user": "who"})
    check_parser(ROUTER, [ROUTED, PAIRS, PAIRS.replace(b"path=", b"path=/x y=")])


@pytest.mark.parametrize(
    ("line", "pairs"),
    [
        (b"a=1 b=", {b"a": b"1", b"b": b""}),
        (b'a="" b', {b"a": b"", b"b": None}),
        (b'  a="x y=\\"z\\"\\n\\u00e9\\\\"\t', {b"a": 'x y="z"\né\\'.encode()}),
        (b"a=1 a=2", {b"a": b"2"}),
        (b"path=/x?y=z#q", {b"path": b"/x?y=z#q"}),
        (b'a=b"c', {b"a": b'b"c'}),
        (b"", None),
        (b"only words here", None),
        (b'a="torn', None),
        (b'a="x"y', None),
        (b"=1", None),
        (b'a=1 "text"', None),
    ],
)
def test_pairs_are_read_as_logfmt_writes_them(
    line: bytes, pairs: dict[bytes, bytes | None] | None
) -> None:
    assert read_pairs(line) == pairs


def test_keys_inside_a_message_are_text() -> None:
    line = b'level=error msg="refused method=GET path=/x status=200" remote=203.0.113.7'

    assert parse(line) == Skip("no_request")


@pytest.mark.parametrize(
    "line",
    [
        b"level=info msg=started",
        b"method=GET path=/p level=info",
        b"status=Pending pod=x",
        b"request=17 status=200",
        b"method=GET path=nowhere status=200",
        b"method=- path=/ status=200",
    ],
)
def test_a_line_that_states_no_finished_request_is_passed_over(line: bytes) -> None:
    assert isinstance(parse(line), Skip)


def test_what_is_no_logfmt_is_refused() -> None:
    assert reason(parse(REQUEST + b"ts=yesterday")) == "bad_time"
    assert reason(parse(b"panic: runtime error")) == "syntax"
    assert reason(parse(b"  \r")) == "blank"


def test_empty_values_are_none_and_bare_keys_true() -> None:
    found = record(REQUEST + b'referer= ua="" user=- debug')

    assert (found.referrer, found.user_agent, found.user) == (None, None, None)
    assert found.fields == {"debug": True}


@pytest.mark.parametrize(
    ("pair", "ip"),
    [
        (b"remote=203.0.113.7:51234", "203.0.113.7"),
        (b"remote=[2001:db8::7]:443", "2001:db8::7"),
        (b"client_ip=2001:DB8::7", "2001:db8::7"),
        (b"remote=unix x_forwarded_for=203.0.113.7", None),
        (b"remote=10.0.0.9 client_ip=203.0.113.7", "203.0.113.7"),
    ],
)
def test_the_client_is_what_the_line_calls_so(pair: bytes, ip: str | None) -> None:
    assert record(REQUEST + pair).ip == ip


def test_a_url_of_any_form_is_a_target() -> None:
    whole = record(b"http.method=GET http.url=https://Shop.example:8443/p?a=1 http.status_code=200")
    parts = record(
        b"verb=POST uri=/p query_string=?a=1 host=shop.example:81 scheme=https bytes=7 status=200"
    )
    line = record(b'request="GET /p?a=1 HTTP/1.1" status=404')

    assert (whole.scheme, whole.host, whole.port) == ("https", "shop.example", 8443)
    assert (parts.scheme, parts.host, parts.port) == ("https", "shop.example", 81)
    assert {(each.path, each.query) for each in (whole, parts, line)} == {("/p", "a=1")}
    assert (line.method, line.status, parts.bytes_sent) == ("GET", 404, 7)


@pytest.mark.parametrize(
    ("pair", "seconds"),
    [
        (b"duration=1.5ms", 0.0015),
        (b"elapsed=1m2.5s", 62.5),
        (b"took=1h", 3600.0),
        ("latency=850µs".encode(), 0.00085),
        (b"latency=12ns", 1.2e-8),
        (b"duration_ms=12", 0.012),
        (b"duration_s=0.25", 0.25),
        (b"duration=12", None),
        (b"duration=fast", None),
    ],
)
def test_a_duration_counts_if_its_unit_is_known(pair: bytes, seconds: float | None) -> None:
    assert record(REQUEST + pair).duration_s == seconds


@pytest.mark.parametrize(
    ("stamp", "time_ms"),
    [
        (b"ts=1741940813.123", 1_741_940_813_123),
        (b"timestamp=1741940813123", 1_741_940_813_123),
        (b'time="2025-03-14 09:26:53,123"', 1_741_940_813_123),
        (b'time="[14/Mar/2025:09:26:53 +0100]"', 1_741_940_813_000),
        (b"level=info", None),
    ],
)
def test_a_time_may_have_any_usual_form(stamp: bytes, time_ms: int | None) -> None:
    assert record(REQUEST + stamp, timezone="Europe/Berlin").time_ms == time_ms


def test_a_mapped_key_counts_alone() -> None:
    found = record(REQUEST + b"ip=10.0.0.1 visitor=203.0.113.7", map_ip="visitor")

    assert found.ip == "203.0.113.7"
    assert found.fields == {"ip": "10.0.0.1"}


def test_a_line_with_the_mapped_event_is_one_without_being_a_request() -> None:
    mapping = {"map_event": "event", "map_url": "page", "map_ip": "from", "map_time": "at"}
    line = b"event=signup page=https://shop.example/signup?plan=pro from=203.0.113.7"

    found = record(line + b" at=1741940813123", **mapping)

    assert found == Record(
        time_ms=1_741_940_813_123,
        ip="203.0.113.7",
        scheme="https",
        host="shop.example",
        path="/signup",
        query="plan=pro",
        fields={"event": "signup"},
    )
    assert parse(
        line.replace(b"event=signup ", b"").replace(b"page=", b"a=page "), **mapping
    ) == Skip("no_request")


@pytest.mark.parametrize("options", [{"map_colour": "x"}, {"map_ip": ""}])
def test_a_mapping_that_cannot_work_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(OptionError, match="map"):
        parse(b"", **options)


def test_secret_keys_stay_out_of_the_fields() -> None:
    found = record(REQUEST + b"password=x auth_token=y plan=pro")

    assert found.fields == {"plan": "pro"}


def test_a_session_may_be_a_key_or_a_cookie() -> None:
    assert record(REQUEST + b"session_id=7").session == "7"
    assert record(REQUEST + b'cookie="a=b; sid=7"', session_cookie="sid").session == "7"


def test_a_line_of_the_router_has_all_its_parts() -> None:
    assert routed(ROUTED) == Record(
        time_ms=1_741_940_813_123,
        ip="203.0.113.7",
        method="GET",
        scheme="https",
        host="shop.example",
        path="/p",
        query="a=1",
        status=200,
        bytes_sent=12,
        duration_s=0.005,
        xff="203.0.113.7",
        request_id="8601b555-6a83",
        fields={"at": "info", "dyno": "web.1"},
    )


@pytest.mark.parametrize(
    ("header", "has_time"),
    [
        (b"<158>1 2025-03-14T08:26:53.123456+00:00 host heroku router - ", True),
        (b"270 <158>1 2025-03-14T08:26:53.123Z host heroku router - - ", True),
        (b"2025-03-14T08:26:53.123456+00:00 host heroku[router]: ", True),
        (b"Mar 14 08:26:53 host heroku[router]: ", False),
        (b"heroku[router]: ", False),
        (b"", False),
    ],
)
def test_a_header_may_stand_in_front_of_the_routers_pairs(header: bytes, has_time: bool) -> None:
    expected = routed(ROUTED)
    if not has_time:
        expected.time_ms = None

    assert routed(header + PAIRS) == expected


def test_a_request_that_the_router_gave_up_is_one() -> None:
    line = (
        b'at=error code=H12 desc="Request timeout" method=POST path=/slow?x host=shop.example'
        b' fwd="10.0.0.1, 203.0.113.7" dyno=web.1 connect= service=30000ms status=503 bytes='
    )

    found = routed(line)

    assert (found.ip, found.status, found.bytes_sent) == ("203.0.113.7", 503, None)
    assert (found.duration_s, found.path, found.query) == (30.0, "/slow", "x")
    assert found.fields == {
        "at": "error", "code": "H12", "desc": "Request timeout", "dyno": "web.1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"", "blank"),
        (ROUTED.replace(b"heroku[router]", b"heroku[web.1]"), "syntax"),
        (b"2025-03-14T08:26:53Z app[web.1]: at=info method=GET path=/ status=200", "syntax"),
        (ROUTED.replace(b"method=GET ", b""), "syntax"),
        (ROUTED[:-1].replace(b'"/p?a=1"', b'"/p?a=1'), "syntax"),
        (ROUTED.replace(b'"/p?a=1"', b'"p"'), "not_a_request"),
        (ROUTED.replace(b"2025-03-14", b"2025-02-30"), "bad_time"),
    ],
)
def test_other_lines_of_heroku_are_refused(line: bytes, why: str) -> None:
    assert reason(ROUTER.make({}).parse(line)) == why


VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)


def quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t") + '"'


@settings(max_examples=80)
@given(
    st.dictionaries(st.from_regex(r"[a-z][a-z0-9_.@-]{0,8}", fullmatch=True), VALUES, min_size=1)
)
def test_any_pairs_come_back(values: dict[str, str]) -> None:
    line = " ".join(f"{key}={quoted(text)}" for key, text in values.items())

    assert read_pairs(line.encode()) == {
        key.encode(): text.encode() for key, text in values.items()
    }


@settings(max_examples=80)
@given(st.sampled_from(["GET", "PATCH", "M-SEARCH"]), VALUES, VALUES)
def test_any_request_comes_back(method: str, target: str, agent: str) -> None:
    agent = f"A/{agent}"
    line = f"method={method} path={quoted('/' + target)} status=200 ua={quoted(agent)}"

    found = record(line.encode())

    path, mark, query = f"/{target}".partition("?")
    assert (found.method, found.path, found.query) == (method, path, query if mark else None)
    assert found.user_agent == agent


@pytest.mark.parametrize("piece", [b"a=", b'a="', b'"', b"a ", b"a=b ", b"\\", b"=", b"a"])
def test_long_hostile_lines_take_linear_time(piece: bytes) -> None:
    began = time.process_time()

    for line in (piece * 20_000, REQUEST + piece * 20_000, b'a="' + piece * 20_000):
        parse(line)

    assert time.process_time() - began < 2
