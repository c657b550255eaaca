"""Which event loop runs, and what becomes of a bug in a callback."""

from __future__ import annotations

import asyncio
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest
from structlog.testing import capture_logs

from hooktail import event_loop


@pytest.fixture
def uvloop(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("uvloop")
    module.__spec__ = ModuleSpec("uvloop", None)
    module.new_event_loop = asyncio.new_event_loop  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, "uvloop", module)
    return module


@pytest.mark.parametrize("said", [None, "", "0"])
def test_uvloop_runs_where_it_is_installed(uvloop: ModuleType, said: str | None) -> None:
    environ = {} if said is None else {event_loop.NO_UVLOOP_VARIABLE: said}

    assert event_loop.factory(environ) is uvloop.new_event_loop


@pytest.mark.usefixtures("uvloop")
def test_it_can_be_refused() -> None:
    assert event_loop.factory({event_loop.NO_UVLOOP_VARIABLE: "1"}) is None


def test_without_it_asyncio_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_loop, "find_spec", lambda _name: None)

    assert event_loop.factory({}) is None


async def test_a_bug_in_a_callback_is_logged_and_raised() -> None:
    def callback() -> None:
        raise ZeroDivisionError

    watching = asyncio.create_task(event_loop.surface_bugs())
    await asyncio.sleep(0)
    with capture_logs() as logs:
        asyncio.get_running_loop().call_soon(callback)
        with pytest.raises(ZeroDivisionError):
            await watching

    assert [each["event"] for each in logs] == ["unexpected"]


async def test_an_error_that_no_callback_raised_is_only_logged() -> None:
    watching = asyncio.create_task(event_loop.surface_bugs())
    await asyncio.sleep(0)
    with capture_logs() as logs:
        loop = asyncio.get_running_loop()
        loop.call_exception_handler({"message": "never retrieved", "exception": OSError()})
        await asyncio.sleep(0)

    assert [each["event"] for each in logs] == ["unexpected"]
    assert not watching.done()
    watching.cancel()
