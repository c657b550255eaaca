"""A lane whose requests are made by workers: what is sent leaves the process, what it means stays.

    start ─► waiting ─► deal: to the worker with most room ─► worker ─► outcomes ─► on_outcomes
                ▲                                               │
                └───────────────── it died ─────────────────────┘

A worker is handed only what may be in flight in it now, so its death, or ours, leaves nothing in
doubt but that. What was in flight in one that died has an unknown outcome: it goes out once more,
the same bytes, by another worker or by the next that starts. Nobody counts that as a try.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from typing import TYPE_CHECKING, Generic

from hooktail.delivery import worker_frames as frames
from hooktail.delivery.lane import P
from hooktail.delivery.sharing import deal, shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hooktail.delivery.lane import OnOutcomes
    from hooktail.delivery.outcome import Outcome
    from hooktail.delivery.target import Target
    from hooktail.delivery.worker_pool import WorkerPool
    from hooktail.delivery.worker_process import WorkerProcess


class _Part(Generic[P]):
    """What one worker does for a lane."""

    __slots__ = ("sent", "share", "worker")

    def __init__(self, worker: WorkerProcess) -> None:
        self.worker = worker
        self.share = 0
        self.sent: dict[int, P] = {}
        """What it was handed and has not answered for, by number, in the order of sending."""


class WorkerLane(Generic[P]):
    """`kind` is the lane that each worker sends on, `fast` or `plain`. `stop` is final."""

    number = 0

    def __init__(
        self,
        pool: WorkerPool,
        target: Target,
        on_outcomes: OnOutcomes[P],
        *,
        limit: int,
        kind: str,
    ) -> None:
        self.silent_retries = 0
        """Parcels sent again at once after a used connection turned out to be closed."""
        self._pool = pool
        self._limit = limit
        self._kind = kind
        self._connections = limit
        self._opening = self._opening_for(target)
        self._on_outcomes = on_outcomes
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._parts: list[_Part[P]] = []
        self._waiting: deque[P] = deque()
        self._next_number = 0
        for worker in pool.add(self):
            self.joined(worker)

    # -- what the destination sees

    @property
    def limit(self) -> int:
        """Connections at most, of all workers together."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        if limit != self._limit:
            self._limit = limit
            self._share_out()
            self._deal()

    def start(self, parcels: Sequence[P]) -> None:
        """Sends parcels; those for which no worker has room wait."""
        self._waiting.extend(parcels)
        self._deal()

    async def run(self) -> None:
        """Waits until cancelled; raises what a bug raised."""
        await self._broken

    def stop(self) -> list[P]:
        """Has everything cut short that is in flight, and returns it with what waited."""
        self._pool.remove(self)
        sent = {number: parcel for part in self._parts for number, parcel in part.sent.items()}
        parcels = [*(sent[number] for number in sorted(sent)), *self._waiting]
        self._parts.clear()
        self._waiting.clear()
        return parcels

    async def aclose(self) -> None:
        """Ends the lane."""
        self.stop()

    def retarget(self, target: Target) -> None:
        """Sends to another account from now on; only while nothing is in flight."""
        self._pool.remove(self)
        self._parts.clear()
        self._opening = self._opening_for(target)
        for worker in self._pool.add(self):
            self.joined(worker)

    def _opening_for(self, target: Target) -> bytes:
        opening = {"target": target.packed(), "kind": self._kind, "connections": self._connections}
        return json.dumps(opening).encode()

    # -- what the pool tells

    def joined(self, worker: WorkerProcess) -> None:
        """Gives work to one more worker."""
        self._parts.append(_Part(worker))
        worker.send(frames.OPEN, self.number, self._opening)
        self._share_out()
        self._deal()

    def left(self, worker: WorkerProcess) -> int:
        """Takes back what a worker was sending, to be sent first of all."""
        part = next(part for part in self._parts if part.worker is worker)
        self._parts.remove(part)
        self._waiting.extendleft(reversed(part.sent.values()))
        self._share_out()
        self._deal()
        return len(part.sent)

    def take(self, worker: WorkerProcess, outcomes: frames.Outcomes) -> None:
        """Hands over what became of parcels, and sends what waited for it."""
        part = next(part for part in self._parts if part.worker is worker)
        self.silent_retries += outcomes.silent_retries
        answered = part.sent.pop
        told: list[tuple[P, Outcome]] = [
            (answered(number), outcome) for number, outcome in outcomes.told
        ]
        try:
            self._on_outcomes(told)
            self._deal()
        except BaseException as error:
            self.broke(error)
            raise

    def broke(self, error: BaseException) -> None:
        """Has `run` raise."""
        if not self._broken.done():
            self._broken.set_exception(error)

    # -- sharing

    def _share_out(self) -> None:
        """Divides the limit, and tells each worker whose share is another now."""
        if not self._parts:
            return
        for part, share in zip(self._parts, shares(self._limit, len(self._parts)), strict=True):
            if share != part.share:
                part.share = share
                part.worker.send(frames.LIMIT, self.number, b"%d" % share)

    def _deal(self) -> None:
        """Hands out what waits, as far as there is room."""
        if not self._waiting:
            return
        rooms = [max(part.share - len(part.sent), 0) for part in self._parts]
        for part, count in zip(self._parts, deal(len(self._waiting), rooms), strict=True):
            if not count:
                continue
            parcels = [self._waiting.popleft() for _ in range(count)]
            first = self._next_number
            self._next_number += count
            part.sent.update(zip(range(first, first + count), parcels, strict=True))
            payload = frames.parcels_payload(first, [parcel.body for parcel in parcels])
            part.worker.send(frames.PARCELS, self.number, payload)
