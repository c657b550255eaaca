"""What a client wrote and no quotes hold together is read whole, or the line is no record.

Cut at its first space, the rest of a user agent would be taken for the columns behind it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers import OptionError, ParseError, Record
from hooktail_parsers.builders import apache, goaccess, nginx

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail_parsers.builders.layout_parser import LayoutParser

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
STAMP = "14/Mar/2025:09:26:53 +0100"
TIME = f"[{STAMP}]"
BEFORE = f'203.0.113.7 {TIME} "GET /p HTTP/1.1" 200 '


@pytest.mark.parametrize(
    ("behind", "values", "expected"),
    [
        ("%v", "shop.example", {"host": "shop.example"}),
        ("%v %D %p", "shop.example 15 443", {"host": "shop.example", "port": 443}),
        ("%l %D %L", "- 1500 Zx", {"duration_s": 0.0015}),
        ('%v "%{Referer}i"', 'shop.example "-"', {"host": "shop.example", "referrer": None}),
        ("%{X-Request-Id}i", "a1", {"request_id": "a1"}),
    ],
)
@pytest.mark.parametrize("agent", [AGENT, "curl/8.0", "a 443 b 15 443", "-", 'a \\" b'])
def test_an_agent_without_quotes_ends_where_the_columns_behind_it_begin(
    behind: str, values: str, expected: dict[str, object], agent: str
) -> None:
    parser = apache.build(f'%h %t "%r" %>s %{{User-Agent}}i {behind}', {})

    record = parser.parse(f"{BEFORE}{agent} {values}".encode())

    assert isinstance(record, Record)
    assert record.user_agent == (None if agent == "-" else agent.replace("\\", ""))
    assert {key: getattr(record, key) for key in expected} == expected


def test_an_agent_of_nginx_without_quotes_ends_there_too() -> None:
    parser = nginx.build('$remote_addr [$time_local] "$request" $status $http_user_agent $host', {})

    record = parser.parse(f"{BEFORE}{AGENT} shop.example\r".encode())

    assert isinstance(record, Record)
    assert (record.user_agent, record.host) == (AGENT, "shop.example")


@pytest.mark.parametrize(
    ("build", "definition"),
    [
        (apache.build, '%h %t "%r" %>s %{User-Agent}i %{X-Foo}i %{X-Bar}i'),
        (apache.build, '%h %t "%r" %>s %{Referer}i %{User-Agent}i'),
        (apache.build, '%h %{User-Agent}i %l %u %t "%r" %>s'),
        (apache.build, '%{User-Agent}i %{X-Forwarded-For}i %h %t "%r"'),
        (nginx.build, '$remote_addr [$time_local] "$request" $http_user_agent $http_foo $status'),
        (nginx.build, "$remote_addr [$time_local] $http_user_agent $request $status"),
    ],
)
def test_two_columns_that_may_hold_spaces_and_no_quotes_are_refused(
    build: Callable[[str, dict[str, str]], LayoutParser], definition: str
) -> None:
    with pytest.raises(OptionError, match=r"both may hold spaces.*allowed: between quotes"):
        build(definition, {})


@pytest.mark.parametrize(
    ("definition", "values", "is_record"),
    [
        ("%{X-Foo}i %{X-Bar}i %D", "a b 15", True),
        ("%{X-Foo}i %{X-Bar}i %D", "a b c 15", False),
        ("%{X-Foo}i %{X-Bar}i", "a b", True),
        ("%{X-Foo}i %{X-Bar}i", "a b c", False),
        ("%{X-Foo}i | %{User-Agent}i | %{Referer}i", "a b | c d | e f", True),
        ("%{X-Foo}i | %{User-Agent}i | %{Referer}i", "a b | c d | e | f", False),
    ],
)
def test_with_a_space_too_many_nobody_knows_whose_it_is(
    definition: str, values: str, is_record: bool
) -> None:
    parser = apache.build(f'%h %t "%r" %>s {definition}', {})

    assert isinstance(parser.parse((BEFORE + values).encode()), Record) is is_record


@pytest.mark.parametrize(
    "line",
    [
        f"203.0.113.7 - {TIME} GET /p HTTP/1.1 200 {AGENT} shop.example",
        f"203.0.113.7 - {TIME} GET /p q HTTP/1.1 400 - shop.example",
    ],
)
def test_a_request_without_quotes_ends_with_its_protocol(line: str) -> None:
    parser = apache.build("%h %u %t %r %>s %{User-Agent}i %v", {})

    record = parser.parse(line.encode())

    assert isinstance(record, Record)
    assert record.host == "shop.example"
    assert record.user_agent in (AGENT, None)


@pytest.mark.parametrize(
    "line",
    [
        # A client's own time, or protocol: which of the two is the server's, nobody knows.
        f"203.0.113.7 a {TIME} GET /x HTTP/1.1 {TIME} GET /p HTTP/1.1 200 - shop.example",
        f"203.0.113.7 - {TIME} GET /p HTTP/1.1 200 forged HTTP/1.1 400 - shop.example",
    ],
)
def test_what_a_client_forged_is_no_column(line: str) -> None:
    parser = apache.build("%h %u %t %r %>s %{User-Agent}i %v", {})

    assert isinstance(parser.parse(line.encode()), ParseError)


def test_a_layout_of_goaccess_is_read_whole_too() -> None:
    parser = goaccess.build('%h [%d:%t %^] "%r" %s %u %v', {})

    record = parser.parse(f"{BEFORE}{AGENT} shop.example".encode())

    assert isinstance(record, Record)
    assert (record.user_agent, record.host) == (AGENT, "shop.example")


ITEMS: dict[str, tuple[str | None, str]] = {
    "%h": ("ip", "203.0.113.7"),
    "%l": (None, "-"),
    "%u": ("user", "alice"),
    "%t": (None, TIME),
    '"%r"': ("path", '"GET /p HTTP/1.1"'),
    "%>s": ("status", "200"),
    "%v": ("host", "shop.example"),
    "%D": ("duration_s", "1500000"),
    "%{X-Forwarded-Proto}i": ("scheme", "https"),
    '"%{Referer}i"': ("referrer", '"https://a.example/x y"'),
    "%{sid}C": (None, "abc"),
    "%X": (None, "+"),
    "%{User-Agent}i": ("user_agent", ""),
}
SAID = {"%D": "1.5", '"%r"': "/p", '"%{Referer}i"': "https://a.example/x y"}
WORDS = st.sampled_from(
    ["Mozilla/5.0", "(X11;", "x)", "-", "+", "abc", "200", "https", "a,", "b.example", "7", TIME,
     "HTTP/1.1", "GET /x HTTP/1.1", "10.0.0.9", '\\"', "|"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.permutations(list(ITEMS)),
    st.integers(3, len(ITEMS)),
    st.lists(WORDS, min_size=1, max_size=6),
)
def test_an_agent_anywhere_in_a_log_format_shifts_no_column(
    order: list[str], count: int, words: list[str]
) -> None:
    agent = " ".join(words)
    items = order[:count]
    line = " ".join(agent if item == "%{User-Agent}i" else ITEMS[item][1] for item in items)
    try:
        parsed = apache.build(" ".join(items), {}).parse(line.encode())
    except OptionError:
        return

    if isinstance(parsed, Record):
        for item in items:
            key, text = ITEMS[item]
            if item == "%{User-Agent}i":
                assert parsed.user_agent == (None if agent == "-" else agent.replace("\\", ""))
            elif key is not None:
                assert str(getattr(parsed, key)) == SAID.get(item, text), (item, items, line)
