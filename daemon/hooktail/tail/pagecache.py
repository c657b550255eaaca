"""Tells the kernel how a file is read, so that a backlog does not evict the shop's page cache.

Far behind the end of a file its bytes are read once, in order, and by nobody else: the kernel may
read far ahead, and need not keep what was handed over. The last `BACKLOG_BYTES` of a file are left
to the kernel: there the writer's pages are hot, and other readers' too.
"""

from __future__ import annotations

import contextlib
import mmap
import os

from hooktail.fingerprint import BEFORE_BYTES

BACKLOG_BYTES = 4 * 1024 * 1024
"""So far behind the end of a file it is a backlog that is read."""
DROP_BYTES = 1024 * 1024
"""What is handed over is dropped in steps of this."""


class PageCache:
    """What the kernel was told of one open file. It does not own the descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._dropped_to = 0
        self._step_at = 0
        self.catching_up = False
        """A backlog is being read."""

    def read_from(self, offset: int, size: int) -> None:
        """The next read goes on at `offset` of a file of `size` bytes; called before each."""
        behind = size - offset > BACKLOG_BYTES
        if not self.catching_up and not behind:
            return
        if not self.catching_up or offset < self._dropped_to:
            self._dropped_to = self._step_at = offset - offset % mmap.PAGESIZE
        if not self.catching_up:
            self.catching_up = True
            self._advise(0, 0, "POSIX_FADV_SEQUENTIAL")
        # The bytes just before the offset are read again, to see that they are still the same.
        end = min(offset - BEFORE_BYTES, size - BACKLOG_BYTES)
        end -= end % mmap.PAGESIZE
        if end - self._dropped_to >= DROP_BYTES or (not behind and end > self._dropped_to):
            # From the step before: pages that the kernel keeps together go only together.
            self._advise(self._step_at, end - self._step_at, "POSIX_FADV_DONTNEED")
            self._step_at, self._dropped_to = self._dropped_to, end
        if not behind:
            self.catching_up = False
            self._advise(0, 0, "POSIX_FADV_NORMAL")

    def _advise(self, offset: int, length: int, advice: str) -> None:
        """Only advice: a platform or a file system may know nothing of it."""
        if hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):
                os.posix_fadvise(self._descriptor, offset, length, getattr(os, advice))
