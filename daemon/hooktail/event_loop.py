"""Which event loop runs: uvloop where it is installed, because a request costs less on it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping

NO_UVLOOP_VARIABLE = "HOOKTAIL_NO_UVLOOP"


def factory(environ: Mapping[str, str]) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Returns what makes the event loop, for `asyncio.Runner`; None stands for asyncio's own.

    `HOOKTAIL_NO_UVLOOP`, set to anything but nothing or 0, keeps asyncio's.
    """
    if environ.get(NO_UVLOOP_VARIABLE, "0") not in ("", "0") or find_spec("uvloop") is None:
        return None
    import uvloop  # noqa: PLC0415 - not on every machine

    make: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return make
