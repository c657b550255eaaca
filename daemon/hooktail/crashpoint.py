"""Named instants at which a test has the process die, as SIGKILL would have it.

`HOOKTAIL_CRASH_AT=NAME` arms one of them, `NAME:3` its third passing; both count only beside
`HOOKTAIL_TESTING=1`. Unarmed, a point costs one comparison. tests/system/test_crash_points.py
runs the daemon over all of them: a new name in `POINTS` is tested without another word.
"""

from __future__ import annotations

import os
from itertools import count

POINTS = (
    "journal-before-write",
    "journal-torn",
    "journal-after-write",
    "sync-before",
    "sync-after",
    "generation-journal-made",
    "generation-journal-ended",
    "snapshot-tmp-half",
    "snapshot-tmp-written",
    "snapshot-renamed",
    "snapshot-dir-synced",
    "old-deleted",
    "deadletter-before-fsync",
    "deadletter-after-fsync",
    "answer-before-record",
)
POINTS_ANEW = (
    "anew-journal-made",
    "anew-journal-begun",
    "anew-done",
)
"""Where the state directory was emptied under the daemon; the snapshot has its points too."""
EXIT_CODE = 137
"""What a shell reports of a process that SIGKILL ended."""

_TESTING = os.environ.get("HOOKTAIL_TESTING") == "1"
_ARMED, _, _PASSING = (os.environ.get("HOOKTAIL_CRASH_AT", "") if _TESTING else "").partition(":")
_passings = count(1)


def crash_at(point: str) -> None:
    """Ends the process here and now if this point is armed."""
    if point == _ARMED and _due():
        os._exit(EXIT_CODE)


def crash_within(point: str, descriptor: int, data: bytes) -> None:
    """As `crash_at`, with the first half of `data` written."""
    if point == _ARMED and _due():
        os.write(descriptor, data[: len(data) // 2])
        os._exit(EXIT_CODE)


def _due() -> bool:
    return next(_passings) == int(_PASSING or 1)


def tested_size(name: str, default: int) -> int:
    """Returns the number in an environment variable under HOOKTAIL_TESTING, else the default."""
    return int(os.environ.get(name, default)) if _TESTING else default
