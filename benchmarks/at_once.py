"""A feed with all that the daemon has but a network: its endpoint answers in no time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from benchmarks.processes import SOURCE

from hooktail.checkpoint.keeper import Keeper
from hooktail.checkpoint.unparsed import UnparsedStore
from hooktail.extract import build_extractor
from hooktail.extract.once import OnceBook
from hooktail.model import State
from hooktail.pipeline import Feed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hooktail.checkpoint.store import Store
    from hooktail.config.sections import SourceSection
    from hooktail.model import Event, Settler


class _AtOnce:
    """Stands for a destination."""

    has_room = True
    room_events = 4096
    """As the default of `queue_events`."""

    async def room(self) -> None:
        """There always is."""

    def submit(self, events: Sequence[Event], settler: Settler, *, source: str = "") -> None:  # noqa: ARG002 - the signature is a destination's
        for event in events:
            settler.settle(event, State.DELIVERED)


def feed_at_once(section: SourceSection, store: Store, state_dir: Path) -> tuple[Feed, Keeper]:
    """Returns a feed, and the keeper of what it settles."""
    unparsed = UnparsedStore(state_dir / "unparsed")
    keeper = Keeper(store, unparsed, wall_s=time.time, clock=time.monotonic)
    extractor = build_extractor(
        section,
        payload="flat",
        visitor_secret=b"benchmark" * 4,
        once=OnceBook([]),
        now_ms=lambda: time.time_ns() // 1_000_000,
        sessions=store.state.sessions.setdefault(SOURCE, {}),
    )
    feed = Feed(
        section,
        extractor,
        _AtOnce(),  # type: ignore[arg-type]  # it does what a feed asks of a destination
        keeper,
        unparsed,
        wall_s=time.time,
    )
    return feed, keeper
