"""The values of an object's slots at once, for objects whose keys have come before.

A *route* is the way through the objects of one shape: the same keys in the same order on every
level into which names lead. It is an expression that Python compiles once; after that an object
costs no loop over its keys. It gives what `shapes` gives, or None where that has to be asked: for
another shape, and for values that no slot takes from such a place.

Routes are made for shapes that come again, and not many of them, so that a log whose keys are
different on every line costs no more than it does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from hooktail_parsers.json_logs.aliases import SLOTS
from hooktail_parsers.json_logs.values import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hooktail_parsers.json_logs.shapes import Level, Names

    Found: TypeAlias = Mapping[str, Any]
    Take: TypeAlias = "Callable[[Found], tuple[object, ...] | None]"
    Keys: TypeAlias = "tuple[str, ...]"

_MOST_ROUTES = 64
_MOST_OF_A_SHAPE = 4
"""Routes for objects that have the same keys at the top, and others below."""
_SEEN_BEFORE = 3
_MOST_CANDIDATES = 256
_MOST_KEYS = 256
_MOST_OBJECTS = 16
_NOTHING = frozenset((*MISSING, None))
_NO_ROUTES: tuple[Take, ...] = ()


class Routes:
    """The routes of one format. What it remembers makes it faster, never different."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._routes: dict[Keys, tuple[Take, ...]] = {}
        self._seen: dict[tuple[Keys, ...], int] = {}
        self._left = _MOST_ROUTES

    def take(self, found: Found) -> tuple[object, ...] | None:
        """Returns the values by slot, None for what is missing; None if the careful way must do it.

        A value is text, a number, or, where its slot takes objects, an object.
        """
        try:
            for take in self._routes.get(tuple(found), _NO_ROUTES):
                values = take(found)
                if values is not None:
                    return values
        except TypeError:  # a list or an object where a text was before
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
        self._routes[shapes[0]] = (*known, way.compiled())


class _Way:
    """One walk through an object: which keys its slots come from, by rank."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self.shapes: list[Keys] = []
        self._guards: list[str] = []
        self._sources: dict[int, list[tuple[int, str]]] = {}
        """By slot the ranks and expressions of what it may come from."""
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
                    self._guards.append(f"type({source}) is not dict")
                if wanted.slot >= 0:
                    self._sources.setdefault(wanted.slot, []).append((wanted.rank, source))
        return True

    def compiled(self) -> Take:
        """Compiles the expression."""
        slots = ", ".join(self._slot(slot) for slot in range(len(SLOTS)))
        guards = " and ".join(self._guards) or "True"
        # No text of the log stands in it: its keys are handed over as the values of parameters.
        keys = "".join(f", k{number}=keys[{number}]" for number in range(len(self._keys)))
        known = {"shapes": tuple(self.shapes), "keys": self._keys, "nothing": _NOTHING}
        take: Take = eval(  # noqa: S307 - see above
            f"lambda o0{keys}: ({slots}) if {guards} else None",
            known | {"type": type, "tuple": tuple},
        )
        return take

    def _slot(self, slot: int) -> str:
        value = "None"
        ranked = sorted(self._sources.get(slot, ()), key=lambda each: each[0])
        for _, source in reversed(ranked):
            # What cannot be looked up is none of the types that a slot takes: TypeError.
            if slot in self._names.take_objects:
                stated = f"type(v := {source}) is dict or v not in nothing"
            else:
                stated = f"(v := {source}) not in nothing"
            value = f"(v if {stated} else {value})"
        return value
