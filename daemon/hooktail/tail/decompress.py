"""Decompresses a stream piece by piece, with a bound on what one step gives out.

Pure: compressed bytes in, plain bytes out. A stream is a sequence of members (gzip members, bzip2
and xz streams, zstd frames, skippable ones too), whose contents follow each other as if they were
one; zero bytes behind a member are padding. Anything else behind a member is damage: it could be
the damaged beginning of the next.

The codecs check their sums behind the bytes they vouch for: at the end of a member (gzip, zstd), of
a block of up to 900 kB (bzip2) or of a block that usually is the whole stream (xz). A zstd frame
can do without a sum (`zstd --no-check`): damage in it may go unseen.
"""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from typing import TYPE_CHECKING, NamedTuple, Protocol

from hooktail.fingerprint import compression_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

XZ_MEMORY_BYTES = 100 * 1024 * 1024
"""`xz -9` needs 65 MiB to decompress; a crafted header could ask for 4 GiB."""
ZSTD_WINDOW_LOG = 27
"""128 MiB: what `zstd --long` uses and `zstd -d` accepts."""
SUFFIXES = (".gz", ".bz2", ".xz", ".zst")


class Corrupt(Exception):  # noqa: N818 - a finding about the data, translated by the caller
    """The compressed bytes cannot be decompressed any further; the text says why."""


class _Member(Protocol):
    """What the decompressors of bz2, lzma and zstd have in common."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _GzipMember:
    """Gives zlib's decompressor the manners of the others."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        inflate = self._inflate
        plain = inflate.decompress(inflate.unconsumed_tail + data, max_length)
        # With the output full, a match may be half copied although no input is left over.
        self.needs_input = len(plain) < max_length and not inflate.unconsumed_tail
        return plain


class _Bzip2Member:
    """Asks for no input while output is left: with the next byte, damage in it would take that."""

    def __init__(self) -> None:
        self._decompressor = bz2.BZ2Decompressor()
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._decompressor.eof

    @property
    def unused_data(self) -> bytes:
        return self._decompressor.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        plain = self._decompressor.decompress(data, max_length)
        # Its own word is true as soon as it has no input left, however full the output was.
        self.needs_input = self._decompressor.needs_input and len(plain) < max_length
        return plain


class _Codec(NamedTuple):
    begin: Callable[[], _Member]
    magics: tuple[bytes, ...]
    step_bytes: int
    """Plain bytes that take about a millisecond, or two."""


CODECS = {
    "gzip": _Codec(_GzipMember, (b"\x1f\x8b",), 256 * 1024),
    "bzip2": _Codec(_Bzip2Member, (b"BZh",), 64 * 1024),
    "xz": _Codec(
        lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, XZ_MEMORY_BYTES),
        (b"\xfd7zXZ\x00",),
        256 * 1024,
    ),
    "zstd": _Codec(
        lambda: zstd.ZstdDecompressor(
            options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
        ),
        (b"\x28\xb5\x2f\xfd", *(bytes([low]) + b"\x2a\x4d\x18" for low in range(0x50, 0x60))),
        256 * 1024,
    ),
}
_ERRORS = (zlib.error, lzma.LZMAError, zstd.ZstdError, OSError, ValueError, EOFError, MemoryError)


def codec_of(head: bytes) -> str | None:
    """Names the codec of a file that begins with `head`; None for what is not compressed.

    Beyond `compression_of` it knows the skippable frame with which `pzstd` begins.
    """
    return compression_of(head) or ("zstd" if head.startswith(CODECS["zstd"].magics) else None)


def may_become_compressed(name: str, head: bytes) -> bool:
    """Tells whether a file called `name`, that begins with `head`, is too short to be judged.

    Compressors create their file before they write its first byte.
    """
    magics = (magic for codec in CODECS.values() for magic in codec.magics)
    return name.endswith(SUFFIXES) and any(
        len(head) < len(magic) and magic.startswith(head) for magic in magics
    )


class Decompressor:
    """One stream, from its first byte: `feed` while `wants_input`, else `decompress`."""

    def __init__(self, codec: str) -> None:
        self._name = codec
        self._codec = CODECS[codec]
        self._member: _Member | None = None
        self._input = b""  # not yet given to a member
        self._members = 0

    @property
    def step_bytes(self) -> int:
        """How many plain bytes to ask for at most, so that the answer is quick."""
        return self._codec.step_bytes

    @property
    def wants_input(self) -> bool:
        """Nothing more can be said before the next bytes are fed."""
        if self._member is not None:
            return not self._input and self._member.needs_input
        return any(
            len(self._input) < len(magic) and magic.startswith(self._input)
            for magic in self._codec.magics
        )

    @property
    def between_members(self) -> bool:
        """All that was fed has been decompressed, and the stream may end here."""
        return self._members > 0 and self._member is None and not self._input

    def feed(self, compressed: bytes) -> None:
        """Takes the next compressed bytes."""
        self._input += compressed
        self._skip_padding()

    def decompress(self, max_bytes: int) -> bytes:
        """Gives out at most `max_bytes` (above 0) of what was fed; perhaps none, with progress.

        Raises:
            Corrupt: the plain bytes that this step had found so far are lost; a stream decompressed
                anew in smaller steps gives them.
        """
        if self._member is None:
            if not self._input.startswith(self._codec.magics):
                raise Corrupt(f"bytes that are no {self._name} where a member should begin")
            self._member = self._codec.begin()
            self._members += 1
        member, data, self._input = self._member, self._input, b""
        try:
            plain = member.decompress(data, max_bytes)
        except _ERRORS as error:
            raise Corrupt(f"damaged {self._name} data: {error}") from error
        if member.eof:
            self._member = None
            self._input = member.unused_data
            self._skip_padding()
        return plain

    def _skip_padding(self) -> None:
        if self._member is None and self._members and self._input.startswith(b"\0"):
            self._input = self._input.lstrip(b"\0")
