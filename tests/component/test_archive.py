"""Compressed files on disk, read beside the plain file with the same content."""

import bz2
import gzip
import lzma
import os
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lines import page_view

from hooktail.fingerprint import HEAD_BYTES
from hooktail.tail import stream
from hooktail.tail.archive import LEFT_OUT, ArchiveFile
from hooktail.tail.file import Growth, Rewritten, TailedFile
from hooktail.tail.framing import LongLine

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

MAX_LINE_BYTES = 1000
COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda plain: gzip.compress(plain, mtime=0),
    "bzip2": bz2.compress,
    "xz": lambda plain: lzma.compress(plain, preset=0),
    "zstd": lambda plain: zstd.compress(
        plain, options={zstd.CompressionParameter.checksum_flag: 1}
    ),
}
each_codec = pytest.mark.parametrize("codec", COMPRESS)
codecs = st.sampled_from(sorted(COMPRESS))

Seen = list[tuple[int, int, bytes]]
"""Start, end and text of each line handed over, of a long one its head."""

texts = st.one_of(
    st.binary(max_size=40).map(lambda text: text.replace(b"\n", b"")),
    st.builds(bytes.__mul__, st.sampled_from([b"a", b"bc"]), st.integers(0, 600)),
)
contents = st.builds(
    lambda lines, tail: b"".join(line + b"\n" for line in lines) + tail,
    st.lists(texts, max_size=12),
    texts,
)


def read_on(file: TailedFile | ArchiveFile) -> Seen:
    """Reads until nothing is left to read now."""
    seen: Seen = []
    for _ in range(100_000):
        if file.look() is not Growth.GROWN:
            return seen
        taken = file.read()
        if isinstance(taken, LongLine):
            seen.append((taken.start, taken.end, taken.head))
        elif taken is not None:
            assert not isinstance(taken, Rewritten), taken
            starts = [*taken.starts, taken.end]
            seen += zip(starts, starts[1:], taken.texts, strict=False)
    raise AssertionError("it never comes to an end")


def read_to_the_end(file: TailedFile | ArchiveFile) -> Seen:
    """The same, and then an unterminated last line, as of a file that nobody writes to."""
    seen = read_on(file)
    if file.unread_bytes and not file.skipping:
        tail = file.read_tail()
        if tail is not None:
            seen.append((tail.start, tail.end, tail.texts[0]))
    return seen


@contextmanager
def plain_file(content: bytes, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[TailedFile]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "access.log")
        path.write_bytes(content)
        file = TailedFile.open(path, max_line_bytes=max_line_bytes)
        yield file
        file.close()


@contextmanager
def archive(compressed: bytes, max_line_bytes: int = MAX_LINE_BYTES) -> Iterator[ArchiveFile]:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "access.log.gz")
        path.write_bytes(compressed)
        file = ArchiveFile.open(path, max_line_bytes=max_line_bytes)
        yield file
        file.close()


@contextmanager
def small_turns(piece_bytes: int, step_bytes: int, max_line_bytes: int) -> Iterator[None]:
    """Turns that end in the middle of everything."""
    with (
        patch.object(stream, "PIECE_BYTES", piece_bytes),
        patch.object(stream, "STEPS_PER_TURN", 5),
        patch.object(stream, "HEAD_TURNS", 100_000),
        patch("hooktail.tail.decompress.Decompressor.step_bytes", step_bytes),
        patch("hooktail.tail.archive.READ_BYTES", max_line_bytes + 1),
    ):
        yield


def lines(count: int) -> bytes:
    return b"".join(page_view(number).encode() for number in range(count))


# -- the same lines as of the plain file


