"""Whoever hands parcels to a lane and takes their outcomes, before the lane itself or workers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from structlog.testing import capture_logs

from hooktail.config.sections import DestinationSection, Secret
from hooktail.delivery.fast_lane import FastLane
from hooktail.delivery.outcome import Outcome
from hooktail.delivery.target import Target
from hooktail.delivery.worker_lane import WorkerLane
from hooktail.delivery.worker_pool import WorkerPool

ACCOUNT = "acct-7f3a"
PATIENCE_S = 60.0


class Parcel:
    def __init__(self, number: int, padding: int = 0) -> None:
        self.number = number
        self.body = b"%d" % number + b" " * padding


def section_for(port: int, **options: Any) -> DestinationSection:
    return DestinationSection(
        name="default",
        account_id=Secret(ACCOUNT),
        endpoint=f"http://127.0.0.1:{port}/{{account_id}}/pixel.png",
        **options,
    )


class Desk:
    """Takes outcomes and starts what is told to follow."""

    def __init__(self) -> None:
        self.batches: list[list[tuple[Parcel, Outcome]]] = []
        self.more: Callable[[int], Sequence[Parcel]] = lambda _: ()
        self._changed = asyncio.Event()
        self.lane: FastLane[Parcel]

    def take(self, outcomes: list[tuple[Parcel, Outcome]]) -> None:
        self.batches.append(outcomes)
        self._changed.set()
        if parcels := self.more(len(outcomes)):
            self.lane.start(parcels)

    @property
    def outcomes(self) -> dict[int, Outcome]:
        """Of each parcel; fails if one has two."""
        told = [(parcel.number, outcome) for batch in self.batches for parcel, outcome in batch]
        assert len(dict(told)) == len(told), "an outcome twice"
        return dict(told)

    async def wait_for(self, count: int) -> dict[int, Outcome]:
        async with asyncio.timeout(PATIENCE_S):
            while len(self.outcomes) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.outcomes


@contextlib.asynccontextmanager
async def lane_to(port: int, *, limit: int = 8, **options: Any) -> AsyncIterator[Desk]:
    desk = Desk()
    destination = Target(section_for(port, **options), user_agent="test")
    desk.lane = FastLane(destination, desk.take, limit=limit)
    try:
        yield desk
    finally:
        await desk.lane.aclose()


def parcels(count: int, first: int = 0) -> list[Parcel]:
    return [Parcel(number) for number in range(first, first + count)]


class WorkerDesk(Desk):
    lane: WorkerLane[Parcel]  # type: ignore[assignment]  # a desk works with any lane
    pool: WorkerPool
    logged: list[Any]

    def said(self, event: str) -> list[Any]:
        return [line for line in self.logged if line["event"] == event]


@contextlib.asynccontextmanager
async def workers_to(
    port: int, *, workers: int = 2, limit: int = 8, kind: str = "fast", **options: Any
) -> AsyncIterator[WorkerDesk]:
    desk = WorkerDesk()
    target = Target(section_for(port, **options), user_agent="test")
    with capture_logs() as desk.logged:
        async with WorkerPool(workers) as desk.pool:
            desk.lane = WorkerLane(desk.pool, target, desk.take, limit=limit, kind=kind)
            try:
                yield desk
            finally:
                await desk.lane.aclose()


@contextlib.asynccontextmanager
async def desk_at(where: str, port: int, **options: Any) -> AsyncIterator[Desk]:
    """Before a lane that is `alone`, or before `workers`."""
    before = lane_to if where == "alone" else workers_to
    async with before(port, **options) as desk:
        yield desk


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - processes ring no bell
            await asyncio.sleep(0.005)
