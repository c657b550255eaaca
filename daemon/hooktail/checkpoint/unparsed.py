r"""Lines that the parser refused, kept for the operator: bounded, one file a source.

Each line of `state_dir/unparsed/SOURCE.ndjson` has the file's path, the offset, the reason and the
text (UTF-8, other bytes as `\xHH`). Over the bound the newest are counted and not kept.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import orjson

from hooktail.checkpoint.store import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hooktail.model import Unparsable

KEEP_BYTES = 16 * 1024 * 1024
"""Per source."""
KEEP_TEXT_BYTES = 8 * 1024
"""Of one line."""


class UnparsedStore:
    """Buffers what was refused and writes it when told to, ahead of the journal."""

    def __init__(self, directory: Path, keep_bytes: int = KEEP_BYTES) -> None:
        self._directory = directory
        self._keep_bytes = keep_bytes
        self._buffers: dict[str, list[bytes]] = {}
        self._lengths: dict[str, int] = {}

    def keep(self, source: str, path: str, refused: Iterable[Unparsable]) -> None:
        """Buffers lines as long as the source's file is within its bound."""
        length = self._length(source)
        buffer = self._buffers.setdefault(source, [])
        for line in refused:
            if length >= self._keep_bytes:
                break
            text = line.text[:KEEP_TEXT_BYTES].decode("utf-8", "backslashreplace")
            entry = {"path": path, "offset": line.start, "reason": line.reason, "text": text}
            encoded = orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE)
            buffer.append(encoded)
            length += len(encoded)
        self._lengths[source] = length

    def flush(self) -> None:
        """Writes what is buffered. Raises OSError, and then it stays buffered."""
        for source, buffer in self._buffers.items():
            if buffer:
                self._write(source, b"".join(buffer))
                buffer.clear()

    def _write(self, source: str, data: bytes) -> None:
        self._directory.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(
            self._path(source), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        try:
            length = os.fstat(descriptor).st_size
            try:
                write_whole(descriptor, data)
            except OSError:
                os.ftruncate(descriptor, length)
                raise
        finally:
            os.close(descriptor)

    def _length(self, source: str) -> int:
        if source not in self._lengths:
            try:
                self._lengths[source] = os.stat(self._path(source)).st_size
            except FileNotFoundError:
                self._lengths[source] = 0
        return self._lengths[source]

    def _path(self, source: str) -> str:
        return str(self._directory / f"{source}.ndjson")
