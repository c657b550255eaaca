"""A damaged checkpoint: found, told, and met by the operator's word alone."""

from __future__ import annotations

import errno
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from support.memory_disk import STATE_DIR, Files, MemoryDisk

from hooktail.checkpoint.frames import encode
from hooktail.checkpoint.state import State
from hooktail.checkpoint.store import Store
from hooktail.config.sections import OnCheckpointError
from hooktail.errors import CheckpointError, PermissionDeniedError
from hooktail.fingerprint import head_of

POLICIES: tuple[OnCheckpointError, ...] = ("previous", "fail", "end", "beginning")


def opened(key: int, read: int = 0, source: str = "shop") -> dict[str, Any]:
    entry = {"source": source, "path": f"/{key}", "id": [1, key], "read": read, "pending": []}
    return {"open": {str(key): {**entry, "head": [0, ""], "seen": 5}}}


def read_to(read: int, key: int = 1) -> dict[str, Any]:
    change = {"r": read, "o": [read], "s": [read - 10]}
    books = {"shop": {"read": 1} | ({"delivered": 1} if read > 10 else {})}
    return {"file": {str(key): change}, "books": books}


def shown(state: State) -> str:
    return json.dumps(state.to_json(), sort_keys=True)


class History:
    """The files of two generations, and the states on the way to them."""

    def __init__(self) -> None:
        disk = MemoryDisk()
        self.store = Store.open(STATE_DIR, disk=disk)
        self.states = [shown(self.store.state)]
        self._append({**opened(1), "start": ["shop"]})
        self._append(read_to(10))
        self._append(read_to(20))
        self._compact()
        self._append(read_to(30))
        self._compact()
        self.at_snapshot = len(self.states) - 1
        self._append(read_to(40))
        self._append(read_to(50))
        self._append(read_to(60))
        self.files = disk.now()

    def _append(self, record: dict[str, Any]) -> None:
        self.store.append(record)
        self.states.append(shown(self.store.state))

    def _compact(self) -> None:
        self.store.finish_generation(self.store.begin_generation())


WHOLE = History()
NEWEST = "checkpoint.3.journal"


def reopened(files: Files, on_error: OnCheckpointError = "previous") -> State:
    return Store.open(STATE_DIR, disk=MemoryDisk(files), on_error=on_error, sources=["shop"]).state


def place(files: Files, on_error: OnCheckpointError = "previous") -> int | None:
    """Which of the states was found; None if it refuses."""
    try:
        return WHOLE.states.index(shown(reopened(files, on_error)))
    except CheckpointError:
        return None


def flipped(data: bytes, byte: int, bit: int) -> bytes:
    damaged = bytearray(data)
    damaged[byte] ^= 1 << bit
    return bytes(damaged)


@pytest.mark.parametrize("name", WHOLE.files)
def test_cut_at_every_byte_no_single_file_costs_more_than_its_own_records(name: str) -> None:
    for length in range(len(WHOLE.files[name])):
        found = place({**WHOLE.files, name: WHOLE.files[name][:length]})

        if name != NEWEST:
            assert found == len(WHOLE.states) - 1, length
        else:
            assert found is not None
            assert found >= WHOLE.at_snapshot


@pytest.mark.parametrize("name", WHOLE.files)
def test_no_flipped_bit_makes_a_state_that_never_was(name: str) -> None:
    data = WHOLE.files[name]
    for byte in range(len(data)):
        for bit in range(8):
            found = place({**WHOLE.files, name: flipped(data, byte, bit)})
            if name == NEWEST:
                before = data[:byte].count(b"\n") - 1
                assert found == WHOLE.at_snapshot + max(before, 0)
            else:
                assert found == len(WHOLE.states) - 1


@pytest.mark.parametrize("on_error", POLICIES)
def test_any_two_files_missing_empty_or_full_of_rubbish_raise_nothing_but_a_refusal(
    on_error: OnCheckpointError,
) -> None:
    for first, second in combinations([*WHOLE.files, NEWEST], 2):
        for content in (None, b"", b"\0" * 50, b"rubbish\n" * 9, encode({"v": 1}), encode({})):
            files = {
                name: data for name, data in WHOLE.files.items() if name not in {first, second}
            }
            if content is not None:
                files |= {first: content, second: content}
            if on_error in {"previous", "fail"}:
                found = place(files, on_error)
                assert found is None or found >= 0
            else:
                reopened(files, on_error)


KEYS = st.sampled_from(["open", "file", "forget", "books", "claim", "begin", "start", "next", "x"])
SHAPES = st.integers(0, 9) | st.text(max_size=2) | st.booleans()


