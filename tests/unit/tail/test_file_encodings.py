"""Files in UTF-16, plain and compressed, written in any pieces and read in any turns."""

import codecs
import gzip
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail.model import Lines
from hooktail.tail.archive import ArchiveFile
from hooktail.tail.encoding import UTF_8, Encoding
from hooktail.tail.file import READ_BYTES, Growth, Rewritten, TailedFile
from hooktail.tail.framing import LineBuffer, LongLine
from hooktail.tail.opening import open_log

Seen = list[tuple[int, int, bytes]]
"""Start, end and text of each line, of a long one its head."""

BOMS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
names = st.sampled_from(sorted(BOMS))
texts = st.lists(
    st.one_of(
        st.text("ab\u0a41\u0100\u4100\U0001f600\r", max_size=12),
        st.builds(str.__mul__, st.sampled_from("x\0"), st.integers(0, 60)),
        st.builds(lambda nuls: "\0" * nuls + "behind", st.integers(0, 60)),
    ),
    max_size=8,
).map("\n".join)


def spread(taken: Lines | LongLine) -> Seen:
    if isinstance(taken, LongLine):
        return [(taken.start, taken.end, b"long: " + taken.head)]
    ends = [*list(taken.starts)[1:], taken.end]
    return list(zip(taken.starts, ends, taken.texts, strict=True))


def read_on(file: TailedFile | ArchiveFile, most_bytes: int = READ_BYTES) -> Seen:
    """Reads until nothing is left to read now."""
    seen: Seen = []
    for _ in range(10_000):
        if file.look() is not Growth.GROWN:
            return seen
        taken = file.read(most_bytes)
        assert not isinstance(taken, Rewritten), taken
        if taken is not None:
            seen += spread(taken)
    raise AssertionError("it never comes to an end")


def lines_of(content: bytes, max_line_bytes: int, encoding: Encoding) -> Seen:
    """The lines of a whole content, without an unterminated last one."""
    buffer = LineBuffer(encoding, max_line_bytes)
    buffer.put(content)
    seen: Seen = []
    while (taken := buffer.take()) is not None:
        seen += spread(taken)
    return seen


@contextmanager
def file_of(content: bytes, encoding: Encoding, max_line_bytes: int) -> Iterator[TailedFile]:
    with (
        tempfile.TemporaryDirectory() as directory,
        patch("hooktail.tail.file.READ_BYTES", 64),
    ):
        path = Path(directory, "access.log")
        path.write_bytes(content)
        file = TailedFile.open(path, max_line_bytes=max_line_bytes, encoding=encoding)
        yield file
        file.close()


@settings(deadline=None, max_examples=100)
@given(
    texts,
    names,
    st.booleans(),
    st.lists(st.integers(1, 50), max_size=20),
    st.integers(1, 50),
    st.integers(1, 80),
)
def test_a_growing_file_gives_the_lines_of_the_whole(
    text: str, name: str, declared: bool, sizes: list[int], max_line_bytes: int, turn_bytes: int
) -> None:
    """Declared, or told by its byte order mark; half a unit at the end waits for its other half.

    In turns of any size, also of less than a line.
    """
    content = BOMS[name] + text.encode(name)
    encoding = Encoding.named(name) if declared else UTF_8
    expected = lines_of(content, max_line_bytes, encoding)

    seen: Seen = []
    with file_of(b"", encoding, max_line_bytes) as file:
        for size in [*sizes, len(content)]:
            with file.path.open("ab") as out:
                out.write(content[out.tell() : out.tell() + size])
            seen += read_on(file, turn_bytes)
            assert seen == expected[: len(seen)]
            assert file.offset == (seen[-1][1] if seen else 0)

    assert seen == expected


