"""File descriptors: every followed file costs one, and connections must not lack theirs."""

from __future__ import annotations

import contextlib
import resource

SPARE = 64
"""Beside logs and connections: watches, journal, dead letters, name service."""


def raise_limit() -> None:
    """Takes what the hard limit allows."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def may_open(opened: int, connections: int) -> bool:
    """Whether one more log may be opened beside so many, with so many connections at most.

    Keeps descriptors for connections and the state directory.
    """
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    reserve = min(connections + SPARE, soft // 2)
    return opened < soft - reserve
