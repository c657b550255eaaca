"""Events that will never be accepted, kept for the operator with the answer that condemned them.

One NDJSON file per destination and day (UTC): `DESTINATION-YYYY-MM-DD.ndjson`. A letter is on the
disk before its event is settled; a crash between the two leaves the same `event_id` twice.
A line that a crash tore apart stays where it is and ends at the next append: readers skip it.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson

from hooktail.crashpoint import crash_at

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One event that was refused, and why."""

    destination: str
    event_id: str
    event_name: str
    reason: str
    status: int | None
    answer: str
    tries: int
    body: bytes
    source: str = ""


class _Batch:
    """Letters that are written by one fsync."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.written = False
        self.failure: OSError | None = None


class DeadLetters:
    """Appends letters durably. `append` may be called by many tasks of one loop."""

    def __init__(self, directory: Path, *, wall_s: Callable[[], float] = time.time) -> None:
        self._directory = directory
        self._wall_s = wall_s
        self._batch = _Batch()
        self._turn = asyncio.Lock()
        # A cancelled `append` leaves its thread behind; the next must not write beside it.
        self._writing = threading.Lock()

    async def append(self, letters: Sequence[Letter]) -> None:
        """Writes letters to the disk; returns when they would survive a power loss.

        Raises OSError (a full disk) with the directory's name, and then none of them may be taken
        for kept. Calls that come together share one fsync. Cancelled, the letters may be kept or
        not.
        """
        batch = self._batch
        batch.letters += letters
        async with self._turn:
            if batch.written:
                return
            if batch is self._batch:
                self._batch = _Batch()
            await asyncio.to_thread(self._write_once, batch)

    def _write_once(self, batch: _Batch) -> None:
        with self._writing:
            if batch.failure is not None:
                raise self._named(batch.failure) from batch.failure
            if batch.written:
                return
            try:
                self._write(batch.letters)
            except OSError as failure:
                batch.failure = failure
                raise self._named(failure) from failure
            batch.written = True

    def _named(self, failure: OSError) -> OSError:
        return OSError(failure.errno, failure.strerror, str(self._directory))

    def _write(self, letters: Sequence[Letter]) -> None:
        moment = datetime.fromtimestamp(self._wall_s(), UTC)
        by_destination: dict[str, list[bytes]] = {}
        for letter in letters:
            by_destination.setdefault(letter.destination, []).append(_line(letter, moment))
        for destination, lines in by_destination.items():
            name = f"{quote(destination, safe='')}-{moment:%Y-%m-%d}.ndjson"
            _append_durably(self._directory, name, b"".join(lines))


def _line(letter: Letter, moment: datetime) -> bytes:
    entry: dict[str, object] = {
        "v": VERSION,
        "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "destination": letter.destination,
    }
    if letter.source:
        entry["source"] = letter.source
    entry |= {
        "event_id": letter.event_id,
        "event_name": letter.event_name,
        "reason": letter.reason,
        "status": letter.status,
        "answer": letter.answer,
        "tries": letter.tries,
        "body": letter.body.decode("utf-8", "backslashreplace"),
    }
    return orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)


def _append_durably(directory: Path, name: str, lines: bytes) -> None:
    """Appends all of `lines` or, if that fails, nothing."""
    directory.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(
        directory / name, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
    )
    try:
        length = os.fstat(descriptor).st_size
        torn = length > 0 and os.pread(descriptor, 1, length - 1) != b"\n"
        rest = memoryview(b"\n" * torn + lines)
        try:
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            crash_at("deadletter-before-fsync")
            os.fsync(descriptor)
            crash_at("deadletter-after-fsync")
        except OSError:
            os.ftruncate(descriptor, length)
            raise
    finally:
        os.close(descriptor)
    if length == 0:
        _fsync_directory(directory)
        _fsync_directory(directory.parent)  # the directory itself may be new


def _fsync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
