"""From an object to the values of its slots, with few look-ups per line.

The lines of a log have few *shapes*: the same keys in the same order. What each key of a shape
stands for is worked out once, by its names; after that a line costs one look-up for its shape and
one for each key that is wanted. Keys may be dotted or nested, both in one object.

A name may also lead through an object in which every name may stand (`context`, `meta`); what is
found in there is a worse answer than the same name outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hooktail_parsers.json_logs.aliases import SLOTS, normal_key
from hooktail_parsers.json_logs.private import is_private
from hooktail_parsers.json_logs.values import LONGEST_MISSING, MISSING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from hooktail_parsers.json_logs.aliases import Aliases

_DEEPER = 1000
"""How much worse a name is inside such an object; more than there are names for a slot."""
_DEEPEST = 3 * _DEEPER
_UNKNOWN = _DEEPEST * 2
MAPPED = -2 * _DEEPEST
"""The rank of a name that the user gave; with any penalty it is still below 0."""
_MOST_SHAPES = 256
_MOST_KEYS = 256
_MOST_TEXT = 8192
_LONGEST_KEY = 128
_MOST_LEVELS = 8
_SLOT = {name: number for number, name in enumerate(SLOTS)}
_SAID = _SLOT["said"]
_TAKE_OBJECTS = frozenset(_SLOT[name] for name in ("tls", "cookies", "headers"))
_KEEP_OUTDONE = frozenset(_SLOT[name] for name in ("time", "ip", "host", "status", "bytes_sent"))
_NO_HEADERS = frozenset(
    ("version", "protocol", "proto", "status", "code", "method", "scheme", "request", "response")
)


class _Node:
    """A level of names: what ends here, and what goes on."""

    __slots__ = ("children", "slots")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.slots: list[tuple[int, int]] = []
        """Slot and rank, for names that end here."""


class Wanted(NamedTuple):
    """What a key of a shape stands for."""

    key: str
    slot: int
    """-1 if only what is inside the object matters."""
    rank: int
    inside: Level | None


class Shape(NamedTuple):
    """What the keys of objects stand for that have the same keys in the same order."""

    wanted: tuple[Wanted, ...]
    headers: tuple[tuple[str, str], ...]
    """Keys that hold one request header each, with the header's name."""
    left: tuple[str, ...]


class Level:
    """What the keys of an object mean at one place of a line."""

    __slots__ = ("_members", "_names", "_next", "_shapes")

    def __init__(self, names: Names, members: tuple[tuple[_Node, int], ...]) -> None:
        self._names = names
        self._members = members
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._next: dict[str, Level | None] = {}

    def collect(
        self,
        found: Mapping[str, object],
        values: list[object],
        ranks: list[int],
        headers: dict[str, object],
    ) -> dict[str, object]:
        """Puts what the object holds into its slots, and returns what no slot wants."""
        shape = self.shape_of(tuple(found))
        left = {key: found[key] for key in shape.left}
        for key, slot, rank, inside in shape.wanted:
            value = found[key]
            if inside is not None and type(value) is dict:
                rest = inside.collect(value, values, ranks, headers)
                if rest:
                    left[key] = rest
                else:
                    left.pop(key, None)
            elif slot < 0 or (type(value) is dict and slot not in self._names.take_objects):
                left[key] = value
            elif (
                value is not None
                and rank < ranks[slot]
                and not (type(value) is str and len(value) <= LONGEST_MISSING and value in MISSING)
            ):
                values[slot] = value
                ranks[slot] = rank
        for key, name in shape.headers:
            headers[name] = found[key]
        return left

    def shape_of(self, keys: tuple[str, ...]) -> Shape:
        """Returns what the keys of an object at this place stand for."""
        return self._shapes.get(keys) or self._shape(keys)

    def _shape(self, keys: tuple[str, ...]) -> Shape:
        wanted: list[Wanted] = []
        headers: list[tuple[str, str]] = []
        left: list[str] = []
        best: dict[int, int] = {}
        for key in keys:
            name = self._names.header(key) if self._is_top else None
            means = self._meaning(key)
            if means:
                wanted += means
                for each in means:
                    best[each.slot] = min(best.get(each.slot, _UNKNOWN), each.rank)
            elif name:
                headers.append((key, name))
            elif not is_private(key):
                left.append(key)
        for each in wanted:
            # A worse name for what a better one states is worth keeping, and an event's name.
            outdone = each.rank > best[each.slot] and each.slot in _KEEP_OUTDONE
            if (outdone or each.slot == _SAID) and not is_private(each.key):
                left.append(each.key)
        shape = Shape(tuple(wanted), tuple(headers), tuple(left))
        if len(keys) <= _MOST_KEYS and sum(map(len, keys)) <= _MOST_TEXT:
            if len(self._shapes) >= _MOST_SHAPES:
                self._shapes.clear()
            self._shapes[keys] = shape
        return shape

    @property
    def _is_top(self) -> bool:
        return self._members[0][1] == 0 and self._members[0][0] is self._names.root

    def _meaning(self, key: str) -> list[Wanted]:
        if len(key) > _LONGEST_KEY or key.count(".") >= _MOST_LEVELS:
            return []
        level: Level | None = self
        for part in key.split("."):
            level = level.inside(normal_key(part)) if level is not None else None
        if level is None:
            return []
        return level.as_wanted(key)

    def inside(self, part: str) -> Level | None:
        """Returns the level behind one more part of a name, None if no name goes there."""
        if part not in self._next:
            members = [
                (node.children[part], penalty)
                for node, penalty in self._members
                if part in node.children
            ]
            members += [
                (node, penalty + _DEEPER)
                for node, penalty in self._members
                if node is self._names.root
                and part in self._names.containers
                and penalty < _DEEPEST
            ]
            level = Level(self._names, tuple(members)) if members else None
            if level is None:
                return None  # not remembered: there are any number of such parts
            self._next[part] = level
        return self._next[part]

    def as_wanted(self, key: str) -> list[Wanted]:
        """Returns what a key that leads to this level stands for."""
        ranks: dict[int, int] = {}
        for node, penalty in self._members:
            for slot, rank in node.slots:
                ranks[slot] = min(rank + penalty, ranks.get(slot, _UNKNOWN))
        goes_on = any(node.children or node is self._names.root for node, _ in self._members)
        inside = self if goes_on else None
        if not ranks:
            return [Wanted(key, -1, 0, inside)] if inside else []
        # An object is looked into once, whatever else its key stands for.
        return [
            Wanted(key, slot, rank, None if number else inside)
            for number, (slot, rank) in enumerate(ranks.items())
        ]


