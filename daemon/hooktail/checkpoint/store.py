"""The checkpoint on disk: an atomic snapshot and an append-only journal beside it.

    checkpoint.N.snapshot    the whole state when generation N began
    checkpoint.N.journal     what changed since; its last record may name the generation after it

Generation M begins by ending journal N with `{"next": M}` and appending to journal M from then
on; snapshot M is written beside it, at leisure. Until it is there, a restart reads snapshot N,
journal N to its end record, and journal M; afterwards snapshot M and journal M give the same.
Generation N is kept until the one after M has its snapshot, so that a damaged snapshot costs
nothing. The proof, instant by instant, is in docs/why/checkpoint.md.

`append` writes through to the kernel, which survives SIGKILL; `sync` makes it survive power loss.
"""

from __future__ import annotations

import contextlib
import errno
from typing import TYPE_CHECKING, Any

from hooktail.checkpoint import recovery
from hooktail.checkpoint.chain import NAME, load
from hooktail.checkpoint.disk import RealDisk, write_whole
from hooktail.checkpoint.frames import encode
from hooktail.checkpoint.state import FORMAT_VERSION
from hooktail.checkpoint.unwritable import FULL, refusal
from hooktail.crashpoint import crash_at, crash_within, tested_size

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from hooktail.checkpoint.chain import Loaded
    from hooktail.checkpoint.disk import Disk
    from hooktail.checkpoint.state import State
    from hooktail.config.sections import OnCheckpointError

__all__ = ["COMPACT_BYTES", "Store", "read_files", "read_state", "write_whole"]

COMPACT_BYTES = tested_size("HOOKTAIL_COMPACT_BYTES", 8 * 1024 * 1024)
"""A journal longer than this is due for a new generation."""

RESERVE_BYTES = 1024 * 1024
"""Set aside behind the end of the journal: when the disk is full, the outcomes of what is in flight
can still be written down. Enough for a few thousand requests, each with a record of its own."""
RESERVE_STEP_BYTES = tested_size("HOOKTAIL_RESERVE_STEP_BYTES", 256 * 1024)
"""The kernel is asked for more once this is used up."""

READING_TRIES = 5
"""Beside a daemon that begins a generation, a file can be gone between listing and reading."""

REAL_DISK = RealDisk()
GONE = "the files in the state directory were removed, or replaced by others"


