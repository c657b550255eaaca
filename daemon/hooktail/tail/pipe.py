"""Standard input and FIFOs as sources: what comes only once.

What is read out of a pipe exists nowhere else. So less can be promised than for a file:

- While the consumer has no room, nothing is read: the pipe fills and its writer blocks. No line is
  dropped.
- At a stop, reading ends first; what was read is sent within `drain_timeout_s`. What is left then
  is lost, as are the beginning of a line whose end has not come, and what is in the pipe itself
  when nobody has it open any more.
- At a kill or a power cut, the lines that were read and not delivered are lost: at most what the
  queue holds. There is nothing to read again, so nothing is sent twice either.
- Writers of a FIFO may come and go: it does not end. The piece of a line that a writer leaves
  behind when it dies is joined by what the next one writes, up to its first newline.
- Where standard input ends, its last line needs no newline; then the source is finished.

Offsets count the bytes since the pipe was opened. The same offset will come again with another
pipe, therefore each has a random `generation`, from which the ids of its events derive.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import stat
import sys
from typing import TYPE_CHECKING

from hooktail.tail.encoding import Encoding
from hooktail.tail.framing import LineBuffer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hooktail.model import Lines
    from hooktail.tail.framing import LongLine

STDIN = "-"
"""Standard input, among the `paths` of a source."""
READ_BYTES = 64 * 1024
"""What a pipe holds, so that one read empties it."""
GENERATION_BYTES = 16
NO_WRITER_S = 0.25
"""A FIFO that could not be kept open for writers to come is looked at so often without one."""


def pipes_in(paths: Iterable[str]) -> list[str]:
    """Those of a source's `paths` that name a pipe now: `-`, and exact paths of FIFOs."""
    return [path for path in paths if path == STDIN or _is_fifo(path)]


def _is_fifo(path: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


class PipeReader:
    """Owns the reading end of one pipe, and what was read of a line that is not whole.

    Nobody else may read from the same pipe. All methods run on the loop thread; none blocks.
    """

    def __init__(
        self, path: Path | None, *, max_line_bytes: int, encoding: str | None = None
    ) -> None:
        """Opens a FIFO, or standard input if `path` is None.

        Raises:
            OSError: it cannot be opened, or is no FIFO.
            ValueError: `encoding` is none that can be read.
        """
        self._lines = LineBuffer(Encoding.named(encoding), max_line_bytes)
        self.path = path
        self.generation = os.urandom(GENERATION_BYTES)
        """Stands for this opening of the pipe, as the head of a file stands for its content."""
        self.ended = False
        """Nothing will come any more, and the last line was handed over."""
        self._descriptors = [_open_stdin()] if path is None else _open_fifo(path)
        self.idle = False
        """The last read found nothing."""
        self._always_ready = False  # a regular file, or a device such as /dev/null
        self._without_writer = False

    def close(self) -> None:
        """Closes the pipe; a second call does nothing."""
        while self._descriptors:
            os.close(self._descriptors.pop())

    @property
    def name(self) -> str:
        """As in the source's `paths`."""
        return STDIN if self.path is None else str(self.path)

    @property
    def offset(self) -> int:
        """The end of the last line handed over, in bytes since the pipe was opened."""
        return self._lines.offset

    @property
    def descriptor_count(self) -> int:
        """How many file descriptors it takes."""
        return len(self._descriptors)

    @property
    def may_block(self) -> bool:
        """A read without `readable` before it could block: standard input is shared."""
        return self.path is None

    async def readable(self) -> None:
        """Waits until there is something to read, or the end. It may return too early."""
        if self._always_ready:
            return
        if self._without_writer:
            await asyncio.sleep(NO_WRITER_S)
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        try:
            loop.add_reader(self._descriptors[0], _set, ready)
        except PermissionError:
            # epoll refuses what never blocks for long; it is read as a log file is.
            self._always_ready = True
            return
        try:
            await ready
        finally:
            loop.remove_reader(self._descriptors[0])

    def read(self) -> list[Lines | LongLine]:
        """Reads once, after `readable`; returns the lines that are whole now. Raises OSError."""
        self.idle = True
        try:
            chunk = os.read(self._descriptors[0], READ_BYTES)
        except BlockingIOError:
            return []
        self.idle = self._without_writer = not chunk
        if not chunk:
            return self.finish() if self.path is None else []
        self._lines.put(chunk)
        found = []
        while (taken := self._lines.take()) is not None:
            found.append(taken)
        return found

    def finish(self) -> list[Lines | LongLine]:
        """Ends it; what is left is the last line, although it has no newline."""
        self.ended = True
        last = self._lines.finish()
        return [] if last is None else [last]

    def replaced(self) -> bool:
        """Tells whether the path leads to another FIFO by now."""
        if self.path is None:
            return False
        try:
            status = os.stat(self.path)
        except OSError:
            return False
        return stat.S_ISFIFO(status.st_mode) and not os.path.samestat(
            status, os.fstat(self._descriptors[0])
        )


def _set(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def _open_stdin() -> int:
    if sys.stdin is None:  # the descriptor 0 may be anything by now
        raise OSError(errno.EBADF, "standard input is closed")
    # It stays blocking: others share it, a terminal for one, and it is read only when it is ready.
    return os.dup(0)


def _open_fifo(path: Path) -> list[int]:
    """Opens it for reading, and for writing: a FIFO with a writer does not end.

    Without the right to write, its end is waited over.
    """
    flags = os.O_NONBLOCK | os.O_CLOEXEC
    if not _is_fifo(os.fspath(path)):
        os.stat(path)  # raises why
        raise OSError(errno.EINVAL, "not a FIFO")
    reading = os.open(path, os.O_RDONLY | flags)
    with contextlib.suppress(OSError):
        return [reading, os.open(path, os.O_WRONLY | flags)]
    return [reading]
