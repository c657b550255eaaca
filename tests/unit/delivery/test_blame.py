"""Whether failures are put down to load: never where less of it does not end them."""

from __future__ import annotations

from random import Random

import pytest

from hooktail.delivery.blame import BELIEVED, Blame


def windows(blame: Blame, limit: float, failing: list[tuple[int, int]]) -> float:
    """Judges windows of twenty answers with so many failed and refused."""
    for failed, refused in failing:
        verdict = blame.judge(20, failed, refused, limit)
        limit = limit if verdict is None else verdict.limit
    return limit


def test_a_quarter_of_the_load_is_tried_and_given_up_where_it_ends_nothing() -> None:
    blame = Blame()
    assert windows(blame, 40, [(10, 0)]) == 10
    assert windows(blame, 10, [(9, 0), (10, 0)]) == 10

    assert windows(blame, 10, [(10, 0)]) == 40
    assert windows(blame, 40, [(10, 0), (9, 0), (12, 0)] * 5) == 40  # known by now


def test_failures_that_less_load_ends_are_believed_to_be_of_load() -> None:
    blame = Blame()
    limit = windows(blame, 40, [(10, 0), (0, 0), (1, 0), (0, 0)])

    assert 15 < limit < 25
    assert windows(blame, limit, [(10, 0)]) == pytest.approx(limit / 2)  # at once


def test_belief_ends_where_lowering_does_not_help() -> None:
    blame = Blame()
    limit = windows(blame, 4000, [(10, 0), (0, 0), (1, 0), (0, 0)])
    limit = windows(blame, limit, [(10, 0)] * BELIEVED)

    assert windows(blame, limit, [(10, 0)]) == max(limit / 4, 1)  # an experiment


def test_a_few_refusals_are_chance_and_many_are_always_load() -> None:
    assert windows(Blame(), 40, [(1, 1), (0, 0), (0, 0), (1, 1)]) == 40
    assert windows(Blame(), 40, [(8, 8)]) < 40
    # A fifth of refusals is nobody's own: with a quarter of the load as many come, and yet.
    assert windows(Blame(), 40, [(4, 4), (4, 4), (4, 4), (4, 4)]) < 40


def test_when_everything_fails_nothing_is_waited_for() -> None:
    assert windows(Blame(), 16, [(20, 0), (20, 0), (20, 0), (20, 0)]) <= 1


@pytest.mark.parametrize("share", [0.05, 0.1, 0.14])
def test_usual_failures_are_hardly_ever_taken_for_too_many(share: float) -> None:
    rng = Random(5)
    experiments = 0
    blame = Blame()
    for _ in range(500):
        failed = sum(rng.random() < share for _ in range(20))
        experiments += blame.judge(20, failed, 0, 40) is not None

    assert experiments <= 5 * 3  # windows of an experiment
