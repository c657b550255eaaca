"""The policies of delivery over real sockets, on all lanes, before endpoints that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import orjson
import pytest
from component.endpoint import OK, Endpoint, Request
from component.workers import LANES, sender_on

from hooktail.collector import Collector, Plan, Received, parse_plan
from hooktail.config.sections import DeliverySection, DestinationSection, Secret
from hooktail.delivery.deadletter import DeadLetters
from hooktail.delivery.destination import Destination
from hooktail.model import Event, State

PATIENCE_S = 60.0


class Settled:
    """Where outcomes are written down."""

    def __init__(self) -> None:
        self.states: dict[int, State] = {}

    def settle(self, event: Event, state: State, reason: str = "") -> None:
        assert event.start not in self.states, "settled twice"
        self.states[event.start] = state

    @property
    def delivered(self) -> set[int]:
        return {n for n, state in self.states.items() if state is State.DELIVERED}


class SilentLog:
    def info(self, event: str, /, **fields: object) -> None:
        pass

    warning = error = info


def event(number: int, *, conversion: bool = False) -> Event:
    name = "purchase" if conversion else "pageview"
    body = {
        "event_name": name,
        "event_id": f"event-{number}",
        "user_agent": "Mozilla/5.0",
        "ip_address": "203.0.113.1",
    }
    return Event(name, f"event-{number}", orjson.dumps(body), number, conversion)


def number_of(received: Received) -> int:
    return int(orjson.loads(received.body)["event_id"].removeprefix("event-"))


@dataclass
class Scene:
    """One destination at work, the collector behind it, and when which event was accepted."""

    destination: Destination
    collector: Collector
    settled: Settled = field(default_factory=Settled)
    accepted: list[tuple[float, int]] = field(default_factory=list)
    asked: list[float] = field(default_factory=list)

    def submit(self, events: Sequence[Event]) -> None:
        self.destination.submit(events, self.settled)

    async def drained(self) -> None:
        async with asyncio.timeout(PATIENCE_S):
            await self.destination.drain()

    async def until_state(self, state: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while self.destination.snapshot().state != state:  # noqa: ASYNC110 - it rings no bell
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def scene(
    lane: str,
    directory: Path,
    fail: str = "",
    *,
    timeout_s: float = 1.0,
    workers: int = 2,
    **delivery: float,
) -> AsyncIterator[Scene]:
    collector = Collector(plan=parse_plan(fail, seed=7) if fail else Plan())
    host, port = await collector.start()
    section = DestinationSection(
        name="default",
        account_id=Secret("abcd1234"),
        endpoint=f"http://{host}:{port}/{{account_id}}/pixel.png",
        timeout_s=timeout_s,
    )
    settings = {"concurrency": 32, "retry_initial_s": 0.01, "retry_max_s": 0.2} | delivery
    try:
        concurrency = int(settings["concurrency"])
        async with sender_on(lane, section, workers=workers, concurrency=concurrency) as sender:
            destination = Destination(
                "default",
                sender,
                section=DeliverySection(**settings),  # type: ignore[arg-type]  # numbers by name
                dead_letters=DeadLetters(directory / "deadletter"),
                rng=Random(3),
                log=SilentLog(),
            )
            here = Scene(destination, collector)

            def note(received: Received) -> None:
                here.asked.append(time.monotonic())
                if received.accepted:
                    here.accepted.append((time.monotonic(), number_of(received)))

            collector.on_event = note
            run = asyncio.create_task(destination.run())
            try:
                yield here
            finally:
                run.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await run
    finally:
        await collector.stop()


MIXED = (
    "503:0.1,429:0.05,close:0.1,reset-before:0.05,reset-after:0.05,garbage:0.05,stall:0.01,"
    "drip=1ms:0.05,delay=20ms:0.2"
)
all_lanes = pytest.mark.parametrize("lane", LANES)


@all_lanes
@pytest.mark.parametrize(
    "fail",
    [
        "503:0.3",
        "429:0.05",
        "close:0.3",
        "reset-before:0.2",
        "reset-after:0.2",
        "garbage:0.2",
        "stall:0.02",
        "drip=1ms:0.1",
        "delay=30ms:0.5",
        MIXED,
    ],
)
async def test_whatever_the_endpoint_does_each_event_arrives_and_is_settled_once(
    lane: str, fail: str, tmp_path: Path
) -> None:
    async with scene(lane, tmp_path, fail, timeout_s=0.3) as here:
        here.submit([event(n, conversion=n % 10 == 0) for n in range(120)])
        await here.drained()

        assert here.settled.delivered == set(range(120))
        times = Counter(number for _, number in here.accepted)
        assert set(times) == set(range(120))
        # Sent again only where the answer got lost behind an accepted event.
        if not any(kind in fail for kind in ("reset-after", "close", "stall", "drip")):
            assert set(times.values()) == {1}
        assert not (tmp_path / "deadletter").exists()


@all_lanes
@pytest.mark.parametrize("form", ["retry-after-1", "retry-after-date-2"])
async def test_both_forms_of_retry_after_silence_the_whole_destination(
    lane: str, form: str, tmp_path: Path
) -> None:
    async with scene(lane, tmp_path) as here:
        here.submit([event(n) for n in range(100)])
        await here.drained()
        here.collector.plan = parse_plan(f"429={form}@0-0.2")
        here.submit([event(n) for n in range(100, 400)])
        await here.until_state("paused")
        paused_at = time.monotonic()

        await here.drained()

        # A date has whole seconds: of two, more than one is left.
        in_flight_then = paused_at + 0.15
        assert not [at for at in here.asked if in_flight_then < at < paused_at + 0.9]
        assert here.settled.delivered == set(range(400))


@all_lanes
async def test_after_an_outage_conversions_arrive_before_page_views(
    lane: str, tmp_path: Path
) -> None:
    # Two workers would race: on a busy machine one of them may lie with what it was handed.
    async with scene(lane, tmp_path, "503", workers=1, queue_events=1000) as here:
        page_views, purchases = range(300), range(300, 310)
        here.submit([event(n) for n in page_views])
        await here.until_state("down")
        here.submit([event(n, conversion=True) for n in purchases])
        here.collector.plan = Plan()

        await here.drained()

        order = [number for _, number in here.accepted]
        # The first requests after an outage go one by one: the ten are among the first dozen.
        assert set(purchases) <= set(order[:14])
        assert here.settled.delivered == {*page_views, *purchases}


@all_lanes
async def test_no_destination_waits_for_one_that_is_held_down_slow_or_silent(
    lane: str, tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        bad = [
            await stack.enter_async_context(scene(lane, tmp_path / name, fail, timeout_s=5.0))
            for name, fail in [
                ("held", "403"),
                ("down", "503"),
                ("slow", "delay=2s"),
                ("silent", "stall"),
                ("told", "429=retry-after-60"),
            ]
        ]
        good = await stack.enter_async_context(scene(lane, tmp_path / "good"))
        for each in bad:
            each.submit([event(n) for n in range(100)])
        await bad[0].until_state("held")
        await bad[4].until_state("paused")

        began = time.monotonic()
        for batch in range(10):
            good.submit([event(n) for n in range(batch * 50, batch * 50 + 50)])
            await good.drained()

        assert time.monotonic() - began < 3.0
        assert good.settled.delivered == set(range(500))
        assert sum(each.destination.outstanding for each in bad) >= 5 * 100 - 40
        assert not any(State.DEAD_LETTERED in each.settled.states.values() for each in bad)


@all_lanes
async def test_a_held_destination_loses_nothing_and_goes_on_once_it_is_mended(
    lane: str, tmp_path: Path
) -> None:
    async with scene(lane, tmp_path, "401") as here:
        here.submit([event(n) for n in range(50)])
        await here.until_state("held")
        await asyncio.sleep(0.3)
        shown = here.destination.snapshot()
        assert (shown.reason, shown.queued, shown.delivered) == ("http_401", 50, 0)
        assert len(here.asked) <= 2

        here.collector.plan = Plan()
        await here.drained()

        assert here.settled.delivered == set(range(50))
        assert not (tmp_path / "deadletter").exists()


@all_lanes
async def test_a_rate_limit_is_kept_over_real_sockets(lane: str, tmp_path: Path) -> None:
    async with scene(lane, tmp_path, rate_limit=50) as here:
        here.submit([event(n) for n in range(100)])
        await here.drained()

        times = [at for at, _ in here.accepted]
        assert times[-1] - times[0] >= 1.7
        for begin in range(0, 100, 10):
            in_a_second = [at for at in times if times[begin] <= at < times[begin] + 1.0]
            assert len(in_a_second) <= 50 + 5 + 5


@all_lanes
async def test_before_an_endpoint_with_eight_workers_no_long_queue_is_made(
    lane: str, tmp_path: Path
) -> None:
    inside = Counter[str]()
    seen: list[int] = []
    workers = asyncio.Semaphore(8)

    async def script(request: Request) -> None:
        inside["now"] += 1
        seen.append(inside["now"])
        async with workers:
            await asyncio.sleep(0.03)
        inside["now"] -= 1
        await request.answer(OK)

    async with Endpoint(script) as endpoint:
        section = DestinationSection(
            name="default",
            account_id=Secret("abcd1234"),
            endpoint=f"http://127.0.0.1:{endpoint.port}/{{account_id}}",
        )
        settled = Settled()
        async with sender_on(lane, section, concurrency=128) as sender:
            destination = Destination(
                "default",
                sender,
                section=DeliverySection(concurrency=128),
                dead_letters=DeadLetters(tmp_path / "deadletter"),
                log=SilentLog(),
            )
            run = asyncio.create_task(destination.run())
            destination.submit([event(n) for n in range(600)], settled)
            async with asyncio.timeout(PATIENCE_S):
                await destination.drain()
            run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run

    assert settled.delivered == set(range(600))
    late = seen[300:-50]
    assert sum(late) / len(late) <= 3 * 8
    assert sum(late) / len(late) >= 0.7 * 8
