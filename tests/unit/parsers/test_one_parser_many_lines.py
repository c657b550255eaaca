"""What a parser remembers of one line never answers for another: quick and careful ways agree.

The lines are the examples with columns or values replaced, taken away and doubled, always the same
ones, fed to one parser in batches of several sizes.
"""

from __future__ import annotations

import copy
import json
import random
import re
from typing import TYPE_CHECKING, Any

import pytest

from hooktail_parsers import Record
from hooktail_parsers.builtin import FORMATS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooktail_parsers import Format

LINES = 600
TEXTS = [
    b"", b"-", b'""', b'"', b"\\", b'\\"', b"\\x22", b"[", b"]", b" - ", b" ", b"\t", b"0", b"-1",
    b"99999999999", b"1.5", b"203.0.113.9", b"::1", b"10.0.0.1:80", b"10.1.1.1, 203.0.113.8",
    b"GET", b"get", b"/x", b"/x?y=1", b"http://a:99999/", b"HTTP/1.1", b"\xff", b"\xc3\xa9", b"200",
    b"14/Mar/2025:09:26:53 +0100", b"31/Feb/2025:09:26:53 +0100", b"unknown", b"a" * 300,
    b"shop.example", b"bob smith", b"%", b"{", b"|", b",", b";",
]  # fmt: skip
VALUES: list[Any] = [
    None, "", "-", "--", True, False, 0, -1, 1, 1.5, 1e300, 2**53 + 1, 2**63, 2**64 + 5, 2**70,
    "203.0.113.9", "::1", "10.0.0.1:8080", "GET", "post", "200", "404", 404, "/p?q", "//h/x", "*",
    "https://a.example/x?y=1", {}, [], {"a": 1}, ["x"], ["x", "y"], "\xe9", "a" * 300,
    "2025-03-14T08:26:53.123Z", "2025-03-14T08:26:53+01:00", "1741940813", 1741940813,
    1741940813123, 1741940813.123456, "0.123", "12ms", "1.5s", -0.0, "nil", "sid=abc; x=1",
    "shop.example:8443", "unknown", "203.0.113.5, 10.0.0.1",
]  # fmt: skip
BOTH_WAYS = [
    each
    for each in FORMATS.values()
    if each.kind == "format" and hasattr(each.make({}), "careful_parse")
]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in pairs:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from _places(inner, (*path, key))


def _object(example: dict[str, Any], chance: random.Random) -> bytes:
    changed = copy.deepcopy(example)
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        *way, last = chance.choice(list(_places(changed)))
        inside: Any = changed
        for key in way:
            inside = inside[key]
        if chance.random() < 0.8:
            inside[last] = chance.choice(VALUES)
        elif len(inside) > 1:
            del inside[last]
    keys = list(changed)
    if chance.random() < 0.1:
        chance.shuffle(keys)
    return json.dumps({key: changed[key] for key in keys}).encode()


def _columns(example: bytes, chance: random.Random) -> bytes:
    pieces = re.findall(rb'[^ \t"\[\]]+|[ \t"\[\]]', example)
    for _ in range(chance.choice((0, 1, 1, 2, 3))):
        at, what = chance.randrange(len(pieces)), chance.random()
        pieces[at : at + (what < 0.85)] = [] if 0.7 < what < 0.85 else [chance.choice(TEXTS)]
    return b"".join(pieces)


def _lines(format: Format, chance: random.Random) -> Iterator[bytes]:  # noqa: A002 - the field's word
    example = format.example.split("\n")[-1]
    for _ in range(LINES):
        if example.startswith("{"):
            yield _object(json.loads(example), chance)
        else:
            yield _columns(example.encode(), chance)


@pytest.mark.parametrize("format", BOTH_WAYS, ids=lambda each: each.name)
def test_quick_and_careful_ways_agree_over_many_lines(format: Format) -> None:  # noqa: A002
    chance = random.Random(format.name)
    parser, other = format.make({}), format.make({})
    left = list(_lines(format, chance))
    while left:
        batch = left[: chance.choice((1, 3, 50, 200))]
        del left[: len(batch)]
        for line, quick in zip(batch, parser.parse_batch(batch), strict=True):
            careful = other.careful_parse(line)  # type: ignore[attr-defined]  # asked for above
            if isinstance(careful, Record):
                assert repr(quick) == repr(careful), line
            else:
                assert (type(quick), getattr(quick, "reason", "")) == (
                    type(careful),
                    careful.reason,
                )
