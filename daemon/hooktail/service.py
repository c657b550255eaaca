"""The composition root: it alone builds the parts, runs them in one TaskGroup, and stops them.

A *run* is one life of the parts under one configuration. SIGHUP ends a run in which nothing is in
flight any more and begins the next with the new configuration, on the same checkpoint and the
same open files; SIGTERM ends the last.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import structlog

from hooktail import checked, telemetry, visitor_secret
from hooktail.advice import advise
from hooktail.checkpoint.keeper import FORGET_CLAIMS_AFTER_S, Keeper
from hooktail.checkpoint.lock import StateLock, prepare_state_dir
from hooktail.checkpoint.store import Store
from hooktail.checkpoint.unparsed import UnparsedStore
from hooktail.delivery.deadletter import DeadLetters
from hooktail.delivery.destination import Destination
from hooktail.delivery.sender import Sender
from hooktail.delivery.worker_pool import WorkerPool
from hooktail.errors import CannotWriteError, ConfigError, HooktailError, Problem
from hooktail.extract import build_extractor
from hooktail.extract.once import OnceBook
from hooktail.model import Claim
from hooktail.pipeline import Feed
from hooktail.systemd import Notifier, watchdog_interval_s
from hooktail.tail.pipe import pipes_in
from hooktail.tail.pipe_source import PipeSource
from hooktail.tail.source import Source
from hooktail.tail.watcher import Watcher
from hooktail.telemetry import OncePer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hooktail.config import Config
    from hooktail.config.sections import SourceSection
    from hooktail.model import FileId
    from hooktail.tail.opening import LogFile
    from hooktail.tail.pipe import PipeReader

STATUS_S = 5.0
"""Between two status lines for systemd."""
STUCK_S = 120.0
"""A source without a turn for so long makes no progress: systemd's watchdog is not fed."""
MEET_AGAIN_S = 3600.0
ADVICE_S = 600.0
"""Between two warnings that say the same of a source's lines."""
QUIESCE_SHARE = 0.5
"""Of the drain deadline: sending what is queued; the rest is for what is in flight."""
SHUT_LOOK_S = 0.1
"""Between two looks at whether a destination that is being drained can still be sent to."""
SPARE_DESCRIPTORS = 64
"""Beside the connections: watches, journal, dead letters, name service."""
RELOAD_DRAIN_S = 2.0
"""For sending what is queued before a reload; the rest is read again after it."""

log = structlog.get_logger()


class Service:
    """The daemon. `run` returns when it was told to stop and has stopped."""

    def __init__(self, path: str | Path, config: Config, environ: Mapping[str, str]) -> None:
        self.config = config
        self._path = path
        self._environ = environ
        self._notifier = Notifier(environ)
        self._stop = asyncio.Event()
        self._stop_now = asyncio.Event()
        self._reload = asyncio.Event()

    async def run(self) -> None:
        """Runs until SIGTERM or SIGINT. Raises HooktailError for what the operator must mend."""
        state_dir = self.config.state_dir
        prepare_state_dir(state_dir)
        with StateLock(state_dir):
            _raise_file_limit()
            store = Store.open(
                state_dir,
                on_error=self.config.on_checkpoint_error,
                sources=[source.name for source in self.config.sources],
            )
            self._secret = self._visitor_secret(self.config)
            self._handle_signals()
            opened: dict[str, Opened] = {}
            while True:
                one = Run(self.config, store, self._secret, self._notifier, opened)
                opened = await one.run(self._stop, self._stop_now, self._reload)
                if self._stop.is_set() or one.input_ended.is_set():
                    break
                self._reload.clear()
                self._load_again()
            for each in opened.values():
                each.close()
            store.close()
            if not one.saved:
                raise CannotWriteError(
                    f"{state_dir}: the checkpoint could not be saved before the stop; what was "
                    "answered since is sent again after the next start, with the same event ids"
                )
        log.info("stopped")

    def _visitor_secret(self, config: Config) -> bytes:
        return visitor_secret.read_or_make(
            config.state_dir, self._environ, config.visitor_secret_file
        )

    def _handle_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop, signal.Signals(number).name)
        loop.add_signal_handler(signal.SIGHUP, self._on_hangup)

    def stop(self, reason: str = "asked") -> None:
        """Stops: the first time gently, the second time at once."""
        if self._stop.is_set():
            self._stop_now.set()
        else:
            log.info("stopping", reason=reason)
            self._notifier.stopping()
            self._stop.set()

    def _on_hangup(self) -> None:
        """Refuses a bad file here and now, while everything goes on."""
        if self._stop.is_set():
            return
        self._notifier.reloading()
        try:
            config = checked.load(self._path, self._environ)
            if config.state_dir != self.config.state_dir:
                raise ConfigError([_state_dir_problem(config, self.config)])
            secret = self._visitor_secret(config)
        except HooktailError as error:
            for line in str(error).splitlines():
                # The operator's mistake, not ours: its words are enough, no traceback.
                log.error("reload_refused", problem=line, hint="the old configuration stays")  # noqa: TRY400
            self._notifier.ready()
            return
        self._next, self._secret = config, secret
        self._reload.set()

    def _load_again(self) -> None:
        self.config = self._next
        log.info("reloaded", file=self.config.file)


