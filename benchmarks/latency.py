"""From the write of a line to its POST: the writer's clock before, the endpoint's when it is read.

Each page view has its number in its path; writer and endpoint are on one machine, with one clock.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.generate import clf_time
from benchmarks.measure import Table, cpu_s, percentile
from benchmarks.processes import configure, daemon, endpoint, wait_for

if TYPE_CHECKING:
    from pathlib import Path

AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)


@dataclass(frozen=True, slots=True)
class Size:
    rates: tuple[tuple[int, float], ...]
    """Lines a second, and for how many seconds."""


SIZES = {
    "full": Size(((1, 30.0), (100, 10.0), (1000, 10.0))),
    "quick": Size(((1, 5.0), (100, 3.0), (1000, 3.0))),
    "tiny": Size(((50, 0.5),)),
}


def run(size: str, directory: Path) -> Table:
    """Measures one daemon at each rate, one after the other."""
    log, record = directory / "access.log", directory / "record.ndjson"
    log.touch()
    rows = []
    with endpoint("--record", str(record)) as pixel:
        config = configure(directory, pixel.template, str(log))
        with daemon(directory, config) as hooktail:
            wait_for(lambda: hooktail.logged("file_started"), "the log to be followed")
            written: list[float] = []
            for rate, lasting_s in SIZES[size].rates:
                first = len(written)
                cpu_before_s, began_at = cpu_s(hooktail.pid), time.perf_counter()
                _write(log, rate, lasting_s, written)
                wait_for(lambda: pixel.accepted() >= len(written), "all to be accepted")
                used = (cpu_s(hooktail.pid) - cpu_before_s) / (time.perf_counter() - began_at)
                read = _read_times(record)
                waits_ms = [
                    (read[number] - written[number]) * 1000 for number in range(first, len(written))
                ]
                rows.append(
                    (
                        f"{rate:,}",
                        f"{len(waits_ms):,}",
                        *(f"{percentile(waits_ms, share):.1f}" for share in (0.5, 0.99)),
                        f"{max(waits_ms):.1f}",
                        f"{used:.1%}",
                    )
                )
            hooktail.stop()
    headers = ("lines/s", "lines", "p50, ms", "p99, ms", "worst, ms", "daemon's core")
    return Table(headers, rows, "Every line is a page view; one write and one POST each.")


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
        request = json.loads(line)
        times.setdefault(int(request["body"]["url"].rpartition("/")[2]), request["t"])
    return times
