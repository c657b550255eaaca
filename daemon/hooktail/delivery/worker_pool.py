"""Keeps so many workers running, and tells the lanes which there are.

    starting ─► ready: joins every lane ─► died, hung or ended: leaves them ─► starting, later

A worker that dies takes nothing with it but the knowledge of what became of its requests: the lanes
send those again. It is started again at once if it has lived for long, otherwise ever more slowly.
"""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Any, Protocol, Self

import structlog

from hooktail.delivery import worker_frames as frames
from hooktail.delivery.backoff import doubled_s
from hooktail.delivery.worker_process import WorkerProcess
from hooktail.telemetry import OncePer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

START_S = 15.0
"""For the first workers to be ready; then the daemon begins with those that are."""
STEADY_S = 60.0
"""A worker that lived so long died of something else than the one before it."""
RESTART_INITIAL_S = 0.2
RESTART_MAX_S = 30.0
REPEAT_S = 60.0
"""Between two lines that say the same of what workers say."""
_MOST_SAID_CHARS = 2000

log = structlog.get_logger()


class Member(Protocol):
    """A lane that sends by workers."""

    number: int
    """Its name in frames."""

    def joined(self, worker: WorkerProcess) -> None:
        """Is told of a worker that is ready."""

    def left(self, worker: WorkerProcess) -> int:
        """Is told that a worker is gone; returns how many of its parcels have no outcome."""

    def take(self, worker: WorkerProcess, outcomes: frames.Outcomes) -> None:
        """Is told what became of parcels."""

    def broke(self, error: BaseException) -> None:
        """Is told of a bug."""


class WorkerPool:
    """An async context: `count` processes. All methods run on the loop thread."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._ready: list[WorkerProcess] = []
        self._lanes: dict[int, Member] = {}
        self._lanes_made = 0
        self._keepers: list[asyncio.Task[None]] = []
        self._begun: set[int] = set()
        """Workers that were ready once, or failed to be."""
        self._all_begun = asyncio.Event()
        self._said = OncePer(REPEAT_S, time.monotonic)

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that are ready."""
        return [worker.pid for worker in self._ready]

    async def __aenter__(self) -> Self:
        for number in range(1, self.count + 1):
            keeper = asyncio.create_task(self._keep(number), name=f"worker:{number}")
            keeper.add_done_callback(self._look_for_bugs)
            self._keepers.append(keeper)
        try:
            # The first answer would look slow if its worker had to be waited for.
            async with asyncio.timeout(START_S):
                await self._all_begun.wait()
        except TimeoutError:
            log.warning("workers_slow_to_start", ready=len(self._ready), of=self.count)
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        await self._end()

    def add(self, lane: Member) -> Iterable[WorkerProcess]:
        """Numbers a lane, and has it told of workers until `remove`; returns those there are."""
        self._lanes_made += 1
        lane.number = self._lanes_made
        self._lanes[lane.number] = lane
        return self._ready

    def remove(self, lane: Member) -> None:
        """Has every worker forget a lane."""
        if self._lanes.pop(lane.number, None) is not None:
            for worker in self._ready:
                worker.send(frames.STOP, lane.number)

    # -- one worker

    async def _keep(self, number: int) -> None:
        """Keeps one worker running until cancelled."""
        deaths = 0
        while True:
            began_at = time.monotonic()
            try:
                worker = WorkerProcess(number, self._on_frame)
            except OSError as error:
                died: dict[str, object] = {"reason": error.strerror or "cannot be started"}
            else:
                died = await self._live(worker)
            self._began(number)
            deaths = 0 if time.monotonic() - began_at >= STEADY_S else deaths + 1
            wait_s = doubled_s(deaths - 1, initial_s=RESTART_INITIAL_S, max_s=RESTART_MAX_S)
            wait_s = wait_s if deaths else 0.0
            log.warning(
                "worker_died",
                worker=number,
                **died,
                next_start_s=wait_s,
                hint="what it was sending is sent again",
            )
            await asyncio.sleep(wait_s)

    async def _live(self, worker: WorkerProcess) -> dict[str, object]:
        """Goes with a worker until it has died; ends it if cancelled."""
        in_flight = 0
        try:
            await worker.watch()
        finally:
            if worker in self._ready:
                self._ready.remove(worker)
                in_flight = sum(lane.left(worker) for lane in [*self._lanes.values()])
            status = await worker.end()
        reason = "hung" if worker.hung else _words(status)
        return {"pid": worker.pid, "reason": reason, "status": status, "in_flight": in_flight}

    def _on_frame(self, worker: WorkerProcess, kind: int, number: int, payload: bytes) -> None:
        if kind == frames.OUTCOMES:
            if (lane := self._lanes.get(number)) is not None:  # else it was stopped meanwhile
                lane.take(worker, frames.read_outcomes(payload))
        elif kind == frames.READY:
            log.info("worker_started", worker=worker.number, pid=worker.pid)
            self._ready.append(worker)
            for each in [*self._lanes.values()]:
                each.joined(worker)
            self._began(worker.number)
        elif kind == frames.SAID:
            text = payload.decode("utf-8", "replace")[-_MOST_SAID_CHARS:]
            if (unsaid := self._said.allow(text)) is not None:
                log.warning(
                    "worker_said",
                    worker=worker.number,
                    pid=worker.pid,
                    text=text,
                    repeated=unsaid,
                )

    def _began(self, number: int) -> None:
        self._begun.add(number)
        if len(self._begun) == self.count:
            self._all_begun.set()

    async def _end(self) -> None:
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    def _look_for_bugs(self, keeper: asyncio.Task[Any]) -> None:
        if not keeper.cancelled() and (error := keeper.exception()):
            for lane in self._lanes.values():
                lane.broke(error)


def _words(status: int) -> str:
    """Says how a process ended, as people know it."""
    if status >= 0:
        return f"exit {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"
