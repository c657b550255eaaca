from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail.checkup.alike import differs
from hooktail_parsers.builtin import FORMATS

EXAMPLE = (
    b'203.0.113.7:51234 [14/Mar/2025:09:26:53.123] web app/1 0/0/1/2/3 200 512 "GET /p HTTP/1.1"'
)


def test_the_first_part_of_another_kind_is_the_place() -> None:
    stop = differs(b'203.0.113.7:51234 2025-03-14 web app/1 0/0/1/2/3 200 512 "GET /"', EXAMPLE)

    assert stop is not None
    assert stop.offset == 18
    assert "[14/Mar/2025:09:26:53.123]" in stop.expected


def test_a_line_that_ends_early_is_wrong_at_its_end() -> None:
    line = b"203.0.113.7:51234 [14/Mar/2025:09:26:53.123] web"

    stop = differs(line, EXAMPLE)

    assert stop is not None
    assert stop.offset == len(line)


def test_a_missing_value_is_of_any_kind() -> None:
    assert differs(b'- - - - - - - "GET /p HTTP/1.1"', EXAMPLE) is None


def test_every_example_is_like_itself() -> None:
    for known in FORMATS.values():
        assert differs(known.example.encode(), known.example.encode()) is None


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_have_a_place_within_the_line(line: bytes) -> None:
    stop = differs(line, EXAMPLE)

    assert stop is None or 0 <= stop.offset <= len(line)
