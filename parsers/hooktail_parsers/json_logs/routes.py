"""The records of objects at once, for objects whose keys have come before.

A *route* is the way through the objects of one shape: the same keys in the same order on every
level into which names lead. It is a function that is written and compiled once (`quick`); after
that an object costs no loop over its keys. It gives the record that `shapes` and `records` give, or
None where they have to be asked: for another shape, and for values that are not plain.

Routes are made for shapes that come again, and not many of them, so that a log whose keys are
different on every line costs no more than it does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from hooktail_parsers.json_logs.aliases import SLOTS
from hooktail_parsers.json_logs.quick import ALWAYS_READ, Place
from hooktail_parsers.json_logs.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from hooktail_parsers._api import Parsed, Record
    from hooktail_parsers.json_logs.shapes import Level, Names

    Found: TypeAlias = Mapping[str, Any]
    Read: TypeAlias = "Callable[[Found, Any, Any], Record | None]"
    Keys: TypeAlias = "tuple[str, ...]"
    Body: TypeAlias = "Callable[[Mapping[str, Place]], Iterable[str]]"

_MOST_ROUTES = 64
_MOST_OF_A_SHAPE = 4
"""Routes for objects that have the same keys at the top, and others below."""
_SEEN_BEFORE = 3
_MOST_CANDIDATES = 256
_MOST_KEYS = 256
_MOST_OBJECTS = 16
_NOTHING = frozenset((*MISSING, None))
_NO_ROUTES: tuple[Read, ...] = ()


class Routes:
    """The routes of one format. What it remembers makes it faster, never different.

    `body` writes the lines of a function by its places; `known` are the names that they use.
    """

    def __init__(self, names: Names, body: Body, known: Mapping[str, object]) -> None:
        self._names = names
        self._body = body
        self._known = known
        self._routes: dict[Keys, tuple[Read, ...]] = {}
        self._seen: dict[tuple[Keys, ...], int] = {}
        self._left = _MOST_ROUTES
        self._latest: Read = _no_record

    def read(self, found: Found, careful: Callable[[Any], Parsed], source: Any) -> Record | None:
        """Returns the record of an object, the rest of which `careful(source)` gives.

        None if the careful way must do it all.
        """
        try:
            record = self._latest(found, careful, source)
            if record is not None:
                return record
            for read in self._routes.get(tuple(found), _NO_ROUTES):
                record = read(found, careful, source)
                if record is not None:
                    self._latest = read
                    return record
        except TypeError:  # a value of another type than was there before
            return None
        if self._left:
            self._learn(found)
        return None

    def _learn(self, found: Found) -> None:
        way = _Way(self._names)
        if not way.follow(self._names.top, found, 0):
            return
        shapes = tuple(way.shapes)
        seen = self._seen.get(shapes, 0) + 1
        if seen < _SEEN_BEFORE:
            if len(self._seen) >= _MOST_CANDIDATES:
                self._seen.clear()
            self._seen[shapes] = seen
            return
        known = self._routes.get(shapes[0], _NO_ROUTES)
        if len(known) >= _MOST_OF_A_SHAPE:
            return
        self._seen.pop(shapes, None)
        self._left -= 1
        self._routes[shapes[0]] = (*known, way.compiled(self._body, self._known))


def _no_record(_found: Found, _careful: object, _source: object) -> None:
    """Stands for the latest route until there is one."""


class _Way:
    """One walk through an object: which keys its slots come from, by rank."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.shapes: list[Keys] = []
        self._guards: list[str] = []
        self._not_inside: list[tuple[int, str]] = []
        """Slots whose value is none of the objects in which names may stand, and the guards."""
        self._sources: dict[int, list[tuple[int, str, object]]] = {}
        """By slot the ranks and expressions of what it may come from, and what stood there."""
        self._keys: list[str] = []

    def follow(self, level: Level, found: Found, number: int) -> bool:
        """Walks through an object; False if no route leads through it."""
        keys = tuple(found)
        if len(keys) > _MOST_KEYS or len(self.shapes) >= _MOST_OBJECTS:
            return False
        shape = level.shape_of(keys)
        if shape.headers:
            return False
        self.shapes.append(keys)
        for wanted in shape.wanted:
            value = found[wanted.key]
            source = f"o{number}[k{len(self._keys)}]"
            self._keys.append(wanted.key)
            is_object = type(value) is dict
            if wanted.inside is not None and is_object:
                inner = len(self.shapes)
                self._guards.append(
                    f"type(o{inner} := {source}) is dict and tuple(o{inner}) == shapes[{inner}]"
                )
                if not self.follow(wanted.inside, found[wanted.key], inner):
                    return False
            elif is_object and wanted.slot not in self._names.take_objects:
                self._guards.append(f"type({source}) is dict")
            else:
                if wanted.inside is not None:
                    self._not_inside.append((wanted.slot, f"type({source}) is not dict"))
                if wanted.slot >= 0:
                    self._sources.setdefault(wanted.slot, []).append((wanted.rank, source, value))
        return True

    def compiled(self, body: Body, known: Mapping[str, object]) -> Read:
        """Compiles the function."""
        places = {SLOTS[slot]: self._place(slot) for slot in self._sources}
        # No text of the log stands in it: its keys are handed over as the values of parameters.
        keys = "".join(f", k{number}=keys[{number}]" for number in range(len(self._keys)))
        lines = [f"def read(o0, careful, source{keys}):"]
        guards = ["tuple(o0) == shapes[0]", *self._guards]
        guards += (
            guard
            for slot, guard in self._not_inside
            if slot < 0 or SLOTS[slot] not in ALWAYS_READ or len(self._sources[slot]) > 1
        )
        lines.append(f"    if not ({' and '.join(guards)}): return None")
        lines += (f"    {line}" for line in body(places))
        scope: dict[str, Any] = {
            "shapes": tuple(self.shapes),
            "keys": self._keys,
            "nothing": _NOTHING,
            **known,
        }
        exec("\n".join(lines), scope)  # noqa: S102 - see above
        read: Read = scope["read"]
        return read

    def _place(self, slot: int) -> Place:
        stated = "None"
        ranked = sorted(self._sources[slot], key=lambda each: each[0])
        for _, source, _ in reversed(ranked):
            # What cannot be looked up is none of the types that a slot takes: TypeError.
            if slot in self._names.take_objects:
                there = f"type(v := {source}) is dict or v not in nothing"
            else:
                there = f"(v := {source}) not in nothing"
            stated = f"(v if {there} else {stated})"
        samples = [
            value
            for _, _, value in ranked
            if type(value) in (str, int, float) and value not in _NOTHING
        ]
        plain = ranked[0][1] if len(ranked) == 1 else stated
        return Place(stated, plain, samples[0] if samples else None)