@settings(deadline=None)
@given(
    codecs,
    contents,
    st.lists(st.floats(0, 1), max_size=3),
    st.integers(1, 50),
    st.integers(4, 300),
    st.integers(1, 60),
    st.data(),
)
def test_an_archive_gives_the_lines_of_the_plain_file(
    codec: str,
    content: bytes,
    cuts: list[float],
    piece_bytes: int,
    step_bytes: int,
    max_line_bytes: int,
    data: st.DataObject,
) -> None:
    """From any line on, of any members, in any turns, whatever was read before."""
    at = [0, *sorted(int(cut * len(content)) for cut in cuts), len(content)]
    compressed = b"".join(COMPRESS[codec](content[start:end]) for start, end in pairwise(at))
    starts = [0] + [i + 1 for i, byte in enumerate(content) if byte == 10]
    with (
        small_turns(piece_bytes, step_bytes, max_line_bytes),
        plain_file(content, max_line_bytes) as plain,
        archive(compressed, max_line_bytes) as file,
    ):
        for offset in (0, *data.draw(st.lists(st.sampled_from(starts), max_size=3))):
            for _ in range(data.draw(st.integers(0, 20))):
                file.read()
            plain.rewind(offset)
            file.rewind(offset)

            assert file.offset == offset
            assert read_to_the_end(file) == read_to_the_end(plain)
            assert file.head_bytes() == plain.head_bytes()
            assert file.before in ("", plain.before)
            looked_at = data.draw(st.integers(0, len(content) + 2))
            before = plain.before_at(looked_at) if looked_at <= len(content) else ""
            assert file.before_at(looked_at) == before
            assert looked_at <= len(content) or file.known_size() == len(content)
            assert file.ended
            assert not file.damaged
            assert file.finished
            if not file.skipping:
                assert (file.offset, file.size) == (plain.offset, plain.size)
                assert file.unread_bytes == plain.unread_bytes == 0
                assert file.head == plain.head


@each_codec
def test_a_log_that_was_compressed_goes_on_at_its_old_offset(codec: str, tmp_path: Path) -> None:
    content = lines(5000)
    log = tmp_path / "access.log"
    log.write_bytes(content)
    plain = TailedFile.open(log, max_line_bytes=MAX_LINE_BYTES)
    plain.look()
    plain.read()
    before = plain.head
    assert plain.head_is_full
    compressed = tmp_path / "access.log.gz"
    compressed.write_bytes(COMPRESS[codec](content))
    log.unlink()

    file = ArchiveFile.open(compressed, max_line_bytes=MAX_LINE_BYTES)
    assert before.matches(file.head_bytes())
    assert file.size >= plain.offset
    file.rewind(plain.offset)
    seen = read_to_the_end(file)

    assert 0 < plain.offset < len(content)
    assert b"".join(text + b"\n" for _, _, text in seen) == content[plain.offset :]
    assert seen[0][0] == plain.offset
    assert file.head == before
    assert file.head_is_full
    assert file.before_at(plain.offset) == plain.before
    while plain.read() is not None:
        pass
    assert file.before == plain.before
    assert file.finished
    plain.close()
    file.close()


@each_codec
def test_an_archive_of_an_empty_file_is_finished_at_once(codec: str) -> None:
    with archive(COMPRESS[codec](b"")) as file:
        assert file.head_known
        assert read_to_the_end(file) == []
        assert file.finished
        assert file.size == 0


# -- a compressor at work


@settings(deadline=None)
@given(codecs, contents, st.integers(1, 40))
def test_an_archive_that_is_still_written_is_waited_for(
    codec: str, content: bytes, step: int
) -> None:
    """Cut off at any byte, it gives a beginning of the lines; with the rest, the rest."""
    compressed = COMPRESS[codec](content)
    with plain_file(content) as plain, archive(compressed[:6]) as file:
        expected = read_to_the_end(plain)
        seen: Seen = []
        for length in range(6, len(compressed), step):
            with file.path.open("ab") as out:
                out.write(compressed[out.tell() : length])
            seen += read_on(file)
            assert seen == expected[: len(seen)]
            assert file.read_tail() is None
            assert not file.finished
            assert not file.damaged
            assert file.look() is Growth.QUIET
            assert plain.head_bytes().startswith(file.head_bytes())
        with file.path.open("ab") as out:
            out.write(compressed[out.tell() :])
        assert seen + read_to_the_end(file) == expected
        assert file.finished


