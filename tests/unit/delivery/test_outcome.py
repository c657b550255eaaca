"""What each answer means, for every status there is."""

from __future__ import annotations

from email.utils import format_datetime, formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.delivery.outcome import (
    MAX_ANSWER_BYTES,
    MAX_RETRY_AFTER_S,
    Delivered,
    Misconfigured,
    Rejected,
    Retry,
    classify,
    retry_after_s,
    words,
)

NOW = 1_700_000_000.0
BAD_EVENT = {400, 413, 415, 422}
UNWELL = {408, 425, 429}


def expected(status: int) -> type:
    if status // 100 == 2:
        return Delivered
    if status in BAD_EVENT:
        return Rejected
    if status in UNWELL or status // 100 in {1, 5}:
        return Retry
    return Misconfigured  # 3xx, and every other 4xx


@pytest.mark.parametrize("status", range(100, 600))
def test_every_status_has_its_meaning(status: int) -> None:
    outcome = classify(status, {}, b"why", NOW)

    assert type(outcome) is expected(status)
    match outcome:
        case Rejected() | Misconfigured():
            assert (outcome.reason, outcome.status, outcome.answer) == (
                f"http_{status}",
                status,
                "why",
            )
        case Retry():
            assert outcome == Retry(f"http_{status}")
        case Delivered():
            pass


@pytest.mark.parametrize("status", [0, 99, 600, 999, -1])
def test_what_is_no_status_is_tried_again(status: int) -> None:
    assert classify(status, {}, b"", NOW) == Retry(f"http_{status}")


@pytest.mark.parametrize("status", [401, 403, 404, 405, 410, 301, 302, 303, 307, 308])
def test_the_statuses_that_the_contract_names_hold_the_destination(status: int) -> None:
    assert isinstance(classify(status, {}, b"", NOW), Misconfigured)


@pytest.mark.parametrize("status", [402, 406, 407, 409, 411, 412, 418, 421, 426, 428, 431, 451])
def test_a_4xx_that_says_nothing_of_this_event_never_costs_the_event(status: int) -> None:
    assert isinstance(classify(status, {}, b"", NOW), Misconfigured)


def test_a_redirect_is_answered_with_where_it_points() -> None:
    headers = {"Location": "https://elsewhere.example/"}

    outcome = classify(302, headers, b"<html>", NOW)

    assert outcome == Misconfigured("http_302", 302, "https://elsewhere.example/")


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_retry_after_is_read_from_every_answer_that_is_tried_again(status: int) -> None:
    assert classify(status, {"Retry-After": "7"}, b"", NOW) == Retry(f"http_{status}", 7.0)


@pytest.mark.parametrize("status", [200, 302, 400, 403])
def test_retry_after_means_nothing_elsewhere(status: int) -> None:
    assert not isinstance(classify(status, {"Retry-After": "7"}, b"", NOW), Retry)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 5 ", 5.0),
        ("0005", 5.0),
        ("3600", 3600.0),
        ("3601", MAX_RETRY_AFTER_S),
        ("9" * 5000, MAX_RETRY_AFTER_S),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        (formatdate(NOW + 86_400, usegmt=True), MAX_RETRY_AFTER_S),
        ("Tue, 14 Nov 2023 23:14:20 +0100", 60.0),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60.0),
        ("Tue Nov 14 22:14:20 2023", 60.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float) -> None:
    assert retry_after_s(value, NOW) == seconds


@pytest.mark.parametrize("value", ["", "soon", "-1", "1.5", "1e3", "٣", "Tue, 99 Nov 2023", "²"])
def test_a_retry_after_in_neither_form_counts_as_absent(value: str) -> None:
    assert retry_after_s(value, NOW) is None


def test_no_retry_after_is_none() -> None:
    assert retry_after_s(None, NOW) is None


@given(st.text() | st.integers().map(str) | st.datetimes().map(format_datetime))
def test_no_retry_after_can_break_us_or_stop_us_for_long(value: str) -> None:
    seconds = retry_after_s(value, NOW)

    assert seconds is None or 0.0 <= seconds <= MAX_RETRY_AFTER_S


@given(st.binary())
def test_the_words_of_an_answer_are_one_short_printable_line(answer: bytes) -> None:
    text = words(answer)

    assert text == "" or text.isprintable()
    assert len(text) <= MAX_ANSWER_BYTES


def test_the_words_of_an_answer_stay_readable() -> None:
    assert words(b'{"error":\n\t"unknown \xc3\xa4ccount"}\x1b[31m\x00') == (
        '{"error": "unknown äccount"} [31m'
    )
    assert words("é".encode() * 150) == "é" * 100
