"""Which event loop runs."""

from __future__ import annotations

import asyncio
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

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
