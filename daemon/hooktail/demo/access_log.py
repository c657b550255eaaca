"""The shop's access log on disk: it grows, and is rotated as logrotate and nginx do it together."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hooktail.errors import CannotWriteError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hooktail.demo.traffic import LogLine


class AccessLog:
    """Appends to `path`. After `rename` lines still go into the old file, until `reopen`.

    Raises CannotWriteError, for instance for a full disk; owns its descriptor.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.since_rename = 0
        """Lines written into a file that no longer has its name."""
        self._renamed = False
        self._descriptor = self._open()

    def write(self, lines: Sequence[LogLine]) -> None:
        """Appends lines."""
        left = memoryview(b"".join(line.text + b"\n" for line in lines))
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            raise CannotWriteError(f"{self.path}: cannot write: {error.strerror}") from error
        self.since_rename += len(lines) if self._renamed else 0

    def rename(self) -> None:
        """Moves the file to `.1`, and an older `.1` to the next free number."""
        for older in reversed(self._rotated()):
            number = int(older.suffix[1:]) + 1
            older.rename(older.with_suffix(f".{number}"))
        self.path.rename(self._numbered(1))
        self._renamed, self.since_rename = True, 0

    def reopen(self) -> None:
        """Begins a new file under the old name, as nginx does on USR1."""
        old, self._descriptor = self._descriptor, self._open()
        os.close(old)
        self._renamed = False

    def count_lines(self) -> int:
        """Counts the lines of all files, on disk."""
        files = [*self._rotated(), self.path]
        return sum(file.read_bytes().count(b"\n") for file in files if file.exists())

    def close(self) -> None:
        """Closes the file; may be repeated."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        try:
            return os.open(self.path, flags, 0o640)
        except OSError as error:
            raise CannotWriteError(f"{self.path}: cannot open: {error.strerror}") from error

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def _rotated(self) -> list[Path]:
        files: list[Path] = []
        while (file := self._numbered(len(files) + 1)).exists():
            files.append(file)
        return files
