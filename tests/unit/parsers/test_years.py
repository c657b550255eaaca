"""The old syslog prefix over the turn of a year."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail_parsers import Format, Parser, Record, StatefulParser, Step
from hooktail_parsers.apps.rails import FORMATS as RAILS
from hooktail_parsers.assembly import Assembler
from hooktail_parsers.builtin import FORMATS
from hooktail_parsers.testing import check_parser
from hooktail_parsers.times import MONTHS as NUMBERS

OPTIONS = {"year": "2024"}
MONTHS = [name.decode().title() for name in NUMBERS]


def wrapped(inner: str = "uvicorn") -> StatefulParser:
    wrap = FORMATS["rfc3164"].wrap
    assert wrap is not None
    parser: Parser = wrap(FORMATS[inner].make({}), OPTIONS)
    assert isinstance(parser, StatefulParser)
    return parser.fork()


def line(day: str, path: str = "/a", prefix: str = "") -> bytes:
    text = f'INFO:     203.0.113.7:1 - "GET {path} HTTP/1.1" 200 OK'
    return f"{prefix}{day} 10:00:00 web1 app[1]: {text}".encode()


def days(parser: StatefulParser, lines: list[bytes]) -> list[str]:
    assembler: Assembler[int] = Assembler(parser)
    found = []
    for number, result in enumerate(parser.parse_batch(lines)):
        found += [each.parsed for each in assembler.take(number, result)]
    return [day(each) for each in found if isinstance(each, Record)]


def day(record: Record) -> str:
    assert record.time_ms is not None
    return f"{datetime.fromtimestamp(record.time_ms / 1000, UTC):%Y-%m-%d}"


@pytest.mark.parametrize("prefix", ["", "<190>", "40 <190>"])
def test_after_december_comes_january_of_the_next_year(prefix: str) -> None:
    lines = [line(each, prefix=prefix) for each in ("Dec 30", "Dec 31", "Jan  1", "Feb  3")]

    assert days(wrapped(), lines) == ["2024-12-30", "2024-12-31", "2025-01-01", "2025-02-03"]


def test_a_line_that_comes_late_is_of_the_old_year() -> None:
    lines = [line(each) for each in ("Dec 31", "Jan  1", "Dec 31", "Jan  1", "Feb  1", "Dec  1")]

    assert days(wrapped(), lines) == [
        "2024-12-31", "2025-01-01", "2024-12-31", "2025-01-01", "2025-02-01", "2025-12-01",
    ]  # fmt: skip


def test_a_small_step_back_is_of_the_same_year() -> None:
    lines = [line(each) for each in ("Mar  1", "Feb 29", "Jul  1", "Jan  1", "Dec 31")]

    assert days(wrapped(), lines) == [
        "2024-03-01", "2024-02-29", "2024-07-01", "2024-01-01", "2024-12-31",
    ]  # fmt: skip


def test_a_file_begins_in_the_year_that_is_set() -> None:
    parser = wrapped()
    days(parser, [line("Dec 31"), line("Jan  1")])

    assert days(parser.fork(), [line("Jan  2")]) == ["2024-01-02"]
    parser.restore("")
    assert days(parser, [line("Jan  2")]) == ["2024-01-02"]


@pytest.mark.parametrize("inner", ["uvicorn", "rails3_log"])
@pytest.mark.parametrize("cut", [1, 2, 3, 4])
def test_a_restart_reads_on_in_the_same_year(inner: str, cut: int) -> None:
    lines = [line(each) for each in ("Nov 30", "Dec 31", "Jan  1", "Dec 31", "Feb  1")]
    if inner != "uvicorn":
        started = b'Started GET "/a" for 203.0.113.7 at 2025-01-01 10:00:00 +0000'
        lines = [each[: each.index(b"INFO")] + started for each in lines]
    parser = wrapped(inner)
    state = ""
    for result in parser.parse_batch(lines[:cut]):
        state = (result.state if isinstance(result, Step) else None) or state
    again = wrapped(inner)

    again.restore(state)

    whole = wrapped(inner).parse_batch(lines)[cut:]
    rest = again.parse_batch(lines[cut:])
    assert [getattr(each, "state", None) for each in rest] == [
        getattr(each, "state", None) for each in whole
    ]
    if inner == "uvicorn":
        assert rest == whole


@pytest.mark.parametrize("state", ["x", "2024", "2024-13\n", "2024-0\n", "2024-1\nx"])
def test_a_text_that_is_no_state_is_refused(state: str) -> None:
    with pytest.raises(ValueError, match="no state"):
        wrapped().restore(state)


def test_the_contract_is_kept() -> None:
    for inner in (FORMATS["uvicorn"], RAILS[0]):
        kept = Format(
            f"rfc3164+{inner.name}",
            "",
            (*inner.fields, "time"),
            lambda options, inner=inner: FORMATS["rfc3164"].wrap(  # type: ignore[misc]  # a wrapper
                inner.make({}), options
            ),
        )
        samples = [
            day.encode() + b" 10:00:00 web1 app[1]: " + text
            for text in inner.example.encode().split(b"\n")
            for day in ("Dec 31", "Jan  1", "Dec 31", "Feb  1")
        ]
        check_parser(kept, samples, OPTIONS)


@given(st.lists(st.integers(0, 150), min_size=1, max_size=40))
def test_a_log_in_order_is_read_in_order(steps: list[int]) -> None:
    moments, at = [], 0
    for step in steps:
        at += step * 86_400
        moments.append(datetime.fromtimestamp(1_704_103_200 + at, UTC))  # 2024-01-01

    lines = [line(f"{MONTHS[each.month - 1]} {each.day:2}") for each in moments]

    assert days(wrapped(), lines) == [f"{each:%Y-%m-%d}" for each in moments]
