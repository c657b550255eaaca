"""The balance: silent when three sides agree, and plain about what does not."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from hooktail.collector import Received
from hooktail.demo.balance import Balance, Taken, Written
from hooktail.demo.traffic import BOT, DELIVERED, NO_REQUEST, LogLine

LINES = [
    LogLine(b"page", DELIVERED, "pageview"),
    LogLine(b"page", DELIVERED, "pageview"),
    LogLine(b"paid", DELIVERED, "purchase", 12_990),
    LogLine(b"bot", BOT),
    LogLine(b"tls", NO_REQUEST),
]


def received(event_id: str | None, name: str = "pageview", value: float | None = None) -> Received:
    body: dict[str, object] = {"event_name": name}
    if event_id is not None:
        body["event_id"] = event_id
    if value is not None:
        body["value"] = value
    return Received(
        n=1, time=0.0, path="/demo/pixel.png", body=b"", is_json=True, json=body, problems=[],
        answer=200, fault=None, accepted=True,
    )  # fmt: skip


def balance(*events: Received) -> Balance:
    written, taken = Written(), Taken()
    written.add(LINES)
    for event in events or (
        received("a"),
        received("b"),
        received("c", "purchase", 129.9),
    ):
        taken.add(event)
    books = {"read": 5, DELIVERED: 3, BOT: 1, NO_REQUEST: 1}
    return Balance(written=written, lines_in_files=5, books=books, taken=taken, exit_code=0)


def test_three_sides_that_agree_balance() -> None:
    assert balance().problems() == []


@pytest.mark.parametrize(
    ("books", "sentence"),
    [
        ({"read": 4}, "wrote 5 lines, but hooktail read 4"),
        ({BOT: 0}, "read 5 lines, but says of 4 what became of them"),
        ({BOT: 0, "filtered.status": 1}, "1 lines were written to end as filtered.bot"),
        ({BOT: 0, DELIVERED: 4}, "says 4 events were delivered, but the endpoint accepted 3"),
        ({BOT: 0, "dead_lettered.http_400": 1}, "0 lines were written to end as dead_lettered"),
    ],
)
def test_books_that_disagree_are_named(books: dict[str, int], sentence: str) -> None:
    honest = balance()

    cooked = replace(honest, books={**honest.books, **books})

    assert any(sentence in problem for problem in cooked.problems())


def test_a_lost_line_in_the_files_is_named() -> None:
    problems = replace(balance(), lines_in_files=4).problems()

    assert problems == ["The shop wrote 5 lines, but its files hold 4."]


def test_an_unhappy_end_of_the_daemon_is_named() -> None:
    assert "exit code -9" in replace(balance(), exit_code=-9).problems()[0]


@pytest.mark.parametrize(
    ("last", "sentence"),
    [
        (received("b", "purchase", 129.9), "1 events arrived more than once"),
        (received(None, "purchase", 129.9), "1 events had no event_id"),
        (received("c", "purchase", 129.0), "129.90 happened, but the endpoint was told of 129.00"),
        (received("c"), "1 purchase events happened, but the endpoint accepted 0"),
        (
            received("c")._replace(accepted=False, answer=400, problems=["url: ..."]),
            "The endpoint refused 1 events as malformed",
        ),
    ],
)
def test_an_endpoint_that_disagrees_is_named(last: Received, sentence: str) -> None:
    problems = balance(received("a"), received("b"), last).problems()

    assert any(sentence in problem for problem in problems)


def test_an_event_answered_503_first_is_counted_once() -> None:
    failed = received("a")._replace(accepted=False, answer=503, fault="503")
    honest = balance(failed, failed, received("a"), received("b"), received("c", "purchase", 129.9))

    assert honest.problems() == []
    assert honest.taken.failed == 2
    assert honest.taken.events == Counter(pageview=2, purchase=1)
