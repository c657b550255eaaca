"""What visitors cost: memory with a million of them in a day, and the time that sessions take.

The day runs through the real source, parser, extractor, ledger and journal, at the pace of the
log's own clock: visitors come all day, look at two pages, and their sessions end half an hour
later. Everything that the daemon has is imported; only the network is missing.
"""

from __future__ import annotations

import asyncio
import gc
import os
import time
import tracemalloc
from dataclasses import dataclass, replace
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.at_once import feed_at_once
from benchmarks.measure import Table, peak_rss_mib, rss_mib
from benchmarks.processes import SOURCE, BenchmarkError

import hooktail.service  # noqa: F401 - its memory is part of a daemon's
from hooktail import telemetry
from hooktail.checkpoint.store import Store
from hooktail.config.sections import SessionSection, SourceSection
from hooktail.extract import build_extractor
from hooktail.extract.once import OnceBook
from hooktail.extract.sessions import SessionBook
from hooktail.extract.visitor import visitor
from hooktail.model import Lines
from hooktail.tail.discovery import scan
from hooktail.tail.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY_S = 86_400
A_DAY = 1_000_000
"""Visitors in a whole day; fewer visitors make a shorter day, at the same rate."""
SECOND_PAGE_S = 180
PAGES = 4
"""Of a visitor, one after the other, where only extraction is measured."""
BATCH_LINES = 1000
PIECE_S = 600
"""Of the log's time, written and read at once."""
AGENTS = tuple(
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    f"Chrome/{major}.0.0.0 Safari/537.36"
    for major in range(100, 140)
)


@dataclass(frozen=True, slots=True)
class Size:
    visitors: int
    sessions: int
    lines: int
    rounds: int


SIZES = {
    "full": Size(A_DAY, 500_000, 50_000, 7),
    "quick": Size(100_000, 100_000, 20_000, 5),
    "tiny": Size(3000, 3000, 500, 1),
}


def run(size: str, directory: Path) -> Table:
    """Measures a day, a full book, and extraction with and without sessions."""
    telemetry.configure("warning", "json", environ={})
    wanted = SIZES[size]
    day = asyncio.run(_day(directory, wanted.visitors))
    with_us, without_us = _extraction_us(wanted.lines, wanted.rounds)
    rows = [
        ("RSS before the day, MiB", f"{day.rss_before:.1f}"),
        ("peak RSS of the day, MiB", f"{day.rss_peak:.1f}"),
        ("most sessions remembered at a time", f"{day.most_sessions:,}"),
        ("journal, bytes an event", f"{day.journal_bytes / day.events:.0f}"),
        ("extraction with sessions, µs an event", f"{with_us:.2f}"),
        ("extraction without, µs an event", f"{without_us:.2f}"),
        ("a session in memory, bytes", f"{_bytes_a_session(wanted.sessions):.0f}"),
    ]
    note = (
        f"{wanted.visitors:,} visitors with {day.events:,} page views in "
        f"{_seconds(wanted.visitors) / 3600:.1f} hours of the log, which took "
        f"{day.spent_s:.0f} s of CPU. A session in memory is measured with "
        f"{wanted.sessions:,} of them; extraction is the median of {wanted.rounds} turns."
    )
    return Table(("what", "number"), rows, note)


# -- a day


@dataclass(slots=True)
class Day:
    rss_before: float = 0.0
    rss_peak: float = 0.0
    most_sessions: int = 0
    journal_bytes: int = 0
    events: int = 0
    spent_s: float = 0.0


