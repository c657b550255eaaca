"""One open log file: looked at with fstat, read by offset, a turn at a time."""

from __future__ import annotations

import os
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from hooktail.fingerprint import BEFORE_BYTES, HEAD_BYTES, Head, before_of, head_of, way_of
from hooktail.model import FileId, Lines
from hooktail.tail.encoding import HEAD_BYTES as ENCODING_BYTES
from hooktail.tail.encoding import UTF_8, WIDEST, Encoding
from hooktail.tail.framing import LongLine, frame, is_long, last_line, long_line, tail_bytes
from hooktail.tail.holes import last_data, next_data
from hooktail.tail.pagecache import PageCache

if TYPE_CHECKING:
    from pathlib import Path

READ_BYTES = 256 * 1024
"""One turn: about 1,300 lines, a few milliseconds of work.

Turns of a backlog are no larger: with 1 MiB they take more time a line, because less stays in the
processor's cache. The disk is read in larger pieces all the same (see `pagecache`).
"""


class Growth(Enum):
    """What fstat says, against what has been read."""

    QUIET = "quiet"
    GROWN = "grown"
    TRUNCATED = "truncated"


class Rewritten(NamedTuple):
    """The bytes just before the offset are no longer those that were read: other content."""

    offset: int


class TailedFile:
    """Owns one file descriptor and the offset up to which its lines were handed over.

    The descriptor keeps the inode alive: as long as this object is open, the kernel cannot give
    the inode to another file. All methods run on the loop thread; reads hit the page cache.
    """

    def __init__(
        self,
        path: Path,
        descriptor: int,
        *,
        offset: int = 0,
        max_line_bytes: int,
        encoding: Encoding = UTF_8,
    ) -> None:
        status = os.fstat(descriptor)
        self.path = path
        self.file_id = FileId(status.st_dev, status.st_ino)
        self.offset = offset
        self.size = status.st_size
        self.modified_s = 0
        """When it had been modified last as lines were read last; 0 if none were read."""
        self.way: list[int | str] = []
        """Places within what was read last, where that was all there is (`fingerprint.way_of`)."""
        self._descriptor = descriptor
        self._max_line_bytes = max_line_bytes
        self._declared = encoding
        self._encoding: Encoding | None = None  # of this content, once its head was looked at
        self._page_cache = PageCache(descriptor)
        self._read_bytes = max(READ_BYTES, max_line_bytes + WIDEST)
        self._skipped_to = 0  # inside a long line: its newline is not before this offset
        self._looked_at = -1  # size at the last read that found no whole line
        self._known_to = 0  # what stands below was read before, perhaps in another life
        self._before_known = b""
        # The first bytes and those just before the offset, as they were read: by the time that
        # somebody asks, the file may hold other ones.
        self._read_head = os.pread(descriptor, min(offset, HEAD_BYTES), 0) if offset else b""
        self._head = head_of(self._read_head)
        self._modified_ns = 0
        self._before = b""

    @classmethod
    def open(
        cls, path: Path, *, offset: int = 0, max_line_bytes: int, encoding: Encoding = UTF_8
    ) -> TailedFile:
        """Opens a file for reading, in the encoding that is declared for it. Raises OSError.

        O_NONBLOCK so that a FIFO in the glob cannot hang the loop; for regular files it means
        nothing.
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return cls(
                path,
                descriptor,
                offset=offset,
                max_line_bytes=max_line_bytes,
                encoding=encoding,
            )
        except BaseException:
            os.close(descriptor)
            raise

    def close(self) -> None:
        """Closes the file; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def head_bytes(self) -> bytes:
        """Returns the first bytes of the file, at most `HEAD_BYTES`."""
        return os.pread(self._descriptor, HEAD_BYTES, 0)

    @property
    def head(self) -> Head:
        """The fingerprint of what has been read of the head; it grows until it is full."""
        if self._head.length != len(self._read_head):
            self._head = head_of(self._read_head)
        return self._head

    @property
    def head_is_full(self) -> bool:
        """Tells whether the head is known to its full length."""
        return len(self._read_head) == HEAD_BYTES

    @property
    def read_head(self) -> bytes:
        """The first bytes, as they were read; at most `HEAD_BYTES`, none beyond the offset."""
        return self._read_head

    @property
    def unread_bytes(self) -> int:
        """Bytes nobody has read yet at the last look, a partial last line included."""
        return max(self.size - self.reached, 0)

    @property
    def reached(self) -> int:
        """The furthest offset ever read; larger than `offset` while lines are read again."""
        return max(self.offset, self._known_to)

    @property
    def before_reached(self) -> str:
        """The fingerprint of the bytes just before `reached`, as they were read."""
        return before_of(self._before_known) if self._known_to else self.before

    def expect(self, end: int) -> None:
        """Lines between the offset and `end` were read before, and are there to be read again.

        Until that is done the content is what was read as long as the bytes just before `end` are
        as they are now: at the beginning of a file no others tell of a truncation.
        """
        self._known_to = end if end > self.offset else 0
        self._before_known = self._bytes_before(self._known_to)

    def look(self) -> Growth:
        """Asks the kernel for the size now."""
        status = os.fstat(self._descriptor)
        size, modified_ns = status.st_size, status.st_mtime_ns
        self.size = size
        if size < max(self.offset, self._skipped_to, self._known_to):
            return Growth.TRUNCATED
        if size == self.offset or size == self._looked_at:
            if modified_ns != self._modified_ns:
                # Written to, and not longer: refilled to the very same size?
                if self._bytes_before(self.offset) != self._before:
                    return Growth.TRUNCATED
                self._modified_ns = modified_ns
            return Growth.QUIET
        self._modified_ns = modified_ns
        return Growth.GROWN

    def still_holds_what_was_read(self) -> bool:
        """Tells, as far as size and the bytes before the offset do, whether it was truncated."""
        return (
            self.look() is not Growth.TRUNCATED
            and self._bytes_before(self.offset) == self._before
            and self._still_known()
        )

    def _still_known(self) -> bool:
        return not self._known_to or self._bytes_before(self._known_to) == self._before_known

    def modified_last_s(self) -> int:
        """When it was modified last, in whole seconds since the epoch, whatever was read of it."""
        return os.fstat(self._descriptor).st_mtime_ns // 1_000_000_000

    def deleted(self) -> bool:
        """Tells whether no path leads to the file any more."""
        return os.fstat(self._descriptor).st_nlink == 0

    def read(self, most_bytes: int = READ_BYTES) -> Lines | LongLine | Rewritten | None:
        """Reads one turn: whole lines, one long line, or None if no line is complete yet.

        `most_bytes` (1 or more) bounds it, as far as a line is not longer.
        A truncation that was overtaken by new content before we looked shows itself here.
        """
        self._page_cache.read_from(max(self.offset, self._skipped_to), self.size)
        if not self._still_known():
            return Rewritten(self.offset)
        if self._skipped_to:
            return self._skip()
        before = self._before
        overlap = len(before)
        length = self._read_bytes if most_bytes >= READ_BYTES else most_bytes
        chunk = os.pread(self._descriptor, length + overlap, self.offset - overlap)
        if overlap:
            if not chunk.startswith(before):
                return Rewritten(self.offset)
            chunk = chunk[overlap:]
        if not self.offset:
            self._encoding = self._declared.of(chunk[:ENCODING_BYTES])
        encoding = self._encoding or self._encoding_of_head()
        taken = frame(chunk, self.offset, self._max_line_bytes, encoding)
        if taken is None and len(chunk) == length < self._read_bytes:
            return self.read()  # no line is as short as that
        if taken is not None:
            read = taken.end - self.offset
            # Not of each turn of a backlog: only the way to its end will be asked for.
            self.way = way_of(chunk[:read], self.offset) if len(chunk) < length else []
            self._before = (before + chunk[max(read - BEFORE_BYTES, 0) : read])[-BEFORE_BYTES:]
            if len(self._read_head) < HEAD_BYTES:
                self._read_head = (self._read_head + chunk[:read])[:HEAD_BYTES]
            self._advance(taken.end)
            self.modified_s = self._modified_ns // 1_000_000_000
            self._looked_at = -1
        elif is_long(len(chunk), self._max_line_bytes, encoding):
            self._skip_to(self.offset + len(chunk), encoding)
        else:
            self._looked_at = self.offset + len(chunk)
        return taken

    def read_tail(self) -> Lines | None:
        """Reads an unterminated last line of a file that nobody writes to any more."""
        encoding = self._encoding_of_head()
        length = self._max_line_bytes + encoding.width - 1
        raw = os.pread(self._descriptor, length, self.offset)
        if not raw:
            return None
        start = self.offset
        self.rewind(self.size)
        return Lines(last_line(raw, start, encoding).texts, start, self.size, [start])

    @property
    def skipping(self) -> bool:
        """Inside a line over the limit, whose newline has not been found yet."""
        return self._skipped_to > 0

    def _encoding_of_head(self) -> Encoding:
        """The encoding of what the file holds now; as declared while that cannot be told."""
        if self._encoding is None:
            self._encoding = self._declared.of(os.pread(self._descriptor, ENCODING_BYTES, 0))
        return self._encoding or self._declared

    def _skip_to(self, offset: int, encoding: Encoding) -> None:
        self._looked_at = offset
        self._skipped_to = offset - offset % encoding.width  # perhaps half a newline is there

    def _skip(self) -> Lines | LongLine | None:
        encoding = self._encoding_of_head()
        self._pass_over_hole(encoding)
        chunk = os.pread(self._descriptor, self._read_bytes, self._skipped_to)
        end = encoding.end_of_first_line(chunk, self._skipped_to)
        if not end:
            self._skip_to(self._skipped_to + len(chunk), encoding)
            return None
        start = self.offset
        self._advance(self._skipped_to + end)
        self._skipped_to = 0
        self._looked_at = -1
        self._before = self._bytes_before(self.offset)
        if not self.head_is_full:
            self._read_head = os.pread(self._descriptor, min(self.offset, HEAD_BYTES), 0)
        head = os.pread(self._descriptor, self._max_line_bytes, start)
        tail_end = self.offset - encoding.width
        tail_at = max(tail_end - tail_bytes(self._max_line_bytes, encoding), start)
        tail = os.pread(self._descriptor, tail_end - tail_at, tail_at)
        return long_line(head, tail, start, tail_end, self.offset, encoding)

    def _pass_over_hole(self, encoding: Encoding) -> None:
        """Goes to the next data, if the file has none here: in a hole there is no newline."""
        data_at = next_data(self._descriptor, self._skipped_to, self.size)
        self._skipped_to = max(data_at - data_at % encoding.width, self._skipped_to)

    def _advance(self, offset: int) -> None:
        self.offset = offset
        if offset >= self._known_to:
            self._known_to = 0

    def rewind(self, offset: int) -> None:
        """Goes on from another offset, which is the start of a line."""
        self.offset = offset
        self._known_to = 0
        self._skipped_to = 0
        self._looked_at = -1
        self._encoding = None
        self._read_head = os.pread(self._descriptor, min(offset, HEAD_BYTES), 0) if offset else b""
        self._head = head_of(self._read_head)
        self._before = self._bytes_before(offset)

    @property
    def before(self) -> str:
        """The fingerprint of the bytes just before the offset, as they were read."""
        return before_of(self._before)

    def known_size(self) -> int:
        """The size at the last look."""
        return self.size

    def before_at(self, offset: int) -> str:
        """The fingerprint of the bytes just before another offset, as they are now."""
        return before_of(self._bytes_before(offset))

    def _bytes_before(self, offset: int) -> bytes:
        start = max(offset - BEFORE_BYTES, 0)
        return os.pread(self._descriptor, offset - start, start)

    def go_to_end(self) -> None:
        """Moves the offset behind the last newline: what stands before it is not ours."""
        self.rewind(self.line_start(self.size))

    def line_start(self, offset: int) -> int:
        """Returns the start of the line that holds `offset`, which is there if the file is."""
        encoding = self._encoding_of_head()
        position = offset - offset % encoding.width
        while position > 0:
            start = max(position - READ_BYTES, 0)
            chunk = os.pread(self._descriptor, position - start, start)
            end = encoding.end_of_last_line(chunk, start)
            if end:
                return start + end
            position = start if chunk.strip(b"\0") else last_data(self._descriptor, start)
            position -= position % encoding.width
        return 0

    def lines_between(self, start: int, end: int) -> list[bytes]:
        """Returns the texts of the whole lines in `[start, end)`, for a look back.

        `start` need not be the start of a line. Lines over the limit, and what is behind them,
        are left out.
        """
        at = self.line_start(start)
        chunk = os.pread(self._descriptor, end - at, at)
        taken = frame(chunk, at, self._max_line_bytes, self._encoding_of_head())
        if not isinstance(taken, Lines):
            return []
        return [text for text, each in zip(taken.texts, taken.starts, strict=True) if each >= start]

    def __repr__(self) -> str:
        return f"TailedFile({str(self.path)!r}, offset={self.offset}, size={self.size})"
