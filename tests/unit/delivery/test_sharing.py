from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hooktail.delivery.sharing import deal, shares


@given(st.integers(1, 10_000), st.integers(1, 64))
def test_the_shares_are_the_limit_and_hardly_differ(limit: int, workers: int) -> None:
    shared = shares(limit, workers)

    assert len(shared) == workers
    assert sum(shared) == limit
    assert max(shared) - min(shared) <= 1


@given(st.integers(1, 500), st.lists(st.integers(0, 100), max_size=8))
def test_what_is_dealt_fits_and_leaves_rooms_that_are_even(count: int, rooms: list[int]) -> None:
    dealt = deal(count, rooms)

    assert sum(dealt) == min(count, sum(rooms))
    left = [room - given for room, given in zip(rooms, dealt, strict=True)]
    assert all(each >= 0 for each in left)
    assert all(each >= 0 for each in dealt)
    # Who was given something has no less room left, but for one, than who has the most.
    for room, given_to in zip(left, dealt, strict=True):
        if given_to:
            assert room >= max(left) - 1


def test_where_there_is_little_to_send_one_worker_sends_it() -> None:
    assert deal(1, [8, 8]) == [1, 0]
    assert deal(1, [7, 8]) == [0, 1]
    assert deal(3, [8, 8]) == [2, 1]
    assert deal(5, [0, 0]) == [0, 0]
    assert deal(5, []) == []
