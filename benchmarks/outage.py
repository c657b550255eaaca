"""Memory in an outage: the endpoint answers 503 to everything while a log grows by 1 GB.

The log is written as fast as the disk takes it. Then the endpoint is well again; it is seen that
deliveries resume, that what was delivered is what was accepted, and that the books balance.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from benchmarks.generate import write_log
from benchmarks.measure import Table, cpu_s, peak_rss_mib, rss_mib
from benchmarks.processes import BenchmarkError, configure, daemon, endpoint, wait_for

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Size:
    block_lines: int
    """Generated once and written again and again."""
    log_mb: int
    hold_s: float
    """The outage goes on for so long after the last write."""
    deliveries: int
    """So many show that it delivers again."""


SIZES = {
    "full": Size(100_000, 1000, 15.0, 5000),
    "quick": Size(20_000, 50, 5.0, 2000),
    "tiny": Size(2000, 1, 0.5, 100),
}


def run(size: str, directory: Path) -> Table:
    """Measures one outage."""
    wanted = SIZES[size]
    block_file, log = directory / "block", directory / "access.log"
    write_log(block_file, wanted.block_lines)
    block = block_file.read_bytes()
    log.write_bytes(b"")
    record = directory / "record.ndjson"
    with endpoint("--fail", "503") as sick:
        config = configure(directory, sick.template, str(log), delivery="retry_max_s = 2")
        with daemon(directory, config) as hooktail:
            wait_for(lambda: hooktail.logged("file_started"), "the log to be followed")
            rows = [_row("before", hooktail.pid)]
            began_at, began_cpu_s = time.perf_counter(), cpu_s(hooktail.pid)
            with log.open("ab", buffering=0) as file:
                for _ in count():
                    if file.tell() >= wanted.log_mb * 1_000_000:
                        break
                    file.write(block)
            write_s = time.perf_counter() - began_at
            wait_for(lambda: hooktail.logged("destination_down"), "the destination to be down")
            time.sleep(wanted.hold_s)
            outage_s = time.perf_counter() - began_at
            outage_cpu_s = cpu_s(hooktail.pid) - began_cpu_s
            refused = sick.requests()
            pending = hooktail.pending()
            rows.append(_row("outage", hooktail.pid))
            sick.process.terminate()
            sick.process.wait(10)
            with endpoint("--record", str(record), port=sick.port) as well:
                well_at = time.perf_counter()
                wait_for(well.accepted, "the first delivery")
                first_s = time.perf_counter() - well_at
                wait_for(lambda: well.accepted() >= wanted.deliveries, "deliveries to resume")
                rows.append(_row("delivering again", hooktail.pid))
                hooktail.stop()
            books = hooktail.books()
    ids = [json.loads(line)["body"]["event_id"] for line in record.read_bytes().splitlines()]
    delivered = books.get("delivered", 0)
    if not (delivered == len(ids) == len(set(ids))):
        raise BenchmarkError(f"{delivered} delivered, but {len(ids)} accepted, {len(set(ids))} ids")
    size_mb = log.stat().st_size / 1e6
    note = (
        f"{size_mb:,.0f} MB were written at {size_mb / write_s:,.0f} MB/s; in an outage of "
        f"{outage_s:.0f} s the daemon used {outage_cpu_s:.1f} s of CPU, asked {refused} times, and "
        f"held {pending:,} events. {first_s:.1f} s after the endpoint was well again it took the "
        f"first of them. When the daemon was stopped, {books['read']:,} lines had been read and "
        f"{delivered:,} events delivered, each accepted exactly once, and the books balanced."
    )
    return Table(("when", "RSS, MiB", "peak RSS so far, MiB"), rows, note)


def _row(when: str, pid: int) -> tuple[str, ...]:
    return when, f"{rss_mib(pid):.1f}", f"{peak_rss_mib(pid):.1f}"
