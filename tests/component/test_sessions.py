"""Sessions over kills and replays: the same event always has the same body."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.life import Life
from support.lines import AGENT, clf_time

from hooktail.extract import sessions

BEGIN_S = int(time.time()) - 6 * 86_400


def visit(who: int, at_s: int, number: int = 0) -> str:
    moment = clf_time(datetime.fromtimestamp(BEGIN_S + at_s, UTC))
    return f'81.2.69.{who} - - [{moment}] "GET /p/{number} HTTP/1.1" 200 512 "-" "{AGENT}"\n'


def waiting(life: Life) -> list[str]:
    """The session ids of the events that wait."""
    return [orjson.loads(body)["session_id"] for body in life.destination.bodies]


async def test_a_visitor_who_goes_on_after_a_restart_stays_in_the_session(tmp_path: Path) -> None:
    before = Life(tmp_path)
    before.write(visit(1, 0), visit(1, 1000))
    await before.read()
    (session,) = set(waiting(before))
    before.destination.settle()
    await asyncio.sleep(0)

    after = Life(tmp_path)
    after.write(visit(1, 2800), visit(1, 4601))
    await after.read()

    same, other = waiting(after)
    assert same == session
    assert other != session


async def test_a_line_in_flight_at_a_kill_keeps_its_session_however_many_came_after(
    tmp_path: Path,
) -> None:
    before = Life(tmp_path)
    before.write(visit(1, 0), visit(1, 100), *(visit(1, hour * 3600) for hour in range(1, 9)))
    await before.read()
    sent = before.destination.bodies
    before.destination.settle(0, *range(2, 10))
    await asyncio.sleep(0)
    await before.keeper.compact()
    assert list(before.on_disk().files[1].ages.values()) == [100]

    after = Life(tmp_path)
    await after.read()

    assert after.destination.bodies == sent[1:2]
    after.destination.settle()
    await asyncio.sleep(0)
    assert after.on_disk().files[1].ages == {}


async def test_what_is_settled_is_not_remembered_by_line(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.write(*(visit(who, 0) for who in range(50)))
    await life.read()
    assert len(life.on_disk().files[1].ages) == 50

    life.destination.settle()
    await asyncio.sleep(0)

    state = life.on_disk()
    assert state.files[1].ages == {}
    assert len(state.sessions["shop"]) == 50


STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("write"),
            st.sampled_from(["access.log", "access.log.other"]),
            st.lists(
                st.tuples(
                    st.integers(1, 3),
                    st.sampled_from([0, 1, 60, 900, 1799, 1800, 1801, 4000, 90_000]),
                    st.sampled_from([0, 0, 0, 1, 300, 2000, 20_000]),
                ),
                min_size=1,
                max_size=6,
            ),
        ),
        st.tuples(st.just("settle"), st.lists(st.integers(0, 9), unique=True), st.none()),
        st.tuples(st.sampled_from(["kill", "kill_before_the_journal"]), st.none(), st.none()),
        st.tuples(st.just("compact"), st.none(), st.none()),
    ),
    min_size=2,
    max_size=12,
)


@settings(max_examples=50, deadline=None)  # lives on real files: the disk sets the pace
@given(STEPS)
def test_whatever_is_killed_and_read_again_an_event_has_one_body(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, object, object]]
) -> None:
    """Any lines in any order, few places in the book, swept all the time, killed at any step."""
    with patch.object(sessions, "WINDOW", 3):
        written, bodies = asyncio.run(any_history(tmp_path_factory.mktemp("lives"), steps))

    assert {event_id: len(of_it) for event_id, of_it in bodies.items() if len(of_it) > 1} == {}
    assert len(bodies) == written


async def any_history(
    path: Path, steps: list[tuple[str, object, object]]
) -> tuple[int, dict[str, set[bytes]]]:
    """Returns how many lines were written, and the bodies that each event had."""
    bodies: dict[str, set[bytes]] = defaultdict(set)

    def note() -> None:
        for event, _ in life.destination.waiting:
            bodies[event.event_id].add(event.body)

    life = started(path)
    now_s = number = 0
    for step, what, lines in steps:
        match step:
            case "write":
                assert isinstance(lines, list)
                with (path / str(what)).open("a") as file:
                    for who, gap_s, late_s in lines:
                        now_s, number = min(now_s + gap_s, 5 * 86_400), number + 1
                        file.write(visit(who, max(now_s - late_s, 0), number))
                await life.read()
            case "settle":
                assert isinstance(what, list)
                there = [each for each in what if each < len(life.destination.waiting)]
                if there:
                    life.destination.settle(*there)
            case "compact":
                await life.keeper.compact()
            case "kill_before_the_journal":
                number += 1
                life.write(visit(1, now_s, number))
                life.now_s += 5
                await life.source.turns()
                note()
                life.keeper._noted.clear()
                life = started(path)
                await life.read()
            case _:
                await asyncio.sleep(0)
                life = started(path)
                await life.read()
        note()
    await asyncio.sleep(0)
    life = started(path)
    await life.read()
    note()
    return number, bodies


def started(path: Path) -> Life:
    life = Life(path)
    life.feed.extractor.sessions.book._most = 3
    return life
