"""The gate under a clock that the test turns by hand."""

from __future__ import annotations

import math
from copy import deepcopy
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.delivery.gate import DOWN_AFTER, HELD_PROBE_MAX_S, Gate, GateState, Mode
from hooktail.delivery.outcome import (
    MAX_RETRY_AFTER_S,
    Delivered,
    Misconfigured,
    Outcome,
    Rejected,
    Retry,
)

FAILED = Retry("http_503")
FORBIDDEN = Misconfigured("http_403", 403, "no such account")
BAD = Rejected("http_400", 400, "bad")


def make_gate(concurrency: int = 8, seed: int = 1) -> Gate:
    return Gate(concurrency=concurrency, rng=Random(seed), now=0.0)


def one(gate: Gate, now: float, outcome: Outcome) -> None:
    assert gate.may_send(now)
    gate.started()
    gate.on_outcome(now, outcome)


def mode(gate: Gate) -> Mode:
    return gate.state.name


def bring_down(gate: Gate, now: float = 0.0) -> None:
    while mode(gate) is Mode.OPEN:
        one(gate, now, FAILED)
    assert mode(gate) is Mode.DOWN


def start_all(gate: Gate, now: float) -> int:
    started = 0
    while gate.may_send(now):
        gate.started()
        started += 1
    return started


def grow(gate: Gate, rounds: int = 20) -> None:
    """Sends as much as may be sent, again and again, and all goes well."""
    for _ in range(rounds):
        for _ in range(start_all(gate, 0.0)):
            gate.on_outcome(0.0, Delivered())


def test_a_start_is_gradual_and_doubles_every_round() -> None:
    gate = make_gate(concurrency=20)
    rounds = []

    for _ in range(7):
        rounds.append(start_all(gate, 0.0))
        for _ in range(rounds[-1]):
            gate.on_outcome(0.0, Delivered())

    assert rounds == [1, 2, 4, 8, 16, 20, 20]


def test_nothing_is_in_flight_beyond_the_allowance() -> None:
    gate = make_gate()

    gate.started()

    assert not gate.may_send(0.0)
    assert gate.wait_s(0.0) == math.inf


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_an_endpoint_that_fails_at_random_is_never_taken_for_down(share: float) -> None:
    gate, rng, allowances = make_gate(concurrency=64), Random(7), []

    for _ in range(50_000):
        start_all(gate, 0.0)
        gate.on_outcome(0.0, FAILED if rng.random() < share else Delivered())
        allowances.append(gate.allowance)
        assert mode(gate) is Mode.OPEN

    assert sum(allowances[25_000:]) / 25_000 > 40  # and it is still used


def test_failures_shrink_what_may_be_in_flight_down_to_one() -> None:
    gate = make_gate(concurrency=8)
    grow(gate)
    assert gate.allowance == 8

    for _ in range(DOWN_AFTER - 1):
        one(gate, 0.0, FAILED)

    assert mode(gate) is Mode.OPEN
    assert gate.allowance == 1


def test_many_failures_in_a_row_are_an_outage() -> None:
    gate = make_gate()

    for _ in range(DOWN_AFTER - 1):
        one(gate, 5.0, FAILED)
    assert mode(gate) is Mode.OPEN
    one(gate, 5.0, FAILED)

    assert gate.state.name is Mode.DOWN
    assert gate.state.reason == "http_503"
    assert gate.state.since == 5.0
    assert 5.5 <= gate.state.until <= 6.0


def test_with_high_concurrency_one_hiccup_for_all_in_flight_is_no_outage() -> None:
    gate = make_gate(concurrency=200)
    grow(gate)
    started = start_all(gate, 0.0)

    for _ in range(started - 1):
        gate.on_outcome(0.0, FAILED)

    assert started == 200
    assert mode(gate) is Mode.OPEN


def test_while_down_one_probe_goes_at_growing_intervals() -> None:
    gate = make_gate()
    bring_down(gate)
    waits = []

    now = 0.0
    for _ in range(9):
        waits.append(gate.state.until - now)
        assert gate.wait_s(now) == waits[-1]
        now = gate.state.until
        assert start_all(gate, now) == 1
        assert gate.wait_s(now) == math.inf
        gate.on_outcome(now, FAILED)

    for wait_s, ceiling_s in zip(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60], strict=True):
        assert ceiling_s / 2 <= wait_s <= ceiling_s


def test_a_misconfiguration_holds_at_once_with_the_endpoints_words() -> None:
    gate = make_gate()

    one(gate, 3.0, FORBIDDEN)

    assert gate.state == GateState(
        name=Mode.HELD,
        since=3.0,
        until=gate.state.until,
        reason="http_403",
        answer="no such account",
    )
    assert not gate.may_send(3.0)