async def _day(directory: Path, visitors: int) -> Day:
    log, state_dir = directory / "access.log", directory / "state"
    state_dir.mkdir(mode=0o700)
    section = SourceSection(
        name=SOURCE, paths=(f"{log}*",), site="https://shop.example", start_at="beginning"
    )
    store = _Counting.open(state_dir)
    assert isinstance(store, _Counting)
    feed, keeper = feed_at_once(section, store, state_dir)
    clock_s = 0.0
    source = Source(section, feed, clock=lambda: clock_s)
    keeping = asyncio.create_task(keeper.run())
    pid, began_s = os.getpid(), time.process_time()
    seconds = _seconds(visitors)
    day = Day(rss_before=rss_mib(pid))
    until_s = int(time.time())
    log.touch()
    source.apply(scan(section.paths, section.exclude))
    for begin_s in range(0, seconds + SECOND_PAGE_S, PIECE_S):
        spent_s = time.process_time()
        piece = b"".join(
            line
            for at_s in range(begin_s, min(begin_s + PIECE_S, seconds + SECOND_PAGE_S))
            for line in _second(at_s, seconds, visitors, until_s)
        )
        with log.open("ab") as file:
            file.write(piece)
        del piece
        began_s += time.process_time() - spent_s
        clock_s += 10.0  # every file is due for a look
        while await source.turns():
            pass
        day.most_sessions = max(day.most_sessions, len(feed.extractor.sessions.book))
    keeper.stop()
    await keeping
    source.close()
    store.close()
    day.spent_s = time.process_time() - began_s
    day.rss_peak = peak_rss_mib(pid)
    day.journal_bytes = store.written
    day.events = feed.books.totals.get("delivered", 0)
    if day.events != 2 * visitors or feed.extractor.sessions.book.dropped:
        raise BenchmarkError(f"{day.events} of {2 * visitors} page views came out")
    return day


class _Counting(Store):
    """Counts what is written to its journals."""

    written = 0

    def append(self, record: dict[str, object]) -> None:  # type: ignore[override]  # all are dicts
        before = self.journal_bytes
        super().append(record)
        self.written += self.journal_bytes - before


def _seconds(visitors: int) -> int:
    return visitors * DAY_S // A_DAY


def _second(at_s: int, seconds: int, visitors: int, until_s: int) -> Iterator[bytes]:
    """The lines of one second: the first pages of some, the second pages of earlier ones."""
    when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(until_s - seconds + at_s - 200))
    for page, came_s in ((1, at_s), (2, at_s - SECOND_PAGE_S)):
        if 0 <= came_s < seconds:
            for number in range(came_s * visitors // seconds, (came_s + 1) * visitors // seconds):
                yield _line(number, page, when)


def _line(number: int, page: int, when: str) -> bytes:
    address = f"81.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    agent = AGENTS[number % len(AGENTS)]
    request = f"GET /products/{number % 997}?page={page} HTTP/1.1"
    return f'{address} - - [{when}] "{request}" 200 5120 "-" "{agent}"\n'.encode()


# -- a full book


def _bytes_a_session(count: int) -> float:
    begin_s = int(time.time()) - DAY_S
    gc.collect()
    tracemalloc.start()
    book = SessionBook(replace(SessionSection(), max_sessions=2 * count))
    for number in range(count):
        at_s = begin_s + number // 1000  # all within half an hour, so that none is swept
        book.keep(book.find(visitor(str(number)).key, at_s), at_s)
    taken_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    if len(book) != count:
        raise BenchmarkError(f"{len(book)} of {count} sessions are there")
    return taken_bytes / count


# -- extraction


def _extraction_us(lines: int, rounds: int) -> tuple[float, float]:
    now_s = int(time.time())
    texts = []
    for number in range(lines):
        when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now_s - DAY_S + number))
        texts.append(_line(number // PAGES, 1, when).rstrip(b"\n"))
    batches, start = [], 0
    for first in range(0, lines, BATCH_LINES):
        part = texts[first : first + BATCH_LINES]
        batches.append(Lines(part, start, start + sum(map(len, part)) + len(part)))
        start = batches[-1].end
    spent: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(rounds):
        for enabled in (True, False):
            extractor = build_extractor(
                SourceSection(
                    name=SOURCE,
                    paths=(),
                    site="https://shop.example",
                    session=SessionSection(enabled=enabled),
                ),
                payload="flat",
                visitor_secret=b"benchmark" * 4,
                once=OnceBook([]),
                now_ms=lambda: now_s * 1000,
            )
            gc.collect()
            before = time.process_time()
            events = sum(len(extractor.extract(each, b"generation").events) for each in batches)
            spent[enabled].append(time.process_time() - before)
            if events != lines:
                raise BenchmarkError(f"{events} of {lines} lines made an event")
    return median(spent[True]) / lines * 1e6, median(spent[False]) / lines * 1e6
