"""The store on a disk that loses whatever POSIX lets it lose.

A scenario is played once; then, for every prefix of its operations and everything that a power
cut at that instant can leave, the store is opened: it must find a state that the daemon was in,
not older than the last one it was promised, and must not call it damage.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.memory_disk import STATE_DIR, Files, MemoryDisk, Note

from hooktail.checkpoint.store import Store
from hooktail.errors import CannotWriteError, CheckpointError

ENTRY = {"source": "s", "path": "/a", "id": [1, 1], "pending": [], "head": [0, ""], "seen": 5}
FIRST: dict[str, Any] = {"open": {"1": {**ENTRY, "read": 0}}, "start": ["s"]}


def change(number: int) -> dict[str, Any]:
    """A record that makes a state like no other."""
    return {"file": {"1": {"r": number, "o": [number]}}, "books": {"s": {"read": 1}}}


class Life:
    """A store with the states that it went through."""

    def __init__(self, disk: MemoryDisk) -> None:
        self.disk = disk
        self.store = self._open()
        self.states = [shown(self.store)]

    def _open(self) -> Store:
        return Store.open(STATE_DIR, disk=self.disk, on_error="fail")

    def append(self) -> None:
        number = len(self.states)
        # Noted before: a record may survive although the writing of it never returned.
        self.disk.note("append", number)
        self.store.append(FIRST if number == 1 else change(number))
        self.states.append(shown(self.store))

    def sync(self) -> None:
        records = len(self.states) - 1
        self.store.sync()
        self.disk.note("promised", records)

    def compact(self) -> None:
        snapshot = self.store.begin_generation()
        self.store.finish_generation(snapshot)

    def anew(self) -> None:
        records = len(self.states) - 1
        self.disk.note("append", records)
        self.store.begin_anew()
        self.disk.note("promised", records)

    def restart(self) -> None:
        """As after SIGKILL."""
        self.store = self._open()

    def bounds(self, at: int) -> tuple[int, int]:
        """The oldest and the newest state that may be found after a cut."""
        notes = [each for each in self.disk.operations[:at] if isinstance(each, Note)]
        promised = [note.records for note in notes if note.kind == "promised"]
        appended = [note.records for note in notes if note.kind == "append"]
        return max(promised, default=0), max(appended, default=0)


def shown(store: Store) -> str:
    return json.dumps(store.state.to_json(), sort_keys=True)


def check_every_cut(life: Life, *, every_byte: bool = True) -> int:
    """Opens the store on everything that any power cut can leave; returns how many there were."""
    found: dict[tuple[tuple[str, bytes], ...], int] = {}
    for at in range(len(life.disk.operations) + 1):
        oldest, newest = life.bounds(at)
        for files in life.disk.after_power_cut(at, every_byte=every_byte):
            key = tuple(sorted(files.items()))
            if key not in found:
                found[key] = life.states.index(shown(open_after(files)))
            assert oldest <= found[key] <= newest, (at, oldest, found[key], newest, files)
    return len(found)


def open_after(files: Files) -> Store:
    """Opens it with `fail`, so that whatever is taken for damage raises."""
    return Store.open(STATE_DIR, disk=MemoryDisk(files), on_error="fail")


def first_start(life: Life) -> None:
    life.append()
    life.append()
    life.sync()
    life.append()


def compaction(life: Life) -> None:
    life.append()
    life.sync()
    life.append()
    life.compact()
    life.append()
    life.sync()
    life.append()


def records_before_the_snapshot(life: Life) -> None:
    life.append()
    life.append()
    snapshot = life.store.begin_generation()
    life.append()
    life.sync()
    life.append()
    life.store.finish_generation(snapshot)
    life.append()


def a_snapshot_that_is_never_written(life: Life) -> None:
    life.append()
    life.store.begin_generation()
    life.append()
    life.sync()
    life.append()
    life.compact()
    life.append()


def restart(life: Life) -> None:
    life.append()
    life.sync()
    life.append()
    life.restart()
    life.append()
    life.sync()
    life.append()


def two_snapshots_that_are_never_written(life: Life) -> None:
    life.append()
    life.append()
    life.store.begin_generation()
    life.append()
    life.store.begin_generation()
    life.append()
    life.sync()
    life.append()


SCENARIOS = [
    first_start,
    compaction,
    records_before_the_snapshot,
    a_snapshot_that_is_never_written,
    two_snapshots_that_are_never_written,
    restart,
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: str(each.__name__))
def test_a_power_cut_leaves_a_state_between_the_last_promise_and_the_last_record(
    scenario: Callable[[Life], None],
) -> None:
    life = Life(MemoryDisk())

    scenario(life)

    assert check_every_cut(life) > 200


def test_a_power_cut_while_it_is_written_anew_leaves_nothing_or_all() -> None:
    """The directory was emptied: from the first promise on, all that the daemon knew is there."""
    life = Life(MemoryDisk())
    life.append()
    life.append()
    life.sync()
    life.append()
    life.disk.take_away()

    life.anew()
    written_anew = len(life.disk.operations)
    life.append()
    life.sync()
    life.append()
    life.compact()
    life.append()

    assert check_every_cut(life) > 200
    for at in range(written_anew):
        for files in life.disk.after_power_cut(at):
            assert life.states.index(shown(open_after(files))) in (0, 3)


@pytest.mark.parametrize("fails_at", range(9))
def test_a_power_cut_after_it_was_written_anew_at_the_second_try(fails_at: int) -> None:
    life = Life(MemoryDisk())
    life.append()
    life.sync()
    life.append()
    life.disk.take_away()
    life.disk.fails_at = life.disk._done + fails_at
    with pytest.raises(OSError, match="No space"):
        life.anew()
    check_every_cut(life, every_byte=False)

    assert not life.store.is_in_place()
    life.anew()
    life.append()
    life.sync()
    life.append()

    check_every_cut(life)


@pytest.mark.parametrize("fails_at", range(3))
def test_a_power_cut_around_a_generation_that_began_at_the_second_try(fails_at: int) -> None:
    """The journal of the first try is taken away again, and that may not be durable."""
    life = Life(MemoryDisk())
    life.append()
    life.sync()
    life.append()
    life.disk.fails_at = life.disk._done + fails_at
    with pytest.raises(OSError, match="No space"):
        life.compact()
    assert len([name for name in life.disk.now() if name.endswith(".journal")]) == 1

    life.append()
    life.compact()
    life.append()
    life.sync()
    life.append()

    check_every_cut(life)


@pytest.mark.parametrize("fails_at", range(12))
def test_a_start_that_met_a_full_disk_at_any_step_goes_on_from_what_was_there(
    fails_at: int,
) -> None:
    """And is taken where a checkpoint can be gone on with."""
    life = Life(MemoryDisk())
    for _ in range(3):
        life.append()
    disk = MemoryDisk(life.disk.now())
    disk.fails_at = fails_at
    store = Store.open(STATE_DIR, disk=disk)
    assert shown(store) == life.states[-1]
    assert (store.hindered is None) == (disk._done <= fails_at)
    disk.fails_at = -1
    states = [shown(store)]
    store.append(change(9))
    states.append(shown(store))
    store.finish_generation(store.begin_generation())
    store.append(change(10))
    states.append(shown(store))

    for at in range(len(disk.operations) + 1):
        for files in disk.after_power_cut(at, every_byte=False):
            assert shown(open_after(files)) in states
    assert shown(open_after(disk.now())) == states[-1]


@pytest.mark.parametrize("fails_at", range(9))
def test_a_first_start_that_met_a_full_disk_leaves_nothing(fails_at: int) -> None:
    disk = MemoryDisk(fails_at=fails_at)
    try:
        Store.open(STATE_DIR, disk=disk)
    except CannotWriteError:
        assert not disk.now() or "checkpoint.1.snapshot" in disk.now()
    assert shown(Store.open(STATE_DIR, disk=MemoryDisk(disk.now()))) == shown(
        Store.open(STATE_DIR, disk=MemoryDisk())
    )


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: str(each.__name__))
def test_sectors_lost_between_others_that_are_there_cost_what_stands_behind_them(
    scenario: Callable[[Life], None],
) -> None:
    """It looks like damage, and `fail` may refuse it; `previous` goes on where it can be proved.

    Only within the first second of the first start, where nothing was promised, nothing can.
    """
    life = Life(MemoryDisk())
    scenario(life)
    with_holes = 0

    for at in range(len(life.disk.operations) + 1):
        oldest, newest = life.bounds(at)
        for files in life.disk.with_lost_sectors(at):
            with_holes += 1
            try:
                store = Store.open(STATE_DIR, disk=MemoryDisk(files))
            except CheckpointError:
                assert oldest == 0
            else:
                assert oldest <= life.states.index(shown(store)) <= newest

    assert with_holes > 20


def test_records_written_while_a_snapshot_is_being_written_survive_with_it() -> None:
    """The loop appends while another thread finishes a generation: before any of its steps."""
    for step in range(20):
        life = Life(MemoryDisk())
        life.append()
        snapshot = life.store.begin_generation()
        steps = iter(range(30))

        def interrupt(life: Life = life, steps: Any = steps, chosen: int = step) -> None:
            if next(steps) == chosen:
                life.disk.before_each = None
                life.append()

        life.disk.before_each = interrupt
        life.store.finish_generation(snapshot)
        if life.disk.before_each is not None:
            assert step > 5
            return
        life.sync()
        check_every_cut(life, every_byte=False)
    raise AssertionError("a generation has fewer steps")


ACTIONS = st.lists(st.sampled_from(["append", "append", "sync", "compact", "restart"]), max_size=12)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(actions=ACTIONS, fails_at=st.integers(-1, 60), data=st.data())
def test_after_any_life_and_any_fault_a_power_cut_leaves_a_state_it_was_in(
    actions: list[str], fails_at: int, data: st.DataObject
) -> None:
    """Two lives: the second begins with what the power cut left of the first."""
    disk = MemoryDisk()
    life = Life(disk)
    disk.fails_at = fails_at
    live(life, actions)
    at = data.draw(st.integers(0, len(disk.operations)))
    oldest, newest = life.bounds(at)
    left = list(disk.after_power_cut(at, every_byte=False))
    files = left[data.draw(st.integers(0, len(left) - 1))]

    second = Life(MemoryDisk(files))

    assert oldest <= life.states.index(second.states[0]) <= newest
    if second.store.state.files:
        second.states = life.states[: life.states.index(second.states[0]) + 1]
        already = len(second.states) - 1
        second.disk.operations.insert(0, Note("append", already))
        second.disk.operations.insert(0, Note("promised", already))
        live(second, data.draw(ACTIONS))
        check_some_cuts(second, data)


def live(life: Life, actions: list[str]) -> None:
    """Does what the keeper does; what fails is tried again, or left."""
    for action in actions:
        try:
            getattr(life, action)()
        except OSError:
            life.store.sync()
        except Exception as error:  # the store's own words for an OSError at the start
            if "cannot write" not in str(error):
                raise
            life.restart()


def check_some_cuts(life: Life, data: st.DataObject) -> None:
    at = data.draw(st.integers(2, len(life.disk.operations)))
    oldest, newest = life.bounds(at)
    for files in life.disk.after_power_cut(at, every_byte=False):
        assert oldest <= life.states.index(shown(open_after(files))) <= newest
