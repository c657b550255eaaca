"""Builds `[[source]]` with its rules and fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.config import keys, tables
from hooktail.config.findings import quoted
from hooktail.config.kinds import Constant, Refusal, suggestion
from hooktail.config.sections import (
    FieldSection,
    MultilineSection,
    PageviewSection,
    RuleSection,
    SourceSection,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from hooktail.config.findings import Findings, KeyPath

_DEFAULT_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
}


def build(
    findings: Findings, root: dict[str, object], destinations: Collection[str]
) -> tuple[SourceSection, ...]:
    """Returns the sources; those without a usable name are left out, and noted.

    `destinations` are the names that the file has a table for, right or wrong.
    """
    given = list(tables.tables_at(findings, (), root, "source", "[source]"))
    if not root.get("source"):
        hint = "add a [[source]] with name and paths; configs/minimal-nginx.toml is an example"
        findings.add(("source",), "there is no source: nothing to read", hint=hint)
    _learn_names(findings, given)
    _refuse_repeated_names(findings, given)
    built = [_source(findings, path, table, destinations) for path, table in given]
    return tuple(source for source in built if source is not None)


def _learn_names(findings: Findings, given: list[tuple[KeyPath, dict[str, object]]]) -> None:
    """Lets the problems speak of `source[shop]` rather than `source[3]`."""
    for path, table in given:
        name, position = table.get("name"), path[-1]
        if not isinstance(keys.NAME_TEXT.parse(name), Refusal) and isinstance(position, int):
            findings.source_names[position] = str(name)


def _refuse_repeated_names(
    findings: Findings, given: list[tuple[KeyPath, dict[str, object]]]
) -> None:
    first: dict[str, KeyPath] = {}
    for path, table in given:
        name = table.get("name")
        if isinstance(name, str) and name in first:
            here, there = findings.file_of(path), findings.file_of(first[name])
            place = "this file" if here == there else there
            message = f"another source of {place} has the same name"
            findings.add(
                (*path, "name"),
                message,
                found=findings.shown(name),
                allowed="a name of its own for each source",
            )
        elif isinstance(name, str):
            first[name] = path


def _source(
    findings: Findings,
    path: KeyPath,
    table: dict[str, object],
    destinations: Collection[str],
) -> SourceSection | None:
    values = tables.check(findings, path, table, keys.SOURCE)
    options = {
        key.name: str(values.pop(key.name)) for key in keys.OPTION_KEYS if key.name in values
    }
    options |= _map(findings, path, table)
    _check_destination(findings, path, table, destinations)
    page = tables.table_at(findings, path, table, "pageview")
    pageview = PageviewSection(**tables.check(findings, (*path, "pageview"), page, keys.PAGEVIEW))
    multiline = _multiline(findings, path, table)
    given = tables.tables_at(findings, path, table, "event", "[source.event]")
    rules = [_rule(findings, here, rule) for here, rule in given]
    if "name" not in values:
        return None
    values.setdefault("paths", ())  # a problem by now
    return SourceSection(
        **values,
        format_options=options,
        pageview=pageview,
        multiline=multiline,
        rules=tuple(rule for rule in rules if rule is not None),
    )


def _multiline(
    findings: Findings, path: KeyPath, table: dict[str, object]
) -> MultilineSection | None:
    if "multiline" not in table:
        return None
    here = (*path, "multiline")
    given = tables.table_at(findings, path, table, "multiline")
    section = MultilineSection(**tables.check(findings, here, given, keys.MULTILINE))
    if not (section.start or section.end or section.indented or section.json):
        findings.add(
            here,
            "says not which lines belong together",
            allowed="one or more of start, end, indented, json",
        )
    return section


def _map(findings: Findings, path: KeyPath, table: dict[str, object]) -> dict[str, str]:
    options: dict[str, str] = {}
    for name, given in tables.table_at(findings, path, table, "map").items():
        here = (*path, "map", name)
        refusal = keys.MAP_NAME.parse(name)
        if isinstance(refusal, Refusal):
            allowed = keys.MAP_NAME.allowed
            findings.add(here, refusal.message, found=quoted(name), allowed=allowed)
        parsed = tables.value(findings, here, given, keys.MAP_VALUE)
        if isinstance(parsed, str):
            options[f"map.{name}"] = parsed
    return options


def _check_destination(
    findings: Findings,
    path: KeyPath,
    table: dict[str, object],
    destinations: Collection[str],
) -> None:
    name = table.get("destination", "default")
    if isinstance(keys.NAME_TEXT.parse(name), Refusal) or name in destinations:
        return
    hint = suggestion(str(name), destinations) or f"add [destination.{name}]"
    implied = "" if "destination" in table else " (the default)"
    findings.add(
        (*path, "destination"),
        f"there is no [destination.{name}]",
        found=f"{findings.shown(name)}{implied}",
        allowed=", ".join(quoted(known) for known in destinations),
        hint=hint,
    )


def _rule(findings: Findings, path: KeyPath, table: dict[str, object]) -> RuleSection | None:
    values = tables.check(findings, path, table, keys.EVENT)
    when = tables.table_at(findings, path, table, "when", hint='write { path = "/..." }')
    conditions = tables.check(findings, (*path, "when"), when, keys.WHEN)
    given = tables.table_at(findings, path, table, "fields")
    fields = [_field(findings, (*path, "fields", name), given[name]) for name in given]
    once_per = values.get("once_per")
    if once_per is not None and once_per not in given:
        findings.add(
            (*path, "once_per"),
            "names no field of this rule",
            found=findings.shown(once_per),
            allowed=", ".join(quoted(name) for name in given)
            or "a field under [source.event.fields]",
            hint=suggestion(once_per, given),
        )
    if "name" not in values:
        return None
    return RuleSection(
        **values,
        when=conditions,
        fields=tuple(field for field in fields if field is not None),
    )


def _field(findings: Findings, path: KeyPath, given: object) -> FieldSection | None:
    name = str(path[-1])
    refusal = keys.FIELD_NAME.parse(name)
    if isinstance(refusal, Refusal):
        allowed = keys.FIELD_NAME.allowed
        findings.add(path, f"the name is {refusal.message}", found=quoted(name), allowed=allowed)
    if name in keys.RESERVED_FIELDS:
        findings.add(
            path,
            "a field may not be named like a key of the event itself",
            found=quoted(name),
            allowed="any name but " + ", ".join(keys.RESERVED_FIELDS),
        )
    if not isinstance(given, dict):
        constant = _constant(findings, path, given)
        return None if constant is None else FieldSection(name=name, constant=constant)
    values = tables.check(findings, path, given, keys.FIELD)
    _check_default(findings, path, values.get("type", "string"), values.get("default"))
    return FieldSection(name=name, **values) if "source" in values else None


def _constant(findings: Findings, path: KeyPath, given: object) -> str | int | float | bool | None:
    parsed = Constant().parse(given)
    if isinstance(parsed, str | int | float):
        return parsed
    if isinstance(parsed, Refusal):
        findings.add(
            path,
            parsed.message,
            found=findings.shown(given),
            allowed=f"{Constant().allowed}, or a table with from",
            hint=parsed.hint,
        )
    return None


def _check_default(findings: Findings, path: KeyPath, cast: str, default: object) -> None:
    fits = isinstance(default, _DEFAULT_TYPES[cast]) and (
        cast == "boolean" or not isinstance(default, bool)
    )
    if default is not None and not fits:
        findings.add(
            (*path, "default"),
            "does not fit the field's type",
            found=findings.shown(default),
            allowed=f'a value of type "{cast}"',
        )
