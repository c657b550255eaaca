"""Texts as a log line may hold them: encodable, printable, and not too long."""

from __future__ import annotations

import re

_MOST_TEXT_CHARS = 2_000
# Control characters and the ones that turn the direction of writing: a log line that quotes a
# request must not move the cursor of whoever reads it.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def text_of(value: object) -> str:
    """Returns the text of any value, also of one whose class cannot make one."""
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "backslashreplace")
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - any class may break its own __str__; the line is still said
        return f"<{type(value).__qualname__} without a text>"


def bounded(text: str) -> str:
    """Cuts what is long."""
    return text if len(text) <= _MOST_TEXT_CHARS else text[:_MOST_TEXT_CHARS] + "..."


def encodable(text: str) -> str:
    """Spells out lone surrogates: the name of a file may hold bytes that are no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def printable(text: str) -> str:
    """Spells out the characters that would do something to a terminal."""
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
