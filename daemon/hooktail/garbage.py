"""How Python's garbage collector is set up for a daemon that makes many objects and few circles."""

from __future__ import annotations

import gc

_YOUNG, _MIDDLE, _OLD = 10_000, 20, 20
"""After so many more objects than were freed, the young are looked at; after so many times, the
middle-aged; after so many times of those, all. Python's own are 700, 10 and 10 (3.13: 2,000): the
tuples of one batch of lines reach that many times over, and none of them is in a circle."""


def settle() -> None:
    """Spares the collector what was built so far, which lives long, and looks at the rest less."""
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
