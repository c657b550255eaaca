"""Rules: which lines become which event, and with which fields. Compiled once per source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hooktail.config.sections import From
from hooktail.errors import ConfigError
from hooktail.extract.cache import Cache
from hooktail.extract.casts import to_string
from hooktail.extract.complaints import Complaints
from hooktail.extract.condition import Condition, groups_of
from hooktail.extract.conditions import compile_when
from hooktail.extract.fields import CompiledField, compile_field, is_hashed
from hooktail.extract.links import Links
from hooktail.extract.once import WINDOW_MS
from hooktail.extract.places import NO_GROUPS, Surroundings
from hooktail.extract.privacy import Scrubber
from hooktail.extract.shadows import shadow_of
from hooktail.extract.templates import Template, compile_place, compile_template, places_in
from hooktail.extract.text import parse_query, stated
from hooktail.extract.validation import TooLarge
from hooktail_parsers import OptionError, Record
from hooktail_parsers.times import zone_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, MutableMapping, Sequence
    from datetime import tzinfo

    from hooktail.config.sections import PageviewSection, RuleSection, SourceSection
    from hooktail.errors import Problem
    from hooktail.extract.places import Groups, Read
    from hooktail_parsers import JsonValue

MAX_NAME = 128
DROPPED = "filtered.dropped_by_rule"
NO_NAME = "filtered.no_event_name"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """One rule: all conditions hold, then its name and its fields are taken."""

    name: str
    """The name of its events; where each line gives its own, where that is taken from."""
    conditions: tuple[Condition, ...] = ()
    fields: tuple[CompiledField, ...] = ()
    once_per: str | None = None
    once_for_ms: int = WINDOW_MS
    drop: bool = False
    """Its lines make no event."""
    conversion: bool = True
    """False for the built-in page view."""
    name_of: Callable[[Record, Groups], object] | None = None
    """How a line gives the name, None if it is always `name`."""
    name_places: tuple[tuple[str, Read], ...] = ()
    """What such a name is made of."""
    path: Condition | None = field(init=False, repr=False)
    """The condition on the path."""
    _behind_path: tuple[Callable[[Record], bool], ...] = field(init=False, repr=False)
    _has_groups: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        first = self.conditions[0] if self.conditions else None
        path = first if first is not None and first.key == "path" else None
        tests = tuple(each.holds for each in self.conditions if each is not path)
        object.__setattr__(self, "path", path)
        object.__setattr__(self, "_behind_path", tests)
        has_groups = any(each.groups is not None for each in self.conditions)
        object.__setattr__(self, "_has_groups", has_groups)

    def matches(self, record: Record) -> bool:
        """Whether all conditions hold."""
        return (self.path is None or self.path.holds(record)) and self.matches_behind_path(record)

    def matches_behind_path(self, record: Record) -> bool:
        """Whether all conditions but that on the path hold."""
        for holds in self._behind_path:  # noqa: SIM110  # a generator costs as much as the conditions
            if not holds(record):
                return False
        return True

    def first_failing(self, record: Record) -> Condition | None:
        """Returns the condition that decided against a record, None if the rule matches."""
        failing = next((each for each in self.conditions if not each.holds(record)), None)
        return None if failing is None else failing.decisive(record)

    def groups(self, record: Record) -> Groups:
        """Returns the named groups of the conditions' regular expressions."""
        return groups_of(self.conditions, record) if self._has_groups else NO_GROUPS

    def event_name(self, record: Record, groups: Groups) -> str | None:
        """Returns the name of the event, None if the line does not say it."""
        if self.name_of is None:
            return self.name
        name = to_string(self.name_of(record, groups))
        return None if name is None else name[:MAX_NAME].strip()

    def values(
        self, record: Record, groups: Groups, uncast: MutableMapping[str, int] | None = None
    ) -> dict[str, JsonValue] | str:
        """Returns the fields for the body, or the counter key of the first that is in the way.

        `uncast` counts, by `EVENT.FIELD`, the values that were found and could not be cast.
        """
        values: dict[str, JsonValue] = {}
        for each in self.fields:
            try:
                value, lost_in = each.outcome(record, groups)
            except TooLarge:
                return "unparsable.too_large"
            if lost_in and uncast is not None:
                key = f"{self.name}.{each.name}"
                uncast[key] = uncast.get(key, 0) + 1
            if value is not None:
                values[each.name] = value
            elif each.required:
                return "filtered.required_field_missing"
        return values


