"""Checks one table of the file against its section: unknown, missing and wrong keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hooktail.config.keys import homes
from hooktail.config.kinds import WRONG_TYPE, Kind, Refusal, Text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from hooktail.config.findings import Findings, KeyPath
    from hooktail.config.keys import Section


def check(
    findings: Findings,
    path: KeyPath,
    table: dict[str, object],
    section: Section,
    *,
    skip: Collection[str] = (),
) -> dict[str, Any]:
    """Returns the values that are given and right, by their names in the section's class.

    Keys in `skip` and the tables inside are left to the caller. The values are `Any`, for they
    go to the class as keywords; the kinds vouch for their types.
    """
    for name in table:
        if name not in section.known:
            findings.unknown((*path, name), section.known, homes(beside=section))
    values: dict[str, Any] = {}
    for key in section.keys:
        if key.name in skip:
            continue
        here = (*path, key.name)
        if key.name in table:
            parsed = value(findings, here, table[key.name], key.kind)
            if not isinstance(parsed, Refusal):
                values[key.attribute] = parsed
        elif key.required:
            findings.add(here, "missing", allowed=key.kind.allowed)
    return values


def value(findings: Findings, path: KeyPath, given: object, kind: Kind) -> object:
    """Returns the parsed value; a `Refusal` has been noted."""
    parsed = kind.parse(given)
    if isinstance(parsed, Refusal):
        _refuse(findings, path, given, kind, parsed)
    return parsed


def _refuse(findings: Findings, path: KeyPath, given: object, kind: Kind, refusal: Refusal) -> None:
    for item in refusal.items:
        _refuse(findings, (*path, item.position), item.given, item.kind, item.refusal)
    if refusal.items:
        return
    if isinstance(kind, Text) and isinstance(given, str):
        given = kind.shown(given)
    found = findings.shown(given)
    findings.add(path, refusal.message, found=found, allowed=kind.allowed, hint=refusal.hint)


def table_at(
    findings: Findings, path: KeyPath, parent: dict[str, object], name: str, *, hint: str = ""
) -> dict[str, object]:
    """Returns the table `name` in `parent`; empty if it is absent, or no table, which is noted."""
    given = parent.get(name, {})
    if isinstance(given, dict):
        return given
    found = findings.shown(given)
    findings.add((*path, name), WRONG_TYPE, found=found, allowed="a table", hint=hint)
    return {}


def tables_at(
    findings: Findings, path: KeyPath, parent: dict[str, object], name: str, title: str
) -> Iterator[tuple[KeyPath, dict[str, object]]]:
    """Yields the tables of the list `name` in `parent` with their paths; notes what is none."""
    given = parent.get(name, [])
    if not isinstance(given, list):
        hint = f"write [{title}] with two brackets on each side" if isinstance(given, dict) else ""
        found = findings.shown(given)
        findings.add((*path, name), WRONG_TYPE, found=found, allowed="a list of tables", hint=hint)
        return
    for position, item in enumerate(given):
        here = (*path, name, position)
        if isinstance(item, dict):
            yield here, item
        else:
            findings.add(here, WRONG_TYPE, found=findings.shown(item), allowed="a table")
