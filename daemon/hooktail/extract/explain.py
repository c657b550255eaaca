"""What becomes of one line, step by step, as data. It walks the extractor's own stages.

Nothing is sent, counted or claimed: a key that the line would claim stays free.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from hooktail.extract.reading import HeldLine
from hooktail.extract.rules import DROPPED, NO_NAME
from hooktail.extract.sampling import SAMPLED
from hooktail.extract.validation import TooLarge
from hooktail_parsers import ParseError, Record, Skip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from hooktail.extract.extractor import Extractor
    from hooktail.extract.rules import CompiledRule
    from hooktail.model import Event
    from hooktail_parsers.assembly import Assembled

EVENT = "event"
"""The verdict on a line that becomes an event; all others are counter keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseStep:
    """What the format read."""

    format: str
    record: Record | None = None
    skipped: str = ""
    rejected: str = ""
    lines: int = 1
    """How many lines make up what was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStep:
    """A rule that was asked; unless it matched, the first condition that failed."""

    name: str
    matched: bool
    condition: str = ""
    expected: str = ""
    found: object = None
    drops: bool = False
    """Whether the lines of the rule make no event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterStep:
    """The page view's or the shared filters; `key` is what decided, `""` if the line passed."""

    stage: str
    """`pageview`, `audience`, `name` or `sample`."""
    key: str = ""
    found: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldStep:
    """One field of the rule that matched."""

    name: str
    source: str
    type: str
    found: object
    value: object
    required: bool
    too_long: bool = False
    lost_in: str = ""
    """What the found value could not pass: a transform, or the type."""
    private: bool = False
    """Whether what was found tells on somebody: `value` is what is sent instead, if anything is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityStep:
    """Whom the line is about, where that is not what it says: other address, or other agent."""

    peer: str | None
    ip: str | None
    header: str | None = None
    """The forwarded header that counts from a trusted peer, empty if the line has none; None
    without trusted proxies."""
    user_agent: str | None = None
    """What stands for the missing one."""


Step: TypeAlias = ParseStep | RuleStep | FilterStep | IdentityStep | FieldStep


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All steps up to the one that decided, and the verdict."""

    steps: list[Step] = field(default_factory=list)
    verdict: str
    """`EVENT`, or the key under which the line would be counted."""
    event: Event | None = None
    """The event that would be sent, or that another line with its key prevents."""


def explain_lines(extractor: Extractor, lines: Iterable[bytes]) -> Iterator[Explanation]:
    """Explains lines (without their newlines) that follow each other in one file.

    A record over several lines has one explanation, when it is complete or the lines are at
    their end. The event ids are those of lines at the beginning of a file.
    """
    reader = extractor.reader()
    for line in lines:
        for assembled in reader.assembler.take(HeldLine(0, line), reader.parse(line)):
            yield _explain(extractor, assembled)
    for assembled in reader.assembler.give_up_all():
        yield _explain(extractor, assembled)


def explain(
    extractor: Extractor, line: bytes, *, start: int = 0, generation: bytes = b""
) -> Explanation:
    """Explains one line (without its newline) as the extractor would treat it now."""
    reader = extractor.reader()
    assembled = [*reader.assembler.take(HeldLine(start, line), reader.parse(line))]
    assembled += reader.assembler.give_up_all()
    return _explain(extractor, assembled[0], generation)


