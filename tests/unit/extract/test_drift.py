"""The alarm of a format that no longer fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hooktail.extract.drift import WINDOW_LINES, Drift, MatchRate


def test_a_format_that_never_fitted_is_an_alarm_at_once() -> None:
    rate = MatchRate()

    assert rate.saw(0, WINDOW_LINES) == Drift("never_fitted", 0.0, 0.0)
    assert rate.alarmed


def test_a_mixed_file_is_none() -> None:
    rate = MatchRate()

    assert [rate.saw(30, 70) for _ in range(50)] == [None] * 50


def test_a_fall_is_told_once_and_so_is_the_recovery() -> None:
    rate = MatchRate()
    for _ in range(3):
        rate.saw(98, 2)

    told = [rate.saw(0, 100), rate.saw(0, 100), rate.saw(98, 2), rate.saw(98, 2)]

    assert [each and each.state for each in told] == ["drifted", None, "recovered", None]
    assert told[0] is not None
    assert told[0].rate == 0.0
    assert told[0].baseline > 0.97


def test_a_slow_change_of_what_is_in_the_file_moves_the_baseline() -> None:
    rate = MatchRate()

    told = [rate.saw(fitting, 100 - fitting) for fitting in range(100, 20, -1)]

    assert not any(told)


def test_a_little_file_says_nothing() -> None:
    assert MatchRate().saw(0, WINDOW_LINES - 1) is None


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=60))
def test_alarms_and_recoveries_alternate(batches: list[tuple[int, int]]) -> None:
    rate = MatchRate()

    told = [drift.state for batch in batches if (drift := rate.saw(*batch))]

    assert all(state == "recovered" for state in told[1::2])
    assert all(state != "recovered" for state in told[::2])
