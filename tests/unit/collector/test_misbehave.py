"""How a plan is written, and how it chooses."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.collector.misbehave import Fault, Kind, parse_plan
from hooktail.errors import UsageError


def only(spec: str) -> Fault:
    (fault,) = parse_plan(spec).faults
    return fault


def test_no_plan_never_misbehaves() -> None:
    assert parse_plan("").choose(0.0) is None


def test_a_whole_plan_is_read_in_order() -> None:
    plan = parse_plan(
        "503:0.2,429=retry-after-2:0.05, reset-before:0.05,reset-after:0.05,delay=50ms:0.5,"
        "stall:0.01,drip:0.02,close:0.1,garbage:0.01,redirect:0.01,timeout"
    )

    assert [fault.label for fault in plan.faults] == [
        "503",
        "429",
        "reset-before",
        "reset-after",
        "delay",
        "stall",
        "drip",
        "close",
        "garbage",
        "redirect",
        "stall",
    ]
    assert plan.faults[0].rate == 0.2
    assert plan.faults[-1].rate == 1.0


def test_retry_after_is_seconds_or_a_date() -> None:
    assert only("429=retry-after-2").retry_after_s == 2
    assert not only("429=retry-after-2").retry_after_date
    assert only("503=retry-after-date-30").retry_after_s == 30
    assert only("503=retry-after-date-30").retry_after_date


def test_a_redirect_is_302() -> None:
    assert only("redirect").kind is Kind.STATUS
    assert only("redirect").status == 302


@pytest.mark.parametrize(
    ("text", "seconds"), [("50ms", 0.05), ("1.5s", 1.5), ("2m", 120.0), ("0ms", 0.0)]
)
def test_durations_have_units(text: str, seconds: float) -> None:
    assert only(f"delay={text}").pause_s == seconds
    assert only(f"drip={text}").pause_s == seconds


def test_a_window_may_have_no_end_and_a_rate() -> None:
    assert (only("503@10-20").since_s, only("503@10-20").until_s) == (10.0, 20.0)
    assert only("503@10-").until_s == math.inf
    assert only("delay=1s@0.5-2:0.3").rate == 0.3


@pytest.mark.parametrize(
    "part",
    [
        "nonsense",
        "status",
        "200",
        "600",
        "503:2",
        "503:-1",
        "503:nan",
        "503:x",
        "503=soon",
        "503=retry-after-",
        "delay",
        "delay=50",
        "drip=fast",
        "stall=1",
        "redirect=1",
        "503@20-10",
        "503@10",
        "503@1.2.3-5",
        "",
        ":",
    ],
)
def test_a_bad_part_is_named_with_what_is_allowed(part: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_plan(f"503:0.1,{part}")

    assert repr(part) in str(caught.value)
    assert "reset-before" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_window_opens_and_shuts_from_the_first_request() -> None:
    plan = parse_plan("503@10-20")

    chosen = [plan.choose(1000.0 + second) is not None for second in (0, 9.9, 10, 19.9, 20)]

    assert chosen == [False, False, True, True, False]


def test_rates_are_shares_of_all_requests() -> None:
    plan = parse_plan("503:0.2,429:0.3", seed=1)

    chosen = Counter(fault.label if fault else "good" for fault in map(plan.choose, range(20_000)))

    assert abs(chosen["503"] - 4_000) < 300
    assert abs(chosen["429"] - 6_000) < 300


def test_a_last_part_without_rate_takes_what_is_left() -> None:
    plan = parse_plan("503:0.2,stall", seed=1)

    assert None not in [plan.choose(0.0) for _ in range(1_000)]


def test_the_same_seed_chooses_the_same() -> None:
    spec = "503:0.2,429:0.3,close:0.1"
    one, same, other = parse_plan(spec, 7), parse_plan(spec, 7), parse_plan(spec, 8)

    chosen = [one.choose(0.0) for _ in range(200)]

    assert chosen == [same.choose(0.0) for _ in range(200)]
    assert chosen != [other.choose(0.0) for _ in range(200)]


@given(st.text(alphabet="0123456789abcdelrsty-=:@,. ", max_size=30) | st.text(max_size=30))
def test_any_text_is_a_plan_or_a_usage_error(spec: str) -> None:
    try:
        plan = parse_plan(spec)
    except UsageError:
        return
    assert plan.choose(0.0) in (None, *plan.faults)
