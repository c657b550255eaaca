"""What the kernel says about processes and the machine, and the tables that come of it."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Table:
    """The outcome of a benchmark: cells as they are shown, and what to know of them."""

    headers: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str

    def markdown(self) -> str:
        """Writes the table with its note; all columns but the first are numbers."""
        rule = ["---"] + ["---:"] * (len(self.headers) - 1)
        cells = [self.headers, tuple(rule), *self.rows]
        table = "\n".join(f"| {' | '.join(row)} |" for row in cells)
        return f"{table}\n\n{self.note}\n"


def cpu_s(pid: int) -> float:
    """CPU time of a process in seconds, user and system, of all its threads."""
    # The name in parentheses may hold anything; what follows it begins with field 3.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_S


def rss_mib(pid: int) -> float:
    """Resident memory now, in MiB."""
    return _status_mib(pid, "VmRSS")


def peak_rss_mib(pid: int) -> float:
    """The most resident memory that the process ever had, in MiB."""
    return _status_mib(pid, "VmHWM")


def _status_mib(pid: int, key: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) / 1024
    raise LookupError(f"process {pid} has ended")


def percentile(values: list[float], share: float) -> float:
    """The smallest value that `share` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


class Neighbours:
    """How busy the machine was with anything but this process and its children.

    Children count once they have ended and were waited for.
    """

    def __init__(self) -> None:
        self._began_at, self._busy_s, self._own_s = perf_counter(), _busy_s(), _own_s()

    def cores(self) -> float:
        """Cores that others kept busy since this was made."""
        others_s = (_busy_s() - self._busy_s) - (_own_s() - self._own_s)
        return max(others_s, 0.0) / (perf_counter() - self._began_at)


def _busy_s() -> float:
    fields = Path("/proc/stat").read_text().partition("\n")[0].split()
    user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, fields[1:9])
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_S


def _own_s() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def machine() -> str:
    """Says on what the numbers were taken; names no host."""
    model = "unknown CPU"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    return (
        f"{model}, {len(os.sched_getaffinity(0))} cores, "
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"{platform.system()} {platform.release().partition('-')[0]}, "
        f"{datetime.now(UTC):%Y-%m-%d}"
    )
