import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.model import Lines
from hooktail.tail.encoding import UTF_8, Encoding
from hooktail.tail.framing import frame

UTF_16 = ["utf-16-le", "utf-16-be"]
each_order = pytest.mark.parametrize("order", UTF_16)
orders = st.sampled_from(UTF_16)


def test_utf_8_is_what_is_read_without_a_declaration() -> None:
    assert Encoding.named(None) == Encoding.named("UTF8") == UTF_8
    assert not UTF_8.handed_over_as_utf_8


@pytest.mark.parametrize("name", ["latin-1", "big5", "cp1252", "gb18030"])
def test_what_contains_ascii_is_left_to_the_parser(name: str) -> None:
    """Even what looks like a byte order mark of UTF-16: there it can be text."""
    encoding = Encoding.named(name)

    assert encoding.of(b"\xff\xfe") is encoding
    assert not encoding.handed_over_as_utf_8


@pytest.mark.parametrize("name", ["utf-32", "UTF-32-BE", "no-such", "utf\x008"])
def test_what_cannot_be_read_is_refused(name: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each has its own words
        Encoding.named(name)


@pytest.mark.parametrize("declared", [None, "ascii", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_byte_order_mark_of_utf_16_decides(declared: str | None) -> None:
    encoding = Encoding.named(declared)

    assert encoding.of(codecs.BOM_UTF16_LE) == Encoding.named("utf-16-le")
    assert encoding.of(codecs.BOM_UTF16_BE + b"more") == Encoding.named("utf-16-be")


@pytest.mark.parametrize("head", [b"", b"\xff", b"\xfe"])
def test_a_head_that_may_become_a_byte_order_mark_is_waited_for(head: bytes) -> None:
    assert UTF_8.of(head) is None
    assert UTF_8.of(head + b"ab"[len(head) :]) == UTF_8


def test_utf_16_without_a_byte_order_mark_is_little_endian() -> None:
    assert Encoding.named("utf-16").of("a".encode("utf-16-le")) == Encoding.named("utf-16-le")


@each_order
def test_half_a_newline_in_each_of_two_units_is_none(order: str) -> None:
    """U+0A41 U+4100 and U+0041 U+0A00 have the bytes of a newline at an odd offset."""
    encoding = Encoding.named(order)
    text = "a\u0a41\u0100\n\u4100\u0a00\u4100\n".encode(order)

    lines = frame(text, 0, 100, encoding)

    assert isinstance(lines, Lines)
    assert [each.decode() for each in lines.texts] == ["a\u0a41\u0100", "\u4100\u0a00\u4100"]
    assert list(lines.starts) == [0, 8]
    assert encoding.end_of_first_line(text, 0) == 8


@each_order
def test_what_is_no_utf_16_becomes_replacement_characters_and_eats_no_newline(order: str) -> None:
    text = b"".join(unit.encode(order, "surrogatepass") for unit in ("\ud800", "\n", "\udc00x\n"))

    lines = frame(text, 2, 100, Encoding.named(order))

    assert isinstance(lines, Lines)
    assert lines.texts == ["\ufffd".encode(), "\ufffdx".encode()]
    assert list(lines.starts) == [2, 6]


@each_order
def test_after_an_odd_offset_the_next_line_is_right(order: str) -> None:
    """As of a checkpoint that was written while the encoding was declared otherwise."""
    text = "one\ntwo\n".encode(order)

    lines = frame(text[1:], 1, 100, Encoding.named(order))

    assert isinstance(lines, Lines)
    assert lines.texts == [b"ne", b"two"]
    assert list(lines.starts) == [1, 8]
    assert lines.end == len(text)


@pytest.mark.parametrize("declared", [None, "latin-1"])
def test_a_byte_order_mark_is_no_text_but_counts_in_offsets(declared: str | None) -> None:
    lines = frame(codecs.BOM_UTF8 + b"one\ntwo\n", 0, 100, Encoding.named(declared))

    assert isinstance(lines, Lines)
    assert lines.texts == [b"one", b"two"]
    assert list(lines.starts) == [0, 7]


def test_a_byte_order_mark_elsewhere_is_left_alone() -> None:
    lines = frame(codecs.BOM_UTF8 + b"one\n", 10, 100)

    assert isinstance(lines, Lines)
    assert lines.texts == [codecs.BOM_UTF8 + b"one"]


@given(st.binary(max_size=200), orders, st.integers(0, 3))
def test_any_bytes_are_cut_at_every_newline_unit(content: bytes, order: str, start: int) -> None:
    """Whatever the bytes are: the pieces tile the content, and each has one text."""
    encoding = Encoding.named(order)
    content += "\n".encode(order) if (start + len(content)) % 2 == 0 else b"?" + "\n".encode(order)

    raw = encoding.split(content[:-2], start)
    starts = encoding.starts(raw, start)

    assert encoding.newline.join(raw) == content[:-2]
    assert all(at % 2 == 0 for at in starts[1:])
    units = [content[i : i + 2] for i in range(start % 2, len(content), 2)]
    assert len(raw) == units.count(encoding.newline)
    texts = encoding.texts(raw, start)
    assert len(texts) == len(raw)
    assert not any(b"\n" in text for text in texts)
