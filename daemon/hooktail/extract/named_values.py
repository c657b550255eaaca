"""Conditions on values by name: parameters of the query, and anything that the record has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.extract.condition import Condition
from hooktail.extract.matching import value_test
from hooktail.extract.places import NO_GROUPS, PLACES, group_of, reader
from hooktail.extract.text import clean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hooktail.extract.complaints import Complaints
    from hooktail.extract.matching import TextTest
    from hooktail.extract.places import Groups, ParseQuery, Surroundings
    from hooktail_parsers import Record


def query_conditions(
    value: object, surroundings: Surroundings, complaints: Complaints
) -> Iterator[Condition]:
    """Compiles conditions on parameters: name = what its value must be."""
    if not isinstance(value, dict):
        allowed = '{ order = true, step = "3" }'
        complaints.add("must be a table of parameters", value, allowed=allowed)
        return
    for name, wanted in value.items():
        yield from _parameter(name, wanted, surroundings.parse, complaints.at(name))


def _parameter(
    name: str, wanted: object, parse: ParseQuery, complaints: Complaints
) -> Iterator[Condition]:
    def found(record: Record) -> str | None:
        return parse(record.query).get(name) if record.query else None

    key = f"query.{name}"
    if isinstance(wanted, bool):
        # A parameter without a value is there too.
        expected = "present" if wanted else "absent"
        yield Condition(key, expected, lambda record: (found(record) is not None) is wanted, found)
        return
    test = value_test(as_text(wanted), complaints)
    if test is not None:
        holds = test.holds
        groups, names = _groups(test.text, found)
        yield Condition(
            key, test.expected, lambda record: holds(found(record)), found, groups, names
        )


def as_text(wanted: object) -> object:
    """In a query all is text: 3 is `3`, and not `3.0`."""
    if isinstance(wanted, list):
        return [as_text(item) for item in wanted]
    return str(wanted) if isinstance(wanted, int) and not isinstance(wanted, bool) else wanted


def field_conditions(
    value: object, surroundings: Surroundings, complaints: Complaints
) -> Iterator[Condition]:
    """Compiles conditions on places: `fields.a.b`, `cookie.x`, `user` = what must stand there."""
    if not isinstance(value, dict):
        allowed = '{ "fields.event" = "paid", "cookie.consent" = true }'
        complaints.add("must be a table of places", value, allowed=allowed)
        return
    for place, wanted in by_place(value, "", surroundings):
        yield from _at_place(place, wanted, surroundings, complaints.at(place))


def by_place(value: object, place: str, surroundings: Surroundings) -> Iterator[tuple[str, object]]:
    """Yields places with what is wanted of them; `fields.a.b = 1` in TOML is a table in a table."""
    if isinstance(value, dict) and value:
        is_place = place and reader(place, surroundings) is not None
        if not (is_place and value.keys() <= {"min", "max"}):
            for name, inner in value.items():
                yield from by_place(inner, f"{place}.{name}" if place else str(name), surroundings)
            return
    yield place, value


def _at_place(
    place: str, wanted: object, surroundings: Surroundings, complaints: Complaints
) -> Iterator[Condition]:
    read = reader(place, surroundings)
    if read is None or group_of(place) is not None:
        # Groups are what other conditions find: there are none yet.
        known = [each for each in PLACES if group_of(each) is None]
        complaints.unknown(place, known, "place")
        return
    test = value_test(wanted, complaints)
    if test is None:
        return

    def found(record: Record) -> object:
        return read(record, NO_GROUPS)

    holds = test.holds
    groups, names = _groups(test.text, found)
    yield Condition(
        f"field.{place}", test.expected, lambda record: holds(found(record)), found, groups, names
    )


def _groups(
    test: TextTest | None, found: Callable[[Record], object]
) -> tuple[Callable[[Record], Groups] | None, tuple[str, ...]]:
    """Returns how to take the named groups out of a value, which is decoded already."""
    if test is None or not test.group_names:
        return None, ()

    def groups(record: Record) -> Groups:
        value = found(record)
        named = test.groups(value) if isinstance(value, str) else None
        return {name: clean(text) for name, text in (named or NO_GROUPS).items()}

    return groups, test.group_names
