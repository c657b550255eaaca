"""Events a second: the real daemon on a log of page views, against an endpoint on loopback.

Beside it, in turn and in the same run, two bare clients that post the same bodies as often at a
time (see `clients.py`). Everything is a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.generate import write_log
from benchmarks.measure import Table, cpu_s, peak_rss_mib
from benchmarks.processes import (
    HOOKTAIL,
    SOURCE,
    BenchmarkError,
    Endpoint,
    configure,
    daemon,
    end,
    endpoint,
    wait_for,
)
from benchmarks.settings import Setting, Size

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM, COOL = 0.1, 0.95
"""Measured between these shares of the events: without starting, opening and winding down."""

_LOOK_S = 0.05
SIZES = {
    "full": Size(
        (
            Setting("http", 0, 64, 20_000),
            Setting("http", 50, 64, 6000),
            Setting("http", 50, 256, 20_000),
        ),
        3,
    ),
    "quick": Size(
        (
            Setting("http", 0, 64, 8000),
            Setting("http", 50, 64, 3000),
            Setting("http", 50, 256, 8000),
        ),
        1,
    ),
    "tiny": Size((Setting("http", 20, 8, 200),), 1),
}


class Span(NamedTuple):
    """What was seen between two moments of a run."""

    events: int
    wall_s: float
    cpu_s: float
    endpoint_cpu_s: float
    peak_mib: float


def run(size: str, directory: Path) -> Table:
    """Measures the daemon and the clients, in turn, at each setting."""
    wanted = SIZES[size]
    rows = []
    busiest = 0.0
    for number, setting in enumerate(wanted.settings):
        place = directory / f"setting-{number}"
        place.mkdir()
        log = place / "access.log"
        write_log(log, setting.events, pageviews=True)
        bodies = _bodies(place, log)
        spans: dict[str, list[Span]] = {"hooktail": [], "aiohttp": [], "protocol": []}
        for turn in range(wanted.rounds):
            for name, seen in spans.items():
                seen.append(_measure(name, setting, place / f"{name}-{turn}", log, bodies))
        per_event = {name: median(each.cpu_s / each.events for each in seen)
                     for name, seen in spans.items()}  # fmt: skip
        for name, seen in spans.items():
            share = median(each.endpoint_cpu_s / each.wall_s for each in seen)
            if name == "hooktail":
                busiest = max(busiest, share)
            rows.append(
                (
                    f"{_NAMES[name]}, {setting.pace}",
                    f"{median(each.events / each.wall_s for each in seen):,.0f}",
                    f"{per_event[name] * 1e6:.0f}",
                    f"{per_event[name] / per_event['aiohttp']:.2f}",
                    f"{median(each.cpu_s / each.wall_s for each in seen):.0%}",
                    f"{median(each.peak_mib for each in seen):.0f}",
                    f"{share:.0%}",
                )
            )
    note = (
        f"Each the median of {wanted.rounds} turns, from {WARM:.0%} to {COOL:.0%} of the events. "
        f"Under the daemon the endpoint, a process in Python too, never used more than "
        f"{busiest:.0%} of its core."
    )
    return Table(
        (
            "who, answers after, in flight",
            "events/s",
            "CPU µs an event",
            "to aiohttp",
            "own core",
            "peak RSS, MiB",
            "endpoint's core",
        ),
        rows,
        note,
    )


_NAMES = {
    "hooktail": "**hooktail**",
    "aiohttp": "bare aiohttp `ClientSession`",
    "protocol": "bare `asyncio.BufferedProtocol`",
}


def _bodies(directory: Path, log: Path) -> Path:
    """Writes what the daemon would send; every line must make an event."""
    config = configure(directory, "http://127.0.0.1:9/{account_id}/pixel.png", str(log))
    bodies = directory / "bodies.ndjson"
    with bodies.open("wb") as out:
        subprocess.run(
            [*HOOKTAIL, "preview", "--config", str(config), "--source", SOURCE, str(log)],
            stdout=out,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    made, lines = bodies.read_bytes().count(b"\n"), log.read_bytes().count(b"\n")
    if made != lines:
        raise BenchmarkError(f"of {lines} page views only {made} make an event")
    return bodies


def _measure(name: str, setting: Setting, directory: Path, log: Path, bodies: Path) -> Span:
    directory.mkdir()
    delay = ("--fail", f"delay={setting.answer_ms}ms") if setting.answer_ms else ()
    with endpoint(*delay) as pixel:
        if name == "hooktail":
            concurrency = f"concurrency = {setting.concurrency}"
            config = configure(directory, pixel.template, str(log), delivery=concurrency)
            with daemon(directory, config) as hooktail:
                span = _watch(hooktail.pid, pixel, setting.events)
                wait_for(lambda: pixel.accepted() >= setting.events, "the last events")
                hooktail.stop()
                if hooktail.books().get("delivered") != setting.events:
                    raise BenchmarkError(f"not all were delivered: {hooktail.books()}")
            return span
        arguments = (name, str(pixel.port), str(bodies), str(setting.concurrency))
        with _client(*arguments) as client:
            span = _watch(client.pid, pixel, setting.events)
            if client.wait(60) != 0:
                raise BenchmarkError(f"the client {name} failed")
        return span


@contextmanager
def _client(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    script = Path(__file__).with_name("clients.py")
    process = subprocess.Popen([sys.executable, str(script), *arguments])
    try:
        yield process
    finally:
        end(process)


class _Moment(NamedTuple):
    accepted: int
    at: float
    cpu_s: float
    endpoint_cpu_s: float
    peak_mib: float


def _watch(pid: int, pixel: Endpoint, events: int) -> Span:
    """Waits for the first and the last moment of the span; hardly costs the machine anything."""

    def look() -> _Moment:
        return _Moment(
            pixel.accepted(),
            time.perf_counter(),
            cpu_s(pid),
            cpu_s(pixel.process.pid),
            peak_rss_mib(pid),
        )

    def reached(share: float) -> _Moment | None:
        moment = look()
        return moment if moment.accepted >= share * events else None

    first = wait_for(lambda: reached(WARM), "the first events", 120, _LOOK_S)
    last = first
    ends_at = time.monotonic() + 300
    while last.accepted < COOL * events:
        time.sleep(_LOOK_S)
        if time.monotonic() > ends_at:
            raise BenchmarkError("waited in vain for the last events")
        try:
            last = look()
        except (OSError, LookupError):
            break  # a client that is done goes away; the moment before counts
    if last.accepted == first.accepted:
        raise BenchmarkError("too few events to measure")
    return Span(
        last.accepted - first.accepted,
        last.at - first.at,
        last.cpu_s - first.cpu_s,
        last.endpoint_cpu_s - first.endpoint_cpu_s,
        last.peak_mib,
    )
