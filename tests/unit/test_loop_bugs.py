"""What becomes of a bug in a callback of the event loop."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from hooktail import loop_bugs


async def test_a_bug_in_a_callback_is_logged_and_raised() -> None:
    def callback() -> None:
        raise ZeroDivisionError

    watching = asyncio.create_task(loop_bugs.surface_bugs())
    await asyncio.sleep(0)
    with capture_logs() as logs:
        asyncio.get_running_loop().call_soon(callback)
        with pytest.raises(ZeroDivisionError):
            await watching

    assert [each["event"] for each in logs] == ["unexpected"]


async def test_an_error_that_no_callback_raised_is_only_logged() -> None:
    watching = asyncio.create_task(loop_bugs.surface_bugs())
    await asyncio.sleep(0)
    with capture_logs() as logs:
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "never retrieved", "exception": OSError()})
        await asyncio.sleep(0)

    assert [each["event"] for each in logs] == ["unexpected"]
    assert not watching.done()
    watching.cancel()
