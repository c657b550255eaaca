"""Repeated trouble is said once per interval, with its count."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hooktail.telemetry import OncePer


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_repeated_trouble_is_said_once_per_interval_with_its_count() -> None:
    clock = Clock()
    once = OncePer(60.0, clock)

    assert [once.allow("dns") for _ in range(3)] == [0, None, None]

    clock.now_s += 59.9
    assert once.allow("dns") is None

    clock.now_s += 0.1
    assert once.allow("dns") == 3
    assert once.allow("dns") is None


def test_each_key_has_its_own_turn() -> None:
    once = OncePer(60.0, Clock())

    assert [once.allow(key) for key in ("dns", "tls", "dns")] == [0, 0, None]


def test_keys_beyond_the_bound_share_one_turn() -> None:
    clock = Clock()
    once = OncePer(60.0, clock, max_keys=3)

    spoken = [number for number in range(1000) if once.allow(number) is not None]
    assert spoken == [0, 1, 2, 3]
    assert len(once._said) <= 4

    clock.now_s += 60
    assert once.allow("new") == 0
    assert len(once._said) <= 4


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.floats(0, 40, allow_nan=False)), min_size=1, max_size=60
    )
)
def test_no_occurrence_of_a_key_goes_uncounted(calls: list[tuple[int, float]]) -> None:
    clock = Clock()
    once = OncePer(60.0, clock)
    told = dict.fromkeys(range(6), 0)

    for key, pause_s in calls:
        clock.now_s += pause_s
        unsaid = once.allow(key)
        told[key] += 0 if unsaid is None else unsaid + 1
    clock.now_s += 61  # not 60: sums of floats fall short of it by a hair

    for key in {key for key, _ in calls}:
        told[key] += once.allow(key) or 0
        assert told[key] == sum(key == called for called, _ in calls)
