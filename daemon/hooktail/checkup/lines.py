"""Log lines as a check shows them: a piece around the place that matters, with people masked.

What a check says is pasted into tickets. So addresses, names, values of parameters, e-mail
addresses, long numbers and tokens are replaced, sign by sign: columns stay where they are. Whoever
wants to see all of a line asks `hooktail explain` about it. Pure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BEFORE, BEHIND = 40, 60
"""Bytes that are shown on both sides of the place."""
LONGEST_BYTES = 8192
HERE = "<here>"

_WORDS = (
    "passw|pwd|secret|token|auth|cookie|session|api.?key|e?mail|phone|user|name|address|card|query"
)


def _all(found: re.Match[str]) -> str:
    return "*" * len(found[0])


def _last_group(found: re.Match[str]) -> str:
    start = found.start(found.re.groups) - found.start()
    return found[0][:start] + "*" * (len(found[0]) - start)


def _digits(found: re.Match[str]) -> str:
    first, dot, rest = found[0].partition(".")
    return first + dot + re.sub(r"[0-9]", "x", rest)


# Linear all: each repetition has a limit, or ends at what it cannot contain.
_MASKS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    # The user of the common format, and what else stands between the client and the time.
    (re.compile(r"^(?:\S{1,255} ){2,3}((?!-(?: -)? \[)\S[^\[\]\"]{0,200}?)(?= \[)"), _last_group),
    (re.compile(r"[^\s\"'<>=&;,:/?()\[\]{}|]{1,100}(?:@|%40)[\w.-]{1,200}"), _all),
    (re.compile(rf'(?i)"[^"\\]{{0,60}}(?:{_WORDS})[^"\\]{{0,60}}"\s?:\s?"((?>(?:[^"\\]|\\.)*))'),
     _last_group),
    (re.compile(r"[?&;][^=&;\s\"?]{1,100}=([^&;\s\"]++)"), _last_group),
    (re.compile(r"(?<![\w.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![\w.])"), _digits),
    (re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){4,7}[0-9A-Fa-f]{1,4}"), _all),
    (re.compile(r"(?<![\w:])[0-9A-Fa-f:]{0,30}::[0-9A-Fa-f:.]{0,40}"), _all),
    (re.compile(r"(?<![\w+])\+[0-9]{7,15}(?![0-9])"), _all),
    (re.compile(r"(?<!\w)[0-9](?:[ -]?[0-9]){13,18}(?!\w)"), _all),
    (re.compile(r"(?<![\w-])(?=[A-Za-z_-]{0,80}[0-9])[\w-]{20,}+"), _all),
)  # fmt: skip


def masked(line: bytes) -> bytes:
    """Returns the line, as long as it was, without what tells on somebody."""
    text = line[:LONGEST_BYTES].decode("latin-1")  # a sign for each byte: places stay
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text.encode("latin-1")


def excerpt(line: bytes, at: int | None = None) -> str:
    """Shows a piece of a line, printable, on one line; with `at` the bytes around that offset."""
    safe = masked(line)
    middle = min(at or 0, len(safe))
    start = max(middle - BEFORE, 0)
    end = middle + BEHIND + (0 if at else BEFORE)
    before = ("..." if start else "") + _printable(safe[start:middle])
    behind = _printable(safe[middle:end]) + ("..." if end < len(line) else "")
    return f"{before}{HERE}{behind}" if at is not None else behind


def _printable(text: bytes) -> str:
    decoded = text.decode("utf-8", "replace")
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in decoded)
