"""Some lines of a log, the first and the last, whatever its size. It reads, and never waits."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hooktail.checkup.access import OPEN_FLAGS
from hooktail.model import Lines
from hooktail.tail.decompress import codec_of
from hooktail.tail.encoding import Encoding
from hooktail.tail.framing import LineBuffer
from hooktail.tail.stream import CompressedStream

if TYPE_CHECKING:
    from pathlib import Path

END_BYTES = 512 * 1024
"""Of each end of a file at most: twice the longest line by default."""
END_LINES = 250
"""Of each end of a file at most."""
MOST_TURNS = 512
"""Of the decompressor: enough for the beginning of anything but crafted data."""


@dataclass(slots=True)
class Sample:
    """Lines from both ends of a file."""

    head: list[bytes] = field(default_factory=list)
    tail: list[bytes] = field(default_factory=list)
    """Empty if the head is all there is, or the end cannot be reached."""
    long_lines: int = 0
    """Lines over `max_line_bytes`, which the daemon would refuse."""
    damage: str = ""
    """Why compressed data cannot be read any further."""
    modified_s: float = 0.0
    compressed: bool = False

    @property
    def lines(self) -> int:
        """How many lines there are."""
        return len(self.head) + len(self.tail) + self.long_lines


def take(path: Path, *, max_line_bytes: int, encoding: str | None) -> Sample:
    """Takes a sample. Raises OSError if the file cannot be read, or is none by now."""
    descriptor = os.open(path, OPEN_FLAGS)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is no regular file any more")
        sample = Sample(modified_s=status.st_mtime)
        head = os.pread(descriptor, END_BYTES, 0)
        codec = codec_of(head)
        declared = Encoding.named(encoding)
        if codec is not None:
            sample.compressed = True
            head, sample.damage = _decompressed(descriptor, codec)
            whole = False
        else:
            whole = status.st_size <= END_BYTES
        wide = _cut(sample, head, declared, max_line_bytes, whole=whole)
        if codec is None and not whole and not wide:
            start = max(status.st_size - END_BYTES, END_BYTES)
            _cut_tail(sample, os.pread(descriptor, END_BYTES, start), max_line_bytes)
        return sample
    finally:
        os.close(descriptor)


def _decompressed(descriptor: int, codec: str) -> tuple[bytes, str]:
    stream = CompressedStream(descriptor, codec)
    head = b""
    for _ in range(MOST_TURNS):
        head += stream.read(len(head), END_BYTES - len(head))
        if len(head) >= END_BYTES or stream.used_up or stream.fault:
            break
    if stream.used_up and not stream.ended:
        return head, "the compressed data ends in the middle"
    return head, stream.fault


def _cut(
    sample: Sample, data: bytes, declared: Encoding, max_line_bytes: int, *, whole: bool
) -> bool:
    """Cuts the beginning into lines as the daemon does; tells whether it is UTF-16."""
    buffer = LineBuffer(declared, max_line_bytes)
    buffer.put(data)
    while (taken := buffer.take()) is not None:
        if isinstance(taken, Lines):
            sample.head += taken.texts
        else:
            sample.long_lines += 1
    if whole and buffer.kept_bytes:
        last = buffer.finish()  # may still be being written
        if isinstance(last, Lines) and not sample.head:
            sample.head += last.texts
    if not whole:
        del sample.head[END_LINES:]
    elif len(sample.head) > 2 * END_LINES:
        sample.head, sample.tail = sample.head[:END_LINES], sample.head[-END_LINES:]
    return buffer.encoding is not None and buffer.encoding.width > 1


def _cut_tail(sample: Sample, data: bytes, max_line_bytes: int) -> None:
    """Cuts the end of a file into lines: without what is cut off in front, and not yet whole."""
    lines = data.split(b"\n")[1:-1]
    sample.long_lines += sum(len(line) > max_line_bytes for line in lines)
    sample.tail = [line for line in lines if len(line) <= max_line_bytes][-END_LINES:]
