"""A state directory on a disk of its own that is full, or read-only: real ones, no fakes."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from support.life import Life
from support.lines import page_view
from support.processes import daemon, endpoint, wait_for

from hooktail.checkpoint.store import Store, read_state
from hooktail.errors import CannotWriteError

DISK = "size=4m"

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


@pytest.fixture
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reserve is asked for often."""
    monkeypatch.setattr("hooktail.checkpoint.store.RESERVE_STEP_BYTES", 2048)


def fill(state_dir: Path) -> Path:
    filler = state_dir / "filler"
    with filler.open("ab", buffering=0) as file:
        try:
            while file.write(bytes(512)):
                pass
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017 - that it comes is the way to fill
    return filler


async def on_a_full_disk(tmp_path: Path, mount_state: Mount, lines: int) -> tuple[Life, Path]:
    """A life that has read so many lines, and what fills its disk now."""
    mount_state(DISK)
    life = Life(tmp_path)
    life.write(*(page_view(number) for number in range(lines)))
    await life.read()
    return life, fill(life.state_dir)


@pytest.mark.usefixtures("_small_steps")
@pytest.mark.parametrize("reserves", [True, False])
async def test_a_full_disk_pauses_reading_and_sending_loses_nothing_and_heals(
    tmp_path: Path, mount_state: Mount, monkeypatch: pytest.MonkeyPatch, reserves: bool
) -> None:
    """Also where no space can be set aside."""
    if not reserves:
        monkeypatch.setattr("hooktail.checkpoint.disk.reserve", lambda *_given: False)
    life, filler = await on_a_full_disk(tmp_path, mount_state, 10)

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


@pytest.mark.usefixtures("_small_steps")
async def test_what_is_answered_while_the_disk_is_full_is_written_down(
    tmp_path: Path, mount_state: Mount
) -> None:
    """It used to wait in memory, and a SIGKILL had it sent again."""
    life, _ = await on_a_full_disk(tmp_path, mount_state, 500)
    while not life.health:
        life.destination.settle(0)
        await asyncio.sleep(0)
    assert life.health == [False]

    in_flight = len(life.destination.waiting)
    assert in_flight > 300
    while life.destination.waiting:
        life.destination.settle(0)
        await asyncio.sleep(0)

    assert life.health == [False]
    assert life.balance() == {"delivered": 500, "pending": 0}
    after = Life(tmp_path)
    await after.read()
    assert after.destination.waiting == []


@pytest.mark.usefixtures("_small_steps")
async def test_unparsable_lines_do_not_keep_outcomes_from_being_written_down(
    tmp_path: Path, mount_state: Mount
) -> None:
    life, filler = await on_a_full_disk(tmp_path, mount_state, 50)
    life.write(*(f"no log line {number}\n" for number in range(2000)))
    await life.read()
    assert life.health == [False]

    life.destination.settle()
    await asyncio.sleep(0)
    assert life.balance() == {"delivered": 50, "unparsable.syntax": 2000, "pending": 0}
    kept = life.state_dir / "unparsed" / "shop.ndjson"
    assert not kept.exists() or kept.read_bytes() == b""

    filler.unlink()
    await life.keeper.tick()
    assert life.health == [False, True]
    assert kept.read_text().count("\n") == 2000


def test_the_real_daemon_sends_nothing_again_after_a_kill_on_a_full_disk(
    tmp_path: Path, mount_state: Mount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOKTAIL_TESTING", "1")
    monkeypatch.setenv("HOOKTAIL_RESERVE_STEP_BYTES", "4096")
    mount_state(DISK)
    log = tmp_path / "access.log"
    written = 3000
    log.write_text("".join(page_view(number) for number in range(written)))
    with endpoint(tmp_path, "--fail", "delay=20ms") as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, str(log), delivery="concurrency = 32")
        hooktail.start()
        wait_for(lambda: len(pixel.accepted()) > 100, "some events")
        filler = fill(hooktail.state_dir)
        (said,) = wait_for(lambda: hooktail.logged("checkpoint_unwritable"), "a full disk")
        assert "disk is full" in said["hint"]

        wait_for(
            lambda: hooktail.books().get("delivered") == len(pixel.accepted()),
            "all that was in flight to be written down",
        )
        sent = len(pixel.requests())
        assert sent < written
        hooktail.kill()
        filler.unlink()
        hooktail.start()
        wait_for(lambda: hooktail.books().get("delivered") == written, "the rest")
        assert hooktail.stop() == 0

        assert hooktail.assert_balanced()["pending"] == 0
        urls = Counter(request["body"]["url"] for request in pixel.requests())
        assert len(urls) == written
        assert set(urls.values()) == {1}


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


