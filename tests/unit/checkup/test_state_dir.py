"""The state directory is looked at and left as it is."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hooktail import checked
from hooktail.checkpoint.lock import StateLock, prepare_state_dir
from hooktail.checkpoint.store import Store
from hooktail.checkup import apart, service_user, state_dir
from hooktail.checkup.finding import Finding, Level
from hooktail.checkup.service_user import ServiceUser
from hooktail.config import Config

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can look as another user")


@pytest.fixture
def place() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="hooktail-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


def config_at(place: Path, more: str = "") -> Config:
    path = place / "hooktail.toml"
    path.write_text(
        f'state_dir = "{place}/state"\n{more}\n[destination.default]\naccount_id = "acct-1"\n'
        '[[source]]\nname = "shop"\npaths = ["/x"]\n'
    )
    return checked.load(path, {})


def look(place: Path, user: ServiceUser | None = None, more: str = "") -> dict[str, Finding]:
    user = user or service_user.current()
    config = config_at(place, more)
    found = apart.findings_as(user, lambda: state_dir.look(config, user))
    return {each.name: each for each in found}


def everything(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.stat().st_mode, path.read_bytes())
        for path in directory.rglob("*")
        if path.is_file()
    }


def test_a_directory_of_our_own_is_fine_and_left_as_it_is(place: Path) -> None:
    directory = place / "state"
    prepare_state_dir(directory)
    with StateLock(directory):
        Store.open(directory, on_error="previous", sources=["shop"]).close()
    before = everything(directory), directory.stat().st_mtime_ns

    found = look(place)

    assert {each.level for each in found.values()} == {Level.OK}
    assert "state_dir_writable" in found
    assert (everything(directory), directory.stat().st_mtime_ns) == before


def test_a_directory_that_is_not_there_yet_is_not_made(place: Path) -> None:
    found = look(place)

    assert found["state_dir_missing"].level is Level.OK
    assert not (place / "state").exists()


@as_root
def test_one_that_the_user_cannot_make_fails_with_the_command_that_does(place: Path) -> None:
    found = look(place, service_user.choose("nobody"))["state_dir_missing"]

    assert (found.level, found.code) == (Level.FAIL, 73)
    assert f"`install -d -m 0700 -o nobody {place}/state`" in found.hint


@as_root
def test_the_directory_of_another_user_cannot_be_written(place: Path) -> None:
    (place / "state").mkdir()

    found = look(place, service_user.choose("nobody"))["state_dir_not_writable"]

    assert (found.level, found.code) == (Level.FAIL, 73)
    assert found.hint == f"run `chown -R nobody: {place}/state`"


@as_root
def test_files_that_a_trial_as_root_has_left_are_named(place: Path) -> None:
    user = service_user.choose("nobody")
    directory = place / "state"
    directory.mkdir(mode=0o700)
    os.chown(directory, user.uid, user.gid)
    (directory / "visitor_secret").write_bytes(b"x" * 32)
    (directory / "visitor_secret").chmod(0o600)

    found = look(place, user)["state_files_not_writable"]

    assert (found.level, found.code) == (Level.FAIL, 73)
    assert found.message.endswith("visitor_secret")


def test_a_file_in_its_place_fails(place: Path) -> None:
    (place / "state").write_text("x")

    assert look(place)["state_dir_unusable"].code == 73


def test_a_directory_open_to_others_is_a_warning(place: Path) -> None:
    (place / "state").mkdir(mode=0o755)
    (place / "state").chmod(0o755)

    found = look(place)["state_dir_open"]

    assert found.level is Level.WARN
    assert "chmod 0700" in found.hint


def test_a_running_daemon_is_named_and_not_disturbed(place: Path) -> None:
    directory = place / "state"
    prepare_state_dir(directory)
    assert "daemon_runs" not in look(place)

    with StateLock(directory):
        found = look(place)["daemon_runs"]
        assert state_dir.holder_of(directory / "lock") == os.getpid()

    assert found.level is Level.OK
    assert f"process {os.getpid()}" in found.message
    assert "daemon_runs" not in look(place)


def test_the_lock_is_free_for_a_daemon_that_starts_meanwhile(place: Path) -> None:
    """A check that tried the lock, if only for a moment, would keep a daemon from starting."""
    directory = place / "state"
    prepare_state_dir(directory)
    (directory / "lock").touch()

    for _ in state_dir.look(config_at(place), service_user.current()):
        with (directory / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_lock_on_a_file_system_with_numbers_of_its_own_is_found_by_its_inode(
    tmp_path: Path,
) -> None:
    lock, table = tmp_path / "lock", tmp_path / "locks"
    lock.touch()
    inode = lock.stat().st_ino
    table.write_text(f"1: FLOCK  ADVISORY  WRITE 77 00:2d:{inode} 0 EOF\n")
    assert state_dir.holder_of(lock, table) == 77

    table.write_text(f"1: POSIX  ADVISORY  WRITE 77 00:2d:{inode} 0 EOF\n")
    assert state_dir.holder_of(lock, table) is None


@pytest.mark.parametrize(
    ("free", "inodes", "name", "code"),
    [
        (1 << 40, 9999, "disk_has_room", 0),
        (50 << 20, 9999, "disk_nearly_full", 0),
        (4096, 9999, "disk_full", 73),
        (1 << 40, 1, "disk_full", 73),
    ],
)
def test_the_room_on_the_disk(
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
    free: int,
    inodes: int,
    name: str,
    code: int,
) -> None:
    (place / "state").mkdir(mode=0o700)
    sizes = (1, 1, 1 << 41, free, free, 10_000, inodes, inodes, 0, 255)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(sizes))

    assert look(place)[name].code == code


@pytest.mark.parametrize(
    ("known", "words"), [(True, "would start, and wait"), (False, "would not start")]
)
def test_a_full_disk_is_said_to_refuse_the_start_only_where_it_does(
    place: Path, monkeypatch: pytest.MonkeyPatch, known: bool, words: str
) -> None:
    """It said that the daemon would wait, also where `run` ended with 73."""
    directory = place / "state"
    prepare_state_dir(directory)
    if known:
        Store.open(directory).close()
    sizes = (1, 1, 1 << 41, 0, 0, 10_000, 9999, 9999, 0, 255)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(sizes))

    assert words in look(place)["disk_full"].message


@pytest.mark.parametrize(("policy", "code"), [("previous", 78), ("fail", 78), ("end", 0)])
def test_a_checkpoint_that_proves_nothing_is_told_before_the_start(
    place: Path, policy: str, code: int
) -> None:
    directory = place / "state"
    prepare_state_dir(directory)
    Store.open(directory, on_error="previous", sources=["shop"]).close()
    for path in directory.glob("checkpoint*"):
        path.write_bytes(b"rubbish\n" * 9)

    found = look(place, more=f'on_checkpoint_error = "{policy}"')["checkpoint_damaged"]

    assert found.code == code
    assert found.level is (Level.FAIL if code else Level.WARN)


def test_a_visitor_secret_that_is_named_and_missing_is_told(place: Path) -> None:
    (place / "state").mkdir(mode=0o700)

    found = look(place, more=f'visitor_secret_file = "{place}/secret"')["visitor_secret"]

    assert (found.level, found.code) == (Level.FAIL, 65)
    assert "visitor_secret_file" in found.message
