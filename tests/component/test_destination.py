"""A destination with a sender that answers by script, on a loop whose time does not cost time."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import selectors
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from component.endpoint import OK, Endpoint, Request, status
from component.workers import LANES, sender_on
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail.config.sections import DeliverySection, DestinationSection, Secret
from hooktail.delivery.deadletter import DeadLetters, Letter
from hooktail.delivery.destination import Destination
from hooktail.delivery.lane import Lane, OnOutcomes
from hooktail.delivery.outcome import Delivered, Misconfigured, Outcome, Rejected, Retry
from hooktail.delivery.task_lane import TaskLane
from hooktail.model import Event, State

OKAY = Delivered()
BUSY = Retry("http_503")
BAD = Rejected("http_400", 400, "no ip_address")
FORBIDDEN = Misconfigured("http_403", 403, "unknown account")


class VirtualSelector(selectors.DefaultSelector):
    """Where a real one would sleep, it moves the clock on instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everything waits for something that will never happen")
        ready = super().select(0)
        if not ready:
            self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.virtual = VirtualSelector()
        super().__init__(self.virtual)

    def time(self) -> float:
        return self.virtual.now


def in_no_time(main: Coroutine[Any, Any, None]) -> None:
    """Runs `main` on virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main)


class FakeSender:
    """Answers each event by its own script, and what is not scripted with success."""

    batches = False

    def __init__(self, takes_s: float = 0.01) -> None:
        self.takes_s = takes_s
        self.scripts: dict[int, Iterator[Outcome]] = {}
        self.default: Callable[[], Outcome] = lambda: OKAY
        self.sent: list[int] = []
        self.times: list[float] = []
        self.in_flight = 0
        self.most_in_flight = 0

    def script(self, number: int, *outcomes: Outcome) -> None:
        self.scripts[number] = iter(outcomes)

    async def send(self, body: bytes) -> Outcome:
        number = int(body)
        self.sent.append(number)
        self.times.append(asyncio.get_running_loop().time())
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.takes_s)
        finally:
            self.in_flight -= 1
        scripted = self.scripts.get(number)
        if scripted is not None and (outcome := next(scripted, None)) is not None:
            return outcome
        return self.default()

    def open_lane(self, on_outcomes: OnOutcomes[Any], *, limit: int) -> Lane[Any]:
        if not self.batches:
            return TaskLane(self.send, on_outcomes, limit=limit, name="default")
        return FakeLane(self, on_outcomes, limit=limit)


class FakeLane:
    """Answers as the fast lane does: what ends in one turn of the loop comes back together."""

    def __init__(self, sender: FakeSender, on_outcomes: OnOutcomes[Any], *, limit: int) -> None:
        self.limit = limit
        self._sender = sender
        self._on_outcomes = on_outcomes
        self._ready: list[tuple[Any, Outcome]] = []
        self._tasks = TaskLane(sender.send, self._collect, limit=limit)

    def start(self, parcels: Sequence[Any]) -> None:
        self._tasks.start(parcels)

    async def run(self) -> None:
        await self._tasks.run()

    def stop(self) -> list[Any]:
        self._flush()
        return self._tasks.stop()

    def _collect(self, outcomes: list[tuple[Any, Outcome]]) -> None:
        if not self._ready:
            asyncio.get_running_loop().call_soon(self._flush)
        self._ready += outcomes

    def _flush(self) -> None:
        if self._ready:
            ready, self._ready = self._ready, []
            self._on_outcomes(ready)


@pytest.fixture(params=["one by one", "in batches"], autouse=True)
def outcomes_come(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways in which a lane may hand its outcomes back."""
    monkeypatch.setattr(FakeSender, "batches", request.param == "in batches")


class FakeSettler:
    def __init__(self) -> None:
        self.settled: dict[int, tuple[State, str]] = {}

    def settle(self, event: Event, state: State, reason: str = "") -> None:
        assert event.start not in self.settled, "settled twice"
        self.settled[event.start] = (state, reason)

    @property
    def delivered(self) -> set[int]:
        return {number for number, (state, _) in self.settled.items() if state is State.DELIVERED}


class FakeLetters:
    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.failures: list[OSError] = []
        self.takes_s = 0.001

    async def append(self, letters: Sequence[Letter]) -> None:
        await asyncio.sleep(self.takes_s)
        if self.failures:
            raise self.failures.pop()
        self.letters += letters


class FakeLog:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, object]]] = []

    def info(self, event: str, /, **fields: object) -> None:
        self.lines.append((event, fields))

    warning = error = info

    @property
    def said(self) -> list[str]:
        return [event for event, _ in self.lines]


def events(*numbers: int) -> list[Event]:
    return [Event("pageview", f"id-{n}", b"%d" % n, n, conversion=False) for n in numbers]


class Scene:
    """A destination that is running, and everything around it."""

    def __init__(self, **options: Any) -> None:
        self.sender = FakeSender()
        self.settler = FakeSettler()
        self.letters = FakeLetters()
        self.log = FakeLog()
        poison_tries = options.pop("poison_tries", None)
        section: dict[str, Any] = {"concurrency": 8, "queue_events": 100} | options
        self.destination = Destination(
            "default",
            self.sender,
            section=DeliverySection(**section),
            dead_letters=self.letters,
            clock=asyncio.get_running_loop().time,
            rng=Random(5),
            log=self.log,
            poison_tries=poison_tries,
        )

    def submit(self, *numbers: int) -> None:
        self.destination.submit(events(*numbers), self.settler, source="shop")

    def state(self) -> str:
        return self.destination.snapshot().state


@contextlib.asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Scene]:
    scene = Scene(**options)
    task = asyncio.create_task(scene.destination.run())
    await asyncio.sleep(0)
    try:
        yield scene
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def on_virtual_time(
    test: Callable[..., Coroutine[Any, Any, None]],
) -> Callable[[], None]:
    """Makes a test of a coroutine function without arguments."""

    def run() -> None:
        in_no_time(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


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


# -- room, drain, quiesce, pause


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