class Store:
    """The state with its files. One daemon at a time (`lock.StateLock`).

    `append` and `begin_generation` run on one thread, `sync` and `finish_generation` may run on
    another: one of them at a time, and neither beside `begin_generation`.
    """

    def __init__(
        self, directory: Path, state: State, generation: int, disk: Disk = REAL_DISK
    ) -> None:
        self.directory = directory
        self.state = state
        self.generation = generation
        self.unwritten: dict[str, Any] = {}
        """What happened and could not be written yet; it outlives a reload."""
        self.hindered: OSError | None = None
        """Why `open` could begin no new generation: the disk is full, and the old one goes on."""
        self._disk = disk
        self._newest = generation  # no number is used again
        self._descriptor = -1
        self._ended = -1  # the journal before, until it is durable
        self._length = 0
        self._reserved_to = 0
        self._can_reserve = True  # as far as is known
        self._unsynced = False
        self._unnamed = False  # the journal's name may not survive a power cut yet
        self._torn = False  # what could not be written could not be cut off either
        self._displaced = False
        self._in_doubt = False  # a sync failed: the kernel may have dropped what it covered
        self._base = generation  # the generation whose snapshot is on the disk

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        on_error: OnCheckpointError = "previous",
        sources: Iterable[str] = (),
        disk: Disk = REAL_DISK,
    ) -> Store:
        """Reads the checkpoint, or begins an empty one, and starts a new generation.

        `on_error` says what to do with a damaged one, and `sources` names those that "end" and
        "beginning" speak of, beside the ones that the checkpoint knows. A full disk is no
        obstacle where a checkpoint can be gone on with (`hindered`). Raises CheckpointError if
        the checkpoint cannot be trusted and nobody said what then, and CannotWriteError or
        PermissionDeniedError if the directory cannot be used; nothing new is left there then.
        """
        try:
            loaded = load(directory, disk)
            state = recovery.decide(directory, loaded, on_error, sources)
            recovery.keep_aside(directory, loaded.damages, disk)
            store = cls(directory, state, loaded.newest, disk)
            store._base = loaded.base
            store._begin(loaded)
        except OSError as error:
            raise refusal(str(directory), error) from error
        return store

    def _begin(self, loaded: Loaded) -> None:
        try:
            for path in loaded.unused:
                self._disk.unlink(path)
            if not loaded.lossy:
                self._go_on_with(loaded)
            self.finish_generation(self.begin_generation())
        except OSError as error:
            begun = self.generation > loaded.newest
            goes_on = loaded.from_snapshot and not loaded.lossy and self._descriptor >= 0
            if error.errno in FULL and goes_on:
                self.hindered = error
                if not begun:
                    self.generation = loaded.journal_generation
                return
            if self._descriptor >= 0:
                self._disk.close(self._descriptor)
            if begun and not self._has_snapshot():  # nothing that counts leads to its journal
                self._drop(self._path(self.generation, "journal"))
            raise

    def _has_snapshot(self) -> bool:
        """Tells whether the generation that was begun counts by itself, as far as is known."""
        try:
            names = self._disk.names(self.directory)
        except OSError:
            return True
        return self._path(self.generation, "snapshot").name in names

    def _go_on_with(self, loaded: Loaded) -> None:
        """Takes up the journal that was written last, without what is torn off its end."""
        if loaded.journal is not None:
            self._length = loaded.journal_length
            self._descriptor = self._disk.reopen(loaded.journal, self._length)
            if not self._length:
                header = _header(loaded.journal_generation)
                self._disk.write(self._descriptor, header)
                self._length = len(header)

    @property
    def journal_bytes(self) -> int:
        """Length of the current journal; beyond COMPACT_BYTES if it is in doubt."""
        return max(self._length, COMPACT_BYTES + 1) if self._in_doubt else self._length

    def append(self, record: Mapping[str, Any]) -> None:
        """Writes a record and applies it. Raises OSError, and then nothing has changed."""
        if self._displaced:
            raise OSError(errno.ESTALE, GONE)
        line = encode(record)
        if self._torn:
            self._cut_off_torn()
        crash_at("journal-before-write")
        crash_within("journal-torn", self._descriptor, line)
        try:
            self._disk.write(self._descriptor, line)
        except OSError:
            # A torn record must not stand before later ones.
            self._torn = True
            with contextlib.suppress(OSError):  # the next append tries again, and says why not
                self._cut_off_torn()
            raise
        crash_at("journal-after-write")
        self._length += len(line)
        self._unsynced = True
        self.state.apply(record)

    @property
    def can_reserve(self) -> bool:
        """False where the file system sets no space aside: only a record tells if it is full."""
        return self._can_reserve

    def reserve(self) -> None:
        """Sees to it that there is room for records. Raises OSError if the reserve is in use."""
        if self._displaced:
            raise OSError(errno.ESTALE, GONE)
        if self._length + RESERVE_BYTES > self._reserved_to:
            self._reserved_to = self._reserve_behind(self._descriptor, self._length)

    def _reserve_behind(self, descriptor: int, length: int) -> int:
        """Returns the offset up to which there is room in a journal of that length."""
        more = RESERVE_BYTES + RESERVE_STEP_BYTES
        if self._can_reserve:
            self._can_reserve = self._disk.reserve(descriptor, length, more)
        return length + more

    def is_in_place(self) -> bool:
        """Tells whether the journal and its snapshot still have their names.

        If not, somebody removed the files, or put others there: `append` refuses until
        `begin_anew`, unless they come back.
        """
        base = self.directory / f"checkpoint.{self._base}.snapshot"
        self._displaced = not (
            self._disk.is_at(self._descriptor, self._path(self.generation, "journal"))
            and base.name in self._disk.names(self.directory)
        )
        return not self._displaced

    def begin_anew(self) -> None:
        """Writes the whole state where its files are gone. Raises OSError.

        It goes above whatever is there. In an empty directory it is generation 1: until it has its
        snapshot, a crash leaves what says no more than the empty directory did, and no damage.
        """
        names = self._disk.names(self.directory)
        found = {int(each[1]) for each in map(NAME.match, names) if each and not each[3]}
        if not self._base and self._path(self.generation, "snapshot").name not in names:
            found.discard(self.generation)  # begun before, and nothing leads to it
        following = self.generation = max(found, default=0) + 1
        self._base = 0  # no snapshot counts as ours until this one does
        descriptor = self._disk.create(self._path(following, "journal"))
        header = _header(following)
        try:
            crash_at("anew-journal-made")
            self._disk.write(descriptor, header)
            crash_at("anew-journal-begun")
        except OSError:
            self._disk.close(descriptor)
            raise
        for old in (self._descriptor, self._ended):
            if old >= 0:
                self._disk.close(old)
        self._descriptor, self._length, self._ended = descriptor, len(header), -1
        self._unnamed, self._torn, self._reserved_to = True, False, 0
        self.finish_generation(self._snapshot())
        self._drop_before(following)
        self._displaced = False
        crash_at("anew-done")

    def _cut_off_torn(self) -> None:
        self._disk.truncate(self._descriptor, self._length)
        self._torn = False

    def sync(self) -> None:
        """Makes everything appended so far survive a power loss; may run on another thread."""
        if not (self._unsynced or self._unnamed or self._ended >= 0):
            return
        crash_at("sync-before")
        self._unsynced = False
        try:
            self._make_durable()
        except OSError:
            self._unsynced = self._in_doubt = True
            raise
        crash_at("sync-after")

    def _make_durable(self) -> None:
        """A record is worth nothing without those before it: first the journal that has ended."""
        if self._ended >= 0:
            self._disk.sync(self._ended)
            self._disk.close(self._ended)
            self._ended = -1
        self._disk.sync(self._descriptor)
        if self._unnamed:
            self._disk.sync_directory(self.directory)
            self._unnamed = False

    def begin_generation(self) -> bytes:
        """Switches to a new journal and returns the snapshot it follows from.

        Quick; the caller then runs `finish_generation`, on any thread. Raises OSError. A journal
        that has its reserve is not given up for one that has none.
        """
        reserved_to = 0
        if self._ended >= 0:
            self._make_durable()  # the last snapshot could not be written: the chain is longer
        following = max(self.generation, self._newest) + 1
        path = self._path(following, "journal")
        descriptor = self._disk.create(path)
        try:
            header = _header(following)
            self._disk.write(descriptor, header)
            crash_at("generation-journal-made")
            if self._reserved_to:
                reserved_to = self._reserve_behind(descriptor, len(header))
            if self._descriptor >= 0:
                self.append({"next": following})
            crash_at("generation-journal-ended")
        except OSError:
            self._disk.close(descriptor)
            self._drop(path)
            raise
        self._ended = self._descriptor
        self._descriptor, self._length, self._reserved_to = descriptor, len(header), reserved_to
        self._unnamed = True
        self.generation = following
        return self._snapshot()

    def _snapshot(self) -> bytes:
        head = {"v": FORMAT_VERSION, "generation": self.generation}
        return encode({**head, **self.state.to_json()})

    def finish_generation(self, snapshot: bytes) -> None:
        """Writes the snapshot of the current generation durably and drops what it replaces.

        Its name comes last: where a snapshot is, its journal and all before it are durable.
        """
        self._make_durable()
        target = self._path(self.generation, "snapshot")
        temporary = target.with_name(f"{target.name}.tmp")
        descriptor = self._disk.create(temporary)
        try:
            try:
                crash_within("snapshot-tmp-half", descriptor, snapshot)
                self._disk.write(descriptor, snapshot)
                self._disk.sync(descriptor)
            finally:
                self._disk.close(descriptor)
            crash_at("snapshot-tmp-written")
            self._disk.rename(temporary, target)
        except OSError:
            self._drop(temporary)
            raise
        crash_at("snapshot-renamed")
        self._disk.sync_directory(self.directory)
        crash_at("snapshot-dir-synced")
        self._in_doubt = False
        self._drop_before(self._base)
        self._base = self.generation
        crash_at("old-deleted")

    def _drop_before(self, generation: int) -> None:
        """Drops what is older than the generation before this one, and left-over temporaries."""
        for name in self._disk.names(self.directory):
            match = NAME.match(name)
            if match and (int(match[1]) < generation or match[3]):
                self._disk.unlink(self.directory / name)

    def _drop(self, path: Path) -> None:
        """Takes away what could not be finished."""
        with contextlib.suppress(OSError):  # the first error is the one to tell
            self._disk.unlink(path)

    def close(self) -> None:
        """Makes everything durable and closes the files."""
        if self._descriptor >= 0:
            try:
                self.sync()
            finally:
                self._disk.close(self._descriptor)
                self._descriptor = -1

    def _path(self, generation: int, kind: str) -> Path:
        return self.directory / f"checkpoint.{generation}.{kind}"


def _header(generation: int) -> bytes:
    return encode({"v": FORMAT_VERSION, "generation": generation})


def read_state(directory: Path) -> State:
    """Reads the checkpoint without touching it, for commands beside a running daemon.

    Raises CheckpointError or PermissionDeniedError if it proves nothing.
    """
    loaded = read_files(directory)
    if loaded.state is None:
        raise recovery.refusal(directory, loaded)
    return loaded.state


def read_files(directory: Path) -> Loaded:
    """As `read_state`, with what is wrong with the files; raises OSError alone."""
    loaded = load(directory, REAL_DISK)
    for _ in range(READING_TRIES):
        if not loaded.damages:
            break
        loaded = load(directory, REAL_DISK)
    return loaded
