"""Cuts bytes into whole lines. Pure: it never touches a file.

A chunk always begins at the start of a line, because the reader goes on from the last newline.
What stands behind the last newline of a chunk is therefore simply read again next time, and there
is no buffer that could be lost or grow.
"""

from __future__ import annotations

from typing import NamedTuple

from hooktail.model import Lines


class LongLine(NamedTuple):
    """A line over the limit: its bytes were skipped; `head` is the beginning of its text."""

    start: int
    end: int
    """Behind its newline."""
    head: bytes


def frame(chunk: bytes, start: int, max_line_bytes: int) -> Lines | LongLine | None:
    """Returns the whole lines at the beginning of `chunk`, which begins at offset `start`.

    A line longer than `max_line_bytes` (its newline not counted) comes alone, as a `LongLine`;
    the lines before it come first. None means that the chunk holds no whole line within the
    limit: either more bytes are needed, or, if the chunk is longer than the limit, the newline of
    a long line must be looked for (`find_line_end`).
    """
    end = chunk.rfind(b"\n") + 1
    if not end:
        return None
    texts = chunk[: end - 1].split(b"\n")
    if end <= max_line_bytes or max(map(len, texts)) <= max_line_bytes:
        return Lines(texts, start, start + end)
    return _up_to_long_line(texts, start, max_line_bytes)


def _up_to_long_line(texts: list[bytes], start: int, max_line_bytes: int) -> Lines | LongLine:
    position = start
    for index, text in enumerate(texts):
        if len(text) > max_line_bytes:
            if index:
                return Lines(texts[:index], start, position)
            return LongLine(start, start + len(text) + 1, text[:max_line_bytes])
        position += len(text) + 1
    raise AssertionError("called without a long line")
