"""Rules that can never match, because an earlier one takes every line that they want.

It sees that conditions of the earlier rule are conditions of the later one too, in the same words
or in narrower ones, also within `all`, `any` and `not`. It never calls a rule shadowed that is not:
where it cannot tell, it says no.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hooktail.extract.casts import to_number
from hooktail.extract.complaints import Complaints
from hooktail.extract.matching import bounds, statuses, texts
from hooktail.extract.named_values import as_text, by_place
from hooktail.extract.places import Surroundings
from hooktail.extract.text import glob_pattern, parse_query, with_any_between

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_STEPS = 2000
"""Comparisons of tables for one pair of rules; a pair that wants more is no shadow."""
_PREFIXES = ("prefix", "glob", "regex")
_BEFORE_WILDCARD = re.compile(r"[^*?]*")


def shadow_of(earlier: Mapping[str, object], later: Mapping[str, object]) -> bool:
    """Whether conditions `earlier` hold for every record for which conditions `later` do."""
    return _Search().implies(_wanted(later), _wanted(earlier))


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What must hold together."""

    atoms: tuple[tuple[str, object], ...] = ()
    """A condition's key, with the name or the place where it has one, and its value."""
    alternatives: tuple[tuple[_Wanted, ...], ...] = ()
    """Of each, one must hold."""
    refused: tuple[_Wanted, ...] = ()
    """None of them may hold."""

    def __add__(self, other: _Wanted) -> _Wanted:
        return _Wanted(
            self.atoms + other.atoms,
            self.alternatives + other.alternatives,
            self.refused + other.refused,
        )


def _wanted(when: Mapping[str, object]) -> _Wanted:
    atoms: list[tuple[str, object]] = []
    inner = _Wanted()
    for key, value in when.items():
        match key:
            case "all":
                for table in _tables(value):
                    inner += table
            case "any":
                inner += _Wanted(alternatives=(tuple(_tables(value)),))
            case "not":
                inner += _Wanted(refused=tuple(_tables(value)))
            case "query" if isinstance(value, dict):
                atoms += [(f"query {name}", wanted) for name, wanted in value.items()]
            case "field" if isinstance(value, dict):
                places = by_place(value, "", Surroundings(parse_query))
                atoms += [(f"field {place}", wanted) for place, wanted in places]
            case _:
                atoms.append((key, value))
    return _Wanted(tuple(atoms)) + inner


def _tables(value: object) -> Iterator[_Wanted]:
    for table in value if isinstance(value, list | tuple) else [value]:
        if isinstance(table, dict):
            yield _wanted(table)


class _Search:
    def __init__(self) -> None:
        self._steps = 0

    def implies(self, narrow: _Wanted, wide: _Wanted) -> bool:
        """Whether all that fulfils `narrow` fulfils `wide`."""
        self._steps += 1
        if self._steps > MOST_STEPS:
            return False
        if self._plainly(narrow, wide):
            return True
        for number, tables in enumerate(narrow.alternatives):
            others = narrow.alternatives[:number] + narrow.alternatives[number + 1 :]
            rest = _Wanted(narrow.atoms, others, narrow.refused)
            if tables and all(self.implies(rest + table, wide) for table in tables):
                return True
        return False

    def _plainly(self, narrow: _Wanted, wide: _Wanted) -> bool:
        return (
            all(
                any(key == other and _covers(key, value, given) for other, given in narrow.atoms)
                for key, value in wide.atoms
            )
            and all(
                any(self.implies(narrow, table) for table in tables) for tables in wide.alternatives
            )
            and all(
                any(self.implies(table, refused) for refused in narrow.refused)
                for table in wide.refused
            )
        )


