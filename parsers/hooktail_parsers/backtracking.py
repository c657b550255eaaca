r"""How long a backtracking engine may take over an expression: seen from the expression alone.

A choice (go on repeating or not, this alternative or that) costs nothing if the next byte decides
it. Where it does not, the engine tries one way, then the other. Once per line that is a factor of
the line's length; inside a repetition it is a factor per round, so that forty bytes may take years.

The verdict errs to the safe side: what is called linear is, what is called dangerous may not be.
It knows nothing of who writes the expressions, and compiles nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import factorial
from re import _constants as sre  # type: ignore[attr-defined]  # the only tree of an expression
from re import _parser as sre_parser  # type: ignore[attr-defined]  # as above
from typing import Any, Literal

_ALL = (1 << 256) - 1
_FEW_ROUNDS = 64
"""A repetition with a higher limit counts as one without."""
_MANY = 10_000
_STEPS = 3_000_000
"""What an engine does in about a tenth of a second."""
_CATEGORIES = {
    sre.CATEGORY_DIGIT: (rb"\d", r"\d"),
    sre.CATEGORY_NOT_DIGIT: (rb"\D", r"\D"),
    sre.CATEGORY_SPACE: (rb"\s", r"\s"),
    sre.CATEGORY_NOT_SPACE: (rb"\S", r"\S"),
    sre.CATEGORY_WORD: (rb"\w", r"\w"),
    sre.CATEGORY_NOT_WORD: (rb"\W", r"\W"),
}
_REPEATS = {sre.MAX_REPEAT: "", sre.MIN_REPEAT: "?", sre.POSSESSIVE_REPEAT: "+"}
_CHARACTERS = (sre.LITERAL, sre.NOT_LITERAL, sre.IN, sre.ANY)
_ENDS = (sre.AT_END, sre.AT_END_STRING)
_STARTS = (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING)


@dataclass(slots=True)
class Cost:
    """The highest power of the text's length in the time of a match, and what makes it so.

    `degree` is None if the time may grow with the exponential of the length.
    """

    degree: int | None
    factor: int
    anchored: bool
    culprits: tuple[str, ...]

    def longest_bytes(self, method: Literal["match", "search"]) -> int | None:
        """Returns the length up to which the method stays quick; None if any length will do."""
        if self.degree is None:
            return 0
        degree = self.degree
        if method == "search" and degree and not self.anchored:
            degree += 1
        if degree <= 1 and self.factor <= _FEW_ROUNDS:
            return None
        steps = max(_STEPS // self.factor, 1) * factorial(degree)
        return int(steps ** (1 / max(degree, 1)))

    def danger(self) -> str | None:
        """Returns what is dangerous about the expression, in words; None if it is linear."""
        shown = ", ".join(self.culprits)
        if self.degree is None:
            return f"{shown} can divide the same text in many ways"
        if self.longest_bytes("match") is None:
            return None
        return f"{shown} can share the same text in many ways"


def cost_of(pattern: bytes) -> Cost:
    """Judges an expression over bytes.

    Raises:
        re.error: it is no expression.
        RecursionError: it is nested too deeply.
    """
    tree = sre_parser.parse(pattern)
    walk = _Walk(tree.state.flags)
    try:
        walk.sequence(tree, 0, times=1, loop=None)
    except _DangerError as danger:
        return Cost(None, 1, anchored=False, culprits=danger.culprits)
    walk.runs.reverse()
    shared = [culprit for culprit, is_shared in walk.runs if is_shared]
    degree = len(shared) if shared else min(len(walk.runs), 1)
    if shared:
        first = next(at for at, (_, is_shared) in enumerate(walk.runs) if is_shared)
        degree += any(not is_shared for _, is_shared in walk.runs[first:])
    culprits = (*shared, *walk.choices)
    return Cost(degree, min(walk.factor, _STEPS), _is_anchored(tree, walk), culprits)


def bytes_of(pattern: bytes) -> bytes:
    """Returns the bytes that texts which an expression matches can hold.

    Raises:
        re.error: it is no expression.
    """
    mask = _held(sre_parser.parse(pattern))
    return bytes(byte for byte in range(256) if mask >> byte & 1)


def repeats_group_possessively(pattern: str | bytes, flags: int = 0) -> bool:
    """Tells whether a possessive repetition in an expression repeats more than one character.

    Raises:
        re.error: it is no expression.
    """
    return _repeats_group(sre_parser.parse(pattern, flags))


def _repeats_group(items: Any) -> bool:
    for op, value in items:
        if op is sre.POSSESSIVE_REPEAT:
            body = value[2]
            if len(body) != 1 or body[0][0] not in _CHARACTERS:
                return True
        if any(_repeats_group(part) for part in _parts(op, value)):
            return True
    return False


def _parts(op: Any, value: Any) -> list[Any]:
    if op in _REPEATS:
        return [value[2]]
    if op is sre.SUBPATTERN:
        return [value[3]]
    if op is sre.ATOMIC_GROUP:
        return [value]
    if op in (sre.ASSERT, sre.ASSERT_NOT):
        return [value[1]]
    if op is sre.BRANCH:
        return list(value[1])
    if op is sre.GROUPREF_EXISTS:
        return [branch for branch in value[1:] if branch is not None]
    return []


def _held(items: Any) -> int:
    mask = 0
    for op, value in items:
        if op in _CHARACTERS:
            mask |= _mask(op, value)
        elif op in _REPEATS:
            mask |= _held(value[2])
        elif op is sre.SUBPATTERN:
            mask |= _held(value[3])
        elif op is sre.ATOMIC_GROUP:
            mask |= _held(value)
        elif op is sre.BRANCH:
            for branch in value[1]:
                mask |= _held(branch)
        elif op is not sre.AT:
            return _ALL
    return mask


class _DangerError(Exception):
    def __init__(self, *culprits: str) -> None:
        super().__init__(*culprits)
        self.culprits = culprits


@dataclass(slots=True)
class _Walk:
    """Goes through the tree from its end, so that what may follow each part is known."""

    flags: int
    runs: list[tuple[str, bool]] = field(default_factory=list)
    """Each repetition without limit, last first, and whether what follows may be part of it."""
    choices: list[str] = field(default_factory=list)
    factor: int = 1

    def sequence(self, items: Any, follow: int, *, times: int, loop: str | None) -> None:
        """Judges the parts of a sequence, behind which a byte of `follow` comes."""
        for op, value in reversed(list(items)):
            self._part(op, value, follow, times, loop)
            mask, empty = self._first_of(op, value)
            follow = mask | (follow if empty else 0)

    def _part(self, op: Any, value: Any, follow: int, times: int, loop: str | None) -> None:
        if op in _REPEATS:
            self._repeat(op, value, follow, times, loop)
        elif op is sre.BRANCH:
            self._branch(value[1], follow, times, loop)
        elif op is sre.SUBPATTERN:
            self.sequence(value[3], follow, times=times, loop=loop)
        elif op is sre.ATOMIC_GROUP:
            if len(value) == 1 and value[0][0] is sre.MAX_REPEAT:
                self._repeat(sre.POSSESSIVE_REPEAT, value[0][1], follow, times, loop)
            else:
                self.sequence(value, follow, times=times, loop=loop)
        elif op in (sre.ASSERT, sre.ASSERT_NOT, sre.GROUPREF, sre.GROUPREF_EXISTS):
            # What they cost is no matter of the next byte: taken for a run that may share.
            if loop is not None:
                raise _DangerError(_spell(op, value), loop)
            self.runs += [(_spell(op, value), True)] * times
            if op in (sre.ASSERT, sre.ASSERT_NOT):
                self.sequence(value[1], 0, times=times, loop=None)
            if op is sre.GROUPREF_EXISTS:
                for branch in filter(None, value[1:]):
                    self.sequence(branch, follow, times=times, loop=None)

    def _repeat(self, op: Any, value: Any, follow: int, times: int, loop: str | None) -> None:
        low, high, body = value
        mask, empty = self._first(body)
        shared = op is not sre.POSSESSIVE_REPEAT and (empty or bool(mask & follow))
        name = _spell(op, value)
        if shared and low != high and loop is not None:
            raise _DangerError(name, loop)
        if high > _FEW_ROUNDS:
            if loop is None:
                self.runs += [(name, shared)] * times
            self.sequence(body, follow | mask, times=1, loop=name)
            return
        if shared and low != high:
            self._choose(name, int(high) - int(low) + 1, times)
        times = min(times * max(high, 1), _MANY)
        self.sequence(body, follow | mask if high > 1 else follow, times=times, loop=loop)

    def _branch(self, branches: Any, follow: int, times: int, loop: str | None) -> None:
        seen, shared = 0, False
        for branch in branches:
            mask, empty = self._first(branch)
            mask |= follow if empty else 0
            shared |= bool(seen & mask)
            seen |= mask
            self.sequence(branch, follow, times=times, loop=loop)
        if shared:
            if loop is not None:
                raise _DangerError("(…|…)", loop)
            self._choose("(…|…)", len(branches), times)

    def _choose(self, name: str, ways: int, times: int) -> None:
        self.choices.append(name)
        for _ in range(times):
            if self.factor > _STEPS:
                break
            self.factor *= ways

    def _first(self, items: Any) -> tuple[int, bool]:
        """Returns the bytes that a sequence can begin with, and whether it can be empty."""
        mask = 0
        for op, value in items:
            more, empty = self._first_of(op, value)
            mask |= more
            if not empty:
                return mask, False
        return mask, True

    def _first_of(self, op: Any, value: Any) -> tuple[int, bool]:
        if op in _CHARACTERS:
            return self._fold(_mask(op, value)), False
        if op in _REPEATS:
            mask, empty = self._first(value[2])
            return mask, empty or value[0] == 0
        if op is sre.SUBPATTERN:
            return self._first(value[3])
        if op is sre.ATOMIC_GROUP:
            return self._first(value)
        if op is sre.BRANCH:
            firsts = [self._first(branch) for branch in value[1]]
            mask = 0
            for more, _ in firsts:
                mask |= more
            return mask, any(empty for _, empty in firsts)
        if op is sre.AT:
            return 0, value not in _ENDS or bool(self.flags & re.MULTILINE)
        if op in (sre.ASSERT, sre.ASSERT_NOT):
            return 0, True
        return _ALL, True

    def _fold(self, mask: int) -> int:
        # Flags of one group are not followed up: a mask may be too large, never too small.
        for upper in range(ord("A"), ord("Z") + 1):
            pair = 1 << upper | 1 << (upper + 32)
            if mask & pair:
                mask |= pair
        return mask


def _mask(op: Any, value: Any) -> int:
    if op is sre.ANY:
        return _ALL
    if op is sre.LITERAL:
        return 1 << int(value)
    if op is sre.NOT_LITERAL:
        return _ALL & ~(1 << int(value))
    mask, negated = 0, False
    for kind, what in value:
        if kind is sre.NEGATE:
            negated = True
        elif kind is sre.LITERAL:
            mask |= 1 << int(what)
        elif kind is sre.RANGE:
            mask |= (1 << (what[1] + 1)) - (1 << what[0])
        else:
            mask |= _category(what)
    return _ALL & ~mask if negated else mask


def _category(name: Any) -> int:
    known = re.compile(_CATEGORIES[name][0])
    return sum(1 << byte for byte in range(256) if known.match(bytes((byte,))))


def _is_anchored(tree: Any, walk: _Walk) -> bool:
    items = list(tree)
    return bool(
        items and items[0][0] is sre.AT and items[0][1] in _STARTS and not walk.flags & re.MULTILINE
    )


def _spell(op: Any, value: Any) -> str:
    """Returns about how the part was written: no more than enough to find it."""
    if op in _REPEATS:
        low, high, body = value
        counts = {(0, sre.MAXREPEAT): "*", (1, sre.MAXREPEAT): "+", (0, 1): "?"}
        shown = counts.get((low, high)) or f"{{{low},{'' if high is sre.MAXREPEAT else high}}}"
        inner = _spell(*body[0]) if len(body) == 1 else "(…)"
        return f"{inner}{shown}{_REPEATS[op]}"
    if op is sre.ANY:
        return "."
    if op is sre.LITERAL:
        return re.escape(chr(value))
    if op is sre.IN and len(value) == 1 and value[0][0] is sre.CATEGORY:
        return _CATEGORIES[value[0][1]][1]
    if op in (sre.IN, sre.NOT_LITERAL):
        return "[…]"
    if op is sre.GROUPREF:
        return f"\\{value}"
    return "(…)"
