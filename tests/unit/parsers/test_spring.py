"""Spring Boot's log: request lines of pairs, and traces that state no request."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import Parsed, ParseError, Record, Skip
from hooktail_parsers.apps.spring import FORMATS, SpringParser
from hooktail_parsers.assembly import Assembled, Assembler
from hooktail_parsers.testing import check_parser

(SPRING,) = FORMATS
HEADER = b"2025-03-14T08:26:53.123Z  INFO 1 --- [nio-8080-exec-1] c.e.RequestLog : "
PAIRS = (
    b'method=GET uri=/api/v1/items?page=2 status=200 client=203.0.113.7 ua="Agent/1.0 (X11)" dur=12'
)
LOG = [
    HEADER + PAIRS,
    b"2025-03-14T08:26:53.130Z ERROR 1 --- [nio-8080-exec-2] c.e.Api        : failed",
    b"java.lang.IllegalStateException: boom",
    b"\tat c.e.Api.call(Api.java:10) ~[app.jar:1.0]",
    b"Caused by: java.io.IOException: uri=/fake status=200 method=GET",
    b"\t... 12 more",
    (
        b"2025-03-14T08:26:53.140Z  INFO 1 --- [nio-8080-exec-2] c.e.RequestLog : method=POST"
        b' uri=/api/v1/items status=500 client=198.51.100.4 ua="Mozilla/5.0 (X11; Linux)" dur=9'
    ),
]


def assembled(lines: Sequence[bytes]) -> list[Assembled[int]]:
    parser = SPRING.make({})
    assembler: Assembler[int] = Assembler(parser)
    done: list[Assembled[int]] = []
    for number, result in enumerate(parser.parse_batch(lines)):
        done += assembler.take(number, result)
    return done + assembler.give_up_all()


def parse(line: bytes, **options: str) -> Parsed:
    try:
        return SpringParser(options).parse(line)
    except ParseError as error:
        return error


def test_it_keeps_the_contract() -> None:
    check_parser(SPRING, LOG)


def test_a_trace_between_requests_states_none() -> None:
    done = sorted(assembled(LOG), key=lambda each: each.keys)

    assert [each.keys for each in done] == [[0], [1, 2, 3, 4, 5], [6]]
    assert done[1].parsed == Skip("no_request")
    first, last = done[0].parsed, done[2].parsed
    assert isinstance(first, Record)
    assert isinstance(last, Record)
    assert (first.time_ms, first.ip, first.method, first.path, first.query, first.status) == (
        1_741_940_813_123, "203.0.113.7", "GET", "/api/v1/items", "page=2", 200,
    )  # fmt: skip
    assert (last.ip, last.method, last.status, last.user_agent) == (
        "198.51.100.4", "POST", 500, "Mozilla/5.0 (X11; Linux)",
    )  # fmt: skip


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        b"2025-03-14 08:26:53.123  INFO 4711 --- [           main] c.e.RequestLog   : ",
        b"2025-03-14T09:26:53.123+01:00  INFO 1 --- [shop] [nio-8080-exec-1] c.e.RequestLog : ",
        b"2025-03-14T08:26:53.123Z  INFO 1 --- [shop] [exec-1] [68b1-42] c.e.RequestLog : ",
        b"2025-03-14 08:26:53.123  INFO [shop,68b1,42] 1 --- [exec-1] c.e.RequestLog : ",
        b"2025-03-14 08:26:53.123 [exec-1] INFO  c.e.RequestLog - ",
        b"2025-03-14 08:26:53,123 INFO [exec-1] c.e.RequestLog - ",
        b"2025-03-14 08:26:53,123 INFO c.e.RequestLog - ",
        (
            b"\x1b[2m2025-03-14T08:26:53.123Z\x1b[0;39m \x1b[32m INFO\x1b[0;39m \x1b[35m1\x1b[0;39m"
            b" \x1b[2m---\x1b[0;39m \x1b[2m[exec-1]\x1b[0;39m \x1b[36mc.e.RequestLog\x1b[0;39m"
            b" \x1b[2m:\x1b[0;39m "
        ),
    ],
)
def test_each_usual_header_is_known(header: bytes) -> None:
    record = parse(header + PAIRS)

    assert isinstance(record, Record)
    assert (record.time_ms, record.path) == (1_741_940_813_123, "/api/v1/items")


@pytest.mark.parametrize(
    "message",
    [
        b"failed",
        b"",
        b"call failed for uri=/a status=200 method=GET because of it",
        b"java.io.IOException: text with uri=/a status=200 method=GET and words",
        b"method=GET uri=a status=200",
        b"status=200 uri=/a",
        b"user=42 action=login",
        b'text "method=GET uri=/a status=200"',
        b"method=GET uri=/a status=200\nmore",
    ],
)
def test_other_messages_are_no_request(message: bytes) -> None:
    assert parse(HEADER + message) == Skip("no_request")


def test_a_request_without_a_status_is_not_finished() -> None:
    assert parse(HEADER + b"method=GET uri=/a") == Skip("not_finished")


def test_a_label_may_stand_before_the_pairs() -> None:
    assert isinstance(parse(HEADER + b"HTTP request: " + PAIRS), Record)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"text", "syntax"),
        (b"Caused by: x uri=/fake status=200 method=GET", "syntax"),
        (PAIRS, "syntax"),
        (HEADER.replace(b"03-14", b"02-30") + PAIRS, "bad_time"),
    ],
)
def test_what_cannot_be_read_is_refused(line: bytes, reason: str) -> None:
    parsed = parse(line)

    assert isinstance(parsed, ParseError)
    assert parsed.reason == reason


def test_a_time_without_a_zone_has_the_zone_of_the_option() -> None:
    line = b"2025-03-14 09:26:53.123 [exec-1] INFO  c.e.RequestLog - " + PAIRS

    record = parse(line, timezone="+01:00")

    assert isinstance(record, Record)
    assert record.time_ms == 1_741_940_813_123


TOKENS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)


@settings(max_examples=60)
@given(
    st.sampled_from(["GET", "POST", "DELETE"]),
    TOKENS,
    st.integers(100, 599),
    st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=20).map(
        "Agent/1 {}".format
    ),
)
def test_any_request_comes_back_as_it_was_written(
    method: str, name: str, status: int, agent: str
) -> None:
    quoted = agent.replace("\\", "\\\\").replace('"', '\\"')
    message = f'method={method} uri=/{name}?q={name} status={status} ua="{quoted}"'

    record = parse(HEADER + message.encode())

    assert isinstance(record, Record)
    assert (record.method, record.path, record.query, record.status) == (
        method, f"/{name}", f"q={name}", status,
    )  # fmt: skip
    assert record.user_agent == agent
