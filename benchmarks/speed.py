"""One file at full speed: the real daemon reads a log that is there, and sends nothing of it.

Of assets only, so that no line becomes an event: the rate is that of reader, parser and journal.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.generate import clf_time
from benchmarks.measure import Table, cpu_s, peak_rss_mib
from benchmarks.processes import BenchmarkError, configure, daemon, wait_for

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = "http://127.0.0.1:9/{account_id}/pixel.png"
"""Nothing is ever sent."""
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
LINES_A_WRITE = 1000


@dataclass(frozen=True, slots=True)
class Size:
    lines: int
    turns: int


SIZES = {"full": Size(3_000_000, 3), "quick": Size(1_000_000, 1), "tiny": Size(5000, 1)}


def run(size: str, directory: Path) -> Table:
    """Measures new daemons one after the other, each on the same log."""
    wanted = SIZES[size]
    log = directory / "access.log"
    write_assets(log, wanted.lines)
    log_bytes = log.stat().st_size
    rows = []
    for turn in range(wanted.turns):
        place = directory / f"turn-{turn}"
        place.mkdir()
        config = configure(place, NOBODY, str(log))
        with daemon(place, config) as hooktail:
            began_at = time.perf_counter()
            wait_for(
                lambda: hooktail.books().get("read", 0) >= wanted.lines,
                "all lines to be read",
                timeout_s=600,
            )
            took_s, used_s = time.perf_counter() - began_at, cpu_s(hooktail.pid)
            peak_mib = peak_rss_mib(hooktail.pid)
            hooktail.stop()
        if hooktail.books() != {"read": wanted.lines, "filtered.static_file": wanted.lines}:
            raise BenchmarkError(f"other books than the log says: {hooktail.books()}")
        rows.append(
            (
                f"{turn + 1}",
                f"{wanted.lines / took_s:,.0f}",
                f"{log_bytes / took_s / 1e6:.0f}",
                f"{used_s / wanted.lines * 1e6:.2f}",
                f"{peak_mib:.0f}",
            )
        )
    headers = ("turn", "lines/s", "MB/s", "CPU µs a line, start included", "peak RSS, MiB")
    return Table(headers, rows, f"{wanted.lines:,} lines, {log_bytes / 1e6:.0f} MB, all assets.")


def write_assets(log: Path, lines: int) -> None:
    """Writes a log in which every line is filtered by its extension."""
    stamp = clf_time(datetime.now(UTC))
    with log.open("w") as file:
        for first in range(0, lines, LINES_A_WRITE):
            file.writelines(
                f'81.2.69.{number % 250} - - [{stamp}] "GET /static/{number}.css HTTP/1.1" 200 '
                f'{number} "https://shop.example/" "{AGENT}"\n'
                for number in range(first, min(first + LINES_A_WRITE, lines))
            )
