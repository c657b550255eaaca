"""Lines a CPU second: the real source, parser, extractor, ledger and journal, without a network.

Beside it, in turn and in the same run: reading and splitting alone, and `parse_batch` alone.
"""

from __future__ import annotations

import asyncio
import gc
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.at_once import feed_at_once
from benchmarks.generate import write_log
from benchmarks.measure import Table
from benchmarks.processes import SOURCE, BenchmarkError

from hooktail import garbage, telemetry
from hooktail.checkpoint.store import Store
from hooktail.config.sections import SourceSection
from hooktail.extract import registry
from hooktail.model import Lines
from hooktail.tail.discovery import scan
from hooktail.tail.file import Growth, TailedFile
from hooktail.tail.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Size:
    lines: int
    rounds: int


SIZES = {"full": Size(500_000, 3), "quick": Size(100_000, 3), "tiny": Size(2000, 1)}


def run(size: str, directory: Path) -> Table:
    """Measures each way of reading one log, in turn, several times."""
    telemetry.configure("warning", "json", environ={})
    garbage.settle()  # as the daemon does
    wanted = SIZES[size]
    log = directory / "access.log"
    write_log(log, wanted.lines)
    ways: dict[str, Callable[[int], float]] = {
        "reading and splitting alone": lambda _: _split(log, wanted.lines),
        "`parse_batch` alone": lambda _: _parse(log, wanted.lines),
        "the whole way": lambda number: _whole(log, wanted.lines, number),
    }
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(wanted.rounds):
        for name, way in ways.items():
            gc.collect()
            spent[name].append(way(number))
    parse_s = median(spent["`parse_batch` alone"])
    rows = []
    for name, seconds in spent.items():
        own_s = median(seconds)
        rows.append(
            (
                name,
                f"{own_s / wanted.lines * 1e6:.2f}",
                f"{wanted.lines / own_s:,.0f}",
                f"{own_s / parse_s:.2f}",
            )
        )
    events = _events_of(directory / "state-0")
    mib = log.stat().st_size / 2**20
    note = (
        f"{wanted.lines:,} lines, {mib:.0f} MiB, of which {events / wanted.lines:.0%} make an "
        f"event; each the median of {wanted.rounds} turns."
    )
    return Table(("what", "CPU µs a line", "lines a CPU second", "to `parse_batch`"), rows, note)


def _batches(log: Path) -> Iterator[Lines]:
    file = TailedFile.open(log, max_line_bytes=SourceSection(name="", paths=()).max_line_bytes)
    try:
        while file.look() is Growth.GROWN:
            taken = file.read()
            if not isinstance(taken, Lines):
                raise BenchmarkError(f"not a batch of lines: {taken!r}")
            yield taken
    finally:
        file.close()


def _split(log: Path, expected: int) -> float:
    before = time.process_time()
    read = sum(map(len, _batches(log)))
    spent_s = time.process_time() - before
    return _all(read, expected, spent_s)


def _parse(log: Path, expected: int) -> float:
    parser = registry.find("combined").make({})
    parsed = 0
    spent_s = 0.0
    for batch in _batches(log):
        before = time.process_time()
        parsed += len(parser.parse_batch(batch.texts))
        spent_s += time.process_time() - before
    return _all(parsed, expected, spent_s)


def _all(found: int, expected: int, spent_s: float) -> float:
    if found != expected:
        raise BenchmarkError(f"{found} of {expected} lines were read")
    return spent_s


def _whole(log: Path, expected: int, number: int) -> float:
    state_dir = log.parent / f"state-{number}"
    read, spent_s = whole_way(section_of(log), state_dir)
    return _all(read, expected, spent_s)


def section_of(log: Path) -> SourceSection:
    """Returns a source that reads a log from its beginning."""
    return SourceSection(
        name=SOURCE, paths=(str(log),), site="https://shop.example", start_at="beginning"
    )


def whole_way(
    section: SourceSection, state_dir: Path, *, prefilter: bool = True
) -> tuple[int, float]:
    """Reads a source's files with all that the daemon has but a network.

    Without `prefilter` every line is parsed, also those that surely make no event. Returns how
    many lines were read, and the CPU time in seconds.
    """
    state_dir.mkdir(mode=0o700)
    before = time.process_time()
    read = asyncio.run(_read_all(section, state_dir, prefilter=prefilter))
    return read, time.process_time() - before


async def _read_all(section: SourceSection, state_dir: Path, *, prefilter: bool) -> int:
    store = Store.open(state_dir)
    feed, keeper = feed_at_once(section, store, state_dir)
    if not prefilter:
        feed.extractor._prefilter = None  # noqa: SLF001  # nobody else should want to
    source = Source(section, feed, clock=time.monotonic)
    keeping = asyncio.create_task(keeper.run())
    source.apply(scan(section.paths, section.exclude))
    while await source.turns():
        pass
    keeper.stop()
    await keeping
    source.close()
    store.close()
    return feed.books.totals["read"]


def _events_of(state_dir: Path) -> int:
    store = Store.open(state_dir)
    store.close()
    return store.state.books[SOURCE]["delivered"]
