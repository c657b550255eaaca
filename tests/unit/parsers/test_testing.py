"""The contract checks catch what they promise to catch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hooktail_parsers import Format, LineParser, Parsed, ParseError, Record, Result
from hooktail_parsers.testing import check_parser

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def format_of(parse: Callable[[bytes], Parsed], *fields: str) -> Format:
    class Fake(LineParser):
        def parse(self, line: bytes) -> Parsed:
            return parse(line)

    return Format("fake", "a format for tests", fields, lambda _options: Fake())


def test_a_sound_parser_passes() -> None:
    check_parser(format_of(lambda _line: Record(path="/"), "path"), [b"line"])


def test_a_parser_that_raises_is_named_with_the_line() -> None:
    def fragile(line: bytes) -> Parsed:
        return Record(path="/" + line.decode("ascii"))

    with pytest.raises(AssertionError, match="fake: parse raised UnicodeDecodeError"):
        check_parser(format_of(fragile, "path"), [b"line"])


def test_samples_without_a_record_are_refused() -> None:
    with pytest.raises(AssertionError, match="no sample made a record"):
        check_parser(format_of(lambda _line: ParseError("syntax")), [b"line"])


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        (Record(user_agent="-"), "what is missing is None"),
        (Record(referrer=""), "what is missing is None"),
        (Record(ip="::FFFF:1.2.3.4"), "normal form 1.2.3.4"),
        (Record(ip="host.example"), "no address"),
        (Record(host="Example.com"), "lower-case"),
        (Record(host="example.com:80"), "without port"),
        (Record(method="GET /"), "no token"),
        (Record(path="/a?b"), "question mark"),
        (Record(status=0), "0 and 000 are None"),
        (Record(time_ms=True), "no whole number"),
        (Record(user="\ud800"), "lone surrogate"),
        (Record(bytes_sent=-1), "bytes_sent is -1"),
        (Record(duration_s=float("nan")), "duration_s"),
        (Record(port=70_000), "port 70000"),
    ],
)
def test_a_record_out_of_its_normal_form_is_refused(record: Record, complaint: str) -> None:
    fields = (*Record.__struct_fields__, "time")

    with pytest.raises(AssertionError, match=complaint):
        check_parser(format_of(lambda _line: record, *fields), [b"line"])


def test_a_field_that_the_format_does_not_name_is_refused() -> None:
    with pytest.raises(AssertionError, match=r"fills \['path'\]"):
        check_parser(format_of(lambda _line: Record(path="/"), "ip"), [b"line"])


def test_a_reason_must_be_a_word() -> None:
    def wordy(line: bytes) -> Parsed:
        return Record(path="/") if line == b"line" else ParseError("Bad line!")

    with pytest.raises(AssertionError, match="no snake_case word"):
        check_parser(format_of(wordy, "path"), [b"line"])


def test_a_batch_that_differs_from_its_lines_is_refused() -> None:
    class Uneven(LineParser):
        def parse(self, line: bytes) -> Parsed:
            return Record(path="/")

        def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
            return [Record(path="/other") for _ in lines]

    uneven = Format("uneven", "", ("path",), lambda _options: Uneven())

    with pytest.raises(AssertionError, match="parse_batch"):
        check_parser(uneven, [b"line"])
