"""Texts with places in braces: `purchase_{group.kind}`; `{{` and `}}` are braces themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract.casts import to_string
from hooktail.extract.places import PLACES, group_of, reader

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from hooktail.extract.complaints import Complaints
    from hooktail.extract.places import Groups, Read, Surroundings
    from hooktail_parsers import Record

_PIECES = re.compile(r"(\{\{|\}\}|\{[^{}]*\}|[{}])")
_BRACES = {"{{": "{", "}}": "}"}


class Template(NamedTuple):
    """A text, or what fills it from a record."""

    constant: str | None
    """The whole text where nothing stands in braces."""
    fill: Read
    """Returns None if the record lacks one of the places."""
    places: tuple[tuple[str, Read], ...] = ()
    """What it is made of, by name."""


def first_lacking(
    places: Iterable[tuple[str, Read]], record: Record, groups: Groups
) -> tuple[str, object] | None:
    """Returns the first place of which a record makes no text, with what is there."""
    for place, read in places:
        found = read(record, groups)
        if to_string(found) is None:
            return place, found
    return None


def compile_template(
    text: str, group_names: Collection[str], surroundings: Surroundings, complaints: Complaints
) -> Template | None:
    """Compiles a template; None after a complaint."""
    pieces: list[str | Read] = []
    places: list[tuple[str, Read]] = []
    before = len(complaints.problems)
    for piece in _PIECES.split(text):
        if len(piece) <= 2 and piece in _BRACES:
            pieces.append(_BRACES[piece])
        elif piece in ("{", "}"):
            complaints.add(
                "a brace without its other half", text, hint="write {{ and }} for braces themselves"
            )
        elif piece.startswith("{") and piece.endswith("}"):
            place = piece[1:-1].strip()
            read = compile_place(place, group_names, surroundings, complaints)
            if read is not None:
                pieces.append(read)
                places.append((place, read))
        elif piece:
            pieces.append(piece)
    if len(complaints.problems) > before:
        return None
    if all(isinstance(piece, str) for piece in pieces):
        whole = "".join(piece for piece in pieces if isinstance(piece, str))
        return Template(whole, lambda _, __: whole)

    def fill(record: Record, groups: Groups) -> str | None:
        filled = ""
        for piece in pieces:
            part = piece if isinstance(piece, str) else to_string(piece(record, groups))
            if part is None:
                return None
            filled += part
        return filled

    return Template(None, fill, tuple(places))


def places_in(text: str) -> list[str]:
    """Returns the places that stand in a template."""
    return [piece[1:-1].strip() for piece in _PIECES.findall(text) if len(piece) > 2]


def compile_place(
    place: str, group_names: Collection[str], surroundings: Surroundings, complaints: Complaints
) -> Read | None:
    """Compiles a place (`query.x`, `group.x`, `user`); None after a complaint."""
    read = reader(place, surroundings)
    if read is None:
        complaints.unknown(place, PLACES, "place")
        return None
    group = group_of(place)
    if group is not None and group not in group_names:
        complaints.unknown(group, sorted(group_names), "group of this rule's regexes")
        return None
    return read