@given(st.lists(st.dictionaries(KEYS, SHAPES, max_size=3), max_size=4))
def test_records_that_are_whole_and_say_nothing_raise_nothing(
    records: list[dict[str, Any]],
) -> None:
    """A checksum holds, and what it holds is none of ours: damage like any other."""
    journal = WHOLE.files[NEWEST] + b"".join(map(encode, records))

    state = reopened({**WHOLE.files, NEWEST: journal})

    assert 1 not in state.files or state.files[1].read == 60


@pytest.mark.parametrize(
    "record",
    [{"open": 5}, {"file": {"x": {}}}, {"books": [1]}, {"claim": [1]}, {"next": "4"}, {"next": 1}],
)
def test_a_record_of_the_wrong_shape_leaves_nothing_of_itself_in_the_state(
    record: dict[str, Any],
) -> None:
    half = {"file": {"1": {"r": 999}}, **record}
    journal = WHOLE.files[NEWEST] + encode(half) + encode(read_to(70))

    assert place({**WHOLE.files, NEWEST: journal}) == len(WHOLE.states) - 1


# -- what is damage and what is a crash


@pytest.mark.parametrize("tail", [b"1", b'12345678 {"torn', b"\0" * 700])
def test_an_incomplete_last_line_is_a_crash_and_no_policy_minds(tail: bytes) -> None:
    for on_error in POLICIES:
        files = {**WHOLE.files, NEWEST: WHOLE.files[NEWEST] + tail}
        assert place(files, on_error) == len(WHOLE.states) - 1


@pytest.mark.parametrize("tail", [b"12345678 {}\n", b"\0" * 30 + b"\n", b"x" + encode({})])
def test_a_whole_line_that_is_wrong_is_damage(tail: bytes) -> None:
    files = {**WHOLE.files, NEWEST: WHOLE.files[NEWEST] + tail}

    assert place(files, "fail") is None
    assert place(files, "previous") == len(WHOLE.states) - 1


def test_whole_records_behind_a_bad_one_are_counted_as_lost() -> None:
    data = WHOLE.files[NEWEST]
    second = data.index(b"\n") + 20
    files = {**WHOLE.files, NEWEST: flipped(data, second, 0)}

    with capture_logs() as logs:
        state = reopened(files)

    assert state.files[1].read == 30
    told = next(each for each in logs if each["event"] == "checkpoint_damaged")
    assert told["path"] == f"{STATE_DIR}/{NEWEST}"
    assert told["checkpoint_records_lost"] == 2
    assert told["checkpoint_bytes_lost"] == len(data) - data.index(b"\n") - 1
    assert told["log_level"] == "error"
    assert "checkpoint_went_back" in {each["event"] for each in logs}


def test_damage_that_loses_nothing_is_told_and_stops_fail_alone() -> None:
    files = {**WHOLE.files, "checkpoint.3.snapshot": b"rubbish"}

    with capture_logs() as logs:
        for on_error in ("previous", "end", "beginning"):
            assert place(files, on_error) == len(WHOLE.states) - 1
        assert place(files, "fail") is None

    told = [each for each in logs if each["event"] == "checkpoint_damaged"]
    assert [each["checkpoint_bytes_lost"] for each in told] == [0] * 3


@pytest.mark.parametrize("name", ["checkpoint.3.journal", "checkpoint.2.journal"])
def test_a_journal_missing_in_the_middle_of_the_chain_is_damage(name: str) -> None:
    files = {**WHOLE.files, "checkpoint.3.snapshot": b""}
    del files[name]

    assert place(files, "fail") is None
    found = place(files)
    assert found is not None
    assert found < len(WHOLE.states) - 1


# -- the operator's words


def ruined() -> Files:
    return {
        name: b"rubbish\n" if "snapshot" in name else data for name, data in WHOLE.files.items()
    }


@pytest.mark.parametrize("on_error", ["previous", "fail"])
def test_what_proves_nothing_does_not_start_and_names_the_choices(
    on_error: OnCheckpointError,
) -> None:
    with pytest.raises(CheckpointError) as refused:
        reopened(ruined(), on_error)

    text = str(refused.value)
    assert "\n" not in text
    assert "checkpoint.3.snapshot is damaged" in text
    assert 'on_checkpoint_error to "end"' in text
    assert '"beginning"' in text
    assert '"previous"' not in text
    assert refused.value.exit_code == 78


