"""How far a line fits its format."""

from __future__ import annotations

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hooktail.extract import registry
from hooktail.extract.misfit import find_misfit
from hooktail_parsers import Record
from hooktail_parsers.builtin import FORMATS

PARSER = registry.find("combined").make({})
MODEL = b'203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /p HTTP/1.1" 200 5 "-" "Agent"'


def reads(line: bytes) -> bool:
    return isinstance(PARSER.parse(line), Record)


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b'203.0.113.8 - - [15/Mar/2025:09:26:53 +0100] "GET /x HTTP/1.1" 200 ', b'abc "-" "A"'),
        (b'203.0.113.8 - - [15/Mar/2025:09:26:53 +0100] "GET /x HTTP/1.1" ', b"2 5"),
        (b'203.0.113.8 - - [15/Mar/2025:09:26:53 +0100] "GET /x HTTP/1.1" 200 5 "-" "Fire', b""),
        (b"203.0.113.8 - ", b""),
    ],
)
def test_a_line_fits_up_to_what_is_wrong_in_it(good: bytes, bad: bytes) -> None:
    misfit = find_misfit(good + bad, reads, [MODEL])

    assert misfit is not None
    assert misfit.offset == len(good)
    assert reads(good + misfit.instead)


def test_json_is_told_by_its_own_parser() -> None:
    misfit = find_misfit(b'{"a":"\xc3\xa9",}', reads, [])

    assert misfit is not None
    # From 3.13 on, Python's parser names the comma itself.
    before = b'{"a":"\xc3\xa9"' if sys.version_info >= (3, 13) else b'{"a":"\xc3\xa9",'
    assert misfit.offset == len(before)


@pytest.mark.parametrize("end", range(1, 19))
def test_json_that_is_cut_ends_too_early(end: int) -> None:
    line = b'{"a":1,"bcd":"\xc3\xa9f"}'[:end]

    assert find_misfit(line, reads, []) == (len(line), b"")


@pytest.mark.parametrize("line", [b"nonsense", b"", b'{"a":1}', b"x" * 5000])
def test_nothing_is_said_where_nothing_is_known(line: bytes) -> None:
    assert find_misfit(line, reads, [b"no line of the format"]) is None


@given(st.binary(max_size=60), st.integers(0, len(MODEL)))
@example(b"{", 0)
def test_what_is_said_is_true_for_any_line(rest: bytes, cut: int) -> None:
    line = MODEL[:cut] + rest

    if not reads(line):
        misfit = find_misfit(line, reads, [MODEL])
        ends_too_early = misfit == (len(line), b"")
        assert misfit is None or ends_too_early or reads(line[: misfit.offset] + misfit.instead)


@pytest.mark.parametrize(
    "name", ["ncsa_combined", "vhost_combined", "nginx_with_time", "haproxy_http", "aws_alb"]
)
def test_the_example_of_a_format_tells_where_a_line_of_it_is_cut(name: str) -> None:
    parser, example = FORMATS[name].make({}), FORMATS[name].example.encode()
    cut = example[: example.index(b" ", len(example) // 2)]

    misfit = find_misfit(cut, lambda line: isinstance(parser.parse(line), Record), [example])

    assert misfit is not None
    assert misfit.offset == len(cut)