def test_a_hold_probes_ever_more_rarely_up_to_five_minutes() -> None:
    gate = make_gate()
    one(gate, 0.0, FORBIDDEN)

    now = 0.0
    for _ in range(12):
        now = gate.state.until
        one(gate, now, FORBIDDEN)

    assert HELD_PROBE_MAX_S / 2 <= gate.state.until - now <= HELD_PROBE_MAX_S
    assert gate.state.since == 0.0


def test_a_2xx_opens_what_was_held_or_down_gradually() -> None:
    for shut in (lambda gate: one(gate, 0.0, FORBIDDEN), bring_down):
        gate = make_gate()
        for _ in range(8):
            one(gate, 0.0, Delivered())
        shut(gate)

        one(gate, gate.state.until, Delivered())

        assert mode(gate) is Mode.OPEN
        assert gate.state.reason == ""
        assert gate.allowance == 2


def test_answers_to_what_was_in_flight_before_do_not_count_as_probes() -> None:
    gate = make_gate(concurrency=8)
    grow(gate)
    assert start_all(gate, 0.0) == 8

    for _ in range(8):
        gate.on_outcome(0.0, FORBIDDEN)

    assert gate.state.until <= 1.0


def test_no_probe_starts_before_the_rest_has_come_back() -> None:
    gate = make_gate(concurrency=8)
    grow(gate)
    start_all(gate, 0.0)

    gate.on_outcome(0.0, FORBIDDEN)

    assert not gate.may_send(100.0)
    assert gate.wait_s(100.0) == math.inf


def test_a_probe_that_finds_other_trouble_changes_the_state() -> None:
    gate = make_gate()
    one(gate, 0.0, FORBIDDEN)

    one(gate, gate.state.until, FAILED)
    assert mode(gate) is Mode.DOWN
    assert gate.state.answer == ""

    one(gate, gate.state.until, FORBIDDEN)
    assert mode(gate) is Mode.HELD


def test_a_bad_event_as_a_probe_does_not_open_but_the_next_comes_soon() -> None:
    gate = make_gate()
    one(gate, 0.0, FORBIDDEN)
    for _ in range(10):
        one(gate, gate.state.until, FORBIDDEN)

    now = gate.state.until
    one(gate, now, BAD)

    assert mode(gate) is Mode.HELD
    assert gate.state.reason == "http_403"
    assert gate.state.until - now <= 1.0


def test_bad_events_are_no_failures_of_the_endpoint() -> None:
    gate = make_gate()

    for _ in range(DOWN_AFTER - 1):
        one(gate, 0.0, FAILED)
    one(gate, 0.0, BAD)
    one(gate, 0.0, FAILED)

    assert mode(gate) is Mode.OPEN


def test_retry_after_pauses_the_whole_destination() -> None:
    gate = make_gate()

    one(gate, 0.0, Retry("http_429", 30.0))

    assert mode(gate) is Mode.PAUSED
    assert gate.state.reason == "http_429"
    assert not gate.may_send(29.9)
    assert 30.0 <= gate.state.until <= 33.0
    assert gate.may_send(33.0)
    assert gate.state == GateState(name=Mode.OPEN, since=33.0, until=33.0)


def test_a_retry_after_of_zero_is_no_pause() -> None:
    gate = make_gate()

    one(gate, 0.0, Retry("http_503", 0.0))

    assert mode(gate) is Mode.OPEN


def test_the_longest_retry_after_counts_and_a_success_does_not_shorten_it() -> None:
    gate = make_gate()
    grow(gate, rounds=2)
    assert start_all(gate, 0.0) == 4

    gate.on_outcome(0.0, Retry("http_429", 100.0))
    gate.on_outcome(0.0, Retry("http_429", 10.0))
    gate.on_outcome(0.0, Delivered())

    assert mode(gate) is Mode.PAUSED
    assert gate.state.until >= 100.0


def test_a_pause_told_to_all_in_flight_is_no_outage() -> None:
    """What is answered in a pause was sent before it, however many come to nothing by and by."""
    gate = make_gate(concurrency=DOWN_AFTER)
    grow(gate)
    in_flight = start_all(gate, 0.0)
    assert in_flight == DOWN_AFTER

    for number in range(in_flight):
        gate.on_outcome(0.01 * number, Retry("http_429", 30.0))

    assert mode(gate) is Mode.PAUSED
    one(gate, gate.state.until, FAILED)
    assert mode(gate) is Mode.DOWN


def test_retry_after_delays_the_probe_of_what_is_down_or_held() -> None:
    gate = make_gate()
    bring_down(gate)
    one(gate, gate.state.until, Retry("http_503", 500.0))
    assert mode(gate) is Mode.DOWN
    assert gate.state.until >= 500.0

    gate = make_gate()
    one(gate, 0.0, Delivered())
    start_all(gate, 0.0)
    gate.on_outcome(0.0, Retry("http_503", 500.0))
    gate.on_outcome(0.0, FORBIDDEN)
    assert mode(gate) is Mode.HELD
    assert gate.state.until >= 500.0


