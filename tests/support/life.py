"""One life of a daemon's parts over real files and a real journal; only the sending is fake."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from hooktail.checkpoint.keeper import Keeper
from hooktail.checkpoint.state import State as CheckpointState
from hooktail.checkpoint.store import Store, read_state
from hooktail.checkpoint.unparsed import UnparsedStore
from hooktail.config.sections import MultilineSection, SourceSection, StartAt
from hooktail.extract import build_extractor
from hooktail.extract.once import OnceBook
from hooktail.model import Claim, Event, FileId, Settler, State
from hooktail.pipeline import Feed
from hooktail.tail.discovery import scan
from hooktail.tail.opening import LogFile
from hooktail.tail.source import Source


class FakeDestination:
    """Keeps what it is given until a test says what becomes of it."""

    def __init__(self) -> None:
        self.has_room = True
        self.room_events = 10_000
        self.waiting: list[tuple[Event, Settler]] = []

    async def room(self) -> None:
        """Whoever waits here has been told to stop reading; a test says when there is room."""
        await asyncio.sleep(0)

    def submit(self, events: list[Event], settler: Settler, *, source: str) -> None:
        self.waiting += [(event, settler) for event in events]

    def settle(self, *numbers: int, state: State = State.DELIVERED) -> None:
        """Settles the waiting events at these places, or all."""
        chosen = [self.waiting[n] for n in numbers] if numbers else list(self.waiting)
        self.waiting = [each for each in self.waiting if each not in chosen]
        for event, settler in chosen:
            settler.settle(event, state)

    @property
    def bodies(self) -> list[bytes]:
        return [event.body for event, _ in self.waiting]


class Life:
    """One life of a daemon's parts on a state directory; a test ends it by starting the next."""

    def __init__(
        self,
        directory: Path,
        *,
        adopt: dict[FileId, LogFile] | None = None,
        format: str = "combined",  # noqa: A002 - the field's word
        start_at: StartAt = "beginning",
        paths: tuple[str, ...] = (),
        options: dict[str, str] | None = None,
        multiline: MultilineSection | None = None,
        store: Store | None = None,
        **keys: int | Path,
    ) -> None:
        """`adopt` and `store` are what a reload hands over; `keys` are the source's own."""
        self.directory = directory
        self.log = directory / "access.log"
        self.state_dir = directory / "state"
        self.state_dir.mkdir(exist_ok=True)
        self.now_s = 1000.0
        self.wall_s = time.time()
        self.health: list[bool] = []
        section = SourceSection(
            name="shop",
            paths=paths or (f"{directory}/access.log*",),
            site="https://shop.example",
            start_at=start_at,
            format=format,
            format_options=options or {},
            multiline=multiline,
            **keys,  # type: ignore[arg-type]  # a test's shorthand
        )
        self.section = section
        self.store = store or Store.open(self.state_dir)
        unparsed = UnparsedStore(self.state_dir / "unparsed")
        self.keeper = Keeper(
            self.store,
            unparsed,
            wall_s=lambda: self.wall_s,
            clock=lambda: self.now_s,
            on_health=self.health.append,
            followed=lambda: self.feed.keys,
            on_forgotten=lambda keys: self.feed.forgotten(keys),  # noqa: PLW0108 - made after it
        )
        claims = [Claim(key, owner, at) for key, (owner, at) in self.store.state.claims.items()]
        extractor = build_extractor(
            section,
            payload="flat",
            visitor_secret=b"x" * 32,
            once=OnceBook(claims),
            now_ms=lambda: time.time_ns() // 1_000_000,
            sessions=self.store.state.sessions.setdefault(section.name, {}),
        )
        self.destination = FakeDestination()
        self.feed = Feed(
            section,
            extractor,
            self.destination,  # type: ignore[arg-type]  # it does what a feed asks of it
            self.keeper,
            unparsed,
            wall_s=lambda: self.wall_s,
        )
        self.source = Source(section, self.feed, clock=lambda: self.now_s, adopt=adopt)

    async def read(self) -> None:
        """Looks at the globs, reads all there is, and lets the loop turn end."""
        self.now_s += 1
        self.source.apply(scan(self.section.paths, ()))
        self.now_s += 5
        while self.feed.has_room and await self.source.turns():
            pass
        await asyncio.sleep(0)

    def write(self, *lines: str) -> None:
        with self.log.open("a") as file:
            file.writelines(lines)

    def on_disk(self) -> CheckpointState:
        return read_state(self.state_dir)

    def balance(self) -> dict[str, int]:
        """The books on disk; fails unless they balance, and those in memory too."""
        state = self.on_disk()
        books = dict(state.books.get("shop", {}))
        pending = sum(len(entry.pending) for entry in state.files.values())
        assert books.pop("read", 0) == sum(books.values()) + pending
        told = dict(self.feed.books.totals)
        assert told.pop("read", 0) == sum(told.values()) + self.feed.pending
        return {**books, "pending": pending}