@dataclass(slots=True)
class Opened:
    """What one source has open, from one run to the next."""

    files: dict[FileId, LogFile] = field(default_factory=dict)
    pipes: dict[str, PipeReader] = field(default_factory=dict)

    def close(self) -> None:
        """Closes everything."""
        for file in self.files.values():
            file.close()
        for pipe in self.pipes.values():
            pipe.close()


class Run:
    """The parts under one configuration."""

    def __init__(
        self,
        config: Config,
        store: Store,
        secret: bytes,
        notifier: Notifier,
        opened: dict[str, Opened],
    ) -> None:
        self._config = config
        self._notifier = notifier
        self._unparsed = UnparsedStore(config.state_dir / "unparsed")
        self._keeper = Keeper(
            store,
            self._unparsed,
            wall_s=time.time,
            clock=time.monotonic,
            on_health=self._on_health,
            followed=lambda: {key for feed in self._feeds for key in feed.keys},
        )
        claims = (Claim(key, owner, at) for key, (owner, at) in store.state.claims.items())
        self._once = OnceBook(claims)
        self._secret = secret
        self._opened = opened
        self.saved = True
        """Whether everything was written down at the end."""
        self.input_ended = asyncio.Event()
        """Set once everything that was to be read has come to its end, as pipes do."""
        self._destinations: dict[str, Destination] = {}
        self._feeds: list[Feed] = []
        self._sources: list[tuple[Feed, Source]] = []
        self._pipes: list[tuple[Feed, PipeSource]] = []
        self._watcher: Watcher | None = None
        self._advised = OncePer(ADVICE_S, time.monotonic)

    async def run(
        self, stop: asyncio.Event, stop_now: asyncio.Event, reload: asyncio.Event
    ) -> dict[str, Opened]:
        """Runs until told to stop or reload, or all input has ended; returns what is open."""
        async with contextlib.AsyncExitStack() as stack:
            await self._build(stack)
            try:
                async with asyncio.TaskGroup() as tasks:
                    running = self._start(tasks)
                    await _first_of(stop, reload, self.input_ended)
                    # What was read from a pipe cannot be read again after a reload.
                    stopping = not reload.is_set() or bool(self._pipes)
                    await self._wind_down(running, stop_now, stopping=stopping)
            finally:
                self.saved = self._keeper.flush()
            return self._release()

    def _release(self) -> dict[str, Opened]:
        opened = {feed.name: Opened() for feed in self._feeds}
        for feed, source in self._sources:
            opened[feed.name].files = source.release()
        for feed, pipes in self._pipes:
            opened[feed.name].pipes = pipes.release_pipes()
        return opened

    async def _build(self, stack: contextlib.AsyncExitStack) -> None:
        config = self._config
        dead_letters = DeadLetters(config.state_dir / "deadletter")
        workers = await self._start_workers(stack)
        used = {source.destination for source in config.sources}
        for name in sorted(used):
            section = config.destinations[name]
            telemetry.mask(section.account_id.reveal())
            sender = Sender(section, concurrency=config.delivery.concurrency, workers=workers)
            await stack.enter_async_context(sender)
            self._destinations[name] = Destination(
                name,
                sender,
                section=config.delivery,
                dead_letters=dead_letters,
                poison_tries=config.delivery.poison_tries,
            )
        self._watcher = Watcher(asyncio.get_running_loop(), self._ring)
        self._watcher.start()
        stack.push_async_callback(asyncio.to_thread, self._watcher.stop)
        sessions = self._keeper.store.state.sessions
        for gone in sessions.keys() - {source.name for source in config.sources}:
            del sessions[gone]
        for source in config.sources:
            destination = self._destinations[source.destination]
            extractor = build_extractor(
                source,
                payload=config.destinations[source.destination].payload,
                visitor_secret=self._secret,
                once=self._once,
                now_ms=lambda: time.time_ns() // 1_000_000,
                sessions=sessions.setdefault(source.name, {}),
            )
            feed = Feed(
                source, extractor, destination, self._keeper, self._unparsed, wall_s=time.time
            )
            self._feeds.append(feed)
            self._add_source(source, feed, self._opened.pop(source.name, Opened()))
        for opened in self._opened.values():  # of sources that the configuration no longer has
            opened.close()

    async def _start_workers(self, stack: contextlib.AsyncExitStack) -> WorkerPool | None:
        """Starts the processes that send, if they are more than this one."""
        count = self._config.delivery.workers
        return None if count == 1 else await stack.enter_async_context(WorkerPool(count))

    def _add_source(self, section: SourceSection, feed: Feed, opened: Opened) -> None:
        """Adds what reads the files of a source, and what reads its pipes."""
        pipes = {*pipes_in(section.paths), *opened.pipes.keys() & {*section.paths}}
        paths = tuple(path for path in section.paths if path not in pipes)
        if paths:
            source = Source(
                replace(section, paths=paths),
                feed,
                clock=time.monotonic,
                watch=self._watch,
                may_open=self._may_open,
                adopt=opened.files,
            )
            self._sources.append((feed, source))
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
            self._pipes.append((feed, reader))

    @property
    def _readers(self) -> list[tuple[Feed, Source | PipeSource]]:
        return [*self._sources, *self._pipes]

    def _start(self, tasks: asyncio.TaskGroup) -> list[list[asyncio.Task[None]]]:
        reading = [
            tasks.create_task(source.run(), name=f"source:{feed.name}")
            for feed, source in self._readers
        ]
        tasks.create_task(self._await_end(reading), name="end-of-input")
        sending = [
            tasks.create_task(destination.run(), name=f"deliver:{name}")
            for name, destination in self._destinations.items()
        ]
        keeping = [
            tasks.create_task(self._keeper.run(), name="checkpoint"),
            tasks.create_task(self._report(), name="watchdog-ping"),
            tasks.create_task(_surface_bugs(), name="bugs"),
        ]
        # What was built so far lives as long as the run: the collector need not look at it again.
        gc.freeze()
        log.info(
            "started",
            file=self._config.file,
            sources=[feed.name for feed in self._feeds],
            destinations=list(self._destinations),
        )
        for each in checked.warnings(self._config):
            log.warning(
                "config_warning",
                key=each.key,
                reason=each.message,
                found=each.found,
                hint=each.hint,
            )
        self._notifier.ready()
        return [reading, sending, keeping]

    async def _await_end(self, reading: list[asyncio.Task[None]]) -> None:
        """Only standard input ends: files and FIFOs are followed for ever."""
        if reading:
            await asyncio.wait(reading)
        if not any(task.cancelled() for task in reading):
            log.info("input_ended")
            self.input_ended.set()

    async def _wind_down(
        self,
        running: list[list[asyncio.Task[None]]],
        stop_now: asyncio.Event,
        *,
        stopping: bool,
    ) -> None:
        """Two steps: quit reading and drain within the deadline; then end the rest."""
        reading, sending, (keeping, *watching) = running
        await _cancel(reading)
        for feed in self._feeds:
            feed.close()
        deadline_s = self._config.delivery.drain_timeout_s
        winding = asyncio.create_task(self._drain(deadline_s, stopping=stopping), name="drain")
        at_once = asyncio.create_task(stop_now.wait(), name="stop-now")
        await asyncio.wait([winding, at_once], return_when=asyncio.FIRST_COMPLETED)
        await _cancel([winding])
        at_once.cancel()
        left = sum(destination.outstanding for destination in self._destinations.values())
        unfinished = sum(destination.in_flight for destination in self._destinations.values())
        await _cancel(sending)
        self._keeper.stop()
        await keeping
        await _cancel(watching)
        log.info("drained", events_left_for_the_next_start=left, requests_cut_short=unfinished)
        self._say_books()

    async def _drain(self, deadline_s: float, *, stopping: bool) -> None:
        """Sends what is queued, then waits for what is in flight."""
        destinations = self._destinations.values()
        ends_at = time.monotonic() + deadline_s
        queue_s = deadline_s * QUIESCE_SHARE if stopping else min(RELOAD_DRAIN_S, deadline_s)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(queue_s):
                await asyncio.gather(*(_drained_or_shut(each) for each in destinations))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(ends_at - time.monotonic(), 0)):
                await asyncio.gather(*(each.quiesce() for each in destinations))

    def _may_open(self) -> bool:
        """Keeps descriptors for connections and the state directory."""
        soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        connections = self._config.delivery.concurrency * len(self._destinations)
        reserve = min(connections + SPARE_DESCRIPTORS, soft // 2)
        opened = sum(source.file_count for _, source in self._readers)
        return opened < soft - reserve

    # -- bells

    def _ring(self, topology_changed: bool, modified: set[str]) -> None:
        for _, source in self._sources:
            source.ring(topology_changed, modified)

    def _watch(self) -> bool:
        """Has all directories of all sources watched; tells whether they are."""
        assert self._watcher is not None  # noqa: S101 - built before the sources
        sources = [source for _, source in self._sources]
        wanted: set[str] = set().union(*(source.directories for source in sources))
        awake: set[str] = set().union(*(source.awake_directories for source in sources))
        self._watcher.watch(wanted, awake)
        return wanted <= self._watcher.watched and self._watcher.alive

    def _on_health(self, healthy: bool) -> None:
        """Has no answer asked for that could not be written down."""
        for destination in self._destinations.values():
            if healthy:
                destination.resume()
            else:
                destination.pause("checkpoint_unwritable")

    # -- what systemd is told

    async def _report(self) -> None:
        interval_s = min(watchdog_interval_s(os.environ) or STATUS_S, STATUS_S)
        met_at = time.monotonic()
        while True:
            await asyncio.sleep(interval_s)
            stuck = self._stuck()
            if stuck:
                log.error("no_progress", tasks=stuck, hint="the watchdog is not fed")
            else:
                self._notifier.watchdog()
            self._notifier.status(self._status())
            self._advise()
            if time.monotonic() - met_at > MEET_AGAIN_S:
                met_at = time.monotonic()
                self._say_books()
                for feed in self._feeds:
                    feed.met_again()
                self._once.forget_before(int((time.time() - FORGET_CLAIMS_AFTER_S) * 1000))

    def _say_books(self) -> None:
        """Says what became of the lines of each source; hourly, and at the end of a run."""
        for feed in self._feeds:
            more: dict[str, object] = {"lost_bytes": feed.lost_bytes} if feed.lost_bytes else {}
            if feed.extractor.uncast:
                more["uncast"] = dict(feed.extractor.uncast)
            log.info(
                "books",
                source=feed.section.name,
                **feed.books.totals,
                pending=feed.pending,
                **more,
            )

    def _advise(self) -> None:
        for feed in self._feeds:
            book = feed.extractor.sessions.book
            if book.dropped and self._advised.allow((feed.section.name, "sessions")) is not None:
                log.warning(
                    "sessions_dropped",
                    source=feed.section.name,
                    sessions=book.dropped,
                    hint="more visitors at a time than max_sessions: those seen longest ago begin "
                    "a new session if they come again; raise source.session.max_sessions",
                )
                book.dropped = 0
            looks = feed.extractor.audience.advice
            if looks is not None and self._advised.allow((feed.name, looks.looks)) is not None:
                log.warning("addresses_look_wrong", source=feed.name, **looks._asdict())
            future = feed.extractor.audience.future
            if future is not None and self._advised.allow((feed.name, "future")) is not None:
                log.warning("log_is_ahead", source=feed.name, **future._asdict())
            advice = advise(feed.books.totals, feed.pending)
            if advice is None:
                continue
            name = feed.section.name
            if self._advised.allow((name, advice.reason)) is not None:
                log.warning("few_events", source=name, **advice._asdict())

    def _stuck(self) -> list[str]:
        now = time.monotonic()
        stuck = [
            f"source:{feed.section.name}"
            for feed, source in self._readers
            if (feed.has_room and now - source.turned_at > STUCK_S) or source.stalled
        ]
        if self._watcher is not None and not self._watcher.alive:
            stuck.append("watcher")
        return stuck

    def _status(self) -> str:
        read = sum(feed.books.totals.get("read", 0) for feed in self._feeds)
        delivered = sum(feed.books.totals.get("delivered", 0) for feed in self._feeds)
        unread = sum(file.unread_bytes for _, source in self._sources for file in source.files)
        states = ", ".join(
            f"{name} {destination.snapshot().state}"
            for name, destination in self._destinations.items()
        )
        return f"{read} lines read, {delivered} events delivered, {unread} bytes behind; {states}"


async def _drained_or_shut(destination: Destination) -> None:
    """Waits until nothing is queued, or nothing can be sent: waiting longer would be in vain."""
    while destination.outstanding and destination.snapshot().state not in ("down", "held"):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SHUT_LOOK_S):
                await destination.drain()


async def _surface_bugs() -> None:
    """Ends the service if a callback of the loop raises: asyncio alone would only log it.

    The journal is written in such a callback. Going on without it would be worse than a restart.
    """
    loop = asyncio.get_running_loop()
    raised: asyncio.Future[None] = loop.create_future()

    def surface(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        log.error("unexpected", message=context.get("message"), exc_info=error)
        handle = context.get("handle")
        if error is not None and handle is not None and not raised.done():
            raised.set_exception(error)

    loop.set_exception_handler(surface)
    await raised


async def _first_of(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _raise_file_limit() -> None:
    """Every followed file costs a descriptor: take what the hard limit allows."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _state_dir_problem(found: Config, running: Config) -> Problem:
    return Problem(
        file=found.file,
        key="state_dir",
        message="cannot change while running",
        found=str(found.state_dir),
        allowed=str(running.state_dir),
        hint="restart the service instead",
    )