@each_codec
def test_patience_ends_where_the_caller_says_so(codec: str) -> None:
    compressed = COMPRESS[codec](lines(3000))
    with archive(compressed[:-20]) as file:
        read_on(file)
        assert file.damaged == ""

        file.give_up()

        assert file.damaged == f"{codec} data ends in the middle"
        assert not file.finished
        assert file.look() is Growth.QUIET
        assert file.read() is None
        assert file.read_tail() is None, "a part of a line is no line"
        assert file.unread_bytes == 0


def test_patience_does_not_end_before_what_is_there_was_read() -> None:
    with archive(gzip.compress(lines(5000))[:-20]) as file:
        file.look()
        assert file.read() is not None

        file.give_up()

        assert len(read_on(file)) > 2000
        assert file.damaged == ""
        file.give_up()
        assert file.damaged == "gzip data ends in the middle"


def test_giving_up_a_finished_archive_changes_nothing() -> None:
    with archive(gzip.compress(lines(3))) as file:
        read_on(file)

        file.give_up()

        assert file.finished
        assert file.damaged == ""


def test_the_head_is_known_as_soon_as_it_was_written() -> None:
    content = lines(5000)
    compressor = zlib.compressobj(wbits=31)
    begun = compressor.compress(content[:500]) + compressor.flush(zlib.Z_SYNC_FLUSH)
    with archive(begun) as file:
        assert file.head_bytes() == content[:500]
        assert not file.head_known

        with file.path.open("ab") as out:
            out.write(compressor.compress(content[500:]) + compressor.flush())

        assert file.head_bytes() == content[:HEAD_BYTES]
        assert file.head_known
        assert file.offset == 0


def test_another_member_may_be_added_to_a_finished_archive() -> None:
    with archive(gzip.compress(b"one\n")) as file:
        assert len(read_on(file)) == 1
        assert file.finished

        with file.path.open("ab") as out:
            out.write(gzip.compress(b"two\n"))

        assert file.look() is Growth.GROWN
        assert not file.finished
        assert read_on(file) == [(4, 8, b"two")]
        assert file.finished


# -- damage


@settings(deadline=None, max_examples=200)
@given(codecs, contents.filter(bool), st.data())
def test_flipped_bits_end_in_damage_after_what_stood_before_them(
    codec: str, content: bytes, data: st.DataObject
) -> None:
    """Nothing raises or goes on for ever, and a stream that ends well has the right lines."""
    compressed = bytearray(COMPRESS[codec](content))
    where = data.draw(st.integers(6, len(compressed) - 1), label="where")
    compressed[where] ^= 1 << data.draw(st.integers(0, 7), label="bit")
    with plain_file(content) as plain, archive(bytes(compressed[:where])) as cut:
        expected = read_to_the_end(plain)
        before = read_on(cut)

    with archive(bytes(compressed)) as file:
        file.head_bytes()
        seen = read_to_the_end(file)
        if not file.damaged and not file.finished:
            file.give_up()

        assert seen[: len(before)] == before
        if not file.damaged:
            # A few header fields say nothing about the content (gzip's time, for one).
            assert seen == expected
            assert file.finished


@each_codec
def test_everything_before_the_damage_is_handed_over(codec: str) -> None:
    """Not just what earlier turns gave: the turn that meets the damage counts too."""
    good, bad = lines(3000), b"".join(b"%d\n" % number for number in range(3000))
    damaged = bytearray(COMPRESS[codec](bad))
    damaged[5:12] = b"damaged"
    with archive(COMPRESS[codec](good) + damaged) as file:
        seen = read_to_the_end(file)

        handed_over = b"".join(text + b"\n" for _, _, text in seen)
        assert handed_over.startswith(good)
        assert file.damaged
        assert not file.finished
        assert not file.skipping


def place_of_sum(codec: str, compressed: bytes | bytearray) -> int:
    """Finds the sum of all the content, in a stream of one block."""
    if codec == "xz":
        index_bytes = (int.from_bytes(compressed[-8:-4], "little") + 1) * 4
        return len(compressed) - 12 - index_bytes - 8
    return {"gzip": -8, "bzip2": 10, "zstd": -4}[codec]