class RuleSet:
    """A source's rules in their order. Paths repeat, so it remembers which rules they leave."""

    def __init__(self, rules: Sequence[CompiledRule]) -> None:
        self._rules = tuple(rules)
        self._pathless = tuple(rule for rule in self._rules if rule.path is None)
        self.by_path: Cache[tuple[CompiledRule, ...]] = Cache(self._left_by)
        """Which rules a path leaves."""

    def __iter__(self) -> Iterator[CompiledRule]:
        return iter(self._rules)

    def first(self, record: Record) -> CompiledRule | None:
        """Returns the first rule that matches."""
        path = record.path
        for rule in self._pathless if path is None else self.by_path[path]:
            if rule.matches_behind_path(record):
                return rule
        return None

    def _left_by(self, path: str) -> tuple[CompiledRule, ...]:
        """Returns the rules whose condition on the path holds, and those without one."""
        record = Record(path=path)
        left = tuple(rule for rule in self._rules if rule.path is None or rule.path.holds(record))
        # Most paths leave the same rules: they share one tuple.
        return self._pathless if left == self._pathless else left


def pageview_rule(section: PageviewSection) -> CompiledRule:
    """Returns the rule of the built-in page view; its conditions are the page view's own."""
    return CompiledRule(name=section.name, conversion=False)


def compile_rules(source: SourceSection) -> list[CompiledRule]:
    """Compiles a source's rules; raises ConfigError with every problem found."""
    rules, complaints = _compile(source, "")
    if complaints.problems:
        raise ConfigError(complaints.problems)
    return rules


def check_rules(source: SourceSection, file: str) -> list[Problem]:
    """Returns everything that is wrong with a source's rules; `file` is named in each problem."""
    return _compile(source, file)[1].problems


def rule_warnings(source: SourceSection, file: str) -> list[Problem]:
    """Returns what works, but hardly as it was meant.

    Rules that never match, costly regexes, and a `once_per` that some lines may slip by.
    """
    complaints = _compile(source, file)[1]
    for index, later in enumerate(source.rules):
        _warn_of_keyless_lines(later, complaints.at(f"event[{index}].once_per"))
        for number, earlier in enumerate(source.rules[:index]):
            if shadow_of(earlier.when, later.when):
                complaints.at(f"event[{index}]").warn(
                    f"never matches: event[{number}] ({_label(earlier)}) takes every line first",
                    _label(later),
                    hint="put the rule with more conditions first",
                )
                break
    return complaints.warnings


def _warn_of_keyless_lines(rule: RuleSection, complaints: Complaints) -> None:
    key = next((each for each in rule.fields if each.name == rule.once_per), None)
    if key is None or key.required or key.default is not None or key.constant is not None:
        return
    complaints.warn(
        "lines without it are each an event of their own",
        key.name,
        hint="add required = true to the field",
    )


def kept_parameters(source: SourceSection) -> set[str]:
    """Names of query parameters that rules use: they stay in urls.

    Those that a rule sends only as a hash are no such: their hash says what they are, they do not.
    """
    names: set[str] = set()
    for rule in source.rules:
        names.update(_parameters_in(rule.when))
        places: list[str] = []
        if isinstance(rule.name, From):
            places.append(rule.name.place)
        elif rule.name is not None:
            places += places_in(rule.name)
        for each in rule.fields:
            if not is_hashed(each):
                places += [each.source or "", *places_in(each.template or "")]
        names.update(text.removeprefix("query.") for text in places if text.startswith("query."))
    return names


