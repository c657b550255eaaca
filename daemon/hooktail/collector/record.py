"""What was received, and the NDJSON file it is written to.

One line per POST that was read whole:

    {"n": 1, "t": 1705314600.123, "path": "/ID/pixel.png", "answer": 200, "fault": null,
     "accepted": true, "problems": [], "body": {...}}

`answer` is the status, or the kind of fault where no status was given; `raw` stands for `body` if
it was not JSON. The body is the bytes that came, unless they span several lines.
"""

from __future__ import annotations

import os
import stat
import sys
from typing import TYPE_CHECKING, NamedTuple

import orjson

from hooktail.errors import CannotWriteError

if TYPE_CHECKING:
    from pathlib import Path


class Received(NamedTuple):
    """A POST that was read whole."""

    n: int
    """Counts from 1 for each start of the collector."""
    time: float
    """When it had been read, in unix seconds."""
    path: str
    body: bytes
    is_json: bool
    json: object
    problems: list[str]
    answer: int | str
    """The status, or the kind of fault that answers with none."""
    fault: str | None
    accepted: bool
    """The event counts, whether or not the client comes to know of it."""

    def line(self) -> bytes:
        """This as one line of NDJSON, with its newline."""
        shown: dict[str, object] = {
            "n": self.n,
            "t": round(self.time, 6),
            "path": self.path,
            "answer": self.answer,
            "fault": self.fault,
            "accepted": self.accepted,
            "problems": self.problems,
        }
        if not self.is_json:
            shown["raw"] = self.body.decode("utf-8", "replace")
        elif b"\n" in self.body or b"\r" in self.body:
            shown["body"] = self.json
        else:
            shown["body"] = orjson.Fragment(self.body)
        return orjson.dumps(shown, option=orjson.OPT_APPEND_NEWLINE)


class Recorder:
    """Appends lines to a file, many with one write; owns its descriptor.

    What was written survives the end of this process, and a reader can follow it.

    Raises:
        CannotWriteError: the file cannot be opened; later, cannot be written.
        BrokenPipeError: standard output, and its reader has gone.
    """

    def __init__(self, path: Path | None) -> None:
        """Opens the file for appending, or standard output for None."""
        self._name = "standard output" if path is None else str(path)
        self._pending: list[bytes] = []
        try:
            if path is None:
                self._fd = os.dup(sys.stdout.fileno())
            else:
                flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
                self._fd = os.open(path, flags, 0o600)
                self._end_torn_line()
        except OSError as error:
            raise self._cannot_write(error) from error

    def add(self, received: Received) -> None:
        """Keeps a line for the next flush."""
        self._pending.append(received.line())

    def flush(self) -> None:
        """Writes what was added."""
        if not self._pending:
            return
        left = memoryview(b"".join(self._pending))
        self._pending.clear()
        try:
            while left:
                left = left[os.write(self._fd, left) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise self._cannot_write(error) from error

    def close(self) -> None:
        """Closes the file; what was not flushed is lost."""
        os.close(self._fd)

    def _end_torn_line(self) -> None:
        """Ends a line that an earlier collector was killed in, so that ours stays whole."""
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
            return
        if os.pread(self._fd, 1, status.st_size - 1) != b"\n":
            os.write(self._fd, b"\n")

    def _cannot_write(self, error: OSError) -> CannotWriteError:
        return CannotWriteError(f"--record: {self._name}: {error.strerror}")
