"""The checkpoint on disk: an atomic snapshot and an append-only journal beside it.

    checkpoint.N.snapshot    the whole state when generation N began
    checkpoint.N.journal     what changed since; its last record may name generation N+1

Generation N+1 begins by ending journal N with `{"next": N+1}` and appending to journal N+1 from
then on; snapshot N+1 is written beside it, at leisure. Until it is there, a restart reads snapshot
N, journal N to its end record, and journal N+1; afterwards snapshot N+1 and journal N+1 give the
same. Generation N is kept until N+2 begins, so that a damaged snapshot costs nothing. The proof,
instant by instant, is in docs/why/checkpoint.md.

`append` writes through to the kernel, which survives SIGKILL; `sync` makes it survive power loss.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from hooktail.checkpoint.frames import decode, encode
from hooktail.checkpoint.state import FORMAT_VERSION, State
from hooktail.errors import CannotWriteError, CheckpointError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COMPACT_BYTES = 8 * 1024 * 1024
"""A journal longer than this is due for a new generation."""

_NAME = re.compile(r"checkpoint\.(\d{1,12})\.(snapshot|journal)\Z")

log = structlog.get_logger()


class Store:
    """The state with its files. One daemon at a time (`lock.StateLock`), one thread at a time."""

    def __init__(self, directory: Path, state: State, generation: int) -> None:
        self.directory = directory
        self.state = state
        self.generation = generation
        self._descriptor = -1
        self._ended = -1  # the journal before, until its snapshot is written
        self._length = 0
        self._unsynced = False

    @classmethod
    def open(cls, directory: Path) -> Store:
        """Reads the checkpoint, or begins an empty one, and starts a new generation.

        Raises CheckpointError if there are checkpoint files and none can be trusted, and
        CannotWriteError or PermissionDeniedError if the directory cannot be used.
        """
        try:
            loaded = _load(directory)
            store = cls(directory, loaded.state, loaded.generation)
            store._go_on_with(loaded)
            snapshot = store.begin_generation()
            store.finish_generation(snapshot)
        except PermissionError as error:
            raise PermissionDeniedError(
                f"{directory}: {error.strerror}; the service user must own the state directory"
            ) from error
        except OSError as error:
            raise CannotWriteError(f"{directory}: cannot write: {error.strerror}") from error
        return store

    def _go_on_with(self, loaded: _Loaded) -> None:
        """Takes up the journal that was written last, without what is torn off its end."""
        if loaded.journal is not None:
            self._descriptor = os.open(loaded.journal, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            self._length = loaded.journal_length
            os.ftruncate(self._descriptor, self._length)

    @property
    def journal_bytes(self) -> int:
        """Length of the current journal."""
        return self._length

    def append(self, record: Mapping[str, Any]) -> None:
        """Writes a record and applies it. Raises OSError, and then nothing has changed."""
        line = encode(record)
        try:
            write_whole(self._descriptor, line)
        except OSError:
            # A torn record must not stand before later ones.
            os.ftruncate(self._descriptor, self._length)
            raise
        self._length += len(line)
        self._unsynced = True
        self.state.apply(record)

    def sync(self) -> None:
        """Makes everything appended so far survive a power loss; may run on another thread."""
        if self._unsynced:
            self._unsynced = False
            try:
                os.fdatasync(self._descriptor)
            except OSError:
                self._unsynced = True
                raise

    def begin_generation(self) -> bytes:
        """Switches to a new journal and returns the snapshot it follows from.

        Quick; the caller then runs `finish_generation`, on any thread. Raises OSError.
        """
        if self._ended >= 0:
            self._finish_ended()  # the last snapshot could not be written: the chain is longer
        following = self.generation + 1
        descriptor = os.open(
            self._path(following, "journal"),
            os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC,
            0o600,
        )
        try:
            header = encode({"v": FORMAT_VERSION, "generation": following})
            os.write(descriptor, header)
            if self._descriptor >= 0:
                self.append({"next": following})
        except OSError:
            os.close(descriptor)
            raise
        self._ended = self._descriptor
        self._descriptor, self._length = descriptor, len(header)
        self.generation = following
        return encode({"v": FORMAT_VERSION, "generation": following, **self.state.to_json()})

    def finish_generation(self, snapshot: bytes) -> None:
        """Writes the snapshot of the current generation durably and drops what it replaces."""
        if self._ended >= 0:
            self._finish_ended()
        target = self._path(self.generation, "snapshot")
        temporary = f"{target}.tmp"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(snapshot)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
        except OSError:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise
        self._sync_directory()
        for name in os.listdir(self.directory):
            match = _NAME.match(name)
            if match and int(match[1]) < self.generation - 1:
                os.unlink(self.directory / name)

    def close(self) -> None:
        """Makes everything durable and closes the files."""
        if self._descriptor >= 0:
            try:
                self.sync()
            finally:
                os.close(self._descriptor)
                self._descriptor = -1

    def _finish_ended(self) -> None:
        os.fdatasync(self._ended)
        os.close(self._ended)
        self._ended = -1

    def _sync_directory(self) -> None:
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _path(self, generation: int, kind: str) -> str:
        return str(self.directory / f"checkpoint.{generation}.{kind}")


class _Loaded(NamedTuple):
    state: State
    generation: int
    """The newest generation number in use."""
    journal: Path | None
    """The journal that was written last."""
    journal_length: int
    """Its length without a torn record."""


def write_whole(descriptor: int, data: bytes) -> None:
    """Writes all of `data` or raises OSError; what was written of it then stays in the file.

    A disk that fills up takes the beginning without an error; the next write says why.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def read_state(directory: Path) -> State:
    """Reads the checkpoint without touching it, for commands beside a running daemon."""
    return _load(directory).state


