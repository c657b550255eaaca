import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from hooktail.checkpoint.frames import encode
from hooktail.checkpoint.state import State
from hooktail.checkpoint.store import COMPACT_BYTES, Store, read_state
from hooktail.errors import CannotWriteError, CheckpointError


def opened(key: int) -> dict[str, Any]:
    entry = {"source": "shop", "path": "/a", "id": [1, key], "read": 0, "pending": []}
    return {"open": {str(key): {**entry, "head": [0, ""], "seen": 5}}}


def read_to(key: int, read: int, waiting: list[int], settled: list[int]) -> dict[str, Any]:
    books = {"shop": {"read": 1, "delivered": len(settled)}}
    return {"file": {str(key): {"r": read, "o": waiting, "s": settled}}, "books": books}


def reopen(directory: Path) -> State:
    store = Store.open(directory)
    store.close()
    return store.state


def test_what_was_appended_is_there_after_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.append(opened(1))
    store.append(read_to(1, 100, [0, 50], []))
    store.append(read_to(1, 200, [100], [50]))
    # no close: as after SIGKILL

    state = reopen(tmp_path)

    assert state.files[1].read == 200
    assert state.files[1].pending == {0, 100}
    assert state.files[1].mark == 0
    assert state.books == {"shop": {"read": 2, "delivered": 1}}
    assert state.next_key == 2


def test_files_are_private(tmp_path: Path) -> None:
    Store.open(tmp_path).close()

    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_a_generation_can_end_at_any_instant(tmp_path: Path) -> None:
    """A crash before, within or after the writing of a snapshot gives the same state."""
    store = Store.open(tmp_path)
    store.append(opened(1))
    store.append(read_to(1, 100, [0], []))

    snapshot = store.begin_generation()
    store.append(read_to(1, 150, [], [0]))
    shutil.copytree(tmp_path, between := tmp_path.parent / "between")
    (between / "checkpoint.2.snapshot.tmp").write_bytes(snapshot[:20])
    store.finish_generation(snapshot)
    store.append(read_to(1, 160, [150], []))

    assert reopen(between).files[1].read == 150
    assert reopen(tmp_path).files[1].pending == {150}