def _parameters_in(when: object) -> Iterator[str]:
    if not isinstance(when, dict):
        return
    query, field_table = when.get("query"), when.get("field")
    yield from query if isinstance(query, dict) else ()
    if isinstance(field_table, dict):
        in_table = field_table.get("query")
        yield from in_table if isinstance(in_table, dict) else ()
        yield from (name[6:] for name in field_table if name.startswith("query."))
    for key in ("all", "any", "not"):
        inner = when.get(key)
        for table in inner if isinstance(inner, list | tuple) else [inner]:
            yield from _parameters_in(table)


def _label(rule: RuleSection) -> str:
    if rule.name is None:
        return "drop"
    return f"from {rule.name.place}" if isinstance(rule.name, From) else rule.name


def _compile(source: SourceSection, file: str) -> tuple[list[CompiledRule], Complaints]:
    complaints = Complaints(file, f"source[{source.name}]")
    # One line asks for several parameters: its query is parsed once.
    queries = Cache(parse_query, 64)
    site_host = Links(source.site, Scrubber()).site_host
    compiler = _Compiler(Surroundings(queries.__getitem__, site_host), _zone(source))
    rules = [
        compiler.rule(rule, complaints.at(f"event[{index}]"))
        for index, rule in enumerate(source.rules)
    ]
    return rules, complaints


def _zone(source: SourceSection) -> tzinfo:
    try:
        return zone_of(source.format_options)
    except OptionError:
        return zone_of({})  # the format says what is wrong with it


class _Compiler:
    """Compiles the rules of one source."""

    def __init__(self, surroundings: Surroundings, zone: tzinfo) -> None:
        self._surroundings = surroundings
        self._zone = zone

    def rule(self, rule: RuleSection, complaints: Complaints) -> CompiledRule:
        surroundings = self._surroundings
        conditions = compile_when(rule.when, surroundings, complaints.at("when"))
        group_names = {name for condition in conditions for name in condition.group_names}
        name, made = self._name(rule, group_names, complaints.at("name"))
        fields = [
            compile_field(
                each, group_names, surroundings, self._zone, complaints.at(f"fields.{each.name}")
            )
            for each in rule.fields
        ]
        _check_once_per(rule, complaints.at("once_per"))
        if rule.drop and (rule.fields or rule.once_per is not None):
            key = "fields" if rule.fields else "once_per"
            complaints.at(key).add("a rule that drops its lines makes no event")
        return CompiledRule(
            name=name,
            conditions=tuple(conditions),
            fields=tuple(each for each in fields if each is not None),
            once_per=rule.once_per,
            once_for_ms=int(rule.once_for_s * 1000),
            drop=rule.drop,
            name_of=None if made is None else made.fill,
            name_places=() if made is None else made.places,
        )

    def _name(
        self, rule: RuleSection, group_names: Collection[str], complaints: Complaints
    ) -> tuple[str, Template | None]:
        """Returns the name, and how a line gives it if it is not always the same."""
        surroundings = self._surroundings
        label, name = _label(rule), rule.name
        if name is None:
            if not rule.drop:
                complaints.add("missing", allowed='text, or { from = "fields.event" }')
            return label, None
        if isinstance(name, From):
            read = compile_place(name.place, group_names, surroundings, complaints.at("from"))
            return label, None if read is None else Template(None, read, ((name.place, read),))
        if stated(name) != name:
            complaints.add("not a name for an event", name)
        template = compile_template(name, group_names, surroundings, complaints)
        if template is None:
            return label, None
        if template.constant is None:
            return label, template
        if len(template.constant) > MAX_NAME:
            complaints.add(f"longer than {MAX_NAME} characters", name)
        return template.constant, None


def _check_once_per(rule: RuleSection, complaints: Complaints) -> None:
    if rule.once_per is None:
        return
    names = [each.name for each in rule.fields]
    if rule.once_per not in names:
        complaints.unknown(rule.once_per, names, "field of this event")
    elif next(each for each in rule.fields if each.name == rule.once_per).type in ("list", "json"):
        complaints.add("a list or an object is no key", rule.once_per)
