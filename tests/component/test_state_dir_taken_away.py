"""The state directory is emptied, or put elsewhere, under a running daemon."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.life import Life
from support.lines import page_view

from hooktail.checkpoint.lock import StateLock
from hooktail.errors import LockedError


async def _life_with_one_settled(directory: Path) -> Life:
    life = Life(directory)
    life.write(page_view(1), page_view(2))
    await life.read()
    life.destination.settle(0)
    await asyncio.sleep(0)
    return life


async def test_an_emptied_directory_is_noticed_and_written_anew(tmp_path: Path) -> None:
    life = await _life_with_one_settled(tmp_path)
    for path in life.state_dir.glob("checkpoint.*"):
        path.unlink()

    await life.keeper.tick()

    assert life.health == [False, True]
    assert life.balance() == {"delivered": 1, "pending": 1}
    life.destination.settle()
    await asyncio.sleep(0)
    assert life.balance() == {"delivered": 2, "pending": 0}


async def test_without_the_directory_nothing_goes_on_until_it_is_there(tmp_path: Path) -> None:
    life = await _life_with_one_settled(tmp_path)
    away = tmp_path / "away"
    life.state_dir.rename(away)

    await life.keeper.tick()
    life.destination.settle()
    await asyncio.sleep(0)
    assert not life.keeper.flush()
    assert life.health == [False]

    away.rename(life.state_dir)
    await life.keeper.tick()
    assert life.health == [False, True]
    assert life.balance() == {"delivered": 2, "pending": 0}


def test_the_lock_is_taken_again_unless_another_has_it(tmp_path: Path) -> None:
    with StateLock(tmp_path) as lock:
        (tmp_path / "lock").unlink()
        lock.hold_again()
        with pytest.raises(LockedError), StateLock(tmp_path):
            pass

        (tmp_path / "lock").unlink()
        with StateLock(tmp_path), pytest.raises(LockedError):
            lock.hold_again()
