"""The state directory is emptied, or put elsewhere, under a running daemon."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.life import Life
from support.lines import page_view

from hooktail.checkpoint.lock import StateLock
from hooktail.checkpoint.state import State
from hooktail.checkpoint.store import Store
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


@pytest.mark.parametrize("fails_at", range(1, 9))
async def test_what_fails_while_it_is_written_anew_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    """Each write and each fsync of it in turn."""
    life = await _life_with_one_settled(tmp_path)
    for path in life.state_dir.glob("checkpoint.*"):
        path.unlink()
    calls = iter(range(1, 100))

    def failing(real: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object) -> object:
            if next(calls) == fails_at:
                raise OSError(errno.EIO, "Input/output error")
            return real(*given)

        return call

    for operation in ("create", "write", "sync", "sync_directory", "rename"):
        monkeypatch.setattr(
            life.store._disk, operation, failing(getattr(life.store._disk, operation))
        )
    await life.keeper.tick()
    restarted = Store.open(_copy(life.state_dir, tmp_path / "copy"))
    assert restarted.state.to_json() in (State().to_json(), life.store.state.to_json())

    await life.keeper.tick()

    assert life.keeper.healthy
    assert life.balance() == {"delivered": 1, "pending": 1}
    life.store.close()
    assert Store.open(life.state_dir, on_error="fail").state.to_json() == life.store.state.to_json()


def _copy(directory: Path, to: Path) -> Path:
    shutil.copytree(directory, to)
    return to


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "must own"),
        (errno.EPERM, "must own"),
        (errno.EIO, "kernel's log"),
        (errno.EMFILE, "LimitNOFILE"),
        (errno.ENOENT, "is gone"),
        (errno.ENOTUNIQ, "what the reason says"),
    ],
)
async def test_the_hint_fits_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, hint: str
) -> None:
    life = await _life_with_one_settled(tmp_path)

    def write(_descriptor: int, _data: bytes) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(life.store._disk, "write", write)
    with capture_logs() as logs:
        life.destination.settle()
        await asyncio.sleep(0)

    (said,) = [each for each in logs if each["event"] == "checkpoint_unwritable"]
    assert said["reason"] == os.strerror(number)
    assert hint in said["hint"]
    assert "nothing is lost" in said["hint"]


def test_a_lock_that_cannot_be_taken_again_says_why(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    with StateLock(directory) as lock:
        directory.rename(tmp_path / "away")

        with pytest.raises(OSError, match="No such file") as refused:
            lock.hold_again()

    assert refused.value.errno == errno.ENOENT
