"""One destination with the sources that feed it: what a reload leaves alone or replaces whole.

A source that feeds two destinations is in two branches, which know nothing of each other: each
reads the files by itself, from positions of its own (`checkpoint.places`). So a destination that is
held keeps nobody waiting but those who read for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hooktail import endpoints, telemetry
from hooktail.config import proxies
from hooktail.delivery.destination import Destination
from hooktail.delivery.sender import Sender
from hooktail.extract import build_extractor
from hooktail.pipeline import Feed
from hooktail.tail.pipe import pipes_in
from hooktail.tail.pipe_source import PipeSource
from hooktail.tail.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.checkpoint.keeper import Keeper
    from hooktail.checkpoint.unparsed import UnparsedStore
    from hooktail.delivery.deadletter import DeadLetters
    from hooktail.delivery.telling import Shut
    from hooktail.delivery.worker_pool import WorkerPool
    from hooktail.extract.once import OnceBook
    from hooktail.model import FileId
    from hooktail.planning import Plan, Reading
    from hooktail.tail.opening import LogFile
    from hooktail.tail.pipe import PipeReader

QUIESCE_SHARE = 0.5
"""Of the drain deadline: sending what is queued; the rest is for what is in flight."""
SHUT_LOOK_S = 0.1
"""Between two looks at whether a destination that is being drained can still be sent to."""
RELOAD_DRAIN_S = 2.0
"""For sending what is queued before a reload; the rest is read again after it."""


@dataclass(slots=True)
class Opened:
    """What one reading has open, from one branch to the next."""

    files: dict[FileId, LogFile] = field(default_factory=dict)
    pipes: dict[str, PipeReader] = field(default_factory=dict)

    def close(self) -> None:
        """Closes everything."""
        for file in self.files.values():
            file.close()
        for pipe in self.pipes.values():
            pipe.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all branches have in common."""

    keeper: Keeper
    unparsed: UnparsedStore
    dead_letters: DeadLetters
    once: OnceBook
    watch: Callable[[], bool]
    may_open: Callable[[], bool]
    workers: Callable[[], WorkerPool | None]
    """The processes that send, if they are others than this one."""


