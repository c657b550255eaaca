"""Builds `[[source]]` with its rules and fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.config import keys, tables
from hooktail.config.findings import quoted
from hooktail.config.kinds import Constant, EventName, Refusal, suggestion
from hooktail.config.sections import (
    FieldSection,
    MultilineSection,
    PageviewSection,
    PrivacySection,
    RuleSection,
    SessionSection,
    SourceSection,
    VisitorSection,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from hooktail.config.findings import Findings, KeyPath

_DEFAULT_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "integer": (int,),
    "boolean": (bool,),
    "timestamp": (str,),
}
_NOT_SAMPLED = (
    "page views alone may be sampled: each event of a rule is one that somebody waits for"
)


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
    _refuse_repeated_input(findings, given)
    built = [_source(findings, path, table, destinations) for path, table in given]
    return tuple(source for source in built if source is not None)


def _learn_names(findings: Findings, given: list[tuple[KeyPath, dict[str, object]]]) -> None:
    """Lets the problems speak of `source[shop]` rather than `source[3]`; of the first of a name."""
    for path, table in given:
        name, position = table.get("name"), path[-1]
        if isinstance(keys.NAME_TEXT.parse(name), Refusal) or not isinstance(position, int):
            continue
        if name not in findings.source_names.values():
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


def _refuse_repeated_input(
    findings: Findings, given: list[tuple[KeyPath, dict[str, object]]]
) -> None:
    """Two readers of one standard input would each get some of its lines."""
    readers = []
    for path, table in given:
        paths = table.get("paths")
        if isinstance(paths, list) and "-" in paths:
            readers.append(path)
    for path in readers[1:]:
        findings.add(
            (*path, "paths"),
            "another source reads standard input",
            found='"-"',
            allowed='"-" in one source only',
        )


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
    who = tables.table_at(findings, path, table, "visitor")
    visitor = VisitorSection(**tables.check(findings, (*path, "visitor"), who, keys.VISITOR))
    visit = tables.table_at(findings, path, table, "session")
    session = SessionSection(**tables.check(findings, (*path, "session"), visit, keys.SESSION))
    tact = tables.table_at(findings, path, table, "privacy")
    privacy = PrivacySection(**tables.check(findings, (*path, "privacy"), tact, keys.PRIVACY))
    multiline = _multiline(findings, path, table)
    given = tables.tables_at(findings, path, table, "event", "[source.event]")
    rules = [_rule(findings, here, rule) for here, rule in given]
    if "name" not in values:
        return None
    values.setdefault("paths", ())  # a problem by now
    if path[-1] not in findings.source_names:
        values["name"] = str(path[-1])  # a repeated one: what else is wrong here goes by this
    return SourceSection(
        **values,
        format_options=options,
        pageview=pageview,
        visitor=visitor,
        session=session,
        privacy=privacy,
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
    given = table.get("destination", "default")
    names = given if isinstance(given, list) else [given]
    for name in names:
        if isinstance(keys.NAME_TEXT.parse(name), Refusal) or name in destinations:
            continue
        implied = "" if "destination" in table else " (the default)"
        findings.add(
            (*path, "destination"),
            f"there is no [destination.{name}]",
            found=f"{findings.shown(name)}{implied}",
            allowed=", ".join(quoted(known) for known in destinations),
            hint=suggestion(str(name), destinations) or f"add [destination.{name}]",
        )
    paths = table.get("paths")
    if len(names) > 1 and isinstance(paths, list) and "-" in paths:
        findings.add(
            (*path, "destination"),
            "of several destinations each reads the source by itself, and standard input can be "
            "read once",
            found=f"{len(names)} destinations",
            allowed="one destination for a source that reads -",
        )


def _rule(findings: Findings, path: KeyPath, table: dict[str, object]) -> RuleSection | None:
    if "sample" in table:
        hint = "[source.pageview] has a sample"
        findings.add((*path, "sample"), _NOT_SAMPLED, hint=hint)
    known = {name: given for name, given in table.items() if name != "sample"}
    values = tables.check(findings, path, known, keys.EVENT)
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
    if "once_for" in table and "once_per" not in table:
        findings.add(
            (*path, "once_for"),
            "stands without once_per",
            allowed="once_for beside once_per, or none",
        )
    if "name" not in table and not values.get("drop"):
        findings.add((*path, "name"), "missing", allowed=EventName().allowed)
    if "name" not in values and not values.get("drop"):
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
    if "from" not in given and "template" not in given:
        hint = 'or write template = "{query.x}-{query.y}"'
        findings.add((*path, "from"), "missing", allowed="non-empty text", hint=hint)
    elif "from" in given and "template" in given:
        findings.add((*path, "template"), "stands beside from", allowed="one of the two")
    is_whole = "source" in values or "template" in values
    return FieldSection(name=name, **values) if is_whole else None


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
    fits = isinstance(default, _DEFAULT_TYPES.get(cast, ())) and (
        cast == "boolean" or not isinstance(default, bool)
    )
    if default is not None and not fits:
        findings.add(
            (*path, "default"),
            "does not fit the field's type",
            found=findings.shown(default),
            allowed=f'a value of type "{cast}"' if cast in _DEFAULT_TYPES else "no default",
        )
