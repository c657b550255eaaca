"""What a parser of somebody else's may say: nothing that it does stops anything or is told on."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from hooktail.config.sections import SourceSection
from hooktail.extract import build_extractor
from hooktail.extract.extractor import Extractor
from hooktail.extract.once import OnceBook
from hooktail.extract.reading import Reader, failure_of
from hooktail.extract.typed import held_to_types
from hooktail.model import Lines
from hooktail_parsers import Finished, Format, ParseError, Part, Record, Skip, Step

GOOD = Record(time_ms=1, ip="81.2.69.142", method="GET", path="/", status=200, user_agent="x")
PRIVATE = "81.2.69.142 jane@mail.example"


def raising(error: BaseException) -> Callable[[bytes], Any]:
    def parse(line: bytes) -> Any:
        raise error

    return parse


class Plugin:
    def __init__(self, parse: Callable[[bytes], Any], batch: Callable[[Any], Any] | None) -> None:
        self._parse = parse
        self._batch = batch

    def parse(self, line: bytes) -> Any:
        return GOOD if line == b"good" else self._parse(line)

    def parse_batch(self, lines: Sequence[bytes]) -> Any:
        if self._batch is not None:
            return self._batch(lines)
        return [self.parse(line) for line in lines]


def reader_of(parse: Callable[[bytes], Any], batch: Callable[[Any], Any] | None = None) -> Reader:
    made = Format("mine", "", ("time",), lambda _: Plugin(parse, batch), example="")
    return Reader(held_to_types(made).make({}))


def extractor() -> Extractor:
    return build_extractor(
        SourceSection(name="app", paths=(), site="https://shop.example"),
        payload="flat",
        visitor_secret=b"s" * 32,
        once=OnceBook(),
        now_ms=lambda: 10**12,
        limit_age=False,
    )


@pytest.mark.parametrize(
    "parse",
    [
        lambda _: Part([]),  # type: ignore[arg-type]
        lambda _: Step(None, finished=None),  # type: ignore[arg-type]
        lambda _: Step(None, finished=(1,)),  # type: ignore[arg-type]
        lambda _: Step(None, (Finished([], GOOD),)),  # type: ignore[arg-type]
        lambda _: Step(GOOD, state=5),  # type: ignore[arg-type]
        lambda _: Step(replace(GOOD, path=b"/")),
        lambda _: replace(GOOD, time_ms="1"),
        lambda _: ParseError(f"cannot read {PRIVATE}"),
        lambda _: Skip(PRIVATE),
        lambda _: Skip(None),  # type: ignore[arg-type]
        lambda _: ParseError([]),  # type: ignore[arg-type]
        lambda _: ParseError("x" * 65),
        raising(ParseError(f"cannot read {PRIVATE}")),
        raising(ValueError(PRIVATE)),
        raising(SystemExit("bad line")),
        lambda _: None,
        lambda _: "text",
    ],
)
def test_what_a_parser_may_not_say_is_its_failure(parse: Callable[[bytes], Any]) -> None:
    made, reader = extractor(), reader_of(parse)
    lines = Lines([b"good", PRIVATE.encode(), b"good"], 0, 40)

    taken = made.extract(lines, b"generation", reader)

    assert taken.settled == {"unparsable.parser_failed": 1}
    assert len(taken.events) == 2
    parsed = reader.parse(PRIVATE.encode())
    told = parsed.line if isinstance(parsed, Step) else parsed
    assert isinstance(told, ParseError)
    assert (told.reason, failure_of(told) != "") == ("parser_failed", True)


@pytest.mark.parametrize(
    "batch",
    [
        lambda lines: (GOOD for _ in lines),
        lambda lines: tuple(GOOD for _ in lines),
        lambda _: None,
        lambda _: [],
        lambda lines: [GOOD] * (len(lines) + 1),
        lambda _: sys.exit(3),
    ],
)
def test_a_batch_of_any_kind_comes_to_a_result_for_each_line(batch: Callable[[Any], Any]) -> None:
    reader = reader_of(lambda _: GOOD, batch)

    assert list(reader.parse_batch([b"a", b"b"])) == [GOOD, GOOD]


def test_reasons_are_no_more_than_a_log_can_bear() -> None:
    numbers = iter(range(1000))
    reader = reader_of(lambda _: ParseError(f"bad_{next(numbers)}"))

    said = {
        each.reason for each in reader.parse_batch([b"x"] * 500) if isinstance(each, ParseError)
    }

    assert "parser_failed" in said
    assert len(said) == 65


def test_a_reason_that_is_a_word_stays() -> None:
    reader = reader_of(lambda _: Skip("heart_beat"))

    assert reader.parse_batch([b"x"]) == [Skip("heart_beat")]
