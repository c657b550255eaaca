"""From the write of a line to its POST: the writer's clock before, the endpoint's when it is read.

Each page view has its number in its path; writer and endpoint are on one machine, with one clock.
In two rows another file of the same source is being caught up: a usual log, of which one line in
eight makes an event too; and nothing but page views, beside an endpoint that takes its time.
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.generate import clf_time, write_log
from benchmarks.measure import Table, cpu_s, percentile
from benchmarks.processes import configure, daemon, endpoint, wait_for

from hooktail.checkpoint.store import read_state

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.processes import Daemon, Endpoint

_NUMBERED = re.compile(rb'"https://shop.example/p/([0-9]+)"').search
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)


@dataclass(frozen=True, slots=True)
class Size:
    rates: tuple[tuple[int, float], ...]
    """Lines a second, and for how many seconds."""
    backlog_mb: int
    beside: tuple[int, float]
    """The rate beside the backlog."""
    slow_backlog_mb: int


SIZES = {
    "full": Size(((1, 30.0), (100, 10.0), (1000, 10.0), (5000, 10.0)), 1000, (100, 20.0), 100),
    "quick": Size(((1, 5.0), (100, 3.0), (1000, 3.0)), 100, (100, 3.0), 20),
    "tiny": Size(((50, 0.5),), 1, (50, 0.5), 1),
}
BACKLOG = "backlog.log"
SLOW_MS = 50
_BLOCK_LINES = 100_000


def run(size: str, directory: Path) -> Table:
    """Measures one daemon at each rate, one after the other."""
    wanted = SIZES[size]
    log, record = directory / "access.log", directory / "record.ndjson"
    log.touch()
    with endpoint("--record", str(record)) as pixel:
        config = configure(directory, pixel.template, f"{directory}/*.log")
        with daemon(directory, config) as hooktail:
            wait_for(lambda: hooktail.logged("file_started"), "the log to be followed")
            stage = _Stage(log, record, pixel, hooktail)
            rows = [stage.at(rate, lasting_s, f"{rate:,}") for rate, lasting_s in wanted.rates]
            total_bytes = _write_backlog(directory, wanted.backlog_mb)
            wait_for(lambda: hooktail.logged("file_started") > 1, "the backlog to be followed")
            rate, lasting_s = wanted.beside
            rows.append(stage.at(rate, lasting_s, f"{rate:,}, beside {wanted.backlog_mb:,} MB"))
            read_bytes = stage.backlog_read()
    rows.append(_beside_a_slow_endpoint(wanted, directory / "slow"))
    note = (
        "Every line is a page view; one write and one POST each. Of the backlog "
        f"{read_bytes / total_bytes:.0%} had been read at the end of its row."
    )
    headers = ("lines/s", "lines", "p50, ms", "p99, ms", "worst, ms", "daemon's core")
    return Table(headers, rows, note)


def _beside_a_slow_endpoint(wanted: Size, directory: Path) -> tuple[str, ...]:
    """Measures beside a backlog of page views, which is read faster than the endpoint takes it."""
    directory.mkdir()
    log, record = directory / "access.log", directory / "record.ndjson"
    log.touch()
    with endpoint("--record", str(record), "--fail", f"delay={SLOW_MS}ms") as pixel:
        config = configure(directory, pixel.template, f"{directory}/*.log")
        with daemon(directory, config) as hooktail:
            wait_for(lambda: hooktail.logged("file_started"), "the log to be followed")
            _write_backlog(directory, wanted.slow_backlog_mb, pageviews=True)
            wait_for(lambda: hooktail.logged("file_started") > 1, "the backlog to be followed")
            rate, lasting_s = wanted.beside
            shown = f"{rate:,}, beside {wanted.slow_backlog_mb:,} MB of page views, {SLOW_MS} ms"
            return _Stage(log, record, pixel, hooktail).at(rate, lasting_s, shown)


class _Stage:
    """One daemon and one endpoint, at one rate after the other."""

    def __init__(self, log: Path, record: Path, pixel: Endpoint, hooktail: Daemon) -> None:
        self._log, self._record = log, record
        self._pixel, self._hooktail = pixel, hooktail
        self._written: list[float] = []

    def at(self, rate: int, lasting_s: float, shown: str) -> tuple[str, ...]:
        """Writes for a while and returns the row of what it took."""
        written, pid = self._written, self._hooktail.pid
        first = len(written)
        cpu_before_s, began_at = cpu_s(pid), time.perf_counter()
        _write(self._log, rate, lasting_s, written)
        ended_at = time.perf_counter()
        used = (cpu_s(pid) - cpu_before_s) / (ended_at - began_at)
        read: dict[int, float] = {}

        def all_read() -> bool:
            read.update(_read_times(self._record))
            return len(read) >= len(written)

        wait_for(all_read, "all to be accepted", every_s=0.5)
        waits_ms = [
            (read[number] - written[number]) * 1000 for number in range(first, len(written))
        ]
        shares = (f"{percentile(waits_ms, share):.1f}" for share in (0.5, 0.99))
        return shown, f"{len(waits_ms):,}", *shares, f"{max(waits_ms):.1f}", f"{used:.1%}"

    def backlog_read(self) -> int:
        """Bytes of the backlog that the checkpoint knows to be read."""
        entries = read_state(self._hooktail.directory / "state").files.values()
        return max(entry.read for entry in entries if entry.path.endswith(BACKLOG))


def _write_backlog(directory: Path, size_mb: int, *, pageviews: bool = False) -> int:
    """Makes another file of the source appear at its full size; returns that in bytes."""
    block_file, made = directory / "block", directory / "backlog"
    write_log(block_file, min(_BLOCK_LINES, size_mb * 4000), pageviews=pageviews)
    block = block_file.read_bytes()
    with made.open("wb") as out:
        while out.tell() < size_mb * 1_000_000:
            out.write(block)
    made.rename(directory / BACKLOG)
    return (directory / BACKLOG).stat().st_size


def _write(log: Path, rate: int, lasting_s: float, written: list[float]) -> None:
    """Writes lines evenly, each with one write, and notes when."""
    begins_at = time.perf_counter()
    with log.open("ab", buffering=0) as file:
        for index in range(int(rate * lasting_s)):
            wait_s = begins_at + index / rate - time.perf_counter()
            if wait_s > 0:
                time.sleep(wait_s)
            request = f"GET /p/{len(written)} HTTP/1.1"
            stamp = clf_time(datetime.now(UTC))
            line = f'81.2.69.142 - - [{stamp}] "{request}" 200 512 "-" "{AGENT}"\n'.encode()
            written.append(time.time())
            file.write(line)


def _read_times(record: Path) -> dict[int, float]:
    """When the endpoint had read each page view, by its number; the first time if it came twice."""
    times: dict[int, float] = {}
    for line in record.read_bytes().splitlines():
        if found := _NUMBERED(line):
            times.setdefault(int(found[1]), json.loads(line)["t"])
    return times
