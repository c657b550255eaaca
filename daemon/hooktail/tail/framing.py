"""Cuts bytes into whole lines. Pure: it never touches a file.

`frame` is for what can be read again: a chunk begins at the start of a line, because the reader
goes on from the last newline. What stands behind the last newline of a chunk is therefore simply
read again next time, and there is no buffer that could be lost or grow. `LineBuffer` is for what
comes only once: it keeps what is not whole yet, and of a long line no more than is needed.

A *hole* is a run of NULs over the limit: a writer without O_APPEND goes on at its old offset after
a truncation. The line behind a hole begins where the hole ends.
"""

from __future__ import annotations

from typing import NamedTuple

from hooktail.model import Lines
from hooktail.tail.encoding import HEAD_BYTES, UTF_8, Encoding


class LongLine(NamedTuple):
    """A line over the limit: its bytes were skipped; `head` is the beginning of its text."""

    start: int
    end: int
    """Behind its newline."""
    head: bytes


def frame(
    chunk: bytes, start: int, max_line_bytes: int, encoding: Encoding = UTF_8
) -> Lines | LongLine | None:
    """Returns the whole lines at the beginning of `chunk`, which begins at offset `start`.

    A line longer than `max_line_bytes` (its newline not counted) comes alone, as a `LongLine`, or
    as the line behind a hole; the lines before it come first. None means that the chunk holds no
    whole line: either more bytes are needed, or, if the chunk `is_long`, the newline of a long
    line must be looked for.
    """
    end = encoding.end_of_last_line(chunk, start)
    if not end:
        return None
    if encoding.is_verbatim(chunk, start) and not _has_long(chunk, end, max_line_bytes):
        return Lines.of(chunk[:end], start)
    raw = encoding.split(chunk[: end - encoding.width], start)
    if end > max_line_bytes and max(map(len, raw)) > max_line_bytes:
        index = next(i for i, line in enumerate(raw) if len(line) > max_line_bytes)
        if not index:
            line, tail_end = raw[0], start + len(raw[0])
            head, tail = line[:max_line_bytes], line[-tail_bytes(max_line_bytes, encoding) :]
            return long_line(head, tail, start, tail_end, tail_end + encoding.width, encoding)
        raw = raw[:index]
        end = sum(map(len, raw)) + index * encoding.width
    return _lines(raw, start, start + end, encoding)


def _has_long(chunk: bytes, end: int, max_line_bytes: int) -> bool:
    """Tells whether one of the lines before `end`, where a line ends, is over the limit.

    From each newline to the farthest one within the limit: a few steps, however many lines.
    """
    at = 0  # a line begins here
    while end - at > max_line_bytes + 1:
        at = chunk.rfind(b"\n", at, at + max_line_bytes + 1) + 1
        if not at:
            return True
    return False


def _lines(raw: list[bytes], start: int, end: int, encoding: Encoding) -> Lines:
    texts = encoding.texts(raw, start)
    if texts is raw:
        return Lines(raw, start, end)
    return Lines(texts, start, end, encoding.starts(raw, start))


def last_line(raw: bytes, start: int, encoding: Encoding) -> Lines:
    """The last line of a file that is finished: it has no newline."""
    return _lines([raw], start, start + len(raw), encoding)


def is_long(length: int, max_line_bytes: int, encoding: Encoding) -> bool:
    """Tells whether a line is over the limit of which so many bytes hold no newline."""
    return length >= max_line_bytes + encoding.width


def tail_bytes(max_line_bytes: int, encoding: Encoding) -> int:
    """How much `long_line` wants to see of the end of a line."""
    return max_line_bytes + encoding.width