def _covers(key: str, wide: object, narrow: object) -> bool:
    """Whether all that fulfils `narrow` under a key fulfils `wide` too."""
    if _same(wide, narrow):
        return True
    match key.partition(" ")[0]:
        case "status":
            found = statuses(narrow, Complaints("", ""))
            return bool(found) and found <= statuses(wide, Complaints("", ""))
        case "method":
            named = {text.upper() for text in texts(narrow)}
            return bool(named) and named <= {text.upper() for text in texts(wide)}
        case "path":
            given = texts(narrow)
            return bool(given) and all(
                any(_path_covers(each, text) for each in texts(wide)) for text in given
            )
        case "host" | "referrer_host" | "content_type":
            given, globs = texts(narrow), texts(wide)
            match = glob_pattern(globs, ignore_case=True).match
            # A glob's own stars pass for text: what matches `*.a.b` matches `*.b` too.
            plain = not any("?" in text for text in given + globs)
            return bool(given) and plain and all(match(text) for text in given)
        case "duration_s" | "bytes_sent":
            return _range_covers(wide, narrow)
        case "query":
            return _value_covers(as_text(wide), as_text(narrow), in_query=True)
        case "field":
            return _value_covers(wide, narrow, in_query=False)
        case _:
            return False


def _path_covers(wide: str, narrow: str) -> bool:
    if wide == narrow:
        return True
    kind, _, rest = wide.partition(":")
    if wide.startswith("/") or kind == "regex":
        return False
    if narrow.startswith("/"):
        return _text_covers(kind, rest, "", narrow)
    return _text_covers(kind, rest, *_split(narrow))


def _text_covers(wide_kind: str, wide: str, kind: str, text: str) -> bool:
    """Whether a text of a kind (`""` is plain) is only what a prefix or a glob takes."""
    if wide_kind == "prefix":
        beginning = _BEFORE_WILDCARD.match(text) if kind == "glob" else None
        known = beginning[0] if beginning else text
        return kind != "regex" and known.startswith(wide)
    if wide_kind != "glob" or kind == "regex":
        return False
    match = glob_pattern([wide]).match
    if kind == "":
        return bool(match(text))
    # Stars pass for text, as long as no question mark takes one for a single character.
    open_end = f"{text}*" if kind == "prefix" else text
    return "?" not in wide and not (kind == "glob" and "?" in text) and bool(match(open_end))


def _split(text: str) -> tuple[str, str]:
    kind, _, rest = text.partition(":")
    return (kind, rest) if kind in _PREFIXES and rest else ("", text)


def _value_covers(wide: object, narrow: object, *, in_query: bool) -> bool:
    if _same(wide, narrow):
        return True
    if isinstance(narrow, list):
        return bool(narrow) and all(_value_covers(wide, item, in_query=in_query) for item in narrow)
    if isinstance(wide, list):
        return any(_value_covers(item, narrow, in_query=in_query) for item in wide)
    if isinstance(wide, bool) or isinstance(narrow, bool):
        # A parameter that is something is there. Of a field only a number tells that it is.
        is_something = in_query or isinstance(narrow, int | float | dict)
        return wide is True and not isinstance(narrow, bool) and is_something
    if isinstance(wide, dict):
        # A text such as "10-20" is no range here.
        number = narrow if isinstance(narrow, dict) else to_number(narrow)
        return _range_covers(wide, number)
    if not isinstance(wide, str) or not isinstance(narrow, str):
        return False
    kind, text = _split(wide)
    if kind == "" and "*" in text:
        # Without a kind, a star alone is a sign.
        is_plain = "*" not in narrow and _split(narrow)[0] == ""
        return is_plain and _starred(text).match(narrow) is not None
    narrow_kind, narrow_text = _split(narrow)
    if narrow_kind == "" and "*" in narrow_text:
        return False
    return _text_covers(kind, text, narrow_kind, narrow_text)


def _starred(text: str) -> re.Pattern[str]:
    return re.compile(with_any_between(map(re.escape, text.split("*"))) + r"\Z", re.DOTALL)


def _range_covers(wide: object, narrow: object) -> bool:
    outer, inner = bounds(wide), bounds(narrow)
    if outer is None or inner is None:
        return False
    low, high, open_low, open_high = outer
    begins_within = inner[0] > low or (inner[0] == low and (inner[2] or not open_low))
    ends_within = inner[1] < high or (inner[1] == high and (inner[3] or not open_high))
    return begins_within and ends_within


def _same(one: object, other: object) -> bool:
    """Whether both are written alike: to Python true is 1, to a condition it is not."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
