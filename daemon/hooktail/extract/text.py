"""Text fit for a JSON body: no control characters, no surrogates, globs to patterns."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_PHONE = re.compile(r"\+[1-9](?:(?:[ ().+-]|%20|%2[89])?[0-9]){6,14}")
_SURROGATE = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Returns the text without control characters and outer blanks, surrogates as U+FFFD."""
    if not text.isprintable():
        text = _SURROGATE.sub("\ufffd", _CONTROL.sub("", text))
    return text.strip()


def stated(text: str | None) -> str | None:
    """Returns the cleaned text, or None where a log says nothing: absent, empty or `-`."""
    if text is None:
        return None
    text = clean(text)
    return text if text and text != "-" else None


def parse_query(query: str) -> dict[str, str]:
    """Splits a raw query into names and values, each percent-decoded exactly once.

    `+` is a blank, unless it begins a phone number (`tel=+4917...`) and nobody encoded it. The
    first occurrence of a name wins, invalid UTF-8 becomes U+FFFD, control characters go. A name
    without `=` has the value `""`. What stands behind a `#` is no part of it.
    """
    values: dict[str, str] = {}
    for pair in query.partition("#")[0].split("&"):
        name, _, value = pair.partition("=")
        values.setdefault(_decode(name), _decode(value))
    return values


def _decode(text: str) -> str:
    if "+" in text:
        plus = "+" if _PHONE.fullmatch(text) else ""
        text = plus + text.removeprefix(plus).replace("+", " ")
    return clean(unquote(text, errors="replace"))


def glob_pattern(globs: Iterable[str], *, ignore_case: bool = False) -> re.Pattern[str]:
    """Compiles globs into one pattern for `match`.

    `*` is any text (slashes too), `?` one character. Without globs the pattern matches nothing.
    """
    alternatives = [
        with_any_between(".".join(map(re.escape, piece.split("?"))) for piece in glob.split("*"))
        for glob in globs
    ]
    body = "|".join(f"(?:{text})" for text in alternatives) if alternatives else "(?!)"
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    return re.compile(rf"(?:{body})\Z", flags)


def with_any_between(pieces: Iterable[str]) -> str:
    """Joins expressions of a fixed length to one that has any text between them, for DOTALL.

    Of each piece in the middle the first fit is taken and kept: it leaves the most to the others,
    so no other need be tried, and no text takes long.
    """
    first, *rest = pieces
    if not rest:
        return first
    *middle, last = rest
    return "".join([first, *(f"(?>.*?{piece})" for piece in middle if piece), ".*", last])


def as_served(path: str) -> str:
    """Returns a path as a server sees it: decoded once, with slashes in a row as one."""
    if "%" in path:
        path = unquote(path, errors="replace")
    while "//" in path:
        path = path.replace("//", "/")
    return path
