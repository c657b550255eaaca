"""HAProxy's HTTP log lines."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import OptionError, ParseError, Record, Result, Skip
from hooktail_parsers.proxies.haproxy import FORMATS, capture_names
from hooktail_parsers.testing import check_parser

HAPROXY = FORMATS[0]
LINE = HAPROXY.example.encode()
BARE = LINE[LINE.index(b"203.0.113.7") :]
NAMED = {"request_captures": "host,user-agent"}
HTTPSLOG = b" 0/00000000/0/0/0 sni.example/TLSv1.3/TLS_AES_256_GCM_SHA384"


def parse(line: bytes, **options: str) -> Result:
    return HAPROXY.make(options).parse(line)


def record(line: bytes, **options: str) -> Record:
    parsed = parse(line, **options)
    assert isinstance(parsed, Record), parsed
    return parsed


def refusal(line: bytes) -> str:
    parsed = parse(line)
    assert isinstance(parsed, ParseError | Skip), parsed
    return parsed.reason


def captured(groups: bytes) -> bytes:
    return BARE.replace(b"{shop.example|Agent/1.0 (X11)} ", groups)


def requesting(request: bytes) -> bytes:
    return BARE.replace(b"GET /p?a=1 HTTP/1.1", request)


def test_a_line_has_all_its_parts() -> None:
    assert record(LINE, **NAMED) == Record(
        time_ms=1_741_944_413_001,
        ip="203.0.113.7",
        method="GET",
        scheme="https",
        host="shop.example",
        path="/p",
        query="a=1",
        status=200,
        user_agent="Agent/1.0 (X11)",
        bytes_sent=1234,
        duration_s=0.003,
        fields={"frontend": "www", "backend": "app", "server": "s1", "termination_state": "----"},
    )


def test_the_contract_is_kept() -> None:
    samples = [LINE, BARE + HTTPSLOG, captured(b"{a#22|b} {c} "), requesting(b"/" * 1200)]

    check_parser(HAPROXY, samples)
    check_parser(HAPROXY, samples, {"request_captures": "host,cookie", "session_cookie": "sid"})


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"<134>Mar 14 09:26:53 lb1 haproxy[123]: ",
        b"<134>Mar 14 09:26:53 haproxy[123]: ",
        b"2025-03-14T09:26:53+01:00 lb1 haproxy[123]: ",
        b"<134>1 2025-03-14T09:26:53.001Z lb1 haproxy 123 - - ",
        b"<134>1 2025-03-14T09:26:53.001Z lb1 haproxy 123 - [meta sequenceId=1] ",
    ],
)
def test_a_syslog_header_may_stand_in_front(header: bytes) -> None:
    assert record(header + BARE, **NAMED) == record(LINE, **NAMED)


@pytest.mark.parametrize(
    "text",
    [
        "host,user-agent",
        " Host , User_Agent ",
        '["host", "user-agent"]',
        "['host', 'user-agent']",
        "{host|user-agent}",
    ],
)
def test_captures_are_named_by_a_list(text: str) -> None:
    assert capture_names(text) == ("host", "user-agent")
    assert record(LINE, request_captures=text).user_agent == "Agent/1.0 (X11)"


@pytest.mark.parametrize("text", ["host user-agent", "a,{b", "h" + ",x" * 200, "ä"])
def test_a_list_of_what_are_no_headers_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="request_captures: found"):
        HAPROXY.make({"request_captures": text})


def test_each_captured_header_has_its_place() -> None:
    names = "referer,cookie,x-forwarded-for,x-request-id,accept-language,-,port"
    line = captured(b"{https://r.example/|sid=7; a=b|198.51.100.1, 10.0.0.1|r-1|de|hidden|x} ")

    found = record(line, request_captures=names, session_cookie="sid")

    assert (found.referrer, found.cookies) == ("https://r.example/", "sid=7; a=b")
    assert (found.xff, found.request_id) == ("198.51.100.1, 10.0.0.1", "r-1")
    assert (found.session, found.ip) == ("7", "203.0.113.7")
    assert found.headers == {"accept-language": "de", "port": "x"}
    assert found.port is None


def test_records_do_not_share_their_headers() -> None:
    parser = HAPROXY.make({"request_captures": "accept,te"})
    line = captured(b"{a|b} ")

    one, other = parser.parse(line), parser.parse(line)

    assert isinstance(one, Record)
    assert isinstance(other, Record)
    assert one.headers == {"accept": "a", "te": "b"}
    assert one.headers is not other.headers


@pytest.mark.parametrize(
    ("groups", "agent", "fields"),
    [
        (b"{a} {b|c} ", "a", {"response_captures": ["b", "c"]}),
        (b"{a} {} ", "a", {}),
        (b"{} {b} ", None, {"response_captures": ["b"]}),
        (b"{} ", None, {}),
        (b"", None, {}),
        (b"{b|c} ", None, {"captures": ["b", "c"]}),
        (b"{a|b} {c} ", None, {"request_captures": ["a", "b"], "response_captures": ["c"]}),
    ],
)
def test_captures_whose_names_are_not_known_are_never_guessed(
    groups: bytes, agent: str | None, fields: dict[str, object]
) -> None:
    found = record(captured(groups), request_captures="user-agent")

    assert found.user_agent == agent
    assert {
        key: value for key, value in (found.fields or {}).items() if "captures" in key
    } == fields


def test_escapes_are_undone_once() -> None:
    line = captured(b"{ex.example|Agent (X#7CY) #7B#7D#2322 caf#C3#A9} ").replace(
        b"/p?a=1", b"/a#22b?c=#23#"
    )

    found = record(line, **NAMED)

    assert (found.path, found.query) == ('/a"b', "c=##")
    assert found.user_agent == "Agent (X|Y) {}#22 café"


def test_a_host_capture_gives_host_and_port_and_text_that_is_no_host_gives_none() -> None:
    with_port = record(captured(b"{Shop.Example:8443|a} "), **NAMED)
    no_host = record(captured(b"{Mozilla/5.0 (X)|a} "), **NAMED)
    over_http_2 = requesting(b"GET https://shop.example:444/p HTTP/2.0")

    assert (with_port.host, with_port.port) == ("shop.example", 8443)
    assert (no_host.host, no_host.port) == (None, None)
    assert (record(over_http_2).host, record(over_http_2).port) == ("shop.example", 444)
    assert record(over_http_2, **NAMED).port is None


@pytest.mark.parametrize(
    ("frontend", "proto", "scheme"),
    [(b"www~", b"http", "https"), (b"www", b"https", "https"), (b"www", b"http", "http")],
)
def test_a_tilde_behind_the_frontend_is_tls(frontend: bytes, proto: bytes, scheme: str) -> None:
    line = captured(b"{%s} " % proto).replace(b"www~", frontend)

    assert record(line, request_captures="x-forwarded-proto").scheme == scheme
    assert record(line).scheme == ("https" if b"~" in frontend else "http")


@pytest.mark.parametrize(
    ("client", "ip"),
    [
        (b"2001:db8::7:51000", "2001:db8::7"),
        (b"::ffff:203.0.113.7:51000", "203.0.113.7"),
        (b"unix:1", None),
        (b"-", None),
    ],
)
def test_a_client_ends_at_the_last_colon(client: bytes, ip: str | None) -> None:
    assert record(BARE.replace(b"203.0.113.7:51000", client)).ip == ip


def test_captured_cookies_are_cookies() -> None:
    line = BARE.replace(b"1234 - - ----", b"1234 sid=7 srv=b1 --VN")

    found = record(line, session_cookie="sid")

    assert (found.cookies, found.session) == ("sid=7", "7")
    assert (found.fields or {})["captured_response_cookie"] == "srv=b1"


def test_what_was_not_finished_or_is_still_running_is_read() -> None:
    aborted = BARE.replace(b"0/0/1/2/3 200 1234", b"0/-1/-1/-1/-1 -1 0")
    early = BARE.replace(b"0/0/1/2/3 200 1234", b"0/0/1/2/+3 200 +1234")

    assert (record(aborted).status, record(aborted).duration_s) == (None, None)
    assert (record(early).bytes_sent, record(early).duration_s) == (1234, 0.003)


def test_the_tls_columns_of_httpslog_are_read() -> None:
    found = record(BARE + HTTPSLOG)

    assert (found.fields or {})["ssl_fc_sni"] == "sni.example"
    assert found.host is None


@pytest.mark.parametrize(
    "line",
    [
        b"Mar 14 09:26:53 lb1 haproxy[1]: Proxy www started.",
        b"203.0.113.7:51000 [14/Mar/2025:09:26:53.001] www/1: SSL handshake failure",
        b"203.0.113.7:51000 [14/Mar/2025:09:26:53.001] tcp app/s1 1/0/5 212 -- 0/0/0/0/0 0/0",
        b'{"msg":"bad line: ' + BARE + b'"}',
        BARE + b"x",
    ],
)
def test_lines_of_other_kinds_are_refused(line: bytes) -> None:
    assert refusal(line) == "syntax"


@pytest.mark.parametrize("text", [b"<BADREQ>", b"", b"PRI * HTTP/2.0", b"#16#03#01"])
def test_what_is_no_request_is_refused(text: bytes) -> None:
    assert refusal(requesting(text)) == "not_a_request"


def test_a_line_that_haproxy_cut_is_a_record_and_a_torn_one_is_not() -> None:
    long = requesting(b"GET /p?" + b"q" * 2000 + b" HTTP/1.1")

    found = record(long[:1024])

    assert found.path == "/p"
    assert set(found.query or "") == {"q"}
    assert (found.fields or {})["cut"] is True
    assert refusal(long[:600]) == "syntax"
    assert refusal(BARE[:-1]) == "syntax"
    protocol = long.index(b" HTTP")
    assert {record(long[:at]).query for at in range(protocol, len(long) - 1)} == {"q" * 2000}
    assert record(long[: protocol - 3] + b"#2").query == "q" * 1997


def test_times_are_local_unless_they_state_their_zone() -> None:
    stated = BARE.replace(b"09:26:53.001", b"09:26:53 -0100")

    assert record(BARE, timezone="Europe/Berlin").time_ms == 1_741_940_813_001
    assert record(stated, timezone="Europe/Berlin").time_ms == 1_741_948_013_000


@pytest.mark.parametrize("stamp", [b"31/Feb/2025:09:26:53.001", b"14/Mar/2025:24:26:53.001"])
def test_an_impossible_time_is_refused(stamp: bytes) -> None:
    assert refusal(BARE.replace(b"14/Mar/2025:09:26:53.001", stamp)) == "bad_time"


def test_a_torn_line_never_names_another_client() -> None:
    for line in (LINE, BARE + HTTPSLOG):
        whole = record(line, **NAMED)
        parser = HAPROXY.make(NAMED)
        for at in range(len(line)):
            parsed = parser.parse(line[:at])
            if isinstance(parsed, Record):
                parsed.fields = whole.fields
                assert parsed == whole


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Z"]), max_size=30)
ESCAPED = frozenset(b'"#{}|\x7f') | frozenset(range(0x21)) - {0x20} | frozenset(range(0x80, 256))


def written(text: str) -> bytes:
    return b"".join(
        b"#%02X" % byte if byte in ESCAPED else bytes((byte,)) for byte in text.encode()
    )


@settings(max_examples=60)
@given(
    st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2090-01-01")),
    st.ip_addresses(v=4).map(str),
    TEXTS,
    TEXTS,
)
def test_any_request_comes_back(moment: datetime, ip: str, target: str, agent: str) -> None:
    line = (
        b"%s:1 [%s.%03d] f b/s 0/0/0/0/9 200 5 - - ---- 1/1/1/1/1 0/0 {%s} "
        b'"GET /%s HTTP/1.1"'
    ) % (
        ip.encode(), f"{moment:%d/%b/%Y:%H:%M:%S}".encode(), moment.microsecond // 1000,
        written(agent), written(target),
    )  # fmt: skip

    found = record(line, request_captures="user-agent")

    path, mark, query = f"/{target}".partition("?")
    assert (found.ip, found.path, found.query) == (ip, path, query if mark else None)
    assert found.user_agent == (agent if agent not in ("", "-") else None)
    assert found.time_ms == (
        moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    ) // timedelta(milliseconds=1)


@pytest.mark.parametrize("piece", [b'"', b" ", b"{", b"a|", b"x: ", b"- 1:1 [14/Mar/2025:", b"#"])
def test_long_hostile_lines_take_linear_time(piece: bytes) -> None:
    parser = HAPROXY.make(NAMED)
    began = time.process_time()

    for line in (piece * 30_000, LINE[:150] + piece * 30_000, LINE[:-1] + piece * 30_000):
        parser.parse(line)

    assert time.process_time() - began < 1
