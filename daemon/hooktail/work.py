"""The work under a configuration: builds the parts, runs them in one TaskGroup, and ends them.

The parts are branches (`branch`): a destination with those who read for it. A new configuration
replaces the branches that it changes, on the same checkpoint and the same open files; the others
are not touched. A stop winds all of them down.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import structlog

from hooktail import descriptors, garbage, loop_bugs
from hooktail.branch import Branch, Opened, Shared, cancel
from hooktail.checkpoint.keeper import Keeper
from hooktail.checkpoint.places import Places
from hooktail.checkpoint.unparsed import UnparsedStore
from hooktail.delivery.deadletter import DeadLetters
from hooktail.delivery.staff import Staff
from hooktail.errors import HooktailError
from hooktail.extract.once import OnceBook
from hooktail.model import Claim
from hooktail.planning import claims_needed_for_s, plans, replacements
from hooktail.reporting import Reporter, say_books
from hooktail.tail.watcher import Watcher

if TYPE_CHECKING:
    from collections.abc import Collection, Coroutine, Mapping

    from hooktail.checkpoint.lock import StateLock
    from hooktail.checkpoint.store import Store
    from hooktail.config import Config
    from hooktail.pipeline import Feed
    from hooktail.planning import Plan
    from hooktail.systemd import Notifier
    from hooktail.tail.source import Source

log = structlog.get_logger()


class Work:
    """The branches that there are, and what they share."""

    def __init__(
        self,
        config: Config,
        store: Store,
        lock: StateLock,
        stop: asyncio.Event,
        stop_now: asyncio.Event,
    ) -> None:
        self.branches: dict[str, Branch] = {}
        """By destination."""
        self.asked_again: list[str] = []
        """Destinations that the last `follow` touched only because they were shut."""
        self.saved = True
        """Whether everything was written down at the end."""
        self.input_ended = asyncio.Event()
        """Set once everything that was to be read has come to its end, as pipes do."""
        self._stop = stop
        self._stop_now = stop_now
        self._sessions = store.state.sessions
        self._places = dict(store.state.places)
        self._opened: dict[str, Opened] = {}
        self._replacing: set[asyncio.Task[None]] = set()
        self._staff = Staff()
        unparsed = UnparsedStore(config.state_dir / "unparsed")
        self._keeper = Keeper(
            store,
            unparsed,
            wall_s=time.time,
            clock=time.monotonic,
            on_health=self._on_health,
            followed=lambda: {key for feed in self.feeds for key in feed.keys},
            hold_lock=lock.hold_again,
            on_forgotten=self._on_forgotten,
        )
        # Before the keeper forgets anything.
        self._keeper.keep_claims_for(claims_needed_for_s(config))
        self._keeper.begin()
        self._watcher = Watcher(asyncio.get_running_loop(), self._ring)
        claims = (Claim(key, owner, at) for key, (owner, at) in store.state.claims.items())
        self._shared = Shared(
            keeper=self._keeper,
            unparsed=unparsed,
            dead_letters=DeadLetters(config.state_dir / "deadletter"),
            once=OnceBook(claims),
            watch=self._watch,
            may_open=self._may_open,
            workers=lambda: self._staff.workers,
        )

    @property
    def feeds(self) -> list[Feed]:
        """All that is read, once for each destination."""
        return [feed for branch in self.branches.values() for feed in branch.feeds]

    # -- the life of it

    async def run(self, notifier: Notifier, lead: Coroutine[Any, Any, None]) -> None:
        """Runs the branches that `lead` has it follow; winds them down once `lead` has ended."""
        reporter = Reporter(
            notifier,
            self.branches.values,
            watching=lambda: self._watcher.alive,
            hourly=self._hourly,
        )
        self._watcher.start()
        try:
            async with asyncio.TaskGroup() as self._tasks:
                keeping = self._tasks.create_task(self._keeper.run(), name="checkpoint")
                watching = [
                    self._tasks.create_task(reporter.run(), name="watchdog-ping"),
                    self._tasks.create_task(loop_bugs.surface_bugs(), name="bugs"),
                ]
                await lead
                await self._wind_down()
                self._keeper.stop()
                await keeping
                await cancel(watching)
        except BaseExceptionGroup as group:
            # What the operator must mend is said in its own words.
            if group.split(HooktailError)[1] is not None:
                raise
            raise _first_leaf(group) from None
        finally:
            self.saved = self._keeper.flush()
            for branch in self.branches.values():
                self._opened |= await branch.close()
            self._close_opened()
            await self._staff.have(1)
            await self._staff.dismiss()
            await asyncio.to_thread(self._watcher.stop)

    async def follow(self, config: Config, visitor_secret: bytes) -> set[str]:
        """Replaces the branches that a configuration changes, each without waiting for others.

        Returns the destinations that were touched. Returns early if a stop comes in between.
        """
        self._keeper.keep_claims_for(claims_needed_for_s(config))
        known = {
            source.name: self._places.get(source.name, Places()).name(
                source.name, source.destinations
            )
            for source in config.sources
        }
        for name, places in known.items():
            if places != self._places.get(name):
                self._keeper.note_record({"feed": {name: places.to_json()}})
        self._places |= known
        await self._staff.have(config.delivery.workers)
        old = {name: branch.plan for name, branch in self.branches.items()}
        new = plans(config, known, visitor_secret)
        # Whoever reloads while a destination is shut has most likely mended something.
        shut = [
            name
            for name, branch in self.branches.items()
            if branch.destination.snapshot().state in ("down", "held")
        ]
        groups = replacements(old, new, anew=shut)
        self.asked_again = sorted(name for name in shut if old[name] == new.get(name))
        self._replacing = {
            self._tasks.create_task(self._replace(group, new), name="replace") for group in groups
        }
        stop = asyncio.create_task(self._stop.wait(), name="stop")
        pending = set(self._replacing)
        while pending and not stop.done():
            _, rest = await asyncio.wait({*pending, stop}, return_when=asyncio.FIRST_COMPLETED)
            pending &= rest
        stop.cancel()
        if not pending:
            self._replacing = set()
            self._close_opened()
            await self._staff.dismiss()
            for gone in self._sessions.keys() - {feed.name for feed in self.feeds}:
                del self._sessions[gone]
            garbage.settle()
            self._look_for_end()
        return set().union(*groups)

    async def _replace(self, group: set[str], new: Mapping[str, Plan]) -> None:
        """Winds down the branches of some destinations, and starts those that come after."""
        old = [self.branches[name] for name in sorted(group) if name in self.branches]
        shut = {}
        if old:
            await self._end(old, stopping=False)
            for branch in old:
                self._opened |= await branch.close()
                del self.branches[branch.destination.name]
                shut[branch.destination.name] = branch.destination.shut
            self._keeper.flush()
        if self._stop.is_set():
            return
        for name in sorted(group & new.keys()):
            branch = Branch(new[name], self._shared, shut.get(name))
            await branch.open(self._opened)
            self.branches[name] = branch
            branch.start(self._tasks)
            for task in branch.reading:
                task.add_done_callback(lambda _task: self._look_for_end())

    async def _wind_down(self) -> None:
        staying = [branch for branch in self.branches.values() if not branch.leaving]
        await asyncio.gather(self._end(staying, stopping=True), *self._replacing)

    async def _end(self, branches: list[Branch], *, stopping: bool) -> None:
        ends = await asyncio.gather(
            *(branch.wind_down(self._stop_now, stopping=stopping) for branch in branches)
        )
        log.info(
            "drained",
            destinations=[branch.destination.name for branch in branches],
            events_left=sum(left for left, _ in ends),
            requests_cut_short=sum(unfinished for _, unfinished in ends),
        )
        say_books(branches)

    def _look_for_end(self) -> None:
        """Only standard input ends: files and FIFOs are followed for ever."""
        reading = [task for branch in self.branches.values() for task in branch.reading]
        ended = all(task.done() and not task.cancelled() for task in reading)
        if ended and not self._replacing and not self._stop.is_set():
            log.info("input_ended")
            self.input_ended.set()

    def _close_opened(self) -> None:
        for opened in self._opened.values():  # of what the configuration no longer has
            opened.close()
        self._opened.clear()

    # -- what branches ask for

    def _may_open(self) -> bool:
        branches = self.branches.values()
        return descriptors.may_open(
            sum(source.file_count for branch in branches for _, source in branch.readers),
            connections=sum(branch.plan.delivery.concurrency for branch in branches),
        )

    @property
    def _sources(self) -> list[Source]:
        return [source for branch in self.branches.values() for _, source in branch.sources]

    def _ring(self, topology_changed: bool, modified: set[str]) -> None:
        for source in self._sources:
            source.ring(topology_changed, modified)

    def _watch(self) -> bool:
        """Has all directories of all sources watched; tells whether they are."""
        sources = self._sources
        wanted: set[str] = set().union(*(source.directories for source in sources))
        awake: set[str] = set().union(*(source.awake_directories for source in sources))
        self._watcher.watch(wanted, awake)
        return wanted <= self._watcher.watched and self._watcher.alive

    def _on_health(self, healthy: bool) -> None:
        """Has no answer asked for that could not be written down."""
        for branch in self.branches.values():
            if healthy:
                branch.destination.resume()
            else:
                branch.destination.pause("checkpoint_unwritable")

    def _on_forgotten(self, keys: Collection[int]) -> None:
        for feed in self.feeds:
            feed.forgotten(keys)

    def _hourly(self) -> None:
        for feed in self.feeds:
            feed.met_again()
        self._shared.once.forget_before(int(self._keeper.claims_begin_ms))


def _first_leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    first = group.exceptions[0]
    return _first_leaf(first) if isinstance(first, BaseExceptionGroup) else first
