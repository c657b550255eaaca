"""The event loop: which one runs, and what becomes of a bug in one of its callbacks.

uvloop runs where it is installed, because a request costs less on it.
"""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NO_UVLOOP_VARIABLE = "HOOKTAIL_NO_UVLOOP"

log = structlog.get_logger()


def factory(environ: Mapping[str, str]) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Returns what makes the event loop, for `asyncio.Runner`; None stands for asyncio's own.

    `HOOKTAIL_NO_UVLOOP`, set to anything but nothing or 0, keeps asyncio's.
    """
    if environ.get(NO_UVLOOP_VARIABLE, "0") not in ("", "0") or find_spec("uvloop") is None:
        return None
    import uvloop  # noqa: PLC0415 - not on every machine

    make: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return make


async def surface_bugs() -> None:
    """Raises what a callback of the loop raises, to end the service: asyncio would only log it.

    The journal is written in such a callback. Going on without it would be worse than a restart.
    """
    loop = asyncio.get_running_loop()
    raised: asyncio.Future[None] = loop.create_future()

    def surface(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        log.error("unexpected", message=context.get("message"), exc_info=error)
        handle = context.get("handle")
        if error is not None and handle is not None and not raised.done():
            raised.set_exception(error)

    loop.set_exception_handler(surface)
    await raised
