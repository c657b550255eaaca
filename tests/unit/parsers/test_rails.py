"""Rails' logs: which lines make one request, and what is said of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import ParseError, Part, Record, Skip, StatefulParser, Step
from hooktail_parsers.apps.rails import FORMATS, MOST_OPEN
from hooktail_parsers.assembly import Assembled, Assembler
from hooktail_parsers.testing import check_parser

RAILS3, RAILS2 = FORMATS
TAGGED = [
    (
        b"I, [2025-03-14T08:26:53.101234 #77]  INFO -- : [aaa-1] Started GET"
        b' "/orders/5?tab=items" for 203.0.113.7 at 2025-03-14 08:26:53 +0000'
    ),
    (
        b"I, [2025-03-14T08:26:53.105000 #78]  INFO -- : [bbb-2] Started POST"
        b' "/login" for 198.51.100.4 at 2025-03-14 08:26:53 +0000'
    ),
    (
        b"I, [2025-03-14T08:26:53.110000 #77]  INFO -- : [aaa-1] Processing by"
        b" OrdersController#show as HTML"
    ),
    b'I, [2025-03-14T08:26:53.111000 #77]  INFO -- : [aaa-1]   Parameters: {"tab"=>"items"}',
    (
        b"I, [2025-03-14T08:26:53.200000 #78]  INFO -- : [bbb-2] Completed 302 Found in 95ms"
        b" (ActiveRecord: 3.1ms)"
    ),
    (
        b"F, [2025-03-14T08:26:53.250000 #77] FATAL -- : [aaa-1] ActiveRecord::RecordNotFound"
        b" (Couldn't find Order with 'id'=5):"
    ),
    (
        b"F, [2025-03-14T08:26:53.250100 #77] FATAL -- : [aaa-1] app/controllers/orders_controller"
        b".rb:12:in `show'"
    ),
]
NOW_MS = 1_741_940_813_000


def started(
    target: str, ip: str = "203.0.113.7", prefix: str = "", at: str = "2025-03-14 08:26:53 +0000"
) -> bytes:
    return f'{prefix}Started GET "{target}" for {ip} at {at}'.encode()


def processing(action: str, ip: str = "203.0.113.7", prefix: str = "", second: int = 53) -> bytes:
    at = f"2025-03-14 08:26:{second:02}"
    return f"{prefix}Processing ShopController#{action} (for {ip} at {at}) [GET]".encode()


def completed(path: str, prefix: str = "", status: str = "200 OK") -> bytes:
    url = f"http://shop.example{path}"
    return f"{prefix}Completed in 61ms (View: 12, DB: 3) | {status} [{url}]".encode()


def feed(parser: StatefulParser, lines: Sequence[bytes]) -> tuple[list[Assembled[int]], list[int]]:
    """Returns what came out, and the lines that still wait."""
    assembler: Assembler[int] = Assembler(parser)
    done: list[Assembled[int]] = []
    for number, result in enumerate(parser.parse_batch(lines)):
        done += assembler.take(number, result)
    return done, sorted(number for held in assembler.open.values() for number in held)


def fed(
    lines: Sequence[bytes], rails: int = 3, **options: str
) -> tuple[list[Assembled[int]], list[int]]:
    parser = (RAILS3 if rails == 3 else RAILS2).make(options)
    assert isinstance(parser, StatefulParser)
    return feed(parser.fork(), lines)


def records(lines: Sequence[bytes], rails: int = 3, **options: str) -> list[Record]:
    """Returns the records, with those that are given up at the end."""
    parser = (RAILS3 if rails == 3 else RAILS2).make(options)
    assert isinstance(parser, StatefulParser)
    assembler: Assembler[int] = Assembler(parser)
    done: list[Assembled[int]] = []
    for number, result in enumerate(parser.parse_batch(lines)):
        done += assembler.take(number, result)
    done += assembler.give_up_all()
    return [each.parsed for each in done if isinstance(each.parsed, Record)]


def brief(record: Record) -> tuple[object, ...]:
    return record.ip, record.method, record.path, record.query, record.status


def test_rails_3_keeps_the_contract() -> None:
    check_parser(
        RAILS3,
        [
            *TAGGED,
            started("/a"),
            b"Processing by A::BController#c as */*",
            b"Completed 200 OK in 5ms",
        ],
    )


def test_rails_2_keeps_the_contract() -> None:
    check_parser(
        RAILS2,
        [processing("a"), processing("b", "198.51.100.4"), b"RuntimeError (x):", completed("/a?b"),
         processing("c", prefix="Mar 14 08:26:53 web1 rails[77]: "),
         completed("/c", prefix="Mar 14 08:26:53 web1 rails[77]: ")],
    )  # fmt: skip


def test_tags_tell_requests_apart_that_are_served_at_the_same_time() -> None:
    done, waiting = fed(TAGGED)

    whole = [each for each in done if isinstance(each.parsed, Record)]
    assert [each.keys for each in whole] == [[1, 4]]
    assert whole[0].parsed == Record(
        NOW_MS, "198.51.100.4", "POST", path="/login", status=302, duration_s=0.095
    )
    assert waiting == [0, 2]
    assert [each.parsed for each in done if each.keys[0] in (3, 5, 6)] == [
        Skip("part_of_record")
    ] * 3


def test_a_request_that_is_never_completed_has_no_status() -> None:
    assert [brief(each) for each in records(TAGGED)] == [
        ("198.51.100.4", "POST", "/login", None, 302),
        ("203.0.113.7", "GET", "/orders/5", "tab=items", None),
    ]


def test_the_next_request_of_the_same_key_ends_one_that_was_not_completed() -> None:
    lines = [
        started("/gone"),
        started("/there", "198.51.100.4", at="2025-03-14 08:26:55 +0000"),
        b"Completed 200 OK in 5ms",
    ]

    done, waiting = fed(lines)

    assert [
        (each.keys, brief(each.parsed)) for each in done if isinstance(each.parsed, Record)
    ] == [
        ([0], ("203.0.113.7", "GET", "/gone", None, None)),
        ([1, 2], ("198.51.100.4", "GET", "/there", None, 200)),
    ]
    assert waiting == []


def test_without_tags_the_process_joins() -> None:
    one, other = (
        "I, [2025-03-14T08:26:53.1 #7]  INFO -- : ",
        "I, [2025-03-14T08:26:53.1 #8] INFO -- : ",
    )
    lines = [
        started("/one", prefix=one),
        started("/other", "198.51.100.4", prefix=other),
        one.encode() + b"Completed 404 Not Found in 1ms",
        other.encode() + b"Completed 200 OK in 1.5ms (Views: 1.0ms)",
    ]

    assert [brief(each) for each in records(lines)] == [
        ("203.0.113.7", "GET", "/one", None, 404),
        ("198.51.100.4", "GET", "/other", None, 200),
    ]


def test_a_completion_is_not_given_to_a_request_that_no_controller_has_yet() -> None:
    lines = [
        started("/slow"),
        b"Processing by SlowController#show as HTML",
        started("/next", "198.51.100.4"),
        b"Completed 503 Service Unavailable in 900ms",
        b"Processing by NextController#show as HTML",
        b"Completed 200 OK in 5ms",
    ]

    assert [brief(each) for each in records(lines)] == [
        ("203.0.113.7", "GET", "/slow", None, None),
        ("198.51.100.4", "GET", "/next", None, 200),
    ]


BY = b"Processing by ShopController#show as HTML"
DONE = b"Completed 200 OK in 5ms"
MISSING = b"Completed 404 Not Found in 5ms"


@pytest.mark.parametrize(
    "lines",
    [
        [started("/a"), started("/b", "198.51.100.4"), DONE, MISSING],
        [started("/a"), started("/b", "198.51.100.4"), BY, DONE],
        [started("/a"), BY, started("/b", "198.51.100.4"), BY, MISSING, DONE],
        [started("/a"), BY, started("/b", "198.51.100.4"), BY, b"RuntimeError (no):", DONE],
    ],
)
def test_no_status_is_guessed_where_nothing_tells_whose_it_is(lines: list[bytes]) -> None:
    found = records(lines)

    assert [brief(each) for each in found] == [
        ("203.0.113.7", "GET", "/a", None, None),
        ("198.51.100.4", "GET", "/b", None, None),
    ]
    assert [each.duration_s for each in found] == [None, None]


def test_the_doubt_goes_on_until_all_are_completed() -> None:
    lines = [started("/a"), BY, started("/b"), BY, DONE, started("/c"), BY, MISSING]
    settled = [DONE, started("/d"), BY, DONE]

    assert [each.status for each in records([*lines, *settled])] == [None, None, None, 200]


def test_a_request_that_was_killed_casts_doubt_for_a_minute() -> None:
    lines = [started("/killed"), BY]
    for second in (10, 50, 54):
        at = f"2025-03-14 08:27:{second} +0000"
        lines += [started(f"/{second}", at=at), BY, DONE]

    assert [each.status for each in records(lines)] == [None, None, None, 200]


def test_what_no_controller_takes_casts_no_doubt_on_later_requests() -> None:
    """Assets and redirects of the routes are never completed."""
    lines = [started("/logo.svg"), started("/a", at="2025-03-14 08:26:55 +0000"), BY, DONE]

    assert [brief(each)[2:] for each in records(lines)] == [
        ("/logo.svg", None, None),
        ("/a", None, 200),
    ]


def test_a_controller_is_not_guessed_either() -> None:
    found = records([started("/a"), started("/b"), BY, DONE])

    assert [each.fields for each in found] == [None, None]


def test_a_process_serves_one_request_at_a_time() -> None:
    process = "I, [2025-03-14T08:26:53.1 #7]  INFO -- : "
    lines = [started("/a", prefix=process), started("/b", prefix=process),
             process.encode() + DONE]  # fmt: skip

    assert [each.status for each in records(lines)] == [None, 200]


def test_controller_and_action_are_fields_and_parameters_are_not_read() -> None:
    lines = [
        started("/a"),
        b"Processing by Admin::UsersController#show as HTML",
        b'  Parameters: {"password"=>"secret"}',
        b"Completed 200 OK in 58ms (Views: 44.6ms | ActiveRecord: 0.0ms)",
    ]

    (record,) = records(lines)

    assert record.fields == {"controller": "Admin::UsersController", "action": "show"}
    assert record.duration_s == 0.058


def test_a_tag_that_is_a_request_id_is_the_request_id() -> None:
    tag = "0a1b2c3d-0000-4000-8000-0123456789ab"

    (record,) = records([started("/a", prefix=f"[{tag}] [203.0.113.9] ")])

    assert record.request_id == tag


@pytest.mark.parametrize(
    "at",
    [
        "2025-03-14 08:26:53 +0000",
        "2025-03-14 04:26:53 -0400",
        "2025-03-14 08:26:53 UTC",
        "Fri Mar 14 09:26:53 +0100 2025",
        "Fri Mar 14 08:26:53 UTC 2025",
    ],
)
def test_times_are_read_as_each_ruby_writes_them(at: str) -> None:
    assert [each.time_ms for each in records([started("/a", at=at)])] == [NOW_MS]


def test_rails_2_local_times_have_the_zone_of_the_option() -> None:
    lines = [processing("a"), completed("/a")]

    assert [each.time_ms for each in records(lines, 2, timezone="+01:00")] == [NOW_MS - 3_600_000]


def test_a_client_cannot_write_another_address_into_its_target() -> None:
    forged = '/a" for 192.0.2.1 at 2020-01-01 00:00:00 +0000'

    (record,) = records([started(forged)])

    assert (record.ip, record.time_ms) == ("203.0.113.7", NOW_MS)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (started("/a", at="2025-02-30 08:26:53 +0000"), "bad_time"),
        (started("nowhere"), "not_a_request"),
        (b"some text of another program", "syntax"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused(line: bytes, reason: str) -> None:
    parsed = RAILS3.make({}).parse(line)

    assert isinstance(parsed, ParseError)
    assert parsed.reason == reason


@pytest.mark.parametrize(
    "line",
    [
        b"I, [2025-03-14T08:26:53.101234 #77]  INFO -- : Performed job",
        b"[ActiveJob] Enqueued",
        b"  User Load (0.1ms)  SELECT 1",
        b"ActiveRecord::RecordNotFound (Couldn't find Order):",
        b"app/models/order.rb:3:in `find'",
        b"Completed 200 OK in 5ms",
        b"Rendered shared/_menu (0.5ms)",
    ],
)
def test_what_surely_is_rails_own_is_passed_over(line: bytes) -> None:
    for format_ in FORMATS:
        assert format_.make({}).parse(line) == Skip("no_request")


def test_rails_2_states_the_target_where_it_is_completed() -> None:
    lines = [
        processing("show"),
        b'  Parameters: {"action"=>"show"}',
        b"Logged in as someone@shop.example",
        completed("/items/5?tab=x", status="302 Found"),
    ]

    done, waiting = fed(lines, 2)

    assert waiting == []
    assert [each.keys for each in done] == [[1], [2], [0, 3]]
    assert done[-1].parsed == Record(
        NOW_MS, "203.0.113.7", "GET", "http", "shop.example", None, "/items/5", "tab=x", 302,
        duration_s=0.061, fields={"controller": "ShopController", "action": "show"},
    )  # fmt: skip


def test_rails_1_writes_seconds() -> None:
    line = (
        b"Completed in 0.21665 (4 reqs/sec) | Rendering: 0.00926 (4%) | DB: 0.00000 (0%)"
        b" | 200 OK [http://shop.example/a|b]"
    )

    (record,) = records([processing("a"), line], 2)

    assert (record.path, record.status, record.duration_s) == ("/a|b", 200, 0.21665)


def test_requests_that_nothing_tells_apart_share_what_they_agree_in() -> None:
    lines = [processing("a"), processing("b"), completed("/b"), completed("/a?x=1")]

    assert [brief(each) for each in records(lines, 2)] == [
        ("203.0.113.7", "GET", "/b", None, 200),
        ("203.0.113.7", "GET", "/a", "x=1", 200),
    ]


def test_no_client_is_guessed_where_it_may_be_another() -> None:
    lines = [processing("a"), processing("b", "198.51.100.4", second=54), completed("/b"),
             completed("/a")]  # fmt: skip

    found = records(lines, 2)

    assert [(each.ip, each.time_ms, each.path, each.method) for each in found] == [
        (None, None, "/b", "GET"),
        (None, None, "/a", "GET"),
    ]


def test_the_process_tells_the_requests_of_rails_2_apart() -> None:
    one, other = "Mar 14 08:26:53 web1 rails[77]: ", "Mar 14 08:26:53 web1 rails[78]: "
    lines = [
        processing("a", prefix=one),
        processing("b", "198.51.100.4", prefix=other),
        completed("/b", prefix=other),
        completed("/a", prefix=one),
    ]

    assert [(each.ip, each.path) for each in records(lines, 2)] == [
        ("198.51.100.4", "/b"),
        ("203.0.113.7", "/a"),
    ]


def test_a_request_of_rails_2_that_failed_does_not_blur_the_next() -> None:
    lines = [processing("a"), b"RuntimeError (no):", b"    app/models/a.rb:1:in `a'",
             processing("b", "198.51.100.4"), completed("/b")]  # fmt: skip

    assert [(each.ip, each.path) for each in records(lines, 2)] == [("198.51.100.4", "/b")]


def test_a_request_waits_a_minute() -> None:
    for format_ in FORMATS:
        parser = format_.make({})
        assert isinstance(parser, StatefulParser)
        assert parser.hold_s == 60


def test_the_oldest_of_too_many_open_requests_is_given_up() -> None:
    lines = [started(f"/{number}", prefix=f"[{number}] ") for number in range(MOST_OPEN + 5)]

    done, waiting = fed(lines)

    assert [each.keys for each in done] == [[0], [1], [2], [3], [4]]
    assert len(waiting) == MOST_OPEN


def test_rails_2_without_processes_keeps_few_requests_open() -> None:
    lines = [processing("a") for _ in range(200)]

    _, waiting = fed(lines, 2)

    assert len(waiting) < 50


def test_lines_that_wait_can_be_read_again() -> None:
    """After a restart only the lines that still wait come again."""
    _, waiting = fed(TAGGED[:3])

    again = [TAGGED[number] for number in waiting] + TAGGED[3:]

    assert [brief(each) for each in records(again)] == [brief(each) for each in records(TAGGED)]


def test_giving_up_what_is_not_open_does_nothing() -> None:
    parser = RAILS3.make({})
    assert isinstance(parser, StatefulParser)
    part = parser.parse(started("/a"))
    assert isinstance(part, Part)

    parser.restore("")

    assert parser.give_up(part.record) == Step(None)
    assert parser.give_up("x") == Step(None)
    with pytest.raises(ValueError, match="no state"):
        parser.restore("x")


TARGETS = st.text(st.characters(codec="utf-8", exclude_characters="?\n\r\x1b"), max_size=30)


@settings(max_examples=80)
@given(
    st.sampled_from(["GET", "POST", "PROPFIND", "M-SEARCH"]),
    TARGETS,
    st.none() | TARGETS,
    st.datetimes(datetime(1970, 1, 2), datetime(9998, 12, 31)),  # noqa: DTZ001  # given a zone below
    st.none() | st.integers(100, 599),
    st.sampled_from(["", "[abc] ", "I, [2025-03-14T08:26:53.101234 #77]  INFO -- : "]),
)
def test_any_request_comes_back_as_it_was_written(
    method: str, path: str, query: str | None, at: datetime, status: int | None, prefix: str
) -> None:
    at = at.replace(tzinfo=UTC, microsecond=0)
    target = f"/{path}" + ("" if query is None else f"?{query}")
    lines = [
        f'{prefix}Started {method} "{target}" for 2001:db8::7 at {at:%Y-%m-%d %H:%M:%S} +0000',
        *([] if status is None else [f"{prefix}Completed {status} Some Reason in 5ms"]),
    ]

    (record,) = records([line.encode() for line in lines])

    assert record == Record(
        int(at.timestamp()) * 1000, "2001:db8::7", method, path=f"/{path}", query=query,
        status=status, duration_s=None if status is None else 0.005,
    )  # fmt: skip


@pytest.mark.parametrize("line", [TAGGED[0], processing("a"), started("/a?b")])
def test_a_line_cut_off_anywhere_states_no_other_client(line: bytes) -> None:
    for length in range(len(line)):
        for rails in (2, 3):
            for record in records([line[:length], completed("/c")], rails):
                assert record.ip in ("203.0.113.7", None)
                assert record.time_ms in (NOW_MS, None)
