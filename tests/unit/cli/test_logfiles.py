"""The commands cut a file into the lines that the daemon finds, at the same offsets."""

import gzip
import io
from pathlib import Path

import pytest

from hooktail.cli.logfiles import batches, opened
from hooktail.errors import UsageError
from hooktail.extract.identity import generation_of
from hooktail.model import Lines
from hooktail.tail.file import Growth, TailedFile
from hooktail.tail.framing import LongLine

CONTENTS = {
    "plain": b"one\r\n\ntwo\nlast",
    "with a byte order mark": b"\xef\xbb\xbfone\ntwo\n",
    "a long line": b"one\n" + b"x" * 5000 + b"\ntwo\n",
    "a long last line": b"one\n" + b"x" * 5000,
    "a hole": b"\0" * 5000 + b"behind\nnext\n",
    "UTF-16": "one\r\nzw\u00f6lf\nlast".encode("utf-16"),
    "a long line in UTF-16": ("x" * 5000 + "\ntwo\n").encode("utf-16"),
    "empty": b"",
}
MAX_LINE_BYTES = 1000

Seen = list[tuple[int, bytes | None]]


class OneByteAtATime(io.BytesIO):
    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(1)


def by_command(stream: io.BytesIO, encoding: str | None = None) -> Seen:
    seen: Seen = []
    for batch in batches(stream, MAX_LINE_BYTES, encoding):
        if batch.lines is None:
            seen.append((-1, None))
        else:
            seen += zip(batch.lines.starts, batch.lines.texts, strict=True)
    return seen


def by_daemon(path: Path) -> Seen:
    file = TailedFile.open(path, max_line_bytes=MAX_LINE_BYTES)
    seen: Seen = []
    while file.look() is Growth.GROWN:
        taken = file.read()
        if isinstance(taken, LongLine):
            seen.append((-1, None))
        elif isinstance(taken, Lines):
            seen += zip(taken.starts, taken.texts, strict=True)
    if file.skipping:
        seen.append((-1, None))  # a file that is read once has an end
    elif (last := file.read_tail()) is not None:
        seen += zip(last.starts, last.texts, strict=True)
    file.close()
    return seen


@pytest.mark.parametrize("what", CONTENTS)
def test_lines_and_offsets_are_the_daemons(tmp_path: Path, what: str) -> None:
    content = CONTENTS[what]
    path = tmp_path / "access.log"
    path.write_bytes(content)
    expected = by_daemon(path)

    assert by_command(io.BytesIO(content)) == expected
    assert by_command(OneByteAtATime(content)) == expected


def test_utf_16_can_be_declared(tmp_path: Path) -> None:
    path = tmp_path / "access.log.gz"
    path.write_bytes(gzip.compress("one\nzw\u00f6lf\n".encode("utf-16-be")))

    with opened(str(path)) as stream:
        (batch,) = batches(stream, MAX_LINE_BYTES, "utf-16-be")

    assert batch.lines is not None
    assert batch.lines.texts == [b"one", "zw\u00f6lf".encode()]
    assert list(batch.lines.starts) == [0, 8]


def test_an_encoding_that_cannot_be_read_is_the_users_mistake() -> None:
    with pytest.raises(UsageError, match="UTF-32"):
        list(batches(io.BytesIO(b"one\n"), MAX_LINE_BYTES, "utf-32"))


@pytest.mark.parametrize("content", [b"one\ntwo\n", b"one", b"x" * 3000 + b"\n"])
def test_the_generation_is_the_files_however_it_is_read(content: bytes) -> None:
    expected = generation_of((content + b"\n")[:1024])

    for stream in (io.BytesIO(content), OneByteAtATime(content)):
        assert {batch.generation for batch in batches(stream, 2000)} == {expected}