@pytest.mark.parametrize(
    ("codec", "given", "said"),
    [
        ("gzip", 3000, "Error -3 while decompressing data: incorrect data check"),
        # Its last byte, a newline, and the check are one step.
        ("bzip2", 2999, "Invalid data stream"),
        ("xz", 3000, "Corrupt input data"),
        ("zstd", 3000, "Restored data doesn't match checksum"),
    ],
)
def test_lines_are_handed_over_before_their_sum_is_checked(
    codec: str, given: int, said: str
) -> None:
    """The sum stands behind them, but for bzip2, which can tell only when it has the block."""
    content = lines(3000)
    compressed = bytearray(COMPRESS[codec](content))
    compressed[place_of_sum(codec, compressed)] ^= 1
    with archive(bytes(compressed)) as file:
        seen = read_to_the_end(file)

        assert [text for _, _, text in seen] == content.split(b"\n")[:given]
        assert file.damaged.startswith(f"damaged {codec} data: ")
        assert file.damaged.endswith(said)
        assert not file.finished
        assert file.unread_bytes == 0, "nobody waits for the rest"


@each_codec
def test_of_a_block_that_cannot_be_decompressed_nothing_is_handed_over(codec: str) -> None:
    """The blocks before it are; what comes behind it is not looked for."""
    good = lines(100)
    damaged = bytearray(COMPRESS[codec](lines(3000)))
    damaged[{"gzip": 10, "bzip2": 14, "xz": 12, "zstd": 4}[codec]] ^= 0xFF
    with archive(COMPRESS[codec](good) + damaged + COMPRESS[codec](good)) as file:
        seen = read_to_the_end(file)

        assert [text for _, _, text in seen] == good.split(b"\n")[:-1]
        assert file.damaged.startswith(f"damaged {codec} data: ")
        assert not file.finished
        assert file.unread_bytes == 0


def test_of_a_cut_block_of_bzip2_nothing_is_handed_over() -> None:
    """It is sorted: no line of it is known before its last byte. The other codecs go on longer."""
    for codec, compress in COMPRESS.items():
        with archive(compress(lines(3000))[:-200]) as file:
            seen = read_on(file)
            file.give_up()

            assert file.damaged == f"{codec} data ends in the middle"
            assert (len(seen) == 0) is (codec == "bzip2")
            assert file.unread_bytes == 0


def test_the_last_line_of_a_bzip2_block_is_not_lost_with_the_byte_behind_it() -> None:
    """Asked for little, bzip2 says it is hungry while it has output left."""
    content = b"".join(b"line %d\n" % number for number in range(40))
    compressed = bytearray(bz2.compress(content))
    compressed[-10] ^= 2  # the mark that ends the stream, in the first byte behind the block
    with archive(bytes(compressed)) as file:
        assert len(read_to_the_end(file)) == 40
        assert file.damaged == "damaged bzip2 data: Invalid data stream"


def test_garbage_behind_the_end_is_damage_but_zeros_are_not() -> None:
    with archive(gzip.compress(b"one\n") + bytes(10_000)) as file:
        assert len(read_on(file)) == 1
        assert file.finished
    with archive(gzip.compress(b"one\n") + b"garbage") as file:
        assert len(read_on(file)) == 1
        assert file.damaged == "bytes that are no gzip where a member should begin"