class Branch:
    """Is opened, started, wound down and closed, in this order. `plan` never changes.

    `shut` is that of the destination whose place it takes.
    """

    def __init__(self, plan: Plan, shared: Shared, shut: Shut | None = None) -> None:
        self.plan = plan
        self.feeds: list[Feed] = []
        self.sources: list[tuple[Feed, Source]] = []
        self.pipes: list[tuple[Feed, PipeSource]] = []
        self.reading: list[asyncio.Task[None]] = []
        self.leaving = False
        """Whether it is being wound down."""
        self._shared = shared
        self._sending: asyncio.Task[None] | None = None
        telemetry.mask(plan.destination.account_id.reveal())
        for text in endpoints.secrets_of(plan.destination.endpoint):
            telemetry.mask(text)
        if plan.destination.proxy is not None:
            for text in proxies.secrets_of(plan.destination.proxy):
                telemetry.mask(text)
        self._sender = Sender(
            plan.destination, concurrency=plan.delivery.concurrency, workers=shared.workers()
        )
        self.destination = Destination(
            plan.destination.name,
            self._sender,
            section=plan.delivery,
            dead_letters=shared.dead_letters,
            poison_tries=plan.delivery.poison_tries,
            before_probe=self._sender.look_again,
            shut=shut,
        )
        if not shared.keeper.healthy:
            self.destination.pause("checkpoint_unwritable")

    @property
    def readers(self) -> list[tuple[Feed, Source | PipeSource]]:
        """All that reads."""
        return [*self.sources, *self.pipes]

    async def open(self, opened: dict[str, Opened]) -> None:
        """Builds the parts; takes what it goes on with out of `opened`, which is by place."""
        await self._sender.__aenter__()
        sessions = self._shared.keeper.store.state.sessions
        for reading in self.plan.readings:
            extractor = build_extractor(
                reading.source,
                payload=self.plan.destination.payload,
                visitor_secret=self.plan.visitor_secret,
                once=self._shared.once,
                now_ms=lambda: time.time_ns() // 1_000_000,
                sessions=sessions.setdefault(reading.place, {}),
            )
            feed = Feed(
                reading.source,
                extractor,
                self.destination,
                self._shared.keeper,
                self._shared.unparsed if reading.keeps_unparsable else None,
                wall_s=time.time,
                place=reading.place,
            )
            self.feeds.append(feed)
            self._add_readers(reading, feed, opened.pop(reading.place, Opened()))

    def _add_readers(self, reading: Reading, feed: Feed, opened: Opened) -> None:
        """Adds what reads the files of a source, and what reads its pipes."""
        section = replace(reading.source, name=reading.place)
        pipes = {*pipes_in(section.paths), *opened.pipes.keys() & {*section.paths}}
        paths = tuple(path for path in section.paths if path not in pipes)
        if paths:
            source = Source(
                replace(section, paths=paths),
                feed,
                clock=time.monotonic,
                watch=self._shared.watch,
                may_open=self._shared.may_open,
                adopt=opened.files,
            )
            self.sources.append((feed, source))
        else:
            Opened(files=opened.files).close()
        if not pipes:
            Opened(pipes=opened.pipes).close()
        else:
            reader = PipeSource(
                replace(section, paths=tuple(sorted(pipes))),
                feed,
                clock=time.monotonic,
                encoding=section.format_options.get("encoding"),
                adopt=opened.pipes,
            )
            self.pipes.append((feed, reader))

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begins to read and to send."""
        self._sending = tasks.create_task(
            self.destination.run(), name=f"deliver:{self.destination.name}"
        )
        self.reading = [
            tasks.create_task(source.run(), name=f"source:{feed.name}")
            for feed, source in self.readers
        ]

    async def wind_down(self, stop_now: asyncio.Event, *, stopping: bool) -> tuple[int, int]:
        """Quits reading and drains within the deadline; then ends what is left.

        Returns how many events were left for the next start, and how many requests cut short.
        """
        self.leaving = True
        await cancel(self.reading)
        for feed in self.feeds:
            feed.close()
        # What was read from a pipe cannot be read again after a reload.
        stopping = stopping or bool(self.pipes)
        draining = asyncio.create_task(self._drain(stopping=stopping), name="drain")
        at_once = asyncio.create_task(stop_now.wait(), name="stop-now")
        try:
            await asyncio.wait([draining, at_once], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel([draining])
            at_once.cancel()
        left, unfinished = self.destination.outstanding, self.destination.in_flight
        left += sum(feed.absent for feed in self.feeds)
        await cancel([self._sending] if self._sending else [])
        return left, unfinished

    async def _drain(self, *, stopping: bool) -> None:
        """Sends what is queued, then waits for what is in flight."""
        deadline_s = self.plan.delivery.drain_timeout_s
        ends_at = time.monotonic() + deadline_s
        queue_s = deadline_s * QUIESCE_SHARE if stopping else min(RELOAD_DRAIN_S, deadline_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(queue_s):
                await _drained_or_shut(self.destination)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(ends_at - time.monotonic(), 0)):
                await self.destination.quiesce()

    async def close(self) -> dict[str, Opened]:
        """Hangs up, and returns what is open by place."""
        await self._sender.__aexit__(None, None, None)
        opened = {feed.name: Opened() for feed in self.feeds}
        for feed, source in self.sources:
            opened[feed.name].files = source.release()
        for feed, pipes in self.pipes:
            opened[feed.name].pipes = pipes.release_pipes()
        return opened


async def _drained_or_shut(destination: Destination) -> None:
    """Waits until nothing is queued, or nothing can be sent: waiting longer would be in vain."""
    while destination.outstanding and destination.snapshot().state not in ("down", "held"):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHUT_LOOK_S):
                await destination.drain()


async def cancel(tasks: list[asyncio.Task[None]]) -> None:
    """Cancels tasks and waits for their end."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
