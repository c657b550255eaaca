"""Which workers are in force, and when those before them go."""

from __future__ import annotations

from typing import Self

import pytest

from hooktail.delivery import staff
from hooktail.delivery.staff import Staff


class FakePool:
    """Workers that are no processes."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.ended = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_given: object) -> None:
        self.ended = True


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff, "WorkerPool", FakePool)


async def test_one_process_is_the_daemon_itself() -> None:
    ours = Staff()

    await ours.have(1)

    assert ours.workers is None


async def test_the_same_count_leaves_the_workers_alone() -> None:
    ours = Staff()
    await ours.have(2)
    before = ours.workers

    await ours.have(2)
    await ours.dismiss()

    assert ours.workers is before
    assert isinstance(before, FakePool)
    assert not before.ended


async def test_workers_of_another_count_go_only_when_they_are_dismissed() -> None:
    ours = Staff()
    await ours.have(2)
    before = ours.workers
    assert isinstance(before, FakePool)

    await ours.have(3)
    assert ours.workers is not before
    assert not before.ended

    await ours.dismiss()
    assert before.ended
