"""What workers bring and what they cost: the real daemon on a log of page views, with 1 and with 2.

The endpoint (`answering.py`) does nothing but answer. CPU time is that of the daemon and, apart, of
its workers.
"""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.generate import write_log
from benchmarks.measure import Table, cpu_s, peak_rss_mib
from benchmarks.processes import BenchmarkError, Daemon, configure, daemon, wait_for
from benchmarks.quick_endpoint import make_certificate, quick_endpoint
from benchmarks.settings import Setting, Size

WARM, COOL = 0.1, 0.9
"""Measured between these shares of the events."""
WORKERS = (1, 2)
_LOOK_S = 0.1


def _settings(at_once: int, delayed: int) -> tuple[Setting, ...]:
    return tuple(
        setting
        for scheme in ("http", "https")
        for setting in (Setting(scheme, 0, 64, at_once), Setting(scheme, 50, 256, delayed))
    )


SIZES = {
    "full": Size(_settings(100_000, 60_000), 3),
    "quick": Size(_settings(30_000, 20_000), 1),
    "tiny": Size((Setting("http", 0, 8, 300),), 1),
}


class Span(NamedTuple):
    """What was seen between two moments of a run."""

    rate: float
    daemon_us: float
    workers_us: float
    endpoint_share: float
    peak_mib: float


def run(size: str, directory: Path) -> Table:
    """Measures a daemon with each number of workers, in turn, at each setting."""
    wanted = SIZES[size]
    certificate = make_certificate(directory)
    rows = []
    for number, setting in enumerate(wanted.settings):
        place = directory / f"setting-{number}"
        place.mkdir()
        log = place / "access.log"
        write_log(log, setting.events, pageviews=True)
        spans: dict[int, list[Span]] = {workers: [] for workers in WORKERS}
        for turn in range(wanted.rounds):
            for workers, seen in spans.items():
                seen.append(
                    _measure(place / f"{workers}-{turn}", log, setting, workers, certificate)
                )
        for workers, seen in spans.items():
            span = Span(*(median(values) for values in zip(*seen, strict=True)))
            rows.append(
                (
                    f"{setting}: `workers = {workers}`",
                    f"{span.rate:,.0f}",
                    f"{span.daemon_us:.1f}",
                    f"{span.workers_us:.1f}",
                    f"{span.daemon_us + span.workers_us:.1f}",
                    f"{span.peak_mib:.0f}",
                    f"{span.endpoint_share:.0%}",
                )
            )
    headers = (
        "how",
        "events/s",
        "CPU µs an event, daemon",
        "workers",
        "all",
        "peak RSS of all, MiB",
        "endpoint's core",
    )
    note = (
        f"Each the median of {wanted.rounds} turns, from {WARM:.0%} to {COOL:.0%} of the events, "
        "start of the daemon not included."
    )
    return Table(headers, rows, note)


def _measure(
    directory: Path, log: Path, setting: Setting, workers: int, certificate: tuple[Path, Path]
) -> Span:
    directory.mkdir()
    secure = setting.scheme == "https"
    with quick_endpoint(setting.answer_ms, *(certificate if secure else ())) as endpoint:
        config = configure(
            directory,
            f"{setting.scheme}://127.0.0.1:{endpoint.port}/{{account_id}}/pixel.png",
            str(log),
            delivery=f"concurrency = {setting.concurrency}\nworkers = {workers}",
            destination=f'ca_file = "{certificate[0]}"' if secure else "",
        )
        with daemon(directory, config) as hooktail:
            span = _watch(hooktail, endpoint.pid, setting.events)
            wait_for(
                lambda: hooktail.books().get("delivered") == setting.events,
                "the last events",
                every_s=_LOOK_S,
            )
            hooktail.stop()
    return span


class _Moment(NamedTuple):
    delivered: int
    at: float
    daemon_s: float
    workers_s: float
    endpoint_s: float


def _watch(hooktail: Daemon, endpoint_pid: int, events: int) -> Span:
    children = Path(f"/proc/{hooktail.pid}/task/{hooktail.pid}/children").read_text()
    workers = [int(pid) for pid in children.split()]

    def reached(share: float) -> _Moment | None:
        delivered = hooktail.books().get("delivered", 0)
        if delivered < share * events:
            return None
        used_s = sum(cpu_s(pid) for pid in workers)
        return _Moment(
            delivered, time.perf_counter(), cpu_s(hooktail.pid), used_s, cpu_s(endpoint_pid)
        )

    first = wait_for(lambda: reached(WARM), "the first events", 120, _LOOK_S)
    last = wait_for(lambda: reached(COOL), "most events", 600, _LOOK_S)
    count, wall_s = last.delivered - first.delivered, last.at - first.at
    if count <= 0:
        # So few that they were all delivered between two looks: only whether it works is asked.
        count, wall_s = max(last.delivered, 1), max(wall_s, _LOOK_S)
    if events > 10_000 and count < events / 4:
        raise BenchmarkError(f"of {events} events only {count} were measured")
    return Span(
        count / wall_s,
        (last.daemon_s - first.daemon_s) / count * 1e6,
        (last.workers_s - first.workers_s) / count * 1e6,
        (last.endpoint_s - first.endpoint_s) / wall_s,
        sum(peak_rss_mib(pid) for pid in (hooktail.pid, *workers)),
    )