def test_an_archive_damaged_before_its_offset_is_not_sent_again() -> None:
    content = lines(5000)
    compressed = bytearray(gzip.compress(content))
    compressed[len(compressed) // 2] ^= 0xFF
    compressed[len(compressed) // 2 + 50] ^= 0xFF
    with archive(bytes(compressed)) as file:
        file.rewind(len(content))

        assert read_on(file) == []
        assert file.damaged


def test_a_read_that_fails_is_damage(tmp_path: Path) -> None:
    with archive(gzip.compress(lines(10))) as file:
        with patch.object(os, "pread", side_effect=OSError(5, "Input/output error")):
            assert read_on(file) == []
        assert file.damaged == "cannot be read: Input/output error"


# -- bounded work


@each_codec
def test_a_bomb_is_a_long_line_read_in_bounded_turns(codec: str) -> None:
    length = 30_000_000
    turns, most = 0, 0
    with archive(COMPRESS[codec](b"x" * length + b"\nafter\n")) as file:
        while file.look() is Growth.GROWN:
            taken = file.read()
            turns += 1
            most = max(most, file._lines.kept_bytes)
            if isinstance(taken, LongLine):
                assert taken == LongLine(0, length + 1, b"x" * MAX_LINE_BYTES)
        assert file.finished

    assert turns > length / (256 * 1024)
    assert most <= 256 * 1024


def test_an_empty_member_costs_little_of_a_turn() -> None:
    members = 5000
    with archive(gzip.compress(b"") * members + gzip.compress(b"line\n")) as file:
        turns = 0
        while file.look() is Growth.GROWN:
            file.read()
            turns += 1
        assert file.finished
        assert file.offset == 5

    assert turns > members / stream.STEPS_PER_TURN


def test_skipping_says_to_read_again_at_once() -> None:
    content = lines(20_000)
    with archive(gzip.compress(content)) as file:
        file.rewind(len(content))
        turns = 0
        while file.look() is Growth.GROWN and file.read() is None and file.skipping:
            turns += 1

        assert turns >= len(content) // (256 * 1024)
        assert file.finished
        assert not file.skipping


# -- other content


@each_codec
def test_a_stream_that_ends_before_the_offset_is_other_content(codec: str) -> None:
    with archive(COMPRESS[codec](b"one\ntwo\n")) as file:
        file.rewind(9)
        assert file.look() is Growth.GROWN
        assert file.read() == Rewritten(9)

        file.rewind(0)
        assert [text for _, _, text in read_on(file)] == [b"one", b"two"]


def test_an_archive_that_shrinks_begins_again() -> None:
    with archive(gzip.compress(lines(3000))) as file:
        old = file.head_bytes()
        read_on(file)
        file.path.write_bytes(gzip.compress(b"new\n"))

        assert not file.still_holds_what_was_read()
        assert file.look() is Growth.TRUNCATED
        file.rewind(0)
        assert file.still_holds_what_was_read()

        assert file.head_bytes() == b"new\n" != old
        assert read_on(file) == [(0, 4, b"new")]
        assert file.finished


def test_going_back_reads_a_damaged_archive_again() -> None:
    with archive(gzip.compress(b"one\n") + b"garbage") as file:
        read_on(file)
        assert file.damaged

        file.rewind(0)

        assert not file.damaged
        assert len(read_on(file)) == 1


def test_an_archive_that_is_left_out_is_finished_without_decompressing() -> None:
    content = lines(100)
    with archive(gzip.compress(content)) as file:
        file.go_to_end()

        with patch.object(os, "pread", side_effect=AssertionError):
            assert file.look() is Growth.QUIET
            assert file.read() is None
        assert file.finished
        assert file.offset == file.size == LEFT_OUT
        assert file.unread_bytes == 0
        assert not file.skipping

        file.rewind(0)
        assert len(read_on(file)) == 100


# -- the file


def test_what_is_not_compressed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(lines(3))
    open_before = len(os.listdir("/proc/self/fd"))

    with pytest.raises(ValueError, match="is not a gzip, bzip2, xz or zstd file"):
        ArchiveFile.open(path, max_line_bytes=MAX_LINE_BYTES)
    with pytest.raises(FileNotFoundError):
        ArchiveFile.open(tmp_path / "missing.gz", max_line_bytes=MAX_LINE_BYTES)
    with pytest.raises(OSError, match="directory"):
        ArchiveFile.open(tmp_path, max_line_bytes=MAX_LINE_BYTES)

    assert len(os.listdir("/proc/self/fd")) == open_before


def test_an_archive_has_the_identity_of_its_file() -> None:
    with archive(gzip.compress(b"one\n")) as file:
        status = file.path.stat()
        assert file.file_id == (status.st_dev, status.st_ino)
        assert not file.deleted()

        file.path.unlink()

        assert file.deleted()
        assert len(read_on(file)) == 1
        file.close()
        file.close()


def test_unread_bytes_are_estimated_before_the_end() -> None:
    content = lines(20_000)
    with archive(gzip.compress(content)) as file:
        assert file.unread_bytes > 0
        for _ in range(4):
            file.read()
        assert file.unread_bytes == pytest.approx(len(content) - file.offset, rel=0.2)
