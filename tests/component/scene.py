"""A destination, a sender that answers by script, and a loop whose time does not cost time."""

from __future__ import annotations

import asyncio
import contextlib
import selectors
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from random import Random
from typing import Any

from hooktail.config.sections import DeliverySection
from hooktail.delivery.deadletter import Letter
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
