from hypothesis import given
from hypothesis import strategies as st

from hooktail.model import Lines
from hooktail.tail.encoding import UTF_8, Encoding
from hooktail.tail.framing import LineBuffer, LongLine, frame

UTF_16 = ["utf-16-le", "utf-16-be"]


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
    texts = [text.translate(None, b"\n\0") for text in texts]  # of holes: see below
    content = b"".join(text + b"\n" for text in texts)
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


# -- what comes only once


def cut(
    content: bytes, sizes: list[int], max_line_bytes: int, encoding: Encoding = UTF_8
) -> list[tuple[int, int, bytes]]:
    """What a buffer gives of a stream that comes in pieces: start, end and text of each line."""
    buffer = LineBuffer(encoding, max_line_bytes)
    found: list[Lines | LongLine] = []
    at = 0
    for size in [*sizes, len(content)]:
        buffer.put(content[at : at + size])
        at += size
        while (taken := buffer.take()) is not None:
            found.append(taken)
        assert buffer.kept_bytes <= 3 * max_line_bytes + 10
    last = buffer.finish()
    return spread([*found, last] if last is not None else found)


def spread(found: list[Lines | LongLine]) -> list[tuple[int, int, bytes]]:
    seen = []
    for taken in found:
        if isinstance(taken, LongLine):
            seen.append((taken.start, taken.end, b"long: " + taken.head))
        else:
            ends = [*list(taken.starts)[1:], taken.end]
            seen += zip(taken.starts, ends, taken.texts, strict=True)
    return seen


pieces = st.lists(st.integers(0, 40), max_size=30)
contents = st.lists(
    st.one_of(
        st.text("ab\u0a41\u0100\U0001f600\r", max_size=12),
        st.just("a\0"),
        st.builds(str.__mul__, st.sampled_from("x\0"), st.integers(0, 80)),
        st.builds(
            lambda nuls, text: "\0" * nuls + text, st.integers(0, 60), st.text("ab", max_size=20)
        ),
    ),
    max_size=8,
).map("\n".join)


@given(contents, pieces, pieces, st.integers(2, 30), st.sampled_from(["utf-8", *UTF_16]))
def test_a_stream_gives_the_same_lines_in_any_pieces(
    text: str, sizes: list[int], others: list[int], max_line_bytes: int, name: str
) -> None:
    """Byte by byte, too, and the offsets tell where the lines are."""
    encoding, content = Encoding.named(name), text.encode(name)

    seen = cut(content, sizes, max_line_bytes, encoding)

    assert seen == cut(content, others, max_line_bytes, encoding)
    assert seen == cut(content, [1] * len(content), max_line_bytes, encoding)
    width = encoding.width
    position = 0
    for start, end, shown in seen:
        assert start >= position
        assert not content[position:start].strip(b"\0"), "only a hole is left out"
        line = content[start:end].decode(name).removesuffix("\n").encode()
        if shown.startswith(b"long: "):
            assert end - start - width * content[:end].endswith(encoding.newline) > max_line_bytes
        else:
            assert shown == line
        position = end
    assert position == len(content)


def test_a_line_behind_a_hole_is_a_line_although_both_are_over_the_limit() -> None:
    hole = bytes(50)

    assert cut(hole + b"behind\nnext\n", [], 10) == [(50, 57, b"behind"), (57, 62, b"next")]
    assert cut(hole + b"x" * 10 + b"\n", [20] * 3, 10) == [(50, 61, b"x" * 10)]
    assert cut(hole + b"x" * 11 + b"\n", [20] * 3, 10) == [(0, 62, b"long: " + bytes(10))]
    assert cut(hole + b"unterminated", [20] * 3, 20) == [(50, 62, b"unterminated")]


def test_of_a_long_line_hardly_anything_is_kept() -> None:
    buffer = LineBuffer(UTF_8, 1000)
    for _ in range(100):
        buffer.put(b"x" * 10_000)
        assert buffer.take() is None
        assert buffer.kept_bytes <= 2
    buffer.put(b"\nnext\n")

    assert buffer.take() == LongLine(0, 1_000_001, b"x" * 1000)
    following = buffer.take()
    assert isinstance(following, Lines)
    assert following.texts == [b"next"]
