"""A destination with a sender that answers by script, on a loop whose time does not cost time."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from component.endpoint import OK, Endpoint, Request, status
from component.scene import (
    BAD,
    BUSY,
    FORBIDDEN,
    OKAY,
    FakeLog,
    FakeSettler,
    Scene,
    events,
    in_no_time,
    on_virtual_time,
    running,
)
from component.workers import LANES, sender_on
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail.config.sections import DeliverySection, DestinationSection, Secret
from hooktail.delivery.deadletter import DeadLetters, Letter
from hooktail.delivery.destination import Destination
from hooktail.delivery.outcome import Delivered, Misconfigured, Outcome, Rejected, Retry
from hooktail.model import State

pytestmark = pytest.mark.usefixtures("outcomes_come")


# -- the ordinary way


@on_virtual_time
async def test_every_event_is_sent_and_settled() -> None:
    async with running() as scene:
        scene.submit(*range(50))
        await scene.destination.drain()

        assert sorted(scene.sender.sent) == list(range(50))
        assert scene.settler.delivered == set(range(50))
        assert scene.log.lines == []


@on_virtual_time
async def test_one_worker_sends_in_order() -> None:
    async with running(concurrency=1) as scene:
        scene.submit(*range(20))
        await scene.destination.drain()

        assert scene.sender.sent == list(range(20))


@on_virtual_time
async def test_no_more_than_the_ceiling_is_in_flight_and_it_is_reached() -> None:
    async with running(concurrency=8) as scene:
        scene.submit(*range(100))
        await scene.destination.drain()

        assert scene.sender.most_in_flight == 8


@on_virtual_time
async def test_what_was_submitted_before_the_start_is_sent_too() -> None:
    scene = Scene()
    scene.submit(1, 2, 3)
    task = asyncio.create_task(scene.destination.run())

    await scene.destination.drain()

    assert scene.settler.delivered == {1, 2, 3}
    task.cancel()


@on_virtual_time
async def test_an_idle_destination_sets_no_timer_and_wakes_at_once() -> None:
    async with running() as scene:
        scene.submit(1)
        await scene.destination.drain()
        await asyncio.sleep(1000)
        assert scene.destination._timer is None

        scene.submit(2)
        await scene.destination.drain()

        assert scene.sender.times[1] - scene.sender.times[0] == pytest.approx(1000, abs=0.1)


# -- outcomes


@on_virtual_time
async def test_a_bad_event_is_kept_and_settled_and_the_rest_goes_on() -> None:
    async with running() as scene:
        scene.sender.script(2, BAD)
        scene.submit(1, 2, 3)
        await scene.destination.drain()

        assert scene.settler.settled == {
            1: (State.DELIVERED, ""),
            2: (State.DEAD_LETTERED, "http_400"),
            3: (State.DELIVERED, ""),
        }
        assert scene.letters.letters == [
            Letter(
                destination="default",
                source="shop",
                event_id="id-2",
                event_name="pageview",
                reason="http_400",
                status=400,
                answer="no ip_address",
                tries=1,
                body=b"2",
            )
        ]


@on_virtual_time
async def test_what_an_endpoint_repeats_of_an_event_is_told_nowhere() -> None:
    async with running() as scene:
        scene.sender.script(81269142, Rejected("http_400", 400, "what is 81269142?"))
        scene.sender.script(
            81269143, Misconfigured("http_403", 403, "who is 81269143?"), Delivered()
        )
        scene.submit(81269142, 81269143)
        await scene.destination.drain()

        assert [each.answer for each in scene.letters.letters] == ["what is ***?"]
        answers = [fields["answer"] for _, fields in scene.log.lines if "answer" in fields]
        assert sorted(map(str, answers)) == ["what is ***?", "who is ***?"]
        assert "812691" not in str(scene.log.lines)


@on_virtual_time
async def test_an_event_is_kept_before_it_is_settled() -> None:
    async with running() as scene:
        scene.letters.takes_s = 5.0
        scene.sender.script(1, BAD)
        scene.submit(1)

        await asyncio.sleep(5)
        assert (scene.letters.letters, scene.settler.settled) == ([], {})

        await scene.destination.drain()
        assert len(scene.letters.letters) == 1
        assert scene.settler.settled == {1: (State.DEAD_LETTERED, "http_400")}


@on_virtual_time
async def test_an_event_that_cannot_be_kept_stays_unsettled_and_is_tried_again() -> None:
    async with running() as scene:
        failure = OSError(errno.ENOSPC, "No space left on device", "/state/deadletter")
        scene.letters.failures = [failure] * 3
        scene.sender.script(1, *[BAD] * 10)
        scene.submit(1)
        await scene.destination.drain()

        assert scene.sender.sent == [1, 1, 1, 1]
        assert [letter.tries for letter in scene.letters.letters] == [4]
        assert scene.settler.settled == {1: (State.DEAD_LETTERED, "http_400")}
        assert scene.log.said.count("dead_letter_not_written") == 1
        told = dict(scene.log.lines)["dead_letter_not_written"]
        assert told["path"] == "/state/deadletter"
        assert "make room" in str(told["hint"])


@on_virtual_time
async def test_a_failing_event_waits_while_its_neighbours_go_on() -> None:
    async with running(concurrency=1) as scene:
        scene.sender.script(1, BUSY, BUSY, BUSY)
        scene.submit(1, 2, 3)
        await scene.destination.drain()

        assert scene.sender.sent[:1] == [1]
        assert scene.sender.sent.count(1) == 4
        assert scene.settler.delivered == {1, 2, 3}
        assert scene.destination.retried == 3


@on_virtual_time
async def test_retries_never_end() -> None:
    async with running(retry_max_s=1.0) as scene:
        scene.sender.script(1, *[BUSY] * 500)
        scene.submit(1)
        await scene.destination.drain()

        assert len(scene.sender.sent) == 501
        assert scene.settler.delivered == {1}


@on_virtual_time
async def test_the_waits_of_a_failing_event_grow_and_are_bounded() -> None:
    async with running(retry_initial_s=1.0, retry_max_s=30.0) as scene:
        scene.sender.script(1, *[BUSY] * 30)
        scene.submit(1)
        await scene.destination.drain()

        times = scene.sender.times
        waits = [after - before for before, after in pairwise(times)]
        assert waits[0] <= 1.1
        assert max(waits) > 10.0
        assert max(waits) <= 30.1


@on_virtual_time
async def test_retry_after_silences_the_whole_destination() -> None:
    async with running() as scene:
        scene.sender.script(0, Retry("http_429", 100.0))
        scene.submit(*range(50))
        await scene.destination.drain()

        times = scene.sender.times
        (gap,) = [a - b for b, a in pairwise(times) if a - b > 50]
        assert 100.0 <= gap <= 111.0
        assert scene.log.said == ["destination_paused", "delivery_retry", "destination_open"]


@on_virtual_time
async def test_a_misconfiguration_holds_everything_until_it_is_mended() -> None:
    async with running() as scene:
        scene.sender.default = lambda: FORBIDDEN
        scene.submit(*range(50))
        await asyncio.sleep(3600)

        shown = scene.destination.snapshot()
        assert (shown.state, shown.reason, shown.answer) == ("held", "http_403", "unknown account")
        assert (shown.queued, shown.in_flight, shown.delivered) == (50, 0, 0)
        assert 0 < shown.next_try_s <= 300
        assert scene.sender.most_in_flight == 1
        assert 12 <= len(scene.sender.sent) <= 40
        assert scene.settler.settled == {}

        scene.sender.default = lambda: OKAY
        await scene.destination.drain()
        assert scene.settler.delivered == set(range(50))
        assert scene.letters.letters == []
        assert scene.log.said[0] == "destination_held"
        assert scene.log.said[-1] == "destination_open"
        assert set(scene.log.said) == {"destination_held", "destination_open"}


@on_virtual_time
async def test_the_first_event_that_meets_a_misconfiguration_is_the_first_after_it() -> None:
    async with running(concurrency=1) as scene:
        scene.sender.script(1, FORBIDDEN)
        scene.submit(1, 2, 3)
        await scene.destination.drain()

        assert scene.sender.sent == [1, 1, 2, 3]


@on_virtual_time
async def test_one_event_that_a_firewall_refuses_does_not_keep_the_others() -> None:
    async with running() as scene:
        scene.sender.script(7, *[FORBIDDEN] * 10_000)
        scene.submit(*range(50))
        await asyncio.sleep(600)

        assert scene.settler.delivered == set(range(50)) - {7}
        assert scene.destination.outstanding == 1


@on_virtual_time
async def test_poison_becomes_a_dead_letter_after_the_configured_tries() -> None:
    async with running(poison_tries=5) as scene:
        refused: list[Outcome] = [FORBIDDEN, BUSY]
        scene.sender.script(7, *refused * 1000)
        for batch in range(200):
            scene.submit(*range(batch * 50 + 1, batch * 50 + 51))
            await asyncio.sleep(60)

        assert scene.settler.settled[7] == (State.DEAD_LETTERED, "poison")
        assert len(scene.settler.delivered) == 200 * 50 - 1
        assert scene.letters.letters[0].tries >= 6


@on_virtual_time
async def test_an_outage_ends_with_everything_delivered_and_a_gentle_start() -> None:
    async with running(concurrency=64, queue_events=1000) as scene:
        scene.sender.default = lambda: BUSY
        scene.submit(*range(500))
        await asyncio.sleep(3600)
        assert scene.state() == "down"
        assert scene.sender.in_flight <= 1

        scene.sender.default = lambda: OKAY
        scene.sender.most_in_flight = 0
        before = len(scene.sender.sent)
        await scene.destination.drain()

        assert scene.settler.delivered == set(range(500))
        assert len(scene.sender.sent) - before <= 501
        probe, *rest = scene.sender.times[before:]
        # Three round trips of 10 ms after the probe: 2 + 4 + 8, not 64.
        assert len([at for at in rest if at < probe + 0.035]) == 2 + 4 + 8


@on_virtual_time
async def test_an_endpoint_that_fails_half_the_time_is_used_all_the_time() -> None:
    async with running(concurrency=16, queue_events=10_000) as scene:
        rng = Random(2)
        scene.sender.default = lambda: BUSY if rng.random() < 0.5 else OKAY
        scene.submit(*range(5000))
        await scene.destination.drain()

        assert scene.settler.delivered == set(range(5000))
        assert not {"destination_down", "destination_held"} & set(scene.log.said)
        assert asyncio.get_running_loop().time() < 300


@on_virtual_time
async def test_a_long_outage_says_little() -> None:
    async with running() as scene:
        scene.sender.default = lambda: BUSY
        scene.submit(*range(100))
        await asyncio.sleep(3600)

        assert len(scene.log.lines) <= 60 + 12 + 1


class PlainHandle:
    """What uvloop gives for a timer of less than a millisecond: it knows no time."""

    def __init__(self, handle: asyncio.Handle) -> None:
        self.cancel = handle.cancel


@on_virtual_time
async def test_a_timer_need_not_know_when_it_rings() -> None:
    loop = asyncio.get_running_loop()
    call_at = loop.call_at

    def plain(at: float, callback: Any, *arguments: Any, context: Any = None) -> Any:
        handle = call_at(at, callback, *arguments, context=context)
        return PlainHandle(handle) if callback.__name__ == "_on_timer" else handle

    loop.call_at = plain  # type: ignore[method-assign,assignment]  # stands for uvloop
    async with running(concurrency=4) as scene:
        for number in range(20):
            scene.sender.script(number, BUSY, BUSY)
        scene.submit(*range(20))
        await scene.destination.drain()

        assert scene.settler.delivered == set(range(20))


# -- cancelled, broken


@on_virtual_time
async def test_what_is_cut_short_stays_unsettled() -> None:
    scene = Scene()
    scene.sender.takes_s = 5.0
    task = asyncio.create_task(scene.destination.run())
    scene.submit(1, 2, 3)
    await asyncio.sleep(1)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert scene.settler.settled == {}
    assert (scene.destination.outstanding, scene.destination.in_flight) == (3, 0)


@on_virtual_time
async def test_a_bug_in_a_worker_ends_the_destination() -> None:
    scene = Scene()

    def broken() -> Outcome:
        raise ZeroDivisionError

    scene.sender.default = broken
    scene.submit(1)

    with pytest.raises(ExceptionGroup) as error:
        await scene.destination.run()

    assert error.group_contains(ZeroDivisionError)
    assert scene.settler.settled == {}


outcomes = st.sampled_from(
    [
        OKAY,
        BAD,
        BUSY,
        FORBIDDEN,
        Retry("timeout"),
        Retry("http_429", 5.0),
        Retry("http_429", 0.0),
    ]
)


@settings(deadline=None)
@given(
    scripts=st.lists(st.lists(outcomes, max_size=6), max_size=40),
    concurrency=st.integers(1, 5),
    batch=st.integers(1, 10),
    takes_s=st.sampled_from([0.0, 0.01, 1.0]),
    pauses=st.booleans(),
    full_disk=st.integers(0, 2),
)
def test_whatever_the_endpoint_answers_each_event_is_settled_exactly_once(
    scripts: list[list[Outcome]],
    concurrency: int,
    batch: int,
    takes_s: float,
    pauses: bool,
    full_disk: int,
) -> None:
    async def scenario() -> None:
        async with running(concurrency=concurrency, queue_events=8) as scene:
            scene.sender.takes_s = takes_s
            scene.letters.failures = [OSError(errno.ENOSPC, "full")] * full_disk
            for number, script in enumerate(scripts):
                scene.sender.script(number, *script)
            numbers = list(range(len(scripts)))
            for start in range(0, len(numbers), batch):
                await scene.destination.room()
                scene.submit(*numbers[start : start + batch])
                if pauses:
                    scene.destination.pause("test")
                    await asyncio.sleep(0.5)
                    scene.destination.resume()
            await scene.destination.drain()

            assert set(scene.settler.settled) == set(numbers)
            dead = set(numbers) - scene.settler.delivered
            assert {int(letter.body) for letter in scene.letters.letters} == dead
            assert scene.sender.most_in_flight <= concurrency
            assert scene.destination.outstanding == scene.destination.in_flight == 0
            shown = scene.destination.snapshot()
            assert shown.delivered + shown.dead_lettered == len(numbers)
            assert len(scene.letters.letters) == shown.dead_lettered

    in_no_time(scenario())


# -- all of it over real sockets


@pytest.mark.parametrize("lane", LANES)
async def test_over_a_bad_network_each_event_arrives_and_is_settled_once(
    tmp_path: Path, lane: str
) -> None:
    rng = Random(11)
    accepted: Counter[int] = Counter()

    async def script(request: Request) -> None:
        number = int(request.body)
        chance = rng.random()
        if number % 10 == 3:
            await request.answer(status(422, b"bad"))
        elif chance < 0.1:
            request.reset()
        elif chance < 0.2:
            request.hang_up()
        elif chance < 0.3:
            await request.answer(status(503))
        else:
            accepted[number] += 1
            await request.answer(OK)
            if chance > 0.95:
                request.hang_up()

    settler = FakeSettler()
    async with Endpoint(script) as endpoint:
        section = DestinationSection(
            name="default",
            account_id=Secret("x" * 8),
            endpoint=f"http://127.0.0.1:{endpoint.port}/{{account_id}}",
        )
        async with sender_on(lane, section, concurrency=16) as sender:
            destination = Destination(
                "default",
                sender,
                section=DeliverySection(concurrency=16, retry_initial_s=0.01, retry_max_s=0.05),
                dead_letters=DeadLetters(tmp_path / "deadletter"),
                log=FakeLog(),
            )
            run = asyncio.create_task(destination.run())
            destination.submit(events(*range(300)), settler)
            async with asyncio.timeout(60):
                await destination.drain()
            run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run

    bad = {n for n in range(300) if n % 10 == 3}
    assert settler.delivered == set(range(300)) - bad == set(accepted)
    assert set(accepted.values()) == {1}
    (file,) = (tmp_path / "deadletter").glob("*")
    assert {int(json.loads(line)["body"]) for line in file.read_text().splitlines()} == bad
