from __future__ import annotations

from itertools import accumulate
from math import log2

from hypothesis import example, given
from hypothesis import strategies as st

from hooktail.checkpoint.trail import FIRST_BYTES, POINT_BYTES, Trail

BATCH_BYTES = 256 * 1024


def trail_of(offsets: list[int]) -> Trail:
    trail = Trail()
    for offset in offsets:
        trail.reach(offset, f"{offset:x}")
    return trail


def agreed(trail: Trail, alike: int) -> int:
    """How far a long file is known that is alike so far."""
    return trail.agrees_up_to(1 << 62, lambda at: f"{at:x}" if at <= alike else "other")


@given(
    batches=st.lists(st.integers(1, BATCH_BYTES), min_size=1, max_size=400),
    share=st.floats(0, 1),
)
def test_the_next_point_is_no_farther_away_than_the_copy_lacks_bytes(
    batches: list[int], share: float
) -> None:
    offsets = list(accumulate(batches))
    end = offsets[-1]
    trail = trail_of(offsets)

    alike = max(int(end * share), min(offsets[0], end))
    doubtful = alike - agreed(trail, alike)

    assert 0 <= doubtful <= max(end - alike, BATCH_BYTES + POINT_BYTES)


def test_a_terabyte_has_a_few_dozen_points() -> None:
    trail, offset = Trail(), 0
    while offset < 1 << 40:
        offset += max(POINT_BYTES, (1 << 40) // 100_000)
        trail.reach(offset, "x")

    assert len(trail.points) <= 2 * log2((1 << 40) / POINT_BYTES)


@example(batches=[1, 1, 3294, 2849, 262144, 2849, 262144])
@given(batches=st.lists(st.integers(1, BATCH_BYTES), min_size=1, max_size=400))
def test_a_point_near_the_beginning_stays(batches: list[int]) -> None:
    """It tells what an archive holds, without decompressing much of it."""
    offsets = list(accumulate(batches))
    points = [offset for offset, _ in trail_of(offsets).points]

    reach = FIRST_BYTES + POINT_BYTES
    if offsets[-1] >= reach:
        assert any(FIRST_BYTES <= point <= reach + BATCH_BYTES for point in points)


def test_what_disagrees_in_between_ends_what_is_known() -> None:
    trail = trail_of([10_000, 20_000, 30_000])

    assert trail.agrees_up_to(30_000, lambda at: "" if at == 20_000 else f"{at:x}") == 10_000


def test_points_beyond_the_size_and_beyond_a_rewind_do_not_count() -> None:
    trail = trail_of([10_000, 20_000, 30_000])

    assert trail.agrees_up_to(25_000, "{:x}".format) == 20_000
    trail.reach(15_000, "")
    assert trail.points == [(10_000, "2710")]


def test_it_comes_back_from_json() -> None:
    trail = trail_of([10_000, 20_000])

    assert Trail.from_json(trail.to_json()).points == trail.points


def test_a_point_where_a_copy_parts_stands_in_its_order() -> None:
    trail = trail_of([10_000, 20_000])

    trail.insert(15_000, "3a98")

    assert trail.agrees_up_to(15_000, "{:x}".format) == 15_000
