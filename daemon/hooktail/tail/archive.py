"""One compressed log file, with the verbs of `TailedFile`; offsets are in the decompressed stream.

So a log that was read as plain text and then compressed goes on at its old offset. A stream cannot
be entered in its middle: the way to an offset is decompressed and dropped, a turn at a time.

What this means for damage: codecs check their sums *behind* the bytes they vouch for (gzip: at the
end of the member), and lines are handed over before that. If a sum does not hold, the lines before
it have been handed over already; what was found behind the damage never is. A last line without
its newline is handed over only if the stream ended as it should.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from hooktail.fingerprint import BEFORE_BYTES, HEAD_BYTES, Head, before_of, head_of
from hooktail.model import FileId, Lines
from hooktail.tail.decompress import codec_of
from hooktail.tail.encoding import HEAD_BYTES as ENCODING_BYTES
from hooktail.tail.encoding import UTF_8, WIDEST, Encoding
from hooktail.tail.file import READ_BYTES, Growth, Rewritten
from hooktail.tail.framing import LineBuffer, LongLine
from hooktail.tail.pagecache import PageCache
from hooktail.tail.probe import Probe
from hooktail.tail.stream import CompressedStream, Peek, peek

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

UNKNOWN_SIZE = sys.maxsize
"""The size of an archive whose end was not read: larger than any offset."""
LEFT_OUT = sys.maxsize
"""The offset behind everything, known without decompressing: nothing of the archive is wanted."""


class ArchiveFile:
    """Owns one file descriptor and the offset up to which its lines were handed over.

    The file may still be written by its compressor: an end in the middle of the stream means
    waiting, until the caller loses its patience (`give_up`). All methods run on the loop thread; a
    turn takes about a millisecond.
    """

    def __init__(
        self,
        path: Path,
        descriptor: int,
        codec: str,
        *,
        max_line_bytes: int,
        encoding: Encoding = UTF_8,
    ) -> None:
        status = os.fstat(descriptor)
        self.path = path
        self.file_id = FileId(status.st_dev, status.st_ino)
        self.codec = codec
        self.damaged = ""
        """Why the rest cannot be read; set once every line before the damage was handed over."""
        self._descriptor = descriptor
        self._max_line_bytes = max_line_bytes
        self._buffer_bytes = max(READ_BYTES, max_line_bytes + WIDEST)
        self._declared = encoding
        self._page_cache = PageCache(descriptor)
        self._stream = CompressedStream(descriptor, codec)
        self._lines = LineBuffer(encoding, max_line_bytes)  # decompressed, not yet handed over
        self._busy = False  # the last read found nothing to hand over, but there is more
        self._compressed_size = status.st_size
        self._looked_at = -1  # compressed size at the last read that found nothing, and no more
        self._truncated = False
        self._peek = Peek(b"", complete=False)
        self._peeked_at = -1  # compressed size at the last look at the head
        self._head: Head | None = None
        self._recent = b""  # what was read last, up to the position
        self._probe: Probe | None = None
        self._probed_size = -1  # compressed, when the probe was made

    @classmethod
    def open(cls, path: Path, *, max_line_bytes: int, encoding: Encoding = UTF_8) -> ArchiveFile:
        """Opens a compressed file for reading, in the encoding that is declared for its content.

        Raises:
            OSError: it cannot be opened or read.
            ValueError: it does not begin like a compressed file (perhaps not yet: see
                `decompress.may_become_compressed`).
        """
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            codec = codec_of(os.pread(descriptor, 16, 0))
            if codec is not None:
                return cls(
                    path, descriptor, codec, max_line_bytes=max_line_bytes, encoding=encoding
                )
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        raise ValueError(f"{path} is not a gzip, bzip2, xz or zstd file")

    @property
    def offset(self) -> int:
        """The end of the last line handed over."""
        return self._lines.offset

    def close(self) -> None:
        """Closes the file; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    # -- the head

    def head_bytes(self) -> bytes:
        """Returns the first `HEAD_BYTES` decompressed bytes; fewer while `head_known` is False.

        Looks again only if it must, and the file has another size.
        """
        if not self._peek.complete:
            size = os.fstat(self._descriptor).st_size
            if size != self._peeked_at:
                self._peeked_at = size
                self._peek = peek(self._descriptor, self.codec)
        return self._peek.head

    @property
    def head_known(self) -> bool:
        """Waiting for the compressor brings no more `head_bytes`."""
        self.head_bytes()
        return self._peek.complete

    @property
    def head(self) -> Head:
        """The fingerprint of what has been read of the head; it grows until it is full."""
        known = self._head
        length = min(self.offset, HEAD_BYTES)
        if known is None or known.length < length:
            known = self._head = head_of(self.head_bytes()[:length])
        return known

    @property
    def head_is_full(self) -> bool:
        """Tells whether the head is known to its full length."""
        return self._head is not None and self._head.length == HEAD_BYTES

    @property
    def before(self) -> str:
        """The fingerprint of the bytes just before the offset; "" where they were not read."""
        behind = self._lines.position - self.offset
        length = min(self.offset, BEFORE_BYTES)
        end = len(self._recent) - behind
        return before_of(self._recent[end - length : end]) if 0 < length <= end else ""

    def before_at(self, offset: int) -> str:
        """The fingerprint of the bytes just before another offset, near the beginning.

        "" where they are far away, or cannot be known (yet).
        """
        return self._look_into().before_at(offset)

    def known_size(self) -> int:
        """The decompressed size as far as `before_at` found out; else larger than any offset."""
        return min(self.size, self._look_into().size)

    def _look_into(self) -> Probe:
        size = os.fstat(self._descriptor).st_size
        if self._probe is None or size != self._probed_size:
            self._probe = Probe(self._descriptor, self.codec, self.head_bytes())
            self._probed_size = size
        return self._probe

    modified_s = 0
    """Not known: nobody writes to an archive."""
    way: Sequence[int | str] = ()
    """Not known, but for the ends of turns."""

    def modified_last_s(self) -> int:
        """Not known."""
        return 0

    def written_s(self) -> float:
        """When somebody wrote to the file itself last, in seconds since the epoch."""
        return os.fstat(self._descriptor).st_mtime

    @property
    def compressed_bytes(self) -> int:
        """The size of the file itself, at the last look."""
        return self._compressed_size

    # -- how far it is

    @property
    def ended(self) -> bool:
        """The stream has ended as it should, and nothing stood behind its end at the last look."""
        return self._looked_at == self._compressed_size and self._stream.ended

    @property
    def finished(self) -> bool:
        """The stream has ended, and every byte was handed over; `read_tail` takes the last ones.

        Only the beginning of a line over the limit is not, as in a plain file. It looks the same
        between two members of a file that is still written.
        """
        lines = self._lines
        return self._left_out or (self.ended and (lines.in_long_line or not lines.kept_bytes))

    @property
    def ended_in_long_line(self) -> bool:
        """The stream has ended, and behind the offset is the beginning of a line over the limit."""
        return self.ended and self._lines.in_long_line and not self._left_out

    @property
    def _left_out(self) -> bool:
        return self.offset == LEFT_OUT

    @property
    def size(self) -> int:
        """The decompressed size; until the end was found, larger than any offset."""
        return self._stream.position if self.ended or self.damaged else UNKNOWN_SIZE

    @property
    def unread_bytes(self) -> int:
        """Decompressed bytes behind the offset, a partial last line included.

        An estimate from the compressed bytes at the last look; exact at the end of the stream.
        """
        if self.damaged or self._left_out:
            return 0
        return max(self._stream.estimated_size(self._compressed_size) - self.offset, 0)

    @property
    def skipping(self) -> bool:
        """`read` gave None but got on: in a long line, in a block, or on the way to the offset."""
        if self.damaged or self._left_out:
            return False
        lines = self._lines
        return self._busy or lines.in_long_line or self._stream.position < lines.position

    def look(self) -> Growth:
        """Tells whether a read may bring anything; of other content only shrinking is seen."""
        size = os.fstat(self._descriptor).st_size
        self._truncated |= size < self._compressed_size
        self._compressed_size = size
        if self._truncated:
            return Growth.TRUNCATED
        if self.damaged or self._left_out or size == self._looked_at:
            return Growth.QUIET
        return Growth.GROWN

    def still_holds_what_was_read(self) -> bool:
        """Tells, as far as the size does, whether it was not written anew."""
        return self.look() is not Growth.TRUNCATED

    def deleted(self) -> bool:
        """Tells whether no path leads to the file any more."""
        return os.fstat(self._descriptor).st_nlink == 0

    def give_up(self) -> None:
        """Waits no longer for the rest of a stream that has not ended: it is damaged.

        Does nothing while there is more to read.
        """
        if not self._left_out:
            self._stream.give_up()
            if self._looked_at >= 0:
                self.damaged = self._stream.fault

    # -- reading

    def read(self, most_bytes: int = READ_BYTES) -> Lines | LongLine | Rewritten | None:
        """Reads one turn: whole lines, one long line, or None if none is complete yet.

        `most_bytes` (1 or more) bounds what is decompressed for it.
        `Rewritten` if the stream ends before the offset from which it should be read.
        """
        if self.damaged or self._left_out:
            return None
        stream, lines = self._stream, self._lines
        self._looked_at = -1
        self._page_cache.read_from(stream.fed, self._compressed_size)
        room = READ_BYTES if lines.in_long_line else self._buffer_bytes - lines.kept_bytes
        if most_bytes < READ_BYTES:
            room = min(room, most_bytes)
        found = stream.read(lines.position, room)
        if found:
            lines.put(found)
            reach = BEFORE_BYTES + self._buffer_bytes
            self._recent = (self._recent + found)[-reach:]
        if lines.encoding is None and lines.offset:
            lines.encoding = self._declared.of(self.head_bytes()[:ENCODING_BYTES])
        taken = lines.take()
        self._busy = taken is None and not stream.used_up
        if taken is not None:
            return taken
        if stream.fault:
            self.damaged = stream.fault
        elif stream.used_up:
            self._looked_at = self._compressed_size = stream.fed
            if stream.ended and stream.position < lines.position:
                return Rewritten(self.offset)
        return None

    def read_tail(self) -> Lines | None:
        """Reads an unterminated last line of a stream that has ended."""
        if not self.ended or self._lines.in_long_line:
            return None
        last = self._lines.finish()
        return last if isinstance(last, Lines) else None

    # -- moving

    def rewind(self, offset: int) -> None:
        """Goes on from another offset, which is the start of a line.

        The reads that follow get there, and give None on the way.
        """
        lines = self._lines
        if self._truncated or self._stream.fault or offset < lines.position - lines.kept_bytes:
            self._begin_again()
        if offset != lines.position:
            self._recent = b""
        self._lines.go_to(offset)
        self._head = None
        self._looked_at = -1

    def go_to_end(self) -> None:
        """Leaves out all that stands in the archive, without decompressing it."""
        self.rewind(LEFT_OUT)

    def _begin_again(self) -> None:
        self._stream = CompressedStream(self._descriptor, self.codec)
        self._lines = LineBuffer(self._declared, self._max_line_bytes)
        self._busy = False
        self.damaged = ""
        self._truncated = False
        self._compressed_size = os.fstat(self._descriptor).st_size
        self._peek = Peek(b"", complete=False)
        self._peeked_at = -1

    def __repr__(self) -> str:
        return f"ArchiveFile({str(self.path)!r}, offset={self.offset}, codec={self.codec})"