def test_fail_offers_to_go_back_where_that_can_be_done() -> None:
    with pytest.raises(CheckpointError, match=r'to "previous" .*, "end"'):
        reopened({**WHOLE.files, NEWEST: WHOLE.files[NEWEST] + b"x\n"}, "fail")


def test_previous_does_not_go_back_to_the_first_day() -> None:
    """The state before the very first record is provable, and would send everything again."""
    disk = MemoryDisk()
    store = Store.open(STATE_DIR, disk=disk)
    store.append({**opened(1), "start": ["shop"]})
    store.append(read_to(10))
    files = disk.now()
    journal = files["checkpoint.1.journal"]
    files["checkpoint.1.journal"] = flipped(journal, journal.index(b"\n") + 15, 0)

    with pytest.raises(CheckpointError, match="without your word"):
        reopened(files)


def test_the_first_generation_needs_no_snapshot() -> None:
    disk = MemoryDisk()
    store = Store.open(STATE_DIR, disk=disk)
    store.append({**opened(1), "start": ["shop"]})
    files = {**disk.now(), "checkpoint.1.snapshot": b""}

    assert reopened(files).files.keys() == {1}


@pytest.mark.parametrize("on_error", ["end", "beginning"])
def test_where_nothing_is_known_sources_begin_where_they_are_told(
    on_error: OnCheckpointError,
) -> None:
    disk = MemoryDisk(ruined())

    store = Store.open(STATE_DIR, disk=disk, on_error=on_error, sources=["shop", "blog"])

    assert store.state.files == {}
    assert store.state.begin_at == {"shop": on_error, "blog": on_error}
    again = Store.open(STATE_DIR, disk=MemoryDisk(disk.now()), on_error="fail")
    assert again.state.begin_at == {"shop": on_error, "blog": on_error}
    again.append({"start": ["shop"]})
    assert again.state.begin_at == {"blog": on_error}
    assert again.state.started == {"shop"}


def test_beginning_forgets_positions_and_keeps_the_books_balanced() -> None:
    files = {**WHOLE.files, NEWEST: WHOLE.files[NEWEST] + b"x\n"}

    state = reopened(files, "beginning")

    assert state.files == {}
    assert state.begin_at == {"shop": "beginning"}
    assert state.books == {"shop": {"read": 5, "delivered": 5}}


def damaged_with(log: Path, pending: list[int], read: int) -> Files:
    status = log.stat()
    disk = MemoryDisk()
    store = Store.open(STATE_DIR, disk=disk)
    entry = opened(1)["open"]["1"] | {"path": str(log), "id": [status.st_dev, status.st_ino]}
    entry["head"] = list(head_of(log.read_bytes()[:read]))
    store.append({"open": {"1": entry}, "start": ["shop"]})
    books = {"shop": {"read": 3, "delivered": 3 - len(pending)}}
    store.append({"file": {"1": {"r": read, "o": pending}}, "books": books})
    files = disk.now()
    return {**files, "checkpoint.1.journal": files["checkpoint.1.journal"] + b"x\n"}


@pytest.mark.parametrize("renamed", [False, True])
def test_end_skips_to_the_last_whole_line_and_says_how_much_it_skips(
    tmp_path: Path, renamed: bool
) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(b"one\ntwo\nthree\nfour\nhal")
    files = damaged_with(log, [4], read=14)
    if renamed:
        log.rename(tmp_path / "access.log.1")

    with capture_logs() as logs:
        state = reopened(files, "end")

    assert (state.files[1].read, state.files[1].pending) == (19, {4})
    assert state.books == {"shop": {"read": 3, "delivered": 2}}
    assert state.begin_at == {"shop": "end"}
    skipped = next(each for each in logs if each["event"] == "checkpoint_skips")
    assert (skipped["begin"], skipped["end"], skipped["bytes_skipped"]) == (14, 19, 5)
    assert state.lost_bytes == {"shop": 5}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_end_of_a_utf_16_log_is_no_half_of_a_character(tmp_path: Path, encoding: str) -> None:
    log = tmp_path / "access.log"
    one, whole = ("one\n".encode(encoding), "one\n\u0a0a\u0d0a three\n".encode(encoding))
    half = "ha\u0a0alf".encode("utf-16-be" if encoding == "utf-16-be" else "utf-16-le")[:-1]
    log.write_bytes(whole + half)
    files = damaged_with(log, [], read=len(one))

    assert reopened(files, "end").files[1].read == len(whole)


