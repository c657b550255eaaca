"""A hundred files that grow at once beside one with a large backlog: how far behind is each?

All are written at the same even rate. A look every tenth of a second at the checkpoint, as `status`
reads it, tells how many bytes of each have not been read. The backlog stands there at the start,
and is read meanwhile: it may not keep the others waiting.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.generate import clf_time
from benchmarks.measure import Table, cpu_s, percentile
from benchmarks.processes import BenchmarkError, configure, daemon, wait_for
from benchmarks.speed import write_assets

from hooktail.checkpoint.store import read_state

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = "http://127.0.0.1:9/{account_id}/pixel.png"
"""Nothing is ever sent."""
LOOK_S = 0.1
WRITES_A_SECOND = 20
SETTLE_S = 1.0
"""The first second, in which the files are found, does not count."""


@dataclass(frozen=True, slots=True)
class Size:
    files: int
    lines_a_second: int
    """Of each file."""
    lasting_s: float
    backlog_lines: int


SIZES = {
    "full": Size(100, 100, 20.0, 2_000_000),
    "quick": Size(100, 100, 6.0, 500_000),
    "tiny": Size(5, 20, 1.5, 2000),
}


def run(size: str, directory: Path) -> Table:
    """Measures one daemon without and one with a backlog beside the files."""
    wanted = SIZES[size]
    rows = []
    for backlog_lines in (0, wanted.backlog_lines):
        place = directory / f"beside-{backlog_lines}"
        place.mkdir()
        rows.append(_measure(wanted, place, backlog_lines))
    note = (
        f"{wanted.files} files, {wanted.lines_a_second} lines a second each for "
        f"{wanted.lasting_s:g} s, none of which makes an event. Lag: lines written and not yet in "
        f"the checkpoint, of each file at its worst look; a look every {LOOK_S:g} s."
    )
    headers = (
        "backlog beside them",
        "smallest lag of a file, lines",
        "median",
        "largest",
        "largest, s",
        "of the backlog read meanwhile",
        "own core",
    )
    return Table(headers, rows, note)


def _measure(wanted: Size, directory: Path, backlog_lines: int) -> tuple[str, ...]:
    logs = directory / "logs"
    logs.mkdir()
    paths = [logs / f"{number:05}.log" for number in range(wanted.files)]
    for path in paths:
        path.touch()
    backlog = logs / "backlog.log"
    if backlog_lines:
        write_assets(backlog, backlog_lines)
    # Files with the same content would be copies of each other.
    lines = {path: _line(path.stem) for path in paths}
    line_bytes = len(lines[paths[0]])
    config = configure(directory, NOBODY, f"{logs}/*.log")
    with daemon(directory, config) as hooktail:
        wait_for(lambda: hooktail.logged("file_started") >= wanted.files, "all to be followed")
        before_s, began_at = cpu_s(hooktail.pid), time.perf_counter()
        written = [0]
        writing = threading.Thread(target=_write, args=(lines, wanted, written))
        writing.start()
        worst: dict[str, int] = {path.name: 0 for path in paths}
        while writing.is_alive():
            time.sleep(LOOK_S)
            if time.perf_counter() - began_at > SETTLE_S:
                _look(directory, written[0], line_bytes, worst)
        lasted_s = time.perf_counter() - began_at
        used = (cpu_s(hooktail.pid) - before_s) / lasted_s
        read = _offsets(directory).get(backlog.name, 0)
        share = f"{read / backlog.stat().st_size:.0%}" if backlog_lines else ""
        whole = written[0] * line_bytes
        wait_for(
            lambda: all(_offsets(directory).get(path.name) == whole for path in paths),
            "all lines to be read",
        )
        hooktail.stop()
    if hooktail.books().get("read", 0) < written[0] * wanted.files:
        raise BenchmarkError("lines are missing")
    lags = [float(lag) for lag in worst.values()]
    return (
        f"{backlog_lines:,} lines" if backlog_lines else "none",
        f"{min(lags):.0f}",
        f"{percentile(lags, 0.5):.0f}",
        f"{max(lags):.0f}",
        f"{max(lags) / wanted.lines_a_second:.2f}",
        share,
        f"{used:.0%}",
    )


def _line(site: str) -> bytes:
    stamp, request = clf_time(datetime.now(UTC)), f"GET /{site}.css HTTP/1.1"
    return f'81.2.69.142 - - [{stamp}] "{request}" 200 512 "-" "-"\n'.encode()


def _write(lines: dict[Path, bytes], wanted: Size, written: list[int]) -> None:
    """Writes to all files in turn; `written` is how many lines stand in each of them."""
    files = [(path.open("ab", buffering=0), line) for path, line in lines.items()]
    at_once = max(wanted.lines_a_second // WRITES_A_SECOND, 1)
    pause_s = at_once / wanted.lines_a_second
    begins_at = time.perf_counter()
    for turn in range(int(wanted.lasting_s / pause_s)):
        time.sleep(max(begins_at + turn * pause_s - time.perf_counter(), 0))
        for file, line in files:
            file.write(line * at_once)
        written[0] += at_once
    for file, _ in files:
        file.close()


def _look(directory: Path, written: int, line_bytes: int, worst: dict[str, int]) -> None:
    """Notes the lag of each file; `written` was true before the offsets were looked at."""
    for name, read in _offsets(directory).items():
        if name in worst:
            worst[name] = max(worst[name], written - read // line_bytes)


def _offsets(directory: Path) -> dict[str, int]:
    entries = read_state(directory / "state").files.values()
    return {entry.path.rpartition("/")[2]: entry.read for entry in entries}
