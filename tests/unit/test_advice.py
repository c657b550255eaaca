import pytest

from hooktail.advice import advise

HEALTHY = {
    "read": 10_000,
    "delivered": 900,
    "filtered.static_file": 8000,
    "filtered.bot": 1000,
    "filtered.status": 100,
}


def test_a_healthy_log_needs_no_advice() -> None:
    assert advise(HEALTHY) is None


def test_a_quiet_night_says_nothing() -> None:
    assert advise({"read": 50, "filtered.private_ip": 50}) is None


def test_a_night_of_crawlers_says_nothing_as_long_as_somebody_comes() -> None:
    assert advise({"read": 1000, "filtered.bot": 950, "delivered": 50}) is None


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("filtered.private_ip", "proxy"),
        ("filtered.future", "time zone"),
        ("filtered.no_user_agent", "combined"),
        ("unparsable.syntax", "format"),
        ("expired.age", "max_event_age"),
    ],
)
def test_what_takes_most_of_the_lines_is_named_with_a_hint(reason: str, word: str) -> None:
    advice = advise({"read": 10_000, "filtered.static_file": 9000, "delivered": 100, reason: 900})

    assert advice is not None
    assert (advice.reason, advice.lines, advice.of) == (reason, 900, 1000)
    assert word in advice.hint


def test_lines_that_are_part_of_a_record_count_in_neither_number() -> None:
    """Every source whose records span lines was said to make few events."""
    books = {"read": 3150, "filtered.part_of_record": 2800, "delivered": 350}
    assert advise(books) is None

    books = {"read": 3150, "filtered.part_of_record": 2800, "unparsable.syntax": 300}
    advice = advise({**books, "delivered": 50})
    assert advice is not None
    assert (advice.reason, advice.lines, advice.of) == ("unparsable.syntax", 300, 350)
