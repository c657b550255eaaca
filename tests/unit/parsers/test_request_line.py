"""The quick way through a request line leads where the slow one does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail_parsers.cookies import cookie_value
from hooktail_parsers.request import read_request
from hooktail_parsers.request_line import RequestLine
from hooktail_parsers.text import decoder

DECODE = decoder("utf-8")
TOKENS = (
    "GET", "get", "-", " ", "  ", "/", "//", "/a", "?", "?b=c", "#", "*", "http://", "HTTPS://",
    "ex.example", "EX.example:81", ":99999", "u@", "[2001:db8::1]", " HTTP/1.1", " HTTP/", '"', "é",
)  # fmt: skip


@given(st.lists(st.sampled_from(TOKENS), max_size=9).map("".join) | st.text(max_size=30))
def test_any_line_reads_the_same_either_way(line: str) -> None:
    raw = line.encode()

    assert RequestLine(DECODE).read(raw) == read_request(raw, DECODE)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        (b"GET /a?b HTTP/1.1", ("GET", None, None, None, "/a", "b")),
        (b"GET https://Ex.example:8443/a HTTP/2", ("GET", "https", "ex.example", 8443, "/a", None)),
        (b"GET https://ex.example:99999/a HTTP/2", None),
        (b"- - -", None),
    ],
)
def test_a_request_line_gives_its_parts(line: bytes, parts: tuple[object, ...] | None) -> None:
    assert RequestLine(DECODE).read(line) == parts


@pytest.mark.parametrize(
    ("cookies", "value"),
    [
        ("sid=7", "7"),
        ("a=b; sid=7; sid=8", "7"),
        ('xsid=1; sid = "7" ', "7"),
        ("sid=a=b", "a=b"),
        ("sid=", None),
        ("sid", None),
        ("", None),
    ],
)
def test_a_cookie_is_found_by_its_name(cookies: str, value: str | None) -> None:
    assert cookie_value(cookies, "sid") == value
