"""A lane made of a coroutine that sends one body: a task for each that is in flight."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic

from hooktail.delivery.lane import P

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from hooktail.delivery.lane import OnOutcomes
    from hooktail.delivery.outcome import Outcome


class TaskLane(Generic[P]):
    """Sends each parcel in a task. An exception of `send` is a bug: it comes out of `run`."""

    def __init__(
        self,
        send: Callable[[bytes], Awaitable[Outcome]],
        on_outcomes: OnOutcomes[P],
        *,
        limit: int,
        name: str = "",
    ) -> None:
        self.limit = limit
        self._send = send
        self._on_outcomes = on_outcomes
        self._name = name
        self._waiting: deque[P] = deque()
        self._sending: dict[asyncio.Task[None], P] = {}
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, parcels: Sequence[P]) -> None:
        """Sends parcels; those above the limit wait."""
        self._waiting.extend(parcels)
        while self._waiting and len(self._sending) < self.limit:
            parcel = self._waiting.popleft()
            task = asyncio.create_task(self._deliver(parcel), name=f"deliver:{self._name}")
            self._sending[task] = parcel
            task.add_done_callback(self._look_for_bugs)

    async def run(self) -> None:
        """Waits until cancelled; raises what `send` raised."""
        await self._broken

    def stop(self) -> list[P]:
        """Cancels what is being sent and returns it, with what waited."""
        parcels = [*self._sending.values(), *self._waiting]
        for task in self._sending:
            task.cancel()
        self._sending.clear()
        self._waiting.clear()
        return parcels

    async def _deliver(self, parcel: P) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - runs as a task
        outcome = await self._send(parcel.body)
        if self._sending.pop(task, None) is None:
            return  # `stop` handed it back, though the outcome was on its way
        self._on_outcomes([(parcel, outcome)])
        if self._waiting:
            self.start(())

    def _look_for_bugs(self, task: asyncio.Task[None]) -> None:
        # What a bug left unsent stays among `_sending`, for `stop` to hand back.
        if not task.cancelled() and (error := task.exception()) and not self._broken.done():
            self._broken.set_exception(error)