def test_starts_that_a_full_disk_refuses_leave_nothing_behind(
    tmp_path: Path, mount_state: Mount
) -> None:
    """Each used to leave one more empty journal, and systemd starts again every five seconds."""
    mount_state("size=64k")
    filler = fill(tmp_path / "state")

    for _ in range(6):
        with pytest.raises(CannotWriteError, match="the disk is full: make room") as refused:
            Store.open(tmp_path / "state")
        assert str(tmp_path / "state") in str(refused.value)
        assert [each.name for each in (tmp_path / "state").iterdir()] == ["filler"]

    filler.unlink()
    Store.open(tmp_path / "state").close()


def test_what_refused_starts_left_is_removed_by_the_next(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.append({"start": ["shop"]})
    store.close()
    left = [tmp_path / f"checkpoint.{number}.journal" for number in range(2, 7)]
    for path in left:
        path.touch()

    Store.open(tmp_path).close()

    assert not any(path.exists() for path in left)
    assert read_state(tmp_path).started == {"shop"}


@pytest.mark.parametrize("reserves", [True, False])
def test_a_full_disk_refuses_no_start_from_a_checkpoint_that_can_be_read(
    tmp_path: Path, mount_state: Mount, monkeypatch: pytest.MonkeyPatch, reserves: bool
) -> None:
    """After a SIGKILL only the first start was taken, the next ones were refused."""
    if not reserves:
        monkeypatch.setattr("hooktail.checkpoint.disk.reserve", lambda *_given: False)
    mount_state(DISK)
    state_dir = tmp_path / "state"
    store = Store.open(state_dir)
    store.append({"start": ["shop"]})
    store.reserve()
    filler = fill(state_dir)  # and no `close`: it was killed

    for _ in range(6):
        store = Store.open(state_dir)
        assert store.state.started == {"shop"}
        assert len(list(state_dir.glob("checkpoint.*"))) < 8
        fill(state_dir)
    assert store.hindered is not None
    assert store.hindered.errno == errno.ENOSPC
    assert store.is_in_place()

    filler.unlink()
    store.append({"start": ["blog"]})
    store.finish_generation(store.begin_generation())
    store.close()
    assert read_state(state_dir).started == {"shop", "blog"}
    Store.open(state_dir).close()
    Store.open(state_dir).close()
    assert len(list(state_dir.glob("checkpoint.*"))) == 4


def test_a_first_start_on_a_full_disk_names_the_state_directory(
    tmp_path: Path, mount_state: Mount
) -> None:
    """It used to say that stdout could not be written."""
    mount_state("size=64k")
    with daemon(tmp_path) as hooktail:
        hooktail.configure("http://127.0.0.1:9/{account_id}", str(tmp_path / "access.log"))
        fill(hooktail.state_dir)
        hooktail.start(wait=False)

        assert hooktail.running.wait(30) == CannotWriteError.exit_code
        (said,) = hooktail.log_text().splitlines()
        assert said.startswith(f"hooktail: {hooktail.state_dir}: cannot write: No space left")
        assert "make room" in said


def test_the_real_daemon_starts_on_a_full_disk_waits_and_heals(
    tmp_path: Path, mount_state: Mount
) -> None:
    mount_state(DISK)
    log = tmp_path / "access.log"
    log.write_text("".join(page_view(number) for number in range(50)))
    with endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, str(log))
        hooktail.start()
        wait_for(lambda: hooktail.books().get("delivered") == 50, "all events")
        filler = fill(hooktail.state_dir)
        for times in range(1, 4):
            hooktail.kill()
            with log.open("a") as file:
                file.write("".join(page_view(100 * times + number) for number in range(10)))
            for path in hooktail.state_dir.glob("*.journal"):
                os.truncate(path, path.stat().st_size)  # what was set aside is taken by others
            fill(hooktail.state_dir)
            hooktail.start()
            wait_for(lambda: hooktail.logged("checkpoint_unwritable"), "a full disk")
        filler.unlink()
        wait_for(lambda: hooktail.books().get("delivered") == 80, "the rest")
        assert hooktail.stop() == 0
        urls = Counter(request["body"]["url"] for request in pixel.requests())
        assert len(urls) == 80
        assert set(urls.values()) == {1}
