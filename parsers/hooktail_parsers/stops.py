"""Where a line stops being what a format expects: for people who look for the difference.

Formats that read a line by one expression can tell: the longest beginning of the expression that
fits the line ends where the line goes astray, and what follows it in the expression was expected
there. It is slow, and asked only for a few lines that were refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from re import _compiler as sre_compiler  # type: ignore[attr-defined]  # part of an expression
from re import _constants as sre  # type: ignore[attr-defined]  # as above
from re import _parser as sre_parser  # type: ignore[attr-defined]  # as above
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LONGEST_BYTES = 8192
"""Of a line, this much is looked at."""
END_OF_LINE = "the end of the line"
_OWN_PART = {"bad_time": "time", "not_a_request": "request"}
"""The part that is wrong in a line that fits and is refused all the same."""


class Stop(NamedTuple):
    """A place in a line, and what the format wants there."""

    offset: int
    """In bytes from the line's beginning."""
    expected: str
    """In words: the name of a column, or literal text in front of it."""


@runtime_checkable
class Pointing(Protocol):
    """A parser that can say where a line that it refuses stops fitting."""

    def where_it_stops(self, line: bytes, reason: str) -> Stop | None:
        """Returns the place; None if it cannot be told. `reason` is why the line is refused."""


def where_it_stops(
    pattern: re.Pattern[bytes], names: Mapping[int, str], line: bytes, reason: str = ""
) -> Stop | None:
    """Finds the place in an expression's own terms; `names` are those of its groups.

    The expression must be linear: a part of it may take as long as all of it.
    """
    line = line[:LONGEST_BYTES]
    whole = pattern.match(line)
    if whole is not None:
        wanted = _OWN_PART.get(reason)
        for group, name in names.items():
            if name == wanted and whole.start(group) >= 0:
                return Stop(whole.start(group), f"a valid {name}")
        return None
    items = _items(pattern)
    fits, misfits = 0, len(items)
    end = 0
    while misfits - fits > 1:  # the first `fits` items match, the first `misfits` do not
        middle = (fits + misfits) // 2
        found = _beginning(pattern, middle).match(line)
        if found is None:
            misfits = middle
        else:
            fits, end = middle, found.end()
    return Stop(end, _expected(items[fits:], names))


def farthest(stops: Sequence[Stop | None]) -> Stop | None:
    """Returns the stop of the expression that came farthest."""
    return max(filter(None, stops), key=lambda stop: stop.offset, default=None)


@lru_cache(maxsize=64)
def _items(pattern: re.Pattern[bytes]) -> Any:
    return sre_parser.parse(pattern.pattern, pattern.flags)


@lru_cache(maxsize=1024)
def _beginning(pattern: re.Pattern[bytes], count: int) -> re.Pattern[bytes]:
    compiled: re.Pattern[bytes] = sre_compiler.compile(_items(pattern)[:count], pattern.flags)
    return compiled


def _expected(rest: Any, names: Mapping[int, str]) -> str:
    literal = bytearray()
    for op, value in rest:
        if op is sre.LITERAL:
            literal.append(value)
            continue
        name = next((names[group] for group in _groups(op, value) if group in names), "")
        if not literal:
            return name or END_OF_LINE
        text = literal.decode("utf-8", "replace")
        return f"{text!r} and {name}" if name else repr(text)
    return repr(literal.decode("utf-8", "replace")) if literal else END_OF_LINE


def _groups(op: Any, value: Any) -> list[int]:
    """Returns the numbers of the groups in a part of an expression, in their order."""
    if op is sre.SUBPATTERN:
        own = [] if value[0] is None else [int(value[0])]
        return own + _groups_of(value[3])
    if op is sre.ATOMIC_GROUP:
        return _groups_of(value)
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        return _groups_of(value[2])
    if op is sre.BRANCH:
        return [group for branch in value[1] for group in _groups_of(branch)]
    return []


def _groups_of(items: Any) -> list[int]:
    return [group for op, value in items for group in _groups(op, value)]
