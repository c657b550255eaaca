"""Streams of members, decompressed in pieces."""

import bz2
import gzip
import lzma
import struct
import sys
from collections.abc import Callable
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.tail import decompress
from hooktail.tail.decompress import (
    CODECS,
    Corrupt,
    Decompressor,
    codec_of,
    may_become_compressed,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda plain: gzip.compress(plain, mtime=0),
    "bzip2": bz2.compress,
    "xz": lambda plain: lzma.compress(plain, preset=0),
    # As the command line tool does it; the library alone leaves the sum out.
    "zstd": lambda plain: zstd.compress(
        plain, options={zstd.CompressionParameter.checksum_flag: 1}
    ),
}
SKIPPABLE = struct.pack("<II", 0x184D2A50, 5) + b"hello"
each_codec = pytest.mark.parametrize("codec", COMPRESS)


def decompressed(codec: str, compressed: bytes, piece_bytes: int, max_bytes: int) -> bytes:
    """Everything up to the end of what is there; fails if a step gives out too much."""
    stream, fed, plain = Decompressor(codec), 0, b""
    while fed < len(compressed) or not stream.wants_input:
        if stream.wants_input:
            stream.feed(compressed[fed : fed + piece_bytes])
            fed += piece_bytes
        else:
            step = stream.decompress(max_bytes)
            assert len(step) <= max_bytes
            plain += step
    return plain


@given(
    st.sampled_from(sorted(COMPRESS)),
    st.lists(
        st.binary(max_size=300) | st.builds(bytes.__mul__, st.binary(max_size=3), st.just(500))
    ),
    st.integers(1, 400),
    st.integers(1, 400),
    st.integers(0, 5),
)
def test_any_pieces_of_any_members_give_the_same_bytes(
    codec: str, members: list[bytes], piece_bytes: int, max_bytes: int, padding: int
) -> None:
    compressed = b"".join(COMPRESS[codec](member) + bytes(padding) for member in members)

    assert decompressed(codec, compressed, piece_bytes, max_bytes) == b"".join(members)


@each_codec
def test_a_stream_may_end_between_members_only(codec: str) -> None:
    member = COMPRESS[codec](b"plain")
    ends = []
    for length in range(2 * len(member) + 1):
        stream = Decompressor(codec)
        for byte in (member + member)[:length]:
            stream.feed(bytes([byte]))
            while not stream.wants_input:
                stream.decompress(100)
        if stream.between_members:
            ends.append(length)

    assert ends == [len(member), 2 * len(member)]


@each_codec
def test_zeros_behind_a_member_are_padding(codec: str) -> None:
    compressed = COMPRESS[codec](b"one") + bytes(1000) + COMPRESS[codec](b"two") + bytes(3)

    assert decompressed(codec, compressed, 7, 100) == b"onetwo"


@each_codec
def test_anything_else_behind_a_member_is_damage(codec: str) -> None:
    with pytest.raises(Corrupt, match=f"no {codec} where a member should begin"):
        decompressed(codec, COMPRESS[codec](b"one") + b"x", 100, 100)


@each_codec
def test_damage_is_named(codec: str) -> None:
    compressed = bytearray(COMPRESS[codec](b"some text that is long enough" * 9))
    compressed[len(compressed) // 2] ^= 0xFF
    compressed[len(compressed) // 2 + 2] ^= 0xFF

    with pytest.raises(Corrupt, match=f"damaged {codec} data: ."):
        decompressed(codec, bytes(compressed), 1000, 10_000)


def test_the_skippable_frames_of_pzstd_hold_no_bytes() -> None:
    compressed = SKIPPABLE + zstd.compress(b"one") + SKIPPABLE + zstd.compress(b"two")

    assert decompressed("zstd", compressed, 5, 100) == b"onetwo"
    assert codec_of(compressed) == "zstd"


def test_a_header_that_asks_for_much_memory_is_refused() -> None:
    with patch.object(decompress, "XZ_MEMORY_BYTES", 50_000), pytest.raises(Corrupt, match="emory"):
        decompressed("xz", lzma.compress(b"plain"), 100, 100)
    large = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 20})
    compressed = large.compress(b"plain") + large.flush()
    with patch.object(decompress, "ZSTD_WINDOW_LOG", 10), pytest.raises(Corrupt, match="memory"):
        decompressed("zstd", compressed, 100, 100)


@each_codec
def test_a_member_is_known_by_its_first_bytes(codec: str) -> None:
    assert codec_of(COMPRESS[codec](b"")) == codec
    assert codec in CODECS


def test_plain_text_is_not_compressed() -> None:
    assert codec_of(b'81.2.69.142 - - [10/Oct/2026:13:55:36 +0000] "GET / HTTP/1.1"') is None
    assert codec_of(b"") is None


@pytest.mark.parametrize(
    ("name", "head", "may"),
    [
        ("access.log.2.gz", b"", True),
        ("access.log.2.gz", b"\x1f", True),
        ("access.log.2.xz", b"\xfd7zX", True),
        ("access.log.2.gz", b"8", False),
        ("access.log.2.gz", b"\x1f\x8b", False),
        ("access.log.1", b"", False),
    ],
)
def test_an_archive_just_created_cannot_be_judged_yet(name: str, head: bytes, may: bool) -> None:
    assert may_become_compressed(name, head) is may