def long_line(
    head: bytes, tail: bytes, start: int, tail_end: int, end: int, encoding: Encoding
) -> Lines | LongLine:
    """A line of `[start, end)` over the limit; if it begins as a hole, the line behind that.

    `head` is its first `max_line_bytes` bytes, `tail` its last `tail_bytes`, which end where its
    newline begins.
    """
    if not head.strip(b"\0"):
        tail_at = tail_end - len(tail)
        text_at = encoding.end_of_hole(tail, tail_at)
        if text_at:
            return _lines([tail[text_at:]], tail_at + text_at, end, encoding)
    cut = len(head) - (start + len(head)) % encoding.width
    return LongLine(start, end, encoding.texts([head[:cut]], start)[0][: len(head)])


class LineBuffer:
    """Cuts a stream that comes only once; it keeps what is not whole yet.

    Of a line over the limit it keeps the head, and of a hole as much of the end.
    """

    def __init__(self, declared: Encoding, max_line_bytes: int) -> None:
        self.offset = 0
        """Where the line begins that is not whole yet."""
        self.encoding: Encoding | None = None
        """Of the stream; told by its first bytes."""
        self._declared = declared
        self._max_line_bytes = max_line_bytes
        self._kept = b""  # the beginning of a line; of a long line the end
        self._kept_at = 0
        self._long_head: bytes | None = None

    @property
    def position(self) -> int:
        """The offset of the next byte to put."""
        return self._kept_at + len(self._kept)

    @property
    def kept_bytes(self) -> int:
        """How many bytes are kept, the head of a long line not counted."""
        return len(self._kept)

    @property
    def in_long_line(self) -> bool:
        """Inside a line over the limit, whose newline has not come yet."""
        return self._long_head is not None

    def put(self, chunk: bytes) -> None:
        """Takes the next bytes; `take` until it gives None."""
        self._kept += chunk

    def take(self) -> Lines | LongLine | None:
        """Returns whole lines, one line over the limit, or None if none is whole yet."""
        encoding = self.encoding
        if encoding is None and not self._kept_at:
            encoding = self.encoding = self._declared.of(self._kept[:HEAD_BYTES])
        if encoding is None:
            return None
        if self._long_head is not None:
            return self._end_long_line(self._long_head, encoding)
        limit = self._max_line_bytes
        taken = frame(self._kept, self._kept_at, limit, encoding)
        if taken is not None:
            self.go_to(taken.end)
        elif is_long(len(self._kept), limit, encoding):
            self._long_head = self._kept[:limit]
            self._shorten(self._long_head, encoding)
        return taken

    def finish(self) -> Lines | LongLine | None:
        """The stream has ended: what is left is its last line, if it has no newline."""
        raw, head, start, end = self._kept, self._long_head, self.offset, self.position
        self.go_to(end)
        encoding = self.encoding or self._declared
        if head is not None:
            tail = raw[-self._tail_bytes(encoding) :]
            return long_line(head, tail, start, end, end, encoding)
        return last_line(raw, start, encoding) if raw else None

    def go_to(self, offset: int) -> None:
        """Goes on at the start of a line that is not before what is kept; it may be ahead."""
        self._kept = self._kept[offset - self._kept_at :]
        self.offset = self._kept_at = offset
        self._long_head = None

    def _end_long_line(self, head: bytes, encoding: Encoding) -> Lines | LongLine | None:
        end = encoding.end_of_first_line(self._kept, self._kept_at)
        if not end:
            self._shorten(head, encoding)
            return None
        line = self._kept[: end - encoding.width]
        tail, tail_end = line[-self._tail_bytes(encoding) :], self._kept_at + len(line)
        start = self.offset
        self.go_to(self._kept_at + end)
        return long_line(head, tail, start, tail_end, self.offset, encoding)

    def _tail_bytes(self, encoding: Encoding) -> int:
        return tail_bytes(self._max_line_bytes, encoding)

    def _shorten(self, head: bytes, encoding: Encoding) -> None:
        """Of a long line only what may be half a newline is kept; in a hole also its end."""
        hole = not head.strip(b"\0")
        kept = encoding.width + (self._tail_bytes(encoding) if hole else 0)
        if len(self._kept) > kept:
            self._kept_at = self.position - kept
            self._kept = self._kept[-kept:]
