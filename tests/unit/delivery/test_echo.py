"""An endpoint that repeats what it was sent must not have it told in the log."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.delivery.echo import SHORTEST_RUN, without_echo, without_values
from hooktail.delivery.outcome import (
    DELIVERED,
    MAX_ANSWER_BYTES,
    Misconfigured,
    Rejected,
    Retry,
    words,
)

EVENT = {
    "event_name": "pageview",
    "event_id": "603d7224-1be8-8a5c-b2a7-1c679e101cc6",
    "timestamp": "2024-01-15T10:30:00.000Z",
    "visitor_id": "26613491-9551-8e9e-97ea-aa570a068a9f",
    "url": "https://shop.example/u/jane",
    "user_agent": "Mozilla/5.0 (X11) Firefox/128.0",
    "ip_address": "8.8.8.8",
    "event_payload": {"items": [{"name": "Jane's ring"}], "number": 12345678, "new": True},
}
BODY = json.dumps(EVENT).encode()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("no such account", "no such account"),
        ('{"error":"url is too long"}', '{"error":"url is too long"}'),
        ("bad ip 8.8.8.8", "bad ip ***"),
        ("visitor 26613491-9551-8e9e-97ea-aa570a068a9f?", "visitor ***?"),
        ("visitor 26613491... unknown", "visitor ***... unknown"),
        ("see https://docs.test/errors", "see https://docs.test/errors"),
        ("bad: https://shop.example/u/jane", "bad: https://***"),
        ("item Jane's ring, 12345678", "item ***, ***"),
        ("pageview 603d7224-1be8-8a5c-b2a7-1c679e101cc6 of 2024-01-15T10:30:00.000Z is old",) * 2,
        ("bad ip 8.8.8", "bad ip ***"),
    ],
)
def test_values_that_an_answer_repeats_are_masked(answer: str, told: str) -> None:
    assert without_values(answer, BODY) == told


@pytest.mark.parametrize("kind", [Rejected, Misconfigured])
def test_the_words_of_refusals_lose_them(kind: type[Rejected | Misconfigured]) -> None:
    refused = kind("http_400", 400, "bad ip 8.8.8.8")

    assert without_echo(refused, BODY) == kind("http_400", 400, "bad ip ***")
    assert without_echo(refused, b'{"ip_address":"81.2.69.142"}') is refused
    for other in (DELIVERED, Retry("http_503")):
        assert without_echo(other, BODY) is other


@pytest.mark.parametrize("before", range(0, 120, 7))
def test_a_whole_body_sent_back_tells_nothing_wherever_it_is_cut(before: int) -> None:
    answer = words(b"x" * before + b" " + BODY)

    told = without_values(answer, BODY)

    assert len(answer) >= MAX_ANSWER_BYTES - 1
    for secret in ("8.8.8", "26613491", "shop.ex", "Firefox"):
        assert secret not in told


@given(
    st.dictionaries(
        st.sampled_from(["url", "a", "b", "c"]), st.text(min_size=1, max_size=30), max_size=4
    ),
    st.lists(st.text(max_size=12), max_size=5),
)
def test_no_long_run_of_a_value_is_left(event: dict[str, str], between: list[str]) -> None:
    body = json.dumps(event).encode()
    answer = words("".join([*between, *event.values(), *between]).encode())

    told = without_values(answer, body)

    for piece in told.split("***"):
        for at in range(len(piece) - SHORTEST_RUN + 1):
            run = piece[at : at + SHORTEST_RUN]
            assert not any(run in value for value in event.values())
