"""Laravel's log: records over lines, and the events that the user maps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import OptionError, Parsed, ParseError, Record, Skip
from hooktail_parsers.apps.laravel import FORMATS, LaravelParser
from hooktail_parsers.assembly import Assembled, Assembler
from hooktail_parsers.json_logs.values import MISSING
from hooktail_parsers.testing import check_parser

(LARAVEL,) = FORMATS
MAPPED = {
    "map.event": "message",
    "map.ip": "context.ip",
    "map.url": "context.url",
    "map.user_agent": "context.ua",
    "map.user": "context.user_id",
}
PLACED = (
    b'[2025-03-14 08:26:53] production.INFO: order.placed {"user_id":42,"order":"A-7",'
    b'"total":19.9,"ip":"203.0.113.7","url":"https://shop.example/checkout?step=3",'
    b'"ua":"Mozilla/5.0 (X11)"} []'
)
FAILED = [
    (
        b'[2025-03-14 08:26:54] production.ERROR: Undefined array key "x" {"userId":42,'
        b'"exception":"[object] (ErrorException(code: 0): Undefined array key \\"x\\" at /a.php:7)'
    ),
    b"[stacktrace]",
    b"#0 /app/vendor/laravel/framework/src/Illuminate/Foundation/Http/Kernel.php(175): ...",
    b"#1 {main}",
    b'"} ',
]


def assembled(lines: Sequence[bytes], options: dict[str, str]) -> list[Assembled[int]]:
    parser = LARAVEL.make(options)
    assembler: Assembler[int] = Assembler(parser)
    done: list[Assembled[int]] = []
    for number, result in enumerate(parser.parse_batch(lines)):
        done += assembler.take(number, result)
    return done + assembler.give_up_all()


def parse(text: bytes, **options: str) -> Parsed:
    try:
        return LaravelParser(options or MAPPED).parse(text)
    except ParseError as error:
        return error


def test_a_mapped_key_that_is_none_of_the_record_s_is_one_of_the_context() -> None:
    bare = {option: key.removeprefix("context.") for option, key in MAPPED.items()}

    record = parse(PLACED, **bare)

    assert isinstance(record, Record)
    assert record == parse(PLACED)
    assert (record.ip, record.user_agent) == ("203.0.113.7", "Mozilla/5.0 (X11)")


def test_it_keeps_the_contract() -> None:
    check_parser(
        LARAVEL, [PLACED, *FAILED, b"[2025-03-14T08:26:53.123456+01:00] a.DEBUG: x"], MAPPED
    )


def test_the_users_mapping_makes_an_event() -> None:
    done = assembled([PLACED, *FAILED], MAPPED)

    record, failed = done[0].parsed, done[1]
    assert isinstance(record, Record)
    assert record.fields is not None
    assert record.fields.pop("event") == "order.placed"
    assert (record.time_ms, record.ip, record.user_agent, record.user) == (
        1_741_940_813_000, "203.0.113.7", "Mozilla/5.0 (X11)", "42",
    )  # fmt: skip
    assert (record.scheme, record.host, record.path, record.query) == (
        "https", "shop.example", "/checkout", "step=3",
    )  # fmt: skip
    assert failed.keys == [1, 2, 3, 4, 5]


def test_a_trace_is_one_record_that_is_no_request() -> None:
    done = assembled(FAILED, {})

    assert done == [Assembled([0, 1, 2, 3, 4], Skip("no_request"))]


def test_without_a_mapping_there_are_no_events() -> None:
    assert [each.parsed for each in assembled([PLACED], {})] == [Skip("no_request")]


def test_a_context_that_is_complete_only_in_the_last_line_is_read() -> None:
    lines = [PLACED[:-5].replace(b"Mozilla/5.0 (X11)", b"A"), b'second", "ip":"198.51.100.4"} []']

    done = assembled(lines, MAPPED)

    assert [each.keys for each in done] == [[0, 1]]
    record = done[0].parsed
    assert isinstance(record, Record)
    assert (record.ip, record.user, record.user_agent) == ("198.51.100.4", "42", "A\nsecond")


@pytest.mark.parametrize(
    "record",
    [
        b'local.ERROR: order.placed {"ip":"203.0.113.7"} []',
        b'local.DEBUG: order.placed {"ip":"203.0.113.7"} []',
        b'local.WARNING: failed {"ip":"203.0.113.7","exception":"[object]"} []',
        b'local.INFO: cache cleared {"ms":12} []',
        b"local.INFO: cache cleared [] []",
        b'local.INFO: order.placed {"ip":"203.0.113.7"',
    ],
)
def test_what_the_user_does_not_mean_is_no_event(record: bytes) -> None:
    assert parse(b"[2025-03-14 08:26:53] " + record) == Skip("no_request")


@pytest.mark.parametrize(
    ("tail", "message", "user"),
    [
        (b'paid {"id":7} []', "paid", "7"),
        (b'paid {"id":7} {"url":"/x"}', "paid", "7"),
        (b'paid {"id":7}', "paid", "7"),
        (b'paid {"id":7}  ', "paid", "7"),
        (b'paid {now} [x] {"id":7} []', "paid {now} [x]", "7"),
        (b'paid [] {"id":7}', "paid", None),
        (b"paid  ", "paid", None),
        (b'paid {"id":7} and more', 'paid {"id":7} and more', None),
        (b'paid {"id":"caf\xc3\xa9 \\"q\\""} []', "paid", 'café "q"'),
    ],
)
def test_message_and_context_are_told_apart(tail: bytes, message: str, user: str | None) -> None:
    record = parse(
        b"[2025-03-14 08:26:53] local.INFO: " + tail,
        **{"map.event": "message", "map.user": "context.id", "map.fields.channel": "channel"},
    )

    assert isinstance(record, Record)
    assert record.fields is not None
    assert (record.fields["event"], record.user) == (message, user)


@pytest.mark.parametrize(
    ("stamp", "zone", "time_ms"),
    [
        ("2025-03-14 08:26:53", "UTC", 1_741_940_813_000),
        ("2025-03-14 09:26:53", "+01:00", 1_741_940_813_000),
        ("2025-03-14T08:26:53.123456+00:00", "+01:00", 1_741_940_813_123),
    ],
)
def test_a_time_without_a_zone_has_the_zone_of_the_option(
    stamp: str, zone: str, time_ms: int
) -> None:
    record = parse(
        f"[{stamp}] local.INFO: paid [] []".encode(), **{"map.event": "message", "timezone": zone}
    )

    assert isinstance(record, Record)
    assert record.time_ms == time_ms


def test_an_impossible_time_is_refused() -> None:
    parsed = parse(b"[2025-02-30 08:26:53] local.INFO: paid [] []")

    assert isinstance(parsed, ParseError)
    assert parsed.reason == "bad_time"


@pytest.mark.parametrize("line", [b"text", b"[2025-03-14 08:26:53] text", b"#0 {main}", b"[main]"])
def test_other_lines_are_refused(line: bytes) -> None:
    parsed = parse(line)

    assert isinstance(parsed, ParseError)
    assert parsed.reason == "syntax"


def test_options_that_it_does_not_take_are_refused() -> None:
    for options in ({"fields": "a"}, {"map.nothing": "message"}, {"timezone": "Nowhere/At_All"}):
        with pytest.raises(OptionError):
            LARAVEL.make(options)


TOKENS = st.text(
    st.characters(codec="utf-8", categories=["L", "N"]), min_size=3, max_size=20
).filter(lambda text: text not in MISSING)  # `nil` says that there is no value
TRACES = st.text(st.characters(codec="utf-8", exclude_characters='\\"'), max_size=40)


@settings(max_examples=60)
@given(TOKENS, TRACES, st.booleans())
def test_any_context_comes_back_as_it_was_written(name: str, trace: str, ascii_only: bool) -> None:
    """The writer leaves newlines in a trace as they are."""
    context = json.dumps({"id": name}, ensure_ascii=ascii_only)[:-1] + f',"trace":"{trace}"}}'

    parsed = parse(
        f"[2025-03-14 08:26:53] local.INFO: paid {context} []".encode(),
        **{"map.event": "message", "map.fields.id": "context.id"},
    )

    assert isinstance(parsed, Record)
    assert parsed.fields is not None
    assert (parsed.fields["event"], parsed.fields["id"]) == ("paid", name)


VALUES = st.recursive(
    st.none() | st.integers(-5, 5) | st.text('a{}[]"\\ \n', max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text("ab{", max_size=2), inner),
    max_leaves=5,
)
OBJECTS = st.dictionaries(st.sampled_from(["user_id", "order", "url"]), VALUES, max_size=3)


@settings(max_examples=300)
@given(
    st.sampled_from(["paid", "a {b} c", "see [x] ", "", '{"x":1}']),
    OBJECTS,
    st.sampled_from(
        [" []", "[]", "", " {}", ' {"a":[]}', "}", "[] []", " {", ']"'],
    ),
    st.integers(0, 3),
)
def test_an_object_that_is_json_as_a_whole_is_read_as_bracket_by_bracket(
    message: str, context: dict[str, object], tail: str, cut: int
) -> None:
    text = f"[2025-03-14 08:26:53] local.INFO: {message} {json.dumps(context)}{tail}"
    line = text[: len(text) - cut].encode()
    careful = LaravelParser(MAPPED)

    with patch.object(careful, "_last_object", return_value=None):
        expected = careful.parse(line)

    assert parse(line) == expected
