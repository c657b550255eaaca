"""Conditions in conditions: `not`, `any` and `all`, each a table or a list of tables.

It does not know what the conditions inside are: `compile_table` makes them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from hooktail.extract.condition import Condition, groups_of
from hooktail.extract.places import NO_GROUPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from hooktail.extract.complaints import Complaints
    from hooktail.extract.places import Groups
    from hooktail_parsers import Record

CompileTable: TypeAlias = "Callable[[Mapping[str, object], Complaints], list[Condition]]"
Nest: TypeAlias = "Callable[[object, CompileTable, Complaints], Iterator[Condition]]"

MAX_DEPTH = 4
"""How deep `not`, `any` and `all` may stand in each other."""


class _Table(NamedTuple):
    """The conditions of an inner table: all must hold."""

    key: str
    """As in the file: `any[0]`."""
    conditions: list[Condition]

    def holds(self, record: Record) -> bool:
        return all(each.holds(record) for each in self.conditions)

    def fulfilled(self, record: Record) -> int:
        """Counts the conditions that hold before the first that does not."""
        for number, each in enumerate(self.conditions):
            if not each.holds(record):
                return number
        return len(self.conditions)

    def decisive(self, record: Record) -> Condition:
        """Returns the first condition that fails, named by its place."""
        failing = next(each for each in self.conditions if not each.holds(record))
        inner = failing.decisive(record)
        return inner._replace(key=f"{self.key}.{inner.key}")


def _tables(
    name: str, value: object, compile_table: CompileTable, complaints: Complaints
) -> list[_Table]:
    single = isinstance(value, dict)
    given = [value] if single else value
    allowed = '{ path = "/a" }, or a list of such tables'
    if not isinstance(given, list | tuple) or not given:
        complaints.add("must be a table of conditions, or a list of them", value, allowed=allowed)
        return []
    tables: list[_Table] = []
    for number, table in enumerate(given):
        below = complaints if single else complaints.item(number)
        if not isinstance(table, dict) or not table:
            below.add("must be a table of conditions", table, allowed=allowed)
            continue
        conditions = compile_table(table, below)
        tables.append(_Table(name if single else f"{name}[{number}]", conditions))
    return tables


def _any(value: object, compile_table: CompileTable, complaints: Complaints) -> Iterator[Condition]:
    tables = _tables("any", value, compile_table, complaints)
    if not tables:
        return

    def holds(record: Record) -> bool:
        return any(table.holds(record) for table in tables)

    def nearest(record: Record) -> Condition:
        """Tells of the table of which most held."""
        return max(tables, key=lambda table: table.fulfilled(record)).decisive(record)

    def groups(record: Record) -> Groups:
        taken = next((table for table in tables if table.holds(record)), None)
        return groups_of(taken.conditions, record) if taken else NO_GROUPS

    names = {name for table in tables for each in table.conditions for name in each.group_names}
    yield Condition(
        "any",
        "one of " + "; ".join(map(_told, tables)),
        holds,
        lambda _: None,
        groups if names else None,
        tuple(sorted(names)),
        nearest,
    )


def _all(value: object, compile_table: CompileTable, complaints: Complaints) -> Iterator[Condition]:
    for table in _tables("all", value, compile_table, complaints):
        for each in table.conditions:
            yield each._replace(key=f"{table.key}.{each.key}", inner=_below(table.key, each))


def _below(key: str, condition: Condition) -> Callable[[Record], Condition] | None:
    inner = condition.inner
    if inner is None:
        return None

    def decisive(record: Record) -> Condition:
        found = inner(record)
        return found._replace(key=f"{key}.{found.key}")

    return decisive


def _not(value: object, compile_table: CompileTable, complaints: Complaints) -> Iterator[Condition]:
    for table in _tables("not", value, compile_table, complaints):
        if table.conditions:
            yield _negated(table)


def _negated(table: _Table) -> Condition:
    first, *others = table.conditions
    if not others and first.inner is None:
        key, expected = f"{table.key}.{first.key}", f"anything but {first.expected}"
        return Condition(key, expected, lambda record: not first.holds(record), first.found)

    def found(record: Record) -> str:
        return ", ".join(f"{each.key} {each.found(record)}" for each in table.conditions)

    return Condition(
        table.key, f"not {_told(table)}", lambda record: not table.holds(record), found
    )


def _told(table: _Table) -> str:
    return " and ".join(f"{each.key} {each.expected}" for each in table.conditions)


NESTS: Mapping[str, Nest] = {"all": _all, "any": _any, "not": _not}
