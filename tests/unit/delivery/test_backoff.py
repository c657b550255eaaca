from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from hooktail.delivery.backoff import doubled_s, full_jitter_s, probe_interval_s

times = st.integers(min_value=-1, max_value=10**9)
seeds = st.integers()


def test_the_ceiling_doubles_up_to_its_maximum() -> None:
    ceilings = [doubled_s(n, initial_s=0.5, max_s=60.0) for n in range(9)]

    assert ceilings == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


@given(times, seeds)
def test_a_wait_is_bounded_after_any_number_of_tries(tries: int, seed: int) -> None:
    wait_s = full_jitter_s(tries, initial_s=0.5, max_s=60.0, rng=Random(seed))

    assert 0.0 <= wait_s <= 60.0


def test_full_jitter_uses_the_whole_range() -> None:
    rng = Random(1)

    waits = [full_jitter_s(5, initial_s=0.5, max_s=60.0, rng=rng) for _ in range(1000)]

    assert min(waits) < 0.2
    assert max(waits) > 7.8
    assert 3.5 < sum(waits) / 1000 < 4.5


@given(times, seeds)
def test_a_probe_never_comes_at_once(probes: int, seed: int) -> None:
    wait_s = probe_interval_s(probes, initial_s=1.0, max_s=300.0, rng=Random(seed))

    assert 0.5 <= wait_s <= 300.0
