"""One condition of a rule, compiled: a predicate on records, and what people need to know of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hooktail.extract.places import Groups
    from hooktail_parsers import Record


class Condition(NamedTuple):
    """One condition: a predicate, and what people need to know about it."""

    key: str
    """As in the file: `path`, `query.order`, `any[0].status`."""
    expected: str
    holds: Callable[[Record], bool]
    found: Callable[[Record], object]
    groups: Callable[[Record], Groups] | None = None
    """The named groups of a regular expression, of a path percent-decoded once."""
    group_names: tuple[str, ...] = ()
    inner: Callable[[Record], Condition] | None = None
    """For `not`, `any`, `all` that failed: the condition inside that decided."""

    def decisive(self, record: Record) -> Condition:
        """Returns what decided against a record: this condition, or one inside it."""
        return self if self.inner is None else self.inner(record)


def groups_of(conditions: Iterable[Condition], record: Record) -> Groups:
    """Returns the named groups of all regular expressions, of a record for which they hold."""
    found: dict[str, str] = {}
    for condition in conditions:
        if condition.groups is not None:
            found.update(condition.groups(record))
    return found
