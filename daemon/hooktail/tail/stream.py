"""The plain bytes of a compressed file, from its first byte on, a turn at a time.

It knows nothing of lines. The file may still be written by its compressor: an end in the middle of
the data means waiting.
"""

from __future__ import annotations

import os
from typing import NamedTuple

from hooktail.fingerprint import HEAD_BYTES
from hooktail.tail.decompress import Corrupt, Decompressor

PIECE_BYTES = 16 * 1024
"""Compressed bytes fed at once."""
STEPS_PER_TURN = 512
"""Bounds what tiny members cost."""
HEAD_TURNS = 64
"""Reads for the head. With bzip2 they take 1 MiB; a block of noise is 0.9 MB."""


class CompressedStream:
    """Goes through a file once. It does not own the descriptor."""

    def __init__(self, descriptor: int, codec: str) -> None:
        self.fed = 0
        """Compressed bytes used."""
        self.position = 0
        """Plain bytes found."""
        self.used_up = False
        """The last read used all compressed bytes that were there."""
        self.fault = ""
        """Why nothing more can be read."""
        self._descriptor = descriptor
        self._codec = codec
        self._decoder = Decompressor(codec)
        self._hungry_at = 0  # fed, when the decoder last had used all of it
        self._hungry_position = 0  # and the position
        self._damage_after = -1  # the same, when it met damage for the first time

    @property
    def ended(self) -> bool:
        """The data ends here as it should; a compressor may still add a member."""
        return self.used_up and self._decoder.between_members

    def estimated_size(self, compressed_size: int) -> int:
        """How many plain bytes there will be, if the rest is like what was read."""
        fed, position = self._hungry_at, self._hungry_position
        if not fed:
            return max(self.position, compressed_size)
        return max(self.position, position + (compressed_size - fed) * position // fed)

    def read(self, wanted: int, room: int) -> bytes:
        """Decompresses one turn; gives at most `room` bytes, those before `wanted` left out.

        `wanted` is where the bytes given out so far end, or ahead of it. None given does not mean
        the end: see `used_up` and `fault`. Never raises.
        """
        self.used_up = False
        if self.fault:
            return b""
        found: list[bytes] = []
        try:
            self.used_up = self._decompress(found, wanted, room)
        except Corrupt as error:
            self._meet(str(error), wanted)
        except OSError as error:
            self._fail(f"cannot be read: {error.strerror}")
        return b"".join(found)

    def give_up(self) -> None:
        """Waits no longer for the rest of data that has not ended, if it is `used_up`."""
        if self.used_up and not self.ended:
            self._fail(f"{self._codec} data ends in the middle")

    def _decompress(self, found: list[bytes], wanted: int, room: int) -> bool:
        decoder = self._decoder
        room = min(room, decoder.step_bytes)
        input_room = decoder.step_bytes // 4
        for _ in range(STEPS_PER_TURN):
            if room <= 0:
                break
            if decoder.wants_input:
                if input_room <= 0:
                    break
                self._hungry_at, self._hungry_position = self.fed, self.position
                piece = os.pread(self._descriptor, self._piece_bytes(), self.fed)
                if not piece:
                    return True
                self.fed += len(piece)
                input_room -= len(piece)
                decoder.feed(piece)
                continue
            dropping = self.position < wanted
            if dropping:
                plain = decoder.decompress(min(room, wanted - self.position))
            else:
                plain = decoder.decompress(1 if self._near_damage else room)
                found.append(plain)
            self.position += len(plain)
            room -= len(plain)
        return False

    def _meet(self, damage: str, wanted: int) -> None:
        """The failed step may have lost good bytes: begins again, with tiny steps near the damage.

        A second time, and on the way to the wanted bytes, there is nothing to be won.
        """
        if self._damage_after < 0 and self.position >= wanted:
            self._damage_after = self._hungry_at
            self._decoder = Decompressor(self._codec)
            self.fed = self.position = 0
        else:
            self._fail(damage)

    def _fail(self, fault: str) -> None:
        self.fault = fault
        self._decoder = Decompressor(self._codec)  # gives its window back

    @property
    def _near_damage(self) -> bool:
        after = self._damage_after
        return 0 <= after <= self.fed <= after + PIECE_BYTES

    def _piece_bytes(self) -> int:
        if self._near_damage:
            return 1  # a sum that does not hold is fed apart from the bytes before it
        ahead = self._damage_after - self.fed
        return min(ahead, PIECE_BYTES) if ahead > 0 else PIECE_BYTES


class Peek(NamedTuple):
    """The head of a compressed file."""

    head: bytes
    """Its first plain bytes, at most `HEAD_BYTES`."""
    complete: bool
    """Waiting brings no more of it."""


def peek(descriptor: int, codec: str) -> Peek:
    """Decompresses the head."""
    stream = CompressedStream(descriptor, codec)
    head = b""
    for _ in range(HEAD_TURNS):
        head += stream.read(len(head), HEAD_BYTES - len(head))
        if len(head) == HEAD_BYTES or stream.fault:
            break
        if stream.used_up:
            return Peek(head, complete=stream.ended)
    return Peek(head, complete=True)
