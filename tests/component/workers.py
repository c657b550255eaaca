"""A sender whose requests are made by workers, as tests of all lanes want it."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from hooktail.config.sections import DestinationSection
from hooktail.delivery import target, worker_process
from hooktail.delivery.sender import Sender
from hooktail.delivery.worker_pool import WorkerPool

LANES = ["plain", "fast", "workers"]
"""Whatever is claimed of one holds for all."""
_SCRIPT = Path(__file__).parents[1] / "support" / "worker_with_moments.py"


class WorkerSender(Sender):
    """Has workers of its own that live as long as it."""

    def __init__(self, section: DestinationSection, *, workers: int = 2, **options: Any) -> None:
        self.pool = WorkerPool(workers)
        self._stack = contextlib.AsyncExitStack()
        super().__init__(section, workers=self.pool, **options)

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.pool)
        return await super().__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await super().__aexit__(kind, error, traceback)
        await self._stack.aclose()


def sender_on(
    lane: str, section: DestinationSection, *, workers: int = 2, **options: Any
) -> Sender:
    """A sender on that lane; workers send on the fast one."""
    if lane == "workers":
        return WorkerSender(section, workers=workers, lane="fast", **options)
    return Sender(section, lane=lane, **options)


def set_moment(monkeypatch: pytest.MonkeyPatch, name: str, value: float) -> None:
    """Sets one of `delivery.target`'s moments, in workers too."""
    monkeypatch.setattr(target, name, value)
    moments = json.loads(os.environ.get("TEST_MOMENTS", "{}")) | {name: value}
    monkeypatch.setenv("TEST_MOMENTS", json.dumps(moments))
    monkeypatch.setattr(worker_process, "COMMAND", (sys.executable, str(_SCRIPT)))
