"""What becomes of a bug in a callback of the event loop. Workers, which only send, do without."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog

log = structlog.get_logger()


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
