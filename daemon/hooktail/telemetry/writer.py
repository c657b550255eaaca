"""The way to stderr: what it does not take is dropped and counted."""

from __future__ import annotations

import os
import select
import threading
from typing import TextIO

_PATIENCE_MS = 100


class LineWriter:
    """Writes lines to a stream that may be closed, broken, full or slow. Any thread may call it.

    It goes past the stream's own buffer, which would keep a refused line and fail again with it.
    A stream that takes nothing is waited for once, for a tenth of a second; until it takes
    something again, lines are dropped at once.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.dropped_lines = 0
        self._stream = stream
        self._lock = threading.Lock()
        self._stuck = False
        self._torn = False

    def write(self, line: str) -> None:
        """Writes `line` and a newline, or counts it in `dropped_lines`."""
        with self._lock:
            try:
                written = self._write(line)
            except (OSError, ValueError):  # ValueError: the stream object is closed
                written = False
            self._stuck = not written
            self.dropped_lines += not written

    # What structlog calls, by the name of the level.
    debug = info = warning = error = critical = msg = write

    def _write(self, line: str) -> bool:
        if self._stream is None:
            return False
        try:
            descriptor = self._stream.fileno()
        except OSError:  # io.UnsupportedOperation: a stream in memory
            self._stream.write(line + "\n")
            return True
        # A line that broke off is ended first, so that it spoils no other.
        rest = ("\n" * self._torn + line + "\n").encode("utf-8", "backslashreplace")
        poll = select.poll()
        poll.register(descriptor, select.POLLOUT)
        while rest:
            # stderr is shared with others, so it cannot be made non-blocking; a pipe that is
            # ready takes PIPE_BUF bytes without blocking.
            if not poll.poll(0 if self._stuck else _PATIENCE_MS):
                return False
            rest = rest[os.write(descriptor, rest[: select.PIPE_BUF]) :]
            self._torn = bool(rest)
        return True
