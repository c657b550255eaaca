"""Un-escaping and decoding of quoted fields."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail_parsers.text import QUOTED, decoder, stated, unescape

_APACHE = {
    0x08: "\\b",
    0x0A: "\\n",
    0x0D: "\\r",
    0x09: "\\t",
    0x0B: "\\v",
    0x22: '\\"',
    0x5C: "\\\\",
}


def nginx_escaped(raw: bytes) -> bytes:
    """Writes a value as nginx does by default."""
    return "".join(
        f"\\x{byte:02X}" if byte < 0x20 or byte >= 0x7F or byte in b'"\\' else chr(byte)
        for byte in raw
    ).encode("ascii")


def apache_escaped(raw: bytes) -> bytes:
    """Writes a value as Apache does."""
    return "".join(
        _APACHE.get(byte) or (chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02x}")
        for byte in raw
    ).encode("ascii")


@given(st.binary())
def test_what_nginx_escapes_comes_back(raw: bytes) -> None:
    assert unescape(nginx_escaped(raw)) == raw


@given(st.binary())
def test_what_apache_escapes_comes_back(raw: bytes) -> None:
    assert unescape(apache_escaped(raw)) == raw


@given(st.binary())
def test_an_escaped_value_is_one_quoted_field(raw: bytes) -> None:
    for escaped in (nginx_escaped(raw), apache_escaped(raw)):
        found = re.match(QUOTED, b'"' + escaped + b'" 200 "x"', re.DOTALL)

        assert found
        assert found[1] == escaped


@pytest.mark.parametrize("raw", [b"\\q", b"\\x4", b"\\xZZ", b"end\\"])
def test_an_unknown_escape_stays_as_it_is(raw: bytes) -> None:
    assert unescape(raw) == raw


def test_an_escaped_backslash_escapes_nothing_behind_it() -> None:
    assert unescape(rb"\\x41\\n\x5cn") == rb"\x41\n\n"


def test_a_character_of_several_escapes_is_one_character() -> None:
    assert decoder("utf-8")(unescape(rb"caf\xC3\xA9")) == "café"


@given(st.binary())
def test_decoding_never_raises(raw: bytes) -> None:
    for encoding in ("utf-8", "big5", "latin-1", "cp1252", "shift_jis"):
        assert isinstance(decoder(encoding)(raw).encode("utf-8"), bytes)


def test_invalid_bytes_become_replacement_characters() -> None:
    assert decoder("utf-8")(b"a\xffb") == "a\ufffdb"


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-7", "idna", "rot13", "cp037", "klingon", "", "a\0"]
)
def test_what_is_no_superset_of_ascii_is_refused(encoding: str) -> None:
    with pytest.raises(ValueError, match="encoding"):
        decoder(encoding)


def test_a_dash_and_nothing_state_nothing() -> None:
    assert [stated(text) for text in ("", "-", "--", "x")] == [None, None, "--", "x"]
