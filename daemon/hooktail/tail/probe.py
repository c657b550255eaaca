"""Fingerprints of bytes near the beginning of a compressed file, for telling which log it holds.

Many logs begin alike: with the same comments, or with the hole that a truncation leaves to a writer
that goes on at its old offset. What follows tells them apart, and has to be decompressed for that.
"""

from __future__ import annotations

import sys

from hooktail.fingerprint import BEFORE_BYTES, before_of
from hooktail.tail.stream import CompressedStream

REACH_BYTES = {"bzip2": 2 * 2**20}
"""So far it looks, in plain bytes: some tens of milliseconds."""
OTHER_REACH_BYTES = 8 * 2**20
HOLE_REACH_BYTES = 128 * 2**20
"""The same where the beginning is a hole, which costs next to nothing."""
_STEP_BYTES = 1 << 20


class Probe:
    """Goes through the beginning of a file by itself. It does not own the descriptor.

    `head` are the first plain bytes.
    """

    def __init__(self, descriptor: int, codec: str, head: bytes) -> None:
        self.size = sys.maxsize
        """The plain size, once the end was met."""
        self._descriptor = descriptor
        self._codec = codec
        in_hole = bool(head) and not head.strip(b"\0")
        self._reach = HOLE_REACH_BYTES if in_hole else REACH_BYTES.get(codec, OTHER_REACH_BYTES)
        self._stream = CompressedStream(descriptor, codec)
        self._known: dict[int, str] = {}

    def before_at(self, offset: int) -> str:
        """Fingerprints the bytes before a plain offset.

        "" if they are not there, not there yet, damaged, or too far away.
        """
        known = self._known.get(offset)
        if known is not None:
            return known
        if not 0 < offset <= min(self._reach, self.size):
            return ""
        begin = max(offset - BEFORE_BYTES, 0)
        if self._stream.position > begin:
            self._stream = CompressedStream(self._descriptor, self._codec)
        stream, found = self._stream, b""
        while stream.position < offset:
            found += stream.read(begin, min(offset - stream.position, _STEP_BYTES))
            if stream.fault or stream.used_up:
                break
        if stream.position < offset:
            if stream.ended:
                self.size = stream.position
            return ""
        self._known[offset] = before_of(found[-BEFORE_BYTES:])
        return self._known[offset]
