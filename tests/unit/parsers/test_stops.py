"""Where a line stops fitting: each claim is a line with one thing wrong at a known place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.re2 import with_re2

from hooktail.extract.registry import find
from hooktail_parsers import ParseError
from hooktail_parsers.stops import Pointing, Stop, farthest

START = b"203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "
REQUEST = b'"GET /p?a=1 HTTP/1.1" '


def stop(spec: str, line: bytes) -> Stop | None:
    parser = find(spec).make({})
    parsed = parser.parse(line)
    assert isinstance(parsed, ParseError)
    assert isinstance(parser, Pointing)
    return parser.where_it_stops(line, parsed.reason)


@pytest.mark.parametrize(
    ("line", "offset", "expected"),
    [
        (START + REQUEST + b'200 512 1234 "-" "agent"', 75, "'\"' and referrer"),
        (START + REQUEST + b"200 512", 74, "' \"' and referrer"),
        (START + REQUEST + b'OK 512 "-" "agent"', 67, "status"),
        (b"1741940813 " + START, 56, "'\"' and request"),
        (START.replace(b"Mar", b"Foo") + REQUEST + b'200 512 "-" "-"', 17, "a valid time"),
        (START + b'"-" 200 512 "-" "agent"', 46, "a valid request"),
        (b"shop.example " + START + REQUEST + b'200 512 "-" "agent"', 25, "user"),
        (b'{"remote_addr":"203.0.113.7"}', 1, "' ' and ident"),
    ],
)
def test_the_common_formats_say_where_and_what(line: bytes, offset: int, expected: str) -> None:
    assert stop("combined", line) == Stop(offset, expected)


@pytest.mark.parametrize(
    ("spec", "offset", "expected"),
    [
        ('nginx:$remote_addr [$time_local] "$request" $status', 12, "'[' and $time_local"),
        ('nginx:$remote_addr - - [$time_local] "$request" "$http_referer"', 67, "'\"' and"),
        ('apache:%h %l %u %t "%r" %>s %b %D "%{User-agent}i"', 71, "' ' and %D"),
        (r"regex:(?P<ip>\S+) - - \[(?P<date>[^\]]+)\] (?P<method>[A-Z]+)", 45, "method"),
        (r"grok:%{IP:ip} - - \[%{HTTPDATE:time}\] %{WORD:verb} %{INT:status}", 45, "%{WORD:verb}"),
    ],
)
def test_the_builders_say_it_in_the_words_of_the_definition(
    spec: str, offset: int, expected: str
) -> None:
    found = stop(spec, START + REQUEST + b'200 "-" "agent"')

    assert found is not None
    assert found.offset == offset
    assert found.expected.startswith(expected)


@pytest.mark.parametrize("wrapper", ["docker_json", "json_wrapped"])
def test_inside_a_wrapper_the_place_is_that_in_the_whole_line(wrapper: str) -> None:
    head = b'{"log":"'
    line = head + b'203.0.113.7 - - x\\n","stream":"stdout","time":"2025-03-14T08:26:53Z"}'

    found = stop(f"{wrapper}+combined", line)

    assert found is not None
    assert found == Stop(len(head) + 16, "'[' and time")


def test_an_expression_that_may_take_long_is_not_taken_apart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with_re2(monkeypatch)  # without it there is no parser of this
    spec = r"regex:(?P<ip>(?:[0-9]+)+)x(?P<request>.*)$"

    # Short enough for `re`, which stands in where google-re2 is not installed.
    assert stop(spec, b"1" * 16) is None


def test_the_expression_that_came_farthest_counts() -> None:
    assert farthest([Stop(3, "a"), None, Stop(9, "b")]) == Stop(9, "b")
    assert farthest([None]) is None


@settings(deadline=None)  # the first example compiles
@given(st.binary(max_size=300))
def test_any_bytes_have_a_stop_within_the_line_or_none(line: bytes) -> None:
    parser = find("combined").make({})
    assert isinstance(parser, Pointing)

    found = parser.where_it_stops(line, "syntax")

    assert found is None or 0 <= found.offset <= len(line)