def _explain(
    extractor: Extractor, assembled: Assembled[HeldLine], generation: bytes = b""
) -> Explanation:
    steps: list[Step] = []
    parsed, count = assembled.parsed, len(assembled.keys)
    name = extractor.source.format
    if isinstance(parsed, Skip):
        steps.append(ParseStep(format=name, skipped=parsed.reason, lines=count))
        return Explanation(steps=steps, verdict=f"filtered.{parsed.reason}")
    if isinstance(parsed, ParseError):
        steps.append(ParseStep(format=name, rejected=parsed.reason, lines=count))
        return Explanation(steps=steps, verdict=f"unparsable.{parsed.reason}")
    steps.append(ParseStep(format=name, record=parsed, lines=count))

    chosen = _choose(extractor, parsed, steps)
    if isinstance(chosen, str):
        return Explanation(steps=steps, verdict=chosen)
    if extractor.audience.identifies:
        parsed = _identify(extractor, parsed, steps)
    refused = extractor.audience.refuses(parsed, extractor.now_ms())
    found = _evidence(refused or "", parsed)
    if refused == "filtered.bot" and extractor.audience.is_machine(parsed.ip):
        found = parsed.ip
    steps.append(FilterStep(stage="audience", key=refused or "", found=found))
    if refused is not None:
        return Explanation(steps=steps, verdict=refused)
    steps += _fields(extractor, chosen, parsed)
    first = assembled.keys[0]
    draft = extractor.draft(chosen, parsed, first.text, first.start, generation)
    if isinstance(draft, str):
        stage = {NO_NAME: "name", SAMPLED: "sample"}.get(draft)
        if stage is not None:
            steps.append(FilterStep(stage=stage, key=draft))
        return Explanation(steps=steps, verdict=draft)
    verdict = "filtered.once_per" if extractor.is_taken(draft) else EVENT
    return Explanation(steps=steps, verdict=verdict, event=draft.event)


def _identify(extractor: Extractor, record: Record, steps: list[Step]) -> Record:
    """Returns the record with whom it is about; what was parsed stays as the log has it."""
    identified = replace(record)
    extractor.audience.identify(identified)
    clients = extractor.audience.client_ips
    same_agent = identified.user_agent == record.user_agent
    steps.append(
        IdentityStep(
            peer=record.ip,
            ip=identified.ip,
            header=None if clients is None else clients.header_of(record),
            user_agent=None if same_agent else identified.user_agent,
        )
    )
    return identified


def _choose(extractor: Extractor, record: Record, steps: list[Step]) -> CompiledRule | str:
    for rule in extractor.rules:
        failing = rule.first_failing(record)
        if failing is None:
            steps.append(RuleStep(name=rule.name, matched=True, drops=rule.drop))
            return DROPPED if rule.drop else rule
        steps.append(
            RuleStep(
                name=rule.name,
                matched=False,
                condition=failing.key,
                expected=failing.expected,
                found=failing.found(record),
            )
        )
    refused = extractor.pageview.refuses(record)
    steps.append(
        FilterStep(stage="pageview", key=refused or "", found=_evidence(refused or "", record))
    )
    return refused or extractor.pageview_rule


def _fields(extractor: Extractor, rule: CompiledRule, record: Record) -> list[Step]:
    steps: list[Step] = []
    guard = extractor.bodies.guard
    groups = rule.groups(record)
    for each in rule.fields:
        value, lost_in, too_long = None, "", False
        try:
            value, lost_in = each.outcome(record, groups)
        except TooLarge:
            too_long = True
        told = None if value is None else guard.fields({each.name: value}, rule.once_per)
        sent = None if told is None else told.get(each.name)
        steps.append(
            FieldStep(
                name=each.name,
                source=each.source,
                type=each.type,
                found=each.read(record, groups),
                value=sent,
                required=each.required,
                too_long=too_long,
                lost_in=lost_in,
                private=sent != value,
            )
        )
    return steps


_EVIDENCE = {
    "filtered.method": "method",
    "filtered.status": "status",
    "filtered.no_path": "path",
    "filtered.static_file": "path",
    "filtered.excluded_path": "path",
    "filtered.no_user_agent": "user_agent",
    "filtered.bot": "user_agent",
    "filtered.no_ip": "ip",
    "filtered.private_ip": "ip",
    "filtered.own_traffic": "ip",
    "filtered.no_time": "time_ms",
    "filtered.future": "time_ms",
    "expired.age": "time_ms",
}


def _evidence(key: str, record: Record) -> object:
    attribute = _EVIDENCE.get(key)
    return None if attribute is None else getattr(record, attribute)
