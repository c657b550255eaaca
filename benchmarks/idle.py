"""Rest: the real daemon over ten thousand quiet files in ten directories.

A file that was just met is looked at often, later rarely: each of these times has its row.
"""

from __future__ import annotations

import os
import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.generate import write_log
from benchmarks.measure import Table, cpu_s, peak_rss_mib, rss_mib
from benchmarks.processes import BenchmarkError, configure, daemon, wait_for

from hooktail.tail.meeting import LINES_A_SCAN

if TYPE_CHECKING:
    from pathlib import Path

DIRECTORIES = 10
SPARE_DESCRIPTORS = 1000
NOBODY = "http://127.0.0.1:9/{account_id}/pixel.png"
"""Nothing is ever sent."""


@dataclass(frozen=True, slots=True)
class Size:
    files: int
    windows: tuple[tuple[float, float], ...]
    """From and to, in seconds after the last file was followed."""


SIZES = {
    "full": Size(10_000, ((0.0, 9.0), (15.0, 75.0), (125.0, 185.0))),
    "quick": Size(10_000, ((0.0, 9.0), (12.0, 22.0))),
    "tiny": Size(20, ((0.0, 0.5),)),
}


def run(size: str, directory: Path) -> Table:
    """Measures one daemon from its start on."""
    wanted = SIZES[size]
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < wanted.files + SPARE_DESCRIPTORS:
        raise BenchmarkError(f"raise the limit of open files (ulimit -Hn): it is {hard}")
    _write_files(directory, wanted.files)
    config = configure(directory, NOBODY, f"{directory}/logs-*/*.log", start_at="end")
    rows = []
    with daemon(directory, config) as hooktail:
        started_s = time.perf_counter() - hooktail.started_at
        descriptors = f"/proc/{hooktail.pid}/fd"
        # A cheap look first: everything else that is open makes a dozen.
        wait_for(
            lambda: len(os.listdir(descriptors)) > wanted.files,
            "all files to be opened",
            every_s=0.05,
        )
        if wanted.files > LINES_A_SCAN:
            wait_for(lambda: hooktail.logged("files_followed"), "all to be followed")
        else:
            wait_for(lambda: hooktail.logged("file_started") >= wanted.files, "all to be followed")
        followed_at = time.perf_counter()
        start_cpu_s = cpu_s(hooktail.pid)
        for begin_s, end_s in wanted.windows:
            _sleep_until(followed_at + begin_s)
            began_at, before_s = time.perf_counter(), cpu_s(hooktail.pid)
            _sleep_until(followed_at + end_s)
            spent_s = cpu_s(hooktail.pid) - before_s
            lasted_s = time.perf_counter() - began_at
            rows.append(
                (
                    f"{begin_s:g} to {end_s:g} s",
                    f"{spent_s / lasted_s * 60:.2f}",
                    f"{spent_s / lasted_s:.2%}",
                    f"{rss_mib(hooktail.pid):.1f}",
                )
            )
        peak_mib = peak_rss_mib(hooktail.pid)
        hooktail.stop()
        if hooktail.books().get("read", 0):
            raise BenchmarkError("old lines were read")
    note = (
        f'{wanted.files:,} files in {DIRECTORIES} directories, `start_at = "end"`. Started '
        f"{started_s:.2f} s after the process was made, all files followed after "
        f"{followed_at - hooktail.started_at:.2f} s and {start_cpu_s:.2f} s of CPU; "
        f"peak RSS {peak_mib:.1f} MiB."
    )
    headers = ("after all files are followed", "CPU s a minute", "of a core", "RSS, MiB")
    return Table(headers, rows, note)


def _write_files(directory: Path, files: int) -> None:
    sample = directory / "sample"
    write_log(sample, files * 5)
    lines = sample.read_text().splitlines(keepends=True)
    for number in range(files):
        place = directory / f"logs-{number % DIRECTORIES}"
        place.mkdir(exist_ok=True)
        text = "".join(lines[number * 5 : number * 5 + 5])
        (place / f"site-{number}.log").write_text(text)


def _sleep_until(moment: float) -> None:
    time.sleep(max(moment - time.perf_counter(), 0.0))
