"""Whose turn it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.source_harness import FakeConsumer, FakeTrack

from hooktail.tail.file import TailedFile
from hooktail.tail.schedule import (
    COLD_GRID_S,
    COLD_LOOK_S,
    COLD_LOOK_WATCHED_S,
    COLD_SPREAD,
    HOT_LOOK_S,
    HOT_S,
    URGENT_TURNS,
    WARM_LOOK_S,
    WARM_S,
    Followed,
    Schedule,
)


@pytest.fixture
def file(tmp_path: Path) -> TailedFile:
    path = tmp_path / "access.log"
    path.touch()
    opened = TailedFile.open(path, max_line_bytes=1000)
    opened.close()
    return opened


def followed(file: TailedFile, *, gone: bool = False) -> Followed:
    one = Followed(file, FakeTrack(0, FakeConsumer()), 0.0)
    one.gone = gone
    return one


def test_who_was_due_first_is_first_and_nobody_is_twice(file: TailedFile) -> None:
    schedule = Schedule()
    one, two = followed(file), followed(file)
    schedule.put(one, 5.0)
    schedule.put(two, 4.0)
    schedule.put(one, 3.0)

    assert schedule.next_at == 3.0
    assert [schedule.pop(2.0), schedule.pop(9.0), schedule.pop(9.0), schedule.pop(9.0)] == [
        None,
        one,
        two,
        None,
    ]


def test_who_was_dropped_has_no_turn(file: TailedFile) -> None:
    schedule = Schedule()
    one = followed(file)
    schedule.put(one, 1.0)
    schedule.drop(one)

    assert schedule.next_at is None
    assert schedule.pop(9.0) is None


def test_files_without_a_path_come_first_but_not_for_ever(file: TailedFile) -> None:
    schedule = Schedule()
    gone, other = followed(file, gone=True), followed(file)
    schedule.put(other, 0.0)
    schedule.put(gone, 0.0)

    turns = []
    for _ in range(2 * URGENT_TURNS + 2):
        turn = schedule.pop(1.0)
        assert turn is not None
        turns.append(turn)
        schedule.put(turn, 1.0)

    assert turns == [*[gone] * URGENT_TURNS, other] * 2


@pytest.mark.parametrize(
    ("quiet_s", "watched", "least_s", "most_s"),
    [
        (HOT_S - 1, True, HOT_LOOK_S, HOT_LOOK_S),
        (WARM_S - 1, True, WARM_LOOK_S, WARM_LOOK_S),
        (WARM_S, False, COLD_LOOK_S * (1 - COLD_SPREAD), COLD_LOOK_S + COLD_GRID_S),
        (
            WARM_S,
            True,
            COLD_LOOK_WATCHED_S * (1 - COLD_SPREAD),
            COLD_LOOK_WATCHED_S + COLD_GRID_S,
        ),
    ],
)
def test_the_longer_a_file_is_quiet_the_less_often_it_is_looked_at(
    file: TailedFile, quiet_s: float, watched: bool, least_s: float, most_s: float
) -> None:
    schedule = Schedule()
    schedule.watched = watched
    for _ in range(20):
        one = followed(file)
        one.grew_at = 1000.0 - quiet_s
        schedule.put_quiet(one, 1000.0)
        assert least_s - 1e-6 <= one.look_at - 1000.0 <= most_s + 1e-6


def test_a_file_where_no_bell_rings_is_looked_at_as_if_nothing_were_watched(
    file: TailedFile,
) -> None:
    schedule = Schedule()
    schedule.watched = True
    one = followed(file)
    one.watched = False
    one.grew_at = 0.0
    schedule.put_quiet(one, 1000.0)

    assert one.look_at <= 1000.0 + COLD_LOOK_S + COLD_GRID_S


@pytest.mark.parametrize(
    ("files", "look_s"), [(2, WARM_LOOK_S), (1000, 1.0), (10_000, COLD_LOOK_S)]
)
def test_beside_a_busy_file_the_others_share_a_number_of_looks(
    file: TailedFile, files: int, look_s: float
) -> None:
    """No bell rings for them; the first line of a quiet site must not wait for the next scan."""
    schedule = Schedule()
    schedule.watched = True
    schedule.share_looks(files)
    one = followed(file)
    one.beside_awake = True
    one.grew_at = 0.0
    schedule.put_quiet(one, 1000.0)

    assert one.look_at == pytest.approx(1000.0 + look_s)


def test_ten_thousand_cold_files_are_due_in_groups_at_many_moments(file: TailedFile) -> None:
    schedule = Schedule()
    schedule.watched = True
    moments = set()
    for _ in range(10_000):
        one = followed(file)
        one.grew_at = 0.0
        schedule.put(one, 0.0)
        schedule.put_quiet(one, 1000.0)
        moments.add(one.look_at)

    groups = COLD_LOOK_WATCHED_S * COLD_SPREAD / COLD_GRID_S
    assert groups - 2 <= len(moments) <= groups + 2