@settings(deadline=None, max_examples=100)
@given(texts, names, st.integers(1, 50), st.integers(0, 500))
def test_from_any_line_on_the_rest_comes(
    text: str, name: str, max_line_bytes: int, place: int
) -> None:
    """After a restart, that is: of the file's head only what the file says itself is known."""
    content = BOMS[name] + text.encode(name)
    expected = lines_of(content, max_line_bytes, UTF_8)
    ends = [0, *(end for _, end, _ in expected)]
    with file_of(content, UTF_8, max_line_bytes) as file:
        for i, end in enumerate(ends):
            file.rewind(end)
            assert read_on(file) == expected[i:]
        place = min(place, len(content))
        assert file.line_start(place) == max(end for end in ends if end <= place)
        file.look()
        file.go_to_end()
        assert file.offset == ends[-1]
    with (
        tempfile.TemporaryDirectory() as directory,
        patch("hooktail.tail.archive.READ_BYTES", 64),
    ):
        path = Path(directory, "access.log.gz")
        path.write_bytes(gzip.compress(content))
        archive = ArchiveFile.open(path, max_line_bytes=max_line_bytes)
        for i in (0, len(ends) - 1, len(ends) // 2):
            archive.rewind(ends[i])
            assert read_on(archive, 1 + place) == expected[i:]
        archive.close()


@pytest.mark.parametrize("name", ["utf-16-le", "utf-16-be"])
def test_an_unterminated_last_line_becomes_one_when_the_file_is_finished(
    tmp_path: Path, name: str
) -> None:
    log = tmp_path / "access.log"
    content = BOMS[name] + "one\nlast".encode(name) + b"\x41"
    log.write_bytes(content)
    file = TailedFile.open(log, max_line_bytes=1000)

    assert read_on(file) == [(0, 10, b"one")]
    last = file.read_tail()

    assert last is not None
    assert spread(last) == [(10, 19, "last\ufffd".encode())]
    assert file.offset == len(content)
    file.close()


def test_other_bytes_before_the_offset_are_seen_in_utf_16_too(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes("one\ntwo\n".encode("utf-16"))
    file = TailedFile.open(log, max_line_bytes=1000)
    assert [text for _, _, text in read_on(file)] == [b"one", b"two"]
    before = file.before

    log.write_bytes("other\nbytes\nin it\n".encode("utf-16"))
    assert file.look() is Growth.GROWN
    assert file.read() == Rewritten(18)
    assert file.before_at(18) != before

    file.rewind(0)
    assert [text for _, _, text in read_on(file)] == [b"other", b"bytes", b"in it"]
    file.close()


def test_the_encoding_is_that_of_the_content_that_is_there_now(tmp_path: Path) -> None:
    """A file may be truncated and go on in another encoding, as when its writer was updated."""
    log = tmp_path / "access.log"
    log.write_bytes("in UTF-16\n".encode("utf-16"))
    file = TailedFile.open(log, max_line_bytes=1000)
    assert [text for _, _, text in read_on(file)] == [b"in UTF-16"]

    log.write_bytes(b"in UTF-8\n")
    assert file.look() is Growth.TRUNCATED
    file.rewind(0)

    assert [text for _, _, text in read_on(file)] == [b"in UTF-8"]
    file.close()


def test_a_first_byte_that_is_half_a_byte_order_mark_waits(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    content = "one\n".encode("utf-16")
    log.write_bytes(content[:1])
    file = TailedFile.open(log, max_line_bytes=1000)
    assert read_on(file) == []

    log.write_bytes(content)

    assert read_on(file) == [(0, 10, b"one")]
    file.close()


def test_a_hole_over_the_limit_is_left_out_wherever_turns_end(tmp_path: Path) -> None:
    """It used to hide the line behind it if one turn saw both ends of the hole."""
    log = tmp_path / "access.log"
    log.write_bytes(bytes(5000) + b"behind\nnext\n")
    packed = tmp_path / "access.log.1.gz"
    packed.write_bytes(gzip.compress(log.read_bytes()))
    expected = [(5000, 5007, b"behind"), (5007, 5012, b"next")]

    for path in (log, packed):
        file = open_log(path, max_line_bytes=1000)
        assert file is not None
        assert read_on(file) == expected
        file.close()


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_a_declared_encoding_is_that_of_the_content_compressed_or_not(
    tmp_path: Path, suffix: str
) -> None:
    content = "one\nzwei\u00fc\n".encode("utf-16-be")
    path = tmp_path / f"access.log{suffix}"
    path.write_bytes(gzip.compress(content) if suffix else content)

    file = open_log(path, max_line_bytes=1000, encoding="utf-16-be")

    assert file is not None
    assert [text for _, _, text in read_on(file)] == [b"one", "zwei\u00fc".encode()]
    file.close()
    with pytest.raises(ValueError, match="UTF-32"):
        open_log(path, max_line_bytes=1000, encoding="utf-32")
