"""What a check shows of a line: enough to see the difference, nothing about anybody."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail.checkup.lines import BEFORE, BEHIND, HERE, excerpt, masked

LINE = (
    b'203.0.113.7 - anna.smith [14/Mar/2025:09:26:53 +0100] "GET /thanks?email=anna%40shop.example'
    b'&order=A-1&token=s3cr3tvalue HTTP/1.1" 200 512 "https://shop.example/u/anna@shop.example" '
    b'"Mozilla/5.0 (X11; Linux x86_64)"'
)


@pytest.mark.parametrize(
    "private",
    [b"anna", b"s3cr3tvalue", b"113.7", b"A-1"],
)
def test_nobody_is_told_on(private: bytes) -> None:
    assert private in LINE
    assert private not in masked(LINE)


def test_what_tells_the_format_stays_where_it_was() -> None:
    shown = masked(LINE)

    assert len(shown) == len(LINE)
    for kept in (b'" 200 512 "', b"[14/Mar/2025:09:26:53 +0100]", b"(X11; Linux x86_64)"):
        assert shown.find(kept) == LINE.find(kept) >= 0


@pytest.mark.parametrize(
    ("text", "private"),
    [
        (b'{"ip":"2001:db8:1:2:3:4:5:6","status":200}', b"2001:db8"),
        (b"client 2001:db8::7 asked", b"db8::7"),
        (b'{"password":"hunter2","n":1}', b"hunter2"),
        (b'{"user_email" : "x","customer name":"Ann \\" Smith"}', b"Smith"),
        (b"tel=+491701234567 x", b"491701234567"),
        (b"card 4111 1111 1111 1111 x", b"4111 1111"),
        (b"session=eyJhbGciOiJIUzI1NiJ9abcdef0123456789 x", b"eyJhbGciOiJIUzI1NiJ9"),
        (b"by anna@shop.example now", b"anna@shop"),
    ],
)
def test_each_kind_of_private_text_goes(text: bytes, private: bytes) -> None:
    assert private in text
    assert private not in masked(text)


def test_an_excerpt_points_at_the_place_and_says_what_is_left_out() -> None:
    line = b"a" * 10 + b" " + b"b " * 100 + b"here " + b"c " * 100

    shown = excerpt(line, line.index(b"here"))

    before, here, behind = shown.partition(HERE)
    assert here
    assert before.startswith("...")
    assert len(before) == BEFORE + 3
    assert behind.startswith("here c")
    assert behind.endswith("...")


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(0, 500))
def test_any_bytes_are_shown_short_on_one_line(line: bytes, at: int) -> None:
    shown = excerpt(line, at)

    assert len(shown) <= BEFORE * 2 + BEHIND + len(HERE) + 6
    assert all(each.isprintable() for each in shown)


@settings(deadline=None)
@given(st.binary(max_size=400))
def test_masking_keeps_every_column(line: bytes) -> None:
    assert len(masked(line)) == len(line)
