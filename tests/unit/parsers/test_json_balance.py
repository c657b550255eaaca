"""Where JSON values end."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail_parsers.json_logs.balance import Balance, JsonLines, end_of_value

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.text(max_size=8), VALUES, min_size=1, max_size=5)


@settings(max_examples=60)
@given(OBJECTS, st.sampled_from([None, 1, 4]))
def test_an_object_is_open_until_its_last_line(
    value: dict[str, object], indent: int | None
) -> None:
    lines = json.dumps(value, indent=indent).encode().split(b"\n")

    follower = JsonLines()
    balances = [follower.begin(lines[0]), *map(follower.go_on, lines[1:])]

    assert balances == [Balance.OPEN] * (len(lines) - 1) + [Balance.CLOSED]


@settings(max_examples=60)
@given(OBJECTS, st.binary(max_size=10))
def test_the_end_of_a_value_is_found_whatever_follows(
    value: dict[str, object], tail: bytes
) -> None:
    text = json.dumps(value).encode()

    assert end_of_value(b"x " + text + tail, 2) == 2 + len(text)


@pytest.mark.parametrize(
    "line",
    [
        b"[2025-03-14 08:26:53] text {",
        b"[main] INFO [",
        b"{0} is missing {",
        b"{x",
        b"text {",
        b"",
        b'{"a": "torn off',
        b"{]",
    ],
)
def test_what_is_no_json_does_not_begin_any(line: bytes) -> None:
    assert JsonLines().begin(line) is Balance.BROKEN


@pytest.mark.parametrize(
    "line", [b"203.0.113.7 - -", b"text", b"", b"{", b"[", b"Error: x", b"  ]"]
)
def test_json_that_goes_on_otherwise_is_broken(line: bytes) -> None:
    follower = JsonLines()

    assert follower.begin(b"{") is Balance.OPEN
    assert follower.go_on(line) is Balance.BROKEN


def test_a_raw_newline_in_a_text_is_let_pass_where_traces_have_it() -> None:
    text = b'{"exception":"[object]\n#0 {main}\n"}'

    assert end_of_value(text, 0) == len(text)


@pytest.mark.parametrize("text", [b"", b"{", b'{"a', b"[}", b"]", b"{" * 1000])
def test_what_does_not_end_has_no_end(text: bytes) -> None:
    assert end_of_value(text, 0) is None


def test_hostile_lines_take_linear_time() -> None:
    start = time.perf_counter()

    for piece in (b'"', b'\\"', b"{", b'{"', b"[]"):
        line = b'{"' + piece * 100_000
        JsonLines().begin(line)
        end_of_value(line, 0)

    assert time.perf_counter() - start < 2