def test_end_forgets_a_file_that_is_not_there_and_balances_the_books(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(b"one\ntwo\nthree\n")
    files = damaged_with(log, [4], read=14)
    log.unlink()

    with capture_logs() as logs:
        state = reopened(files, "end")

    assert state.files == {}
    assert state.books == {"shop": {"read": 2, "delivered": 2}}
    forgotten = next(each for each in logs if each["event"] == "checkpoint_forgets")
    assert forgotten["lines_lost"] == 1


def test_a_file_begun_at_its_end_behind_the_damage_is_not_read_from_its_beginning() -> None:
    rest = encode(opened(2, read=5000, source="blog") | {"start": ["blog"]}) + encode(read_to(70))
    files = {**WHOLE.files, NEWEST: WHOLE.files[NEWEST] + b"x\n" + rest}

    state = reopened(files)

    assert state.files[2].read == 5000
    assert state.files[1].read == 60
    assert state.started == {"shop", "blog"}


# -- what is not damaged and still cannot be read


def test_a_newer_version_is_not_gone_back_from() -> None:
    """Its predecessor is whole, and knows nothing of what the newer version has sent."""
    newer = encode({"v": 2, "generation": 3})
    for name in ("checkpoint.3.snapshot", NEWEST):
        with pytest.raises(CheckpointError, match=r"version 2; .* install the version"):
            reopened({**WHOLE.files, name: newer})
        assert reopened({**WHOLE.files, name: newer}, "end").begin_at == {"shop": "end"}


class RefusingDisk(MemoryDisk):
    refused: str = ""
    number: int = errno.EACCES

    def read(self, path: Path) -> bytes:
        if path.name == self.refused:
            raise OSError(self.number, "refused")
        return super().read(path)


def refusing(name: str, number: int) -> RefusingDisk:
    disk = RefusingDisk(dict(WHOLE.files))
    disk.refused, disk.number = name, number
    return disk


@pytest.mark.parametrize("name", ["checkpoint.3.snapshot", NEWEST])
@pytest.mark.parametrize("on_error", ["previous", "fail"])
def test_files_of_another_user_are_named_with_the_command_that_helps(
    name: str, on_error: OnCheckpointError
) -> None:
    with pytest.raises(PermissionDeniedError, match=rf"{name}: .*chown --reference") as refused:
        Store.open(STATE_DIR, disk=refusing(name, errno.EACCES), on_error=on_error)

    assert refused.value.exit_code == 77


def test_a_disk_that_cannot_read_a_file_any_more_is_damage() -> None:
    store = Store.open(STATE_DIR, disk=refusing("checkpoint.3.snapshot", errno.EIO))
    assert shown(store.state) == WHOLE.states[-1]

    store = Store.open(STATE_DIR, disk=refusing(NEWEST, errno.EIO))
    assert shown(store.state) == WHOLE.states[WHOLE.at_snapshot]
    with pytest.raises(CheckpointError, match="cannot be read"):
        Store.open(STATE_DIR, disk=refusing(NEWEST, errno.EIO), on_error="fail")


# -- what is left behind


def test_damaged_files_are_kept_aside_the_last_two_times(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    for number in range(1, 5):
        newest = max(tmp_path.glob("checkpoint.[0-9]*.snapshot"))
        newest.write_bytes(b"damaged %d" % number)
        Store.open(tmp_path).close()

    kept = {path.name.split(".")[1] for path in tmp_path.glob("checkpoint.damaged-*")}
    assert kept == {"damaged-3", "damaged-4"}
    texts = [path.read_bytes() for path in tmp_path.glob("checkpoint.damaged-4.*.snapshot")]
    assert b"damaged 4" in texts


def test_a_damaged_journal_is_kept_as_it_was(tmp_path: Path) -> None:
    for name, data in WHOLE.files.items():
        (tmp_path / name).write_bytes(data)
    damaged = WHOLE.files[NEWEST] + b"x\n" + encode(read_to(70))
    (tmp_path / NEWEST).write_bytes(damaged)

    store = Store.open(tmp_path)
    for _ in range(3):
        store.finish_generation(store.begin_generation())
    store.close()

    assert (tmp_path / "checkpoint.damaged-1.3.journal").read_bytes() == damaged
    assert Store.open(tmp_path, on_error="fail").state.files[1].read == 60


def test_left_over_temporaries_are_not_read_and_go_away() -> None:
    disk = MemoryDisk({**WHOLE.files, "checkpoint.9.snapshot.tmp": b"{"})

    store = Store.open(STATE_DIR, disk=disk, on_error="fail")
    assert shown(store.state) == WHOLE.states[-1]
    assert "checkpoint.9.snapshot.tmp" not in disk.now()
