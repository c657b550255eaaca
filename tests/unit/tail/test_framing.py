from hypothesis import given
from hypothesis import strategies as st

from hooktail.model import Lines
from hooktail.tail.framing import LongLine, frame


def test_what_stands_behind_the_last_newline_waits() -> None:
    lines = frame(b"one\ntwo\nhal", 100, 50)

    assert isinstance(lines, Lines)
    assert lines.texts == [b"one", b"two"]
    assert list(lines.starts) == [100, 104]
    assert (lines.start, lines.end) == (100, 108)


def test_no_newline_is_no_line() -> None:
    assert frame(b"half a line", 0, 50) is None


def test_a_long_line_comes_alone_after_the_lines_before_it() -> None:
    chunk = b"ok\n" + b"x" * 11 + b"\nafter\n"

    before = frame(chunk, 0, 10)
    assert isinstance(before, Lines)
    assert before.texts == [b"ok"]

    long = frame(chunk[before.end :], before.end, 10)
    assert long == LongLine(3, 15, b"x" * 10)


@given(st.lists(st.binary(max_size=30)), st.integers(1, 12), st.integers(1, 200))
def test_any_chunking_gives_the_same_lines(
    texts: list[bytes], max_line_bytes: int, chunk_bytes: int
) -> None:
    content = b"".join(text.replace(b"\n", b"") + b"\n" for text in texts)
    chunk_bytes = max(chunk_bytes, 31)  # a chunk holds the longest line, as a read does

    position, seen = 0, []
    while position < len(content):
        taken = frame(content[position : position + chunk_bytes], position, max_line_bytes)
        assert taken is not None
        if isinstance(taken, LongLine):
            seen.append((taken.start, taken.head))
        else:
            seen += list(zip(taken.starts, taken.texts, strict=True))
        position = taken.end

    expected, at = [], 0
    for text in content.split(b"\n")[:-1]:
        expected.append((at, text[:max_line_bytes]))
        at += len(text) + 1
    assert seen == expected