def _load(directory: Path) -> _Loaded:
    numbers: dict[str, set[int]] = {"snapshot": set(), "journal": set()}
    for name in os.listdir(directory):
        if match := _NAME.match(name):
            numbers[match[2]].add(int(match[1]))
    newest = max(numbers["snapshot"] | numbers["journal"], default=0)
    for generation in sorted(numbers["snapshot"], reverse=True):
        state = _read_snapshot(directory / f"checkpoint.{generation}.snapshot")
        if state is not None:
            return _replay(directory, generation, state, newest)
        log.error("checkpoint_snapshot_damaged", generation=generation, hint="using the previous")
    if numbers["snapshot"] or numbers["journal"] - {1}:
        raise CheckpointError(
            f"{directory}: no checkpoint.*.snapshot can be trusted (damaged, or of a newer "
            "version); nothing is sent again without your word: restore the files, or move them "
            "away to start as on the first day"
        )
    # Either the very first start, or a crash within it before its first snapshot: nothing was
    # read yet.
    return _Loaded(State(), newest, None, 0)


def _read_snapshot(path: Path) -> State | None:
    records = decode(path.read_bytes()).records
    if len(records) != 1:
        return None
    if records[0].get("v") != FORMAT_VERSION:
        raise CheckpointError(
            f"{path}: version {records[0].get('v')!r}; this hooktail reads version "
            f"{FORMAT_VERSION}: install the version that wrote it"
        )
    return State.from_json(records[0])


def _replay(directory: Path, generation: int, state: State, newest: int) -> _Loaded:
    """Applies the journals that follow from snapshot `generation`, as long as they are whole."""
    loaded = _Loaded(state, newest, None, 0)
    following: int | None = generation
    while following is not None:
        path = directory / f"checkpoint.{following}.journal"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            break
        frames = decode(data)
        loaded = _Loaded(state, newest, path, frames.length)
        if frames.length < len(data):
            log.warning(
                "checkpoint_journal_torn",
                path=str(path),
                bytes_ignored=len(data) - frames.length,
                hint="a crash while writing, or damage: what it said is sent again",
            )
        following = None
        for record in frames.records:
            if "next" in record:
                following = int(record["next"])
            elif "generation" not in record:
                state.apply(record)
    return loaded
