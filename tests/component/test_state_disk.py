"""A state directory on a disk of its own that is full, or read-only: real ones, no fakes."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.life import Life
from support.lines import page_view

from hooktail.checkpoint.store import Store
from hooktail.errors import CannotWriteError

DISK = "size=256k"

Mount = Callable[[str], None]


@pytest.fixture
def mount_state(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a small disk as the state directory, or mounts it anew with other options."""
    state = tmp_path / "state"
    state.mkdir()
    if shutil.which("mount") is None:
        pytest.skip("there is no mount")
    mounted = False

    def mount(options: str) -> None:
        nonlocal mounted
        again = "remount," if mounted else ""
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"{again}{options}", "none", str(state)],
            capture_output=True,
            check=False,
            text=True,
        )
        if done.returncode:
            pytest.skip(f"mounting a tmpfs is not permitted here: {done.stderr.strip()}")
        mounted = True

    yield mount
    if mounted:
        subprocess.run(["umount", "-l", str(state)], check=True)


def fill(state_dir: Path) -> Path:
    filler = state_dir / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(512)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - that it comes is the way to fill
    return filler


async def test_a_full_disk_pauses_reading_and_sending_loses_nothing_and_heals(
    tmp_path: Path, mount_state: Mount
) -> None:
    mount_state(DISK)
    life = Life(tmp_path)
    life.write(*(page_view(number) for number in range(10)))
    await life.read()
    filler = fill(life.state_dir)

    with capture_logs() as logs:
        for number in range(10, 400):  # until the last page that the journal has is full
            if life.health:
                break
            life.destination.settle()
            await asyncio.sleep(0)
            life.write(page_view(number))
            await life.read()
        assert life.health == [False]
        written = life.log.read_text().count("\n")
        life.write(page_view(400))
        await life.read()
        assert not life.feed.has_room
    assert [each["event"] for each in logs].count("checkpoint_unwritable") == 1

    filler.unlink()
    await life.keeper.tick()
    assert life.health == [False, True]
    await life.read()
    life.destination.settle()
    await asyncio.sleep(0)
    assert life.balance() == {"delivered": written + 1, "pending": 0}
    life.store.close()

    after = Life(tmp_path)
    await after.read()
    assert after.destination.waiting == []
    after.store.close()


def test_a_read_only_disk_at_the_start_is_said_in_one_line(
    tmp_path: Path, mount_state: Mount
) -> None:
    mount_state(DISK)
    state_dir = tmp_path / "state"
    store = Store.open(state_dir)
    store.append({"start": ["shop"]})
    store.close()
    before = {path.name: path.read_bytes() for path in state_dir.iterdir()}
    mount_state(f"ro,{DISK}")

    with pytest.raises(CannotWriteError, match=os.strerror(errno.EROFS)) as refused:
        Store.open(state_dir)
    assert str(state_dir) in str(refused.value)
    assert {path.name: path.read_bytes() for path in state_dir.iterdir()} == before

    mount_state(f"rw,{DISK}")
    store = Store.open(state_dir)
    assert store.state.started == {"shop"}
    store.close()