class Names:
    """All names of a format and where they lead.

    `containers` are normal keys of objects in which every name may stand. Keys that begin with
    `header_prefix` (`http_`) hold request headers. `mapped` are paths that a user gave, each with
    the slot that it fills; they outdo all other names. Slots from `len(SLOTS)` on are the user's
    own fields and take any value.
    """

    def __init__(
        self,
        table: Aliases,
        containers: Collection[str] = (),
        header_prefix: str = "",
        mapped: Mapping[str, str] | None = None,
    ) -> None:
        self.root = _Node()
        self.containers = frozenset(containers)
        self._header_prefix = header_prefix
        for name, paths in table.items():
            for rank, path in enumerate(paths):
                self._add(path, _SLOT[name], rank)
        self.is_mapped = bool(mapped)
        self.own_fields: list[str] = []
        for name, path in (mapped or {}).items():
            slot = _SLOT.get(name)
            if slot is None:
                slot = len(SLOTS) + len(self.own_fields)
                self.own_fields.append(name.removeprefix("fields."))
            self._add(path, slot, MAPPED)
        self.slots = len(SLOTS) + len(self.own_fields)
        self.take_objects = _TAKE_OBJECTS | frozenset(range(len(SLOTS), self.slots))
        self.top = Level(self, ((self.root, 0),))

    def _add(self, path: str, slot: int, rank: int) -> None:
        node = self.root
        for part in path.split("."):
            node = node.children.setdefault(normal_key(part), _Node())
        node.slots.append((slot, rank))

    def header(self, key: str) -> str | None:
        """Returns the name of the request header that a key holds, None if it holds none."""
        if not self._header_prefix or not key.lower().startswith(self._header_prefix):
            return None
        name = key[len(self._header_prefix) :].lower().replace("_", "-")
        return None if not name or name in _NO_HEADERS or is_private(name) else name

    def collect(self, found: Mapping[str, object]) -> Collected:
        """Returns what an object holds."""
        values: list[object] = [None] * self.slots
        ranks = [_UNKNOWN] * self.slots
        headers: dict[str, object] = {}
        left = self.top.collect(found, values, ranks, headers)
        return Collected(values, ranks, headers, left)


class Collected(NamedTuple):
    """What an object holds: by slot the value and the rank of its name, and what no slot wants."""

    values: list[object]
    ranks: list[int]
    headers: dict[str, object]
    left: dict[str, object]