def test_the_journal_cut_at_every_byte_is_read_to_its_last_whole_record(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    store = Store.open(tmp_path / "whole")
    records = [opened(1), read_to(1, 10, [0], []), read_to(1, 20, [10], [0])]
    for record in records:
        store.append(record)
    store.close()
    journal = (tmp_path / "whole/checkpoint.1.journal").read_bytes()
    header = len(journal) - sum(len(encode(record)) for record in records)
    ends = [header + sum(len(encode(each)) for each in records[:n]) for n in range(4)]
    reads = [None, 0, 10, 20]

    for length in range(header, len(journal) + 1):
        shutil.copytree(tmp_path / "whole", cut := tmp_path / f"cut{length}")
        (cut / "checkpoint.1.journal").write_bytes(journal[:length])
        state = reopen(cut)
        whole = max(n for n, end in enumerate(ends) if end <= length)
        assert (state.files[1].read if 1 in state.files else None) == reads[whole]
        assert reopen(cut).files.keys() == state.files.keys()


def test_a_damaged_snapshot_costs_nothing(tmp_path: Path) -> None:
    """The previous generation with its journals gives the same state."""
    store = Store.open(tmp_path)
    store.append(opened(1))
    store.append(read_to(1, 100, [0], []))
    store.finish_generation(store.begin_generation())
    store.append(read_to(1, 150, [], [0]))
    store.close()
    path = tmp_path / "checkpoint.2.snapshot"
    damaged = bytearray(path.read_bytes())
    damaged[30] ^= 1
    path.write_bytes(damaged)

    state = reopen(tmp_path)

    assert (state.files[1].read, state.files[1].pending) == (150, set())


def test_a_torn_journal_is_followed_by_a_whole_chain(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.append(opened(1))
    store.close()
    with (tmp_path / "checkpoint.1.journal").open("ab") as journal:
        journal.write(b"12345678 {torn")
    second = Store.open(tmp_path)
    second.append(read_to(1, 70, [], []))
    second.close()
    (tmp_path / "checkpoint.2.snapshot").write_bytes(b"damaged")

    assert reopen(tmp_path).files[1].read == 70


def test_no_trusted_snapshot_stops_the_start_and_resends_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.append(opened(1))
    for _ in range(3):
        store.finish_generation(store.begin_generation())
    store.close()
    for path in tmp_path.glob("*.snapshot"):
        path.write_bytes(b"")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(CheckpointError, match="nothing is sent again without your word"):
        Store.open(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_newer_version_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.1.snapshot").write_bytes(encode({"v": 99}))

    with pytest.raises(CheckpointError, match="version 99"):
        Store.open(tmp_path)


def test_a_record_that_cannot_be_written_whole_leaves_no_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path)
    store.append(opened(1))
    real_write = os.write
    room = [10]

    def full_disk(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken, room[0] = min(room[0], len(data)), 0
        return real_write(descriptor, data[:taken])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full_disk)
        with pytest.raises(OSError, match="No space"):
            store.append(read_to(1, 100, [], []))
    assert store.state.files[1].read == 0
    store.append(read_to(1, 30, [], []))
    store.close()

    assert reopen(tmp_path).files[1].read == 30


def test_a_torn_record_that_cannot_be_cut_off_yet_does_not_come_before_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(tmp_path)
    store.append(opened(1))
    real_write = os.write

    def full_disk(descriptor: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(descriptor, data[:10])

    def failing(descriptor: int, length: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full_disk)
        patch.setattr(os, "ftruncate", failing)
        for _ in range(9):
            with pytest.raises(OSError, match=r"No space|Input"):
                store.append(read_to(1, 100, [], []))
    store.append(read_to(1, 30, [], []))
    store.close()

    assert Store.open(tmp_path, on_error="fail").state.files[1].read == 30


def test_a_journal_whose_sync_failed_is_due_for_a_new_generation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may forget what it could not write, and say at the next sync that all is well."""
    store = Store.open(tmp_path)
    store.append(opened(1))

    def failing(descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", failing)
        with pytest.raises(OSError, match="Input/output"):
            store.sync()
    store.sync()
    assert store.journal_bytes > COMPACT_BYTES

    store.finish_generation(store.begin_generation())
    assert store.journal_bytes < COMPACT_BYTES
    store.close()


def test_the_last_whole_snapshot_is_kept_however_many_could_not_be_written(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.append({**opened(1), "start": ["shop"]})
    for read in (10, 20):
        store.begin_generation()
        store.append(read_to(1, read, [], []))
    store.finish_generation(store.begin_generation())
    store.close()
    (tmp_path / "checkpoint.4.snapshot").write_bytes(b"damaged")

    assert reopen(tmp_path).files[1].read == 20


def test_what_is_said_of_a_forgotten_file_is_left_out(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.append(opened(1))
    store.append({"forget": [1]})
    store.append(read_to(1, 10, [], []))
    store.close()

    assert reopen(tmp_path).files == {}


def test_root_leaves_no_file_that_the_owner_of_the_directory_cannot_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda _fd, user, group: given.append((user, group)))

    Store.open(tmp_path).close()

    status = tmp_path.stat()
    assert given
    assert set(given) == {(status.st_uid, status.st_gid)}


def test_reading_beside_a_running_daemon_changes_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.append(opened(1))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    assert read_state(tmp_path).files.keys() == {1}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    store.close()


def test_only_the_last_two_generations_are_kept(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    for _ in range(4):
        store.finish_generation(store.begin_generation())
    store.close()

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "checkpoint.4.journal",
        "checkpoint.4.snapshot",
        "checkpoint.5.journal",
        "checkpoint.5.snapshot",
    ]


def test_a_state_dir_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")

    with pytest.raises(CannotWriteError, match="state"):
        Store.open(tmp_path / "state")
