"""Rules: which lines become which event, and with which fields. Compiled once per source."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hooktail.errors import ConfigError, Problem
from hooktail.extract.cache import Cache
from hooktail.extract.complaints import Complaints
from hooktail.extract.conditions import Condition, compile_when
from hooktail.extract.event import RESERVED
from hooktail.extract.fields import CASTS, SOURCES, CompiledField, reader
from hooktail.extract.links import Links, TooLarge
from hooktail.extract.privacy import Scrubber
from hooktail.extract.text import clean, parse_query

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.config.sections import FieldSection, RuleSection, SourceSection
    from hooktail.extract.fields import Groups, ParseQuery, Scalar
    from hooktail_parsers import Record

NO_GROUPS: Groups = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """One rule: all conditions hold, then its fields are taken."""

    name: str
    conditions: tuple[Condition, ...] = ()
    fields: tuple[CompiledField, ...] = ()
    once_per: str | None = None
    conversion: bool = True
    """False for the built-in page view."""
    name_bytes: bytes = field(init=False)
    _tests: tuple[Callable[[Record], bool], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name_bytes", self.name.encode("utf-8", "replace"))
        object.__setattr__(self, "_tests", tuple(each.holds for each in self.conditions))

    def matches(self, record: Record) -> bool:
        """Whether all conditions hold."""
        for holds in self._tests:  # noqa: SIM110  # a generator costs as much as the conditions
            if not holds(record):
                return False
        return True

    def first_failing(self, record: Record) -> Condition | None:
        """Returns the condition that decided against a record, None if the rule matches."""
        return next((each for each in self.conditions if not each.holds(record)), None)

    def groups(self, record: Record) -> Groups:
        """Returns the named groups of the path's regex."""
        for condition in self.conditions:
            if condition.groups is not None:
                return condition.groups(record)
        return NO_GROUPS

    def values(self, record: Record) -> dict[str, Scalar] | str:
        """Returns the fields for the body, or the counter key of the first that is in the way."""
        values: dict[str, Scalar] = {}
        if not self.fields:
            return values
        groups = self.groups(record)
        for each in self.fields:
            try:
                value = each.value(record, groups)
            except TooLarge:
                return "unparsable.too_large"
            if value is not None:
                values[each.name] = value
            elif each.required:
                return "filtered.required_field_missing"
        return values


PAGEVIEW = CompiledRule(name="pageview", conversion=False)


def compile_rules(source: SourceSection) -> list[CompiledRule]:
    """Compiles a source's rules; raises ConfigError with every problem found."""
    rules, problems = _compile(source, "")
    if problems:
        raise ConfigError(problems)
    return rules


def check_rules(source: SourceSection, file: str) -> list[Problem]:
    """Returns everything that is wrong with a source's rules; `file` is named in each problem."""
    return _compile(source, file)[1]


def kept_parameters(source: SourceSection) -> set[str]:
    """Names of query parameters that rules use: they stay in urls."""
    names: set[str] = set()
    for rule in source.rules:
        query = rule.when.get("query")
        names.update(query if isinstance(query, dict) else ())
        sources = (each.source or "" for each in rule.fields)
        names.update(text.removeprefix("query.") for text in sources if text.startswith("query."))
    return names


def _compile(source: SourceSection, file: str) -> tuple[list[CompiledRule], list[Problem]]:
    complaints = Complaints(file, f"source[{source.name}]")
    # One line asks for several parameters: its query is parsed once.
    queries = Cache(parse_query, 64)
    site_host = Links(source.site, Scrubber()).site_host
    rules = [
        _rule(rule, site_host, queries.__getitem__, complaints.at(f"event[{index}]"))
        for index, rule in enumerate(source.rules)
    ]
    return rules, complaints.problems


def _rule(
    rule: RuleSection, site_host: str | None, parse: ParseQuery, complaints: Complaints
) -> CompiledRule:
    if not clean(rule.name) or clean(rule.name) != rule.name:
        complaints.at("name").add("not a name for an event", rule.name)
    conditions = compile_when(rule.when, site_host, parse, complaints.at("when"))
    group_names = {name for condition in conditions for name in condition.group_names}
    fields = [
        _field(each, group_names, parse, complaints.at(f"fields.{each.name}"))
        for each in rule.fields
    ]
    if rule.once_per is not None and rule.once_per not in {each.name for each in rule.fields}:
        names = [each.name for each in rule.fields]
        complaints.at("once_per").unknown(rule.once_per, names, "field of this event")
    return CompiledRule(
        name=rule.name,
        conditions=tuple(conditions),
        fields=tuple(each for each in fields if each is not None),
        once_per=rule.once_per,
    )


def _field(
    section: FieldSection, group_names: set[str], parse: ParseQuery, complaints: Complaints
) -> CompiledField | None:
    before = len(complaints.problems)
    if section.name in RESERVED:
        complaints.add("this key belongs to every event; a field may not take it")
    cast = CASTS.get(section.type)
    if cast is None:
        complaints.at("type").unknown(section.type, CASTS, "type")
        return None
    constant = section.constant
    read: Callable[[Record, Groups], object] | None
    if constant is not None:
        cast = CASTS[_type_of(constant)]
        if cast(constant) is None:
            complaints.add("not a value that can be sent", constant)
        read = _constant(constant)
    elif section.source is None:
        complaints.add("needs a constant or `from`", allowed=", ".join(SOURCES))
        return None
    else:
        read = reader(section.source, parse)
        place, _, name = section.source.partition(".")
        if read is None:
            complaints.at("from").unknown(section.source, SOURCES, "place")
        elif place == "group" and name not in group_names:
            complaints.at("from").unknown(name, sorted(group_names), "group of the path's regex")
    default = section.default
    if default is not None and cast(default) is None:
        complaints.at("default").add(f"not a {section.type}", default)
    if section.max_length < 1:
        complaints.at("max_length").add("must be at least 1", section.max_length)
    if len(complaints.problems) > before or read is None:
        return None
    return CompiledField(
        name=section.name,
        source=section.source or "",
        type=section.type,
        read=read,
        cast=cast,
        required=section.required,
        default=None if default is None else cast(default),
        max_length=section.max_length,
    )


def _constant(value: Scalar) -> Callable[[Record, Groups], object]:
    return lambda _, __: value


def _type_of(value: Scalar) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, float) and not math.isfinite(value):
        return "number"
    return "string" if isinstance(value, str) else "number"
