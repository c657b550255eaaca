"""Carries what happened to the journal: once per loop turn, durable once a second.

Everything noted between two turns goes into one record, so that it survives together or not at
all: lines read, lines opened and settled, counters, `once_per` claims.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

import structlog

from hooktail.checkpoint.store import COMPACT_BYTES, GONE
from hooktail.checkpoint.unwritable import hint_for
from hooktail.model import State
from hooktail.telemetry import OncePer

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from collections.abc import Set as AbstractSet

    from hooktail.checkpoint.store import Store
    from hooktail.checkpoint.unparsed import UnparsedStore

SYNC_S = 1.0
DAY_S = 86_400
FORGET_AFTER_S = 7 * DAY_S
"""Entries of files not met for so long are forgotten: longer than any mount is away."""
CLAIMS_FOR_S = 37 * DAY_S
"""So long `once_per` keys are kept at least: what the defaults of sources and rules need."""
MOST_CLAIMS = 1_000_000
"""More `once_per` keys are not remembered, whatever a client sends."""
LOST_KEY = f"{State.EXPIRED}.lost_with_its_file"


class Noted(Protocol):
    """Something with changes for the journal."""

    def add_to(self, record: dict[str, Any]) -> None:
        """Adds its changes since the last call to a journal record."""


class Keeper:
    """Writes the journal. All methods run on the loop thread."""

    def __init__(
        self,
        store: Store,
        unparsed: UnparsedStore,
        *,
        wall_s: Callable[[], float],
        clock: Callable[[], float],
        on_health: Callable[[bool], None] = lambda _healthy: None,
        followed: Callable[[], AbstractSet[int]] = frozenset,
        hold_lock: Callable[[], None] = lambda: None,
        on_forgotten: Callable[[Collection[int]], None] = lambda _keys: None,
    ) -> None:
        self.store = store
        self._stopping = asyncio.Event()
        self._well = asyncio.Event()
        self._well.set()
        self._unparsed = unparsed
        self._wall_s = wall_s
        self._on_health = on_health
        self._followed = followed
        self._hold_lock = hold_lock
        self._on_forgotten = on_forgotten
        self._claims_for_s: float = CLAIMS_FOR_S
        self._noted: dict[Noted, None] = {}
        self._scheduled = False
        self._log = structlog.get_logger()
        self._complaints = OncePer(60.0, clock)

    def keep_claims_for(self, span_s: float) -> None:
        """Keeps `once_per` keys for so long, or longer if that was asked for before.

        A rule that is gone after a reload may be back after the next one.
        """
        self._claims_for_s = max(self._claims_for_s, span_s)

    @property
    def claims_begin_ms(self) -> float:
        """The event time before which no `once_per` key is needed: a day earlier than they hold."""
        return (self._wall_s() - self._claims_for_s - DAY_S) * 1000

    @property
    def healthy(self) -> bool:
        """False while the journal cannot be written."""
        return self._well.is_set()

    async def wait_healthy(self) -> None:
        """Waits until the journal can be written."""
        await self._well.wait()

    def begin(self) -> None:
        """Has reading and sending wait from the start on if the journal cannot be written."""
        try:
            if self.store.hindered is not None:
                raise self.store.hindered
            self.store.reserve()
        except OSError as error:
            self._unwell(error)

    def note(self, changed: Noted) -> None:
        """Has the changes of something written at the end of this loop turn."""
        self._noted[changed] = None
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def note_record(self, record: dict[str, Any]) -> None:
        """Has a ready-made record written at the end of this loop turn."""
        self.note(_Ready(record))

    def _turn(self) -> None:
        self._scheduled = False
        self.flush()

    def flush(self) -> bool:
        """Writes what was noted now; tells whether it could be written.

        If it could not, it is kept, reading and sending stop (`on_health`), and the next try is a
        second later: memory stays bounded because nothing new is read. They stop already when the
        journal's reserve is in use: it is for the outcomes of what is in flight.
        """
        noted, self._noted = self._noted, {}
        unwritten = self.store.unwritten
        for changed in noted:
            changed.add_to(unwritten)
        if not unwritten and self.healthy:
            return True
        full: OSError | None = None
        try:
            self._unparsed.flush()
        except OSError as error:
            full = error  # the outcomes are worth more, and it stays buffered
        try:
            if unwritten or not self.store.can_reserve:
                self.store.append(unwritten)  # an empty one, too: whether it can be written again
                unwritten.clear()
        except OSError as error:
            self._unwell(error)
            return False
        try:
            self.store.reserve()
        except OSError as error:
            full = error
        if full is not None:
            self._unwell(full)
        elif not self.healthy:
            self._well.set()
            self._log.warning("checkpoint_writable_again")
            self._on_health(True)
        return True

    def _unwell(self, error: OSError) -> None:
        if self.healthy:
            self._well.clear()
            self._on_health(False)
        if (silent := self._complaints.allow("write")) is not None:
            self._log.error(
                "checkpoint_unwritable",
                path=str(self.store.directory),
                reason=error.strerror or str(error),
                again=silent,
                hint=hint_for(error),
            )

    async def run(self) -> None:
        """Makes the journal durable every second and begins new generations, until stopped.

        It is stopped rather than cancelled, because a thread that writes a snapshot cannot be.
        """
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SYNC_S):
                    await self._stopping.wait()
            await self.tick()

    def stop(self) -> None:
        """Has `run` return after one last round."""
        self._stopping.set()

    async def tick(self) -> None:
        """One round of `run`. Raises LockedError if another daemon has the state directory."""
        try:
            self._stay_in_place()
        except OSError as error:
            self._unwell(error)
            return
        if not self.flush():
            return
        try:
            await asyncio.to_thread(self.store.sync)
            if self.store.journal_bytes > COMPACT_BYTES:
                await self.compact()
        except OSError as error:
            self._unwell(error)

    def _stay_in_place(self) -> None:
        """Writes the checkpoint anew where its files were taken away under us."""
        self._hold_lock()
        if not self.store.is_in_place():
            self._unwell(OSError(errno.ESTALE, GONE))
            self.store.begin_anew()

    async def compact(self) -> None:
        """Begins a new generation and forgets what is long past. Raises OSError."""
        if not self.flush():  # the books of sessions may not be ahead of the journal
            return
        self._forget_long_gone()
        self._forget_old_claims()
        snapshot = self.store.begin_generation()
        await asyncio.to_thread(self.store.finish_generation, snapshot)

    def _forget_long_gone(self) -> None:
        """Forgets them, and counts lines that could not be read again as expired."""
        before_s = self._wall_s() - FORGET_AFTER_S
        followed = self._followed()  # whatever a clock that jumped says of them
        gone = {
            key: entry
            for key, entry in self.store.state.files.items()
            if entry.seen_s < before_s and key not in followed
        }
        if not gone:
            return
        books: dict[str, dict[str, int]] = {}
        for entry in gone.values():
            if entry.pending:
                book = books.setdefault(entry.source, {LOST_KEY: 0})
                book[LOST_KEY] += len(entry.pending)
        self.store.append({"forget": list(gone), "books": books})
        self._on_forgotten(gone.keys())
        lost = sum(book[LOST_KEY] for book in books.values())
        if lost:
            self._log.error("lines_lost_with_their_file", lines=lost)
        self._log.info("files_forgotten", files=len(gone))

    def _forget_old_claims(self) -> None:
        before_ms = self.claims_begin_ms
        claims = self.store.state.claims
        old = [key for key, (_owner, time_ms) in claims.items() if time_ms < before_ms]
        beyond = len(claims) - len(old) - MOST_CLAIMS
        if beyond > 0:  # the ones made first go, as they do in the book
            kept = set(old)
            old += islice((key for key in claims if key not in kept), beyond)
        if old:
            self.store.append({"unclaim": old})


class _Ready:
    def __init__(self, record: dict[str, Any]) -> None:
        self._record = record

    def add_to(self, record: dict[str, Any]) -> None:
        for key, value in self._record.items():
            if isinstance(value, dict):
                for name, inner in value.items():
                    noted = record.setdefault(key, {}).setdefault(name, {})
                    settled = [*noted.get("s", ()), *inner.get("s", ())]
                    noted.update(inner)
                    if settled:  # two copies can take lines from one entry in one turn
                        noted["s"] = settled
            else:
                record.setdefault(key, []).extend(value)
