"""What the running daemon says of itself: to systemd every few seconds, to the log now and then."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import structlog

from hooktail.advice import advise
from hooktail.systemd import watchdog_interval_s
from hooktail.telemetry import OncePer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hooktail.branch import Branch
    from hooktail.pipeline import Feed
    from hooktail.systemd import Notifier

STATUS_S = 5.0
"""Between two status lines for systemd."""
STUCK_S = 120.0
"""A source without a turn for so long makes no progress: systemd's watchdog is not fed."""
HOUR_S = 3600.0
ADVICE_S = 600.0
"""Between two warnings that say the same of a source's lines."""

log = structlog.get_logger()


class Reporter:
    """Looks at the branches that there are; `watching` tells whether the watcher is alive."""

    def __init__(
        self,
        notifier: Notifier,
        branches: Callable[[], Iterable[Branch]],
        *,
        watching: Callable[[], bool],
        hourly: Callable[[], None],
    ) -> None:
        self._notifier = notifier
        self._branches = branches
        self._watching = watching
        self._hourly = hourly
        self._advised = OncePer(ADVICE_S, time.monotonic)

    async def run(self) -> None:
        """Reports until cancelled."""
        interval_s = min(watchdog_interval_s(os.environ) or STATUS_S, STATUS_S)
        hour_began_at = time.monotonic()
        while True:
            await asyncio.sleep(interval_s)
            stuck = self._stuck()
            if stuck:
                log.error("no_progress", tasks=stuck, hint="the watchdog is not fed")
            else:
                self._notifier.watchdog()
            self._notifier.status(self._status())
            for feed in self._feeds():
                self._advise(feed)
            if time.monotonic() - hour_began_at > HOUR_S:
                hour_began_at = time.monotonic()
                say_books(self._branches())
                self._hourly()

    def _feeds(self) -> list[Feed]:
        return [feed for branch in self._branches() for feed in branch.feeds]

    def _advise(self, feed: Feed) -> None:
        book = feed.extractor.sessions.book
        if book.dropped and self._advised.allow((feed.name, "sessions")) is not None:
            log.warning(
                "sessions_dropped",
                source=feed.name,
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
        if advice is not None and self._advised.allow((feed.name, advice.reason)) is not None:
            log.warning("few_events", source=feed.name, **advice._asdict())

    def _stuck(self) -> list[str]:
        now = time.monotonic()
        stuck = [
            f"source:{feed.name}"
            for branch in self._branches()
            if not branch.leaving
            for feed, source in branch.readers
            if (feed.has_room and now - source.turned_at > STUCK_S) or source.stalled
        ]
        if not self._watching():
            stuck.append("watcher")
        return stuck

    def _status(self) -> str:
        branches = list(self._branches())
        feeds = self._feeds()
        read = sum(feed.books.totals.get("read", 0) for feed in feeds)
        delivered = sum(feed.books.totals.get("delivered", 0) for feed in feeds)
        sources = [source for branch in branches for _, source in branch.sources]
        unread = sum(file.unread_bytes for source in sources for file in source.files)
        states = ", ".join(
            f"{branch.destination.name} {branch.destination.snapshot().state}"
            for branch in branches
        )
        absent = sum(feed.absent for feed in feeds)
        missing = f", {absent} wait for a file that is gone" if absent else ""
        return (
            f"{read} lines read, {delivered} events delivered, {unread} bytes behind{missing}; "
            f"{states}"
        )


def say_books(branches: Iterable[Branch]) -> None:
    """Says what became of the lines of each source; hourly, and when its reading ends.

    What is not so, or did not happen, is left out.
    """
    for branch in branches:
        for feed in branch.feeds:
            sources = [source for its_feed, source in branch.readers if its_feed is feed]
            notable = {
                "lost_bytes": feed.lost_bytes,
                "uncast": dict(feed.extractor.uncast),
                "held_deleted_bytes": sum(source.held_deleted_bytes for source in sources),
                "full_windows": sum(source.full_windows for source in sources),
                "ignored_files": sum(source.ignored_files for source in sources),
            }
            more = {key: value for key, value in notable.items() if value}
            log.info("books", source=feed.name, **feed.books.totals, pending=feed.pending, **more)
