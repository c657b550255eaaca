"""When a destination takes more, and when it holds still: room, drain, quiesce, pause."""

from __future__ import annotations

import asyncio

import pytest
from component.scene import BAD, BUSY, on_virtual_time, running

from hooktail.model import State

pytestmark = pytest.mark.usefixtures("outcomes_come")


@on_virtual_time
async def test_a_full_queue_keeps_the_reader_waiting_until_something_is_settled() -> None:
    async with running(queue_events=3, concurrency=1) as scene:
        scene.destination.pause("test")
        scene.submit(1, 2)
        await asyncio.wait_for(scene.destination.room(), 1)
        scene.submit(3)
        assert not scene.destination.has_room
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(scene.destination.room(), 1)

        waiting = asyncio.create_task(scene.destination.room())
        scene.destination.resume()
        await waiting

        assert len(scene.settler.settled) == 1
        assert scene.destination.has_room


@on_virtual_time
async def test_a_line_does_not_wait_behind_a_backlog() -> None:
    """A full queue at the pace of the endpoint: what comes last is sent a moment later."""
    async with running(concurrency=16, queue_events=100_000) as scene:
        number = 0
        while scene.destination.delivered < 20_000:
            await scene.destination.room()
            scene.submit(*range(number, number + 50))
            number += 50
        begin = asyncio.get_running_loop().time()
        await scene.destination.drain()

        assert scene.destination.snapshot().allowance == 16
        assert asyncio.get_running_loop().time() - begin < 0.3
        assert scene.sender.most_in_flight == 16


@on_virtual_time
async def test_a_reader_is_called_for_more_than_a_few_events() -> None:
    """A turn for each event that has left would be a turn too many."""
    async with running(concurrency=16, queue_events=100_000) as scene:
        number = turns = 0
        while scene.destination.delivered < 20_000:
            await scene.destination.room()
            room = scene.destination.room_events
            scene.submit(*range(number, number + room))
            number += room
            turns += 1

        assert number / turns > 25


@on_virtual_time
async def test_a_reader_is_called_however_short_the_queue_is() -> None:
    for queue_events in (1, 2, 3, 10):
        async with running(concurrency=1, queue_events=queue_events) as scene:
            scene.sender.takes_s = 0.01
            for number in range(200):
                await asyncio.wait_for(scene.destination.room(), 10)
                scene.submit(number)
                assert scene.destination.outstanding <= queue_events


@pytest.mark.timeout(20)
@on_virtual_time
async def test_a_reader_waits_for_room_that_was_there_before_the_endpoint_slowed_down() -> None:
    """It went round without end once, and nothing else ran any more."""
    async with running(concurrency=16, queue_events=100_000) as scene:
        number = 0
        while scene.destination.delivered < 2000 or scene.destination.outstanding < 150:
            await scene.destination.room()
            scene.submit(number)
            number += 1
        assert scene.destination.has_room
        scene.sender.takes_s = 1.0
        while scene.destination.has_room:
            await asyncio.sleep(0.1)
            assert scene.destination.outstanding > 50

        await scene.destination.room()

        assert scene.destination.has_room
        assert len(scene.settler.settled) < number


@on_virtual_time
async def test_an_outage_may_fill_the_whole_queue() -> None:
    """So that after it the conversions among them go first."""
    async with running(concurrency=8, queue_events=2000) as scene:
        scene.sender.default = lambda: BUSY
        scene.submit(*range(200))
        await asyncio.sleep(60)
        number = 200
        while scene.destination.has_room:
            scene.submit(*range(number, number + 100))
            number += 100

        assert scene.state() == "down"
        assert scene.destination.outstanding == 2000


@on_virtual_time
async def test_what_waits_to_be_retried_takes_room_too() -> None:
    async with running(queue_events=2) as scene:
        scene.sender.default = lambda: BUSY
        scene.submit(1, 2)
        await asyncio.sleep(100)

        assert not scene.destination.has_room
        assert scene.destination.outstanding == 2


@on_virtual_time
async def test_drain_of_nothing_is_immediate() -> None:
    async with running() as scene:
        began_at = asyncio.get_running_loop().time()

        await scene.destination.drain()

        assert asyncio.get_running_loop().time() == began_at


@on_virtual_time
async def test_quiesce_waits_for_what_is_in_flight_and_starts_nothing_new() -> None:
    async with running(concurrency=1) as scene:
        scene.sender.takes_s = 5.0
        scene.submit(1, 2, 3)
        await asyncio.sleep(1)

        await scene.destination.quiesce()

        assert asyncio.get_running_loop().time() == pytest.approx(5.0, abs=0.01)
        assert scene.settler.delivered == {1}
        scene.submit(4)
        scene.destination.resume()
        await asyncio.sleep(1000)
        assert scene.sender.sent == [1]
        assert (scene.destination.outstanding, scene.destination.in_flight) == (3, 0)


@on_virtual_time
async def test_quiesce_waits_for_a_dead_letter_that_is_being_written() -> None:
    async with running() as scene:
        scene.sender.script(1, BAD)
        scene.submit(1)
        await asyncio.sleep(0.0105)

        await scene.destination.quiesce()

        assert scene.settler.settled == {1: (State.DEAD_LETTERED, "http_400")}


@on_virtual_time
async def test_quiesce_does_not_wait_for_retries() -> None:
    async with running() as scene:
        scene.sender.default = lambda: BUSY
        scene.submit(1)
        await asyncio.sleep(100)

        await asyncio.wait_for(scene.destination.quiesce(), 1)

        assert (scene.destination.outstanding, scene.destination.in_flight) == (1, 0)
        assert scene.settler.settled == {}


@on_virtual_time
async def test_a_pause_starts_nothing_and_loses_nothing() -> None:
    async with running() as scene:
        scene.destination.pause("checkpoint_unwritable")
        scene.destination.pause("checkpoint_unwritable")
        scene.submit(1, 2)
        await asyncio.sleep(1000)
        assert scene.sender.sent == []
        assert scene.destination.snapshot().local_pause == "checkpoint_unwritable"

        scene.destination.resume()
        await scene.destination.drain()

        assert scene.settler.delivered == {1, 2}
        assert scene.log.said == ["delivery_paused", "delivery_resumed"]


@on_virtual_time
async def test_a_retry_that_came_due_in_a_pause_is_sent_after_it() -> None:
    async with running() as scene:
        scene.sender.script(1, BUSY)
        scene.submit(1)
        await asyncio.sleep(0.015)
        scene.destination.pause("test")
        await asyncio.sleep(100)

        scene.destination.resume()
        await asyncio.wait_for(scene.destination.drain(), 1)

        assert scene.settler.delivered == {1}