def test_after_a_pause_one_request_goes_first_and_doubling_ends_at_half_of_before() -> None:
    gate = make_gate(concurrency=64)
    grow(gate)
    one(gate, 0.0, Retry("http_503", 10.0))

    now, rounds = 12.0, []
    for _ in range(7):
        rounds.append(start_all(gate, now))
        for _ in range(rounds[-1]):
            gate.on_outcome(now, Delivered())

    assert rounds[:6] == [1, 2, 4, 8, 16, 32]
    assert 32 < rounds[6] < 40


def test_room_says_how_many_may_start() -> None:
    gate = make_gate(concurrency=8)
    assert gate.room(0.0) == 1
    grow(gate)
    gate.started()
    assert gate.room(0.0) == 7

    gate.on_outcome(0.0, FORBIDDEN)
    assert gate.room(0.0) == 0
    assert gate.room(gate.state.until) == 1


def test_room_is_no_more_than_the_rate_limit_leaves() -> None:
    gate = Gate(concurrency=64, rng=Random(1), now=0.0, rate_limit=30.0)
    grow(gate)
    assert (gate.room(0.0), gate.may_send(0.0)) == (0, False)

    assert gate.wait_s(0.0) == pytest.approx(1 / 30)
    assert gate.room(1 / 30) == 1
    assert gate.room(10.0) == min(3, gate.allowance)


def test_a_probe_is_not_kept_waiting_by_the_rate_limit() -> None:
    gate = Gate(concurrency=64, rng=Random(1), now=0.0, rate_limit=0.001)
    one(gate, 0.0, FORBIDDEN)

    assert gate.may_send(gate.state.until)


def test_a_429_without_a_time_at_one_request_at_a_time_is_followed_by_a_little_wait() -> None:
    gate = make_gate()
    now, waits = 0.0, []

    for _ in range(5):
        one(gate, now, Retry("http_429"))
        waits.append(gate.wait_s(now))
        now += waits[-1]

    assert mode(gate) is Mode.OPEN
    for wait_s, most_s in zip(waits, [0.5, 1, 2, 4, 8], strict=True):
        assert most_s / 2 <= wait_s <= most_s


def test_refusals_within_one_round_trip_are_no_outage() -> None:
    """A server that refuses what is too much does so quicker than it answers the rest."""
    gate = make_gate()
    for _ in range(8):
        start_all(gate, 0.0)
        gate.on_outcome(0.0, Delivered(), latency_s=2.0)

    for _ in range(100):
        start_all(gate, 1.0)
        gate.on_outcome(1.0, FAILED)
    assert mode(gate) is Mode.OPEN

    start_all(gate, 5.0)
    gate.on_outcome(5.0, FAILED)
    assert mode(gate) is Mode.DOWN


def test_a_probe_that_we_cut_short_may_be_sent_again() -> None:
    gate = make_gate()
    one(gate, 0.0, FORBIDDEN)
    now = gate.state.until
    start_all(gate, now)

    gate.abandoned()

    assert gate.may_send(now)


outcomes = st.one_of(
    st.just(Delivered()),
    st.just(BAD),
    st.just(FORBIDDEN),
    st.just(Retry("timeout")),
    st.just(Retry("http_429")),
    st.floats(0, MAX_RETRY_AFTER_S).map(lambda after_s: Retry("http_429", after_s)),
)


@given(
    st.lists(st.tuples(outcomes, st.floats(0, 1000), st.booleans()), max_size=200),
    st.integers(1, 40),
    st.integers(),
    st.sampled_from([0.0, 0.5, 100.0]),
)
def test_whatever_comes_a_probe_goes_eventually_and_alone(
    steps: list[tuple[Outcome, float, bool]], concurrency: int, seed: int, rate_limit: float
) -> None:
    gate = Gate(concurrency=concurrency, rng=Random(seed), now=0.0, rate_limit=rate_limit)
    now = 0.0

    for outcome, passes_s, start_more in steps:
        now += passes_s
        while gate.may_send(now) and (start_more or gate.in_flight == 0):
            gate.started()
            if mode(gate) in (Mode.DOWN, Mode.HELD):
                assert gate.in_flight == 1
            assert gate.in_flight <= concurrency
        if gate.in_flight:
            gate.on_outcome(now, outcome)
        assert 1 <= gate.allowance <= concurrency
        if not gate.in_flight:
            wait_s = gate.wait_s(now)
            assert wait_s <= MAX_RETRY_AFTER_S * 1.1 + 0.001
            later, at = deepcopy(gate), now
            for _ in range(3):  # a pause, then the rate limit, and what is left by rounding
                at += later.wait_s(at) + 1e-6
            assert later.may_send(at)
