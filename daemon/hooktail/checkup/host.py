"""Limits of the kernel that a host with many logs meets."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import TYPE_CHECKING

from hooktail import descriptors
from hooktail.checkup.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

INOTIFY = Path("/proc/sys/fs/inotify")
MOST_SHARE = 0.8
"""Of a limit that other programs share."""


def look(
    directories: int,
    files: int,
    connections: int,
    *,
    inotify: Path = INOTIFY,
    most_files: int | None = None,
) -> Iterator[Finding]:
    """Compares what the daemon would take with what it may have."""
    yield from _watches(directories, inotify)
    if most_files is None:
        # The daemon raises its own limit that far; a unit may set another (LimitNOFILE).
        most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    needed = files + connections + descriptors.SPARE
    if most_files in (-1, resource.RLIM_INFINITY) or needed <= most_files:
        return
    yield Finding(
        name="too_many_files",
        area="host",
        level=Level.WARN,
        message=f"{files:,} files and {connections:,} connections need {needed:,} descriptors; the "
        f"limit is {most_files:,}: the oldest files would wait",
        hint="raise LimitNOFILE in the unit, or narrow `paths`",
    )


def _watches(directories: int, inotify: Path) -> Iterator[Finding]:
    watches = _number(inotify / "max_user_watches")
    instances = _number(inotify / "max_user_instances")
    if watches is None or instances is None:
        yield Finding(
            name="no_inotify",
            area="host",
            level=Level.WARN,
            message="the kernel has no inotify limits to see: files may have to be polled",
        )
        return
    where = "1 directory" if directories == 1 else f"{directories:,} directories"
    if directories > watches * MOST_SHARE:
        yield Finding(
            name="too_few_watches",
            area="host",
            level=Level.WARN,
            message=f"{where} to watch, and fs.inotify.max_user_watches is {watches:,} for all "
            "programs of the user: what cannot be watched is polled",
            hint=f"run `sysctl fs.inotify.max_user_watches={max(4 * directories, 65_536)}`",
        )
    elif instances < 1:
        yield Finding(
            name="too_few_instances",
            area="host",
            level=Level.WARN,
            message="fs.inotify.max_user_instances is 0: files are polled",
            hint="run `sysctl fs.inotify.max_user_instances=128`",
        )
    else:
        yield Finding(
            name="limits",
            area="host",
            message=f"{where} to watch; fs.inotify.max_user_watches is {watches:,}",
        )


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
