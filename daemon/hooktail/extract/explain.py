"""What becomes of one line, step by step, as data. It walks the extractor's own stages.

Nothing is sent or counted. A key of `once_per` is claimed by lines that are explained together,
and by nobody else: the second one with the same key is told what would become of it. A visitor's
session goes on over them in the same way.
"""

from __future__ import annotations

from collections import deque
from copy import copy
from typing import TYPE_CHECKING

from hooktail.extract.choice import choice_of
from hooktail.extract.headers import LoggedHeaders
from hooktail.extract.mapped import lacks_key, mapped_keys
from hooktail.extract.misfit import find_misfit
from hooktail.extract.pageview import PREFETCH_HEADERS, content_type
from hooktail.extract.reading import HeldLine, failure_of, text_of
from hooktail.extract.rules import DROPPED, NO_NAME
from hooktail.extract.sampling import SAMPLED
from hooktail.extract.steps import (
    EVENT,
    Explanation,
    FieldStep,
    FilterStep,
    IdentityStep,
    ParseStep,
    RuleStep,
)
from hooktail.extract.templates import first_lacking
from hooktail.extract.validation import TooLarge
from hooktail.extract.withheld import withheld
from hooktail_parsers import ParseError, Record, Skip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from hooktail.extract.extractor import Extractor
    from hooktail.extract.reading import Reader
    from hooktail.extract.rules import CompiledRule
    from hooktail.extract.steps import Step
    from hooktail_parsers.assembly import Assembled


def explain_lines(
    extractor: Extractor, lines: Iterable[tuple[HeldLine, bytes]], models: Sequence[bytes] = ()
) -> Iterator[Explanation]:
    """Explains lines (without their newlines) that follow each other in one file.

    Each comes with the generation of that file, as far as it is known. A record over several
    lines has one explanation, when it is complete or the lines are at their end. `models` are
    other lines that may be of the source's format, for telling where one stops fitting it.
    """
    reader = extractor.reader()
    fitting: deque[bytes] = deque(models, _MOST_FITTING)
    generation = b""
    for line, generation in lines:  # the last one counts for what is left open
        for assembled in reader.assembler.take(line, reader.parse(line.text)):
            yield _explain(
                extractor, assembled, generation, models=fitting, claims=True, reader=reader
            )
            if isinstance(assembled.parsed, Record):
                fitting.appendleft(assembled.keys[0].text)
    for assembled in reader.assembler.give_up_all():
        yield _explain(extractor, assembled, generation, models=fitting, claims=True, reader=reader)


def explain(
    extractor: Extractor, line: bytes, *, start: int = 0, generation: bytes = b""
) -> Explanation:
    """Explains one line (without its newline) as the extractor would treat it now."""
    reader = extractor.reader()
    assembled = [*reader.assembler.take(HeldLine(start, line), reader.parse(line))]
    assembled += reader.assembler.give_up_all()
    return _explain(extractor, assembled[0], generation)


def _explain(
    extractor: Extractor,
    assembled: Assembled[HeldLine],
    generation: bytes = b"",
    models: Iterable[bytes] = (),
    *,
    claims: bool = False,
    reader: Reader | None = None,
) -> Explanation:
    steps: list[Step] = []
    parsed, count = assembled.parsed, len(assembled.keys)
    name = extractor.source.format
    if isinstance(parsed, Skip):
        mapped = mapped_keys(extractor.source.format_options)
        whole = b"\n".join(line.text for line in assembled.keys)
        steps.append(
            ParseStep(
                format=name,
                skipped=parsed.reason,
                mapped=mapped,
                lacking={key: path for key, path in mapped.items() if lacks_key(whole, path)},
                lines=count,
            )
        )
        return Explanation(steps=steps, verdict=f"filtered.{parsed.reason}")
    if isinstance(parsed, ParseError):
        steps.append(_rejected(extractor, assembled, parsed, models))
        return Explanation(steps=steps, verdict=f"unparsable.{parsed.reason}")
    pinned = "" if reader is None else reader.chosen
    texts = [line.text for line in assembled.keys]
    if chosen := choice_of(name, pinned, texts, extractor.source.format_options):
        name = f"{name} ({chosen})"
    steps.append(ParseStep(format=name, record=parsed, lines=count))

    rule = _choose(extractor, parsed, steps)
    if isinstance(rule, str):
        return Explanation(steps=steps, verdict=rule)
    if extractor.audience.identifies:
        parsed = _identify(extractor, parsed, steps)
    refused = extractor.audience.refuses(parsed, extractor.now_ms())
    steps.append(_audience_step(extractor, refused, parsed))
    if refused in _BY_CLOCK:
        # What would become of it in time: that is what people ask about old lines.
        otherwise = extractor.audience.refuses(parsed, parsed.time_ms or 0)
        if otherwise is not None:
            steps.append(_audience_step(extractor, otherwise, parsed))
            return Explanation(steps=steps, verdict=str(refused))
    elif refused is not None:
        return Explanation(steps=steps, verdict=refused)
    steps += _fields(extractor, rule, parsed)
    ids = extractor.ids_of(generation)
    draft = extractor.drafter.draft(
        rule, parsed, text_of(assembled.keys), assembled.keys[0].start, ids
    )
    if isinstance(draft, str):
        stage = {NO_NAME: "name", SAMPLED: "sample"}.get(draft)
        if stage is not None:
            steps.append(_stopped(stage, draft, rule, parsed))
        return Explanation(steps=steps, verdict=refused or draft)
    steps += withheld(parsed, draft.event.body)
    if refused is not None:
        return Explanation(steps=steps, verdict=refused, event=draft.event)
    if extractor.drafter.is_taken(draft):
        return Explanation(steps=steps, verdict="filtered.once_per", event=draft.event)
    if claims:
        if draft.once is not None:
            extractor.once.claim(draft.once, draft.owner, draft.time_ms, draft.once_for_ms)
        if draft.session is not None and draft.session.place is not None:
            extractor.sessions.book.keep(draft.session.place, draft.time_ms // 1000)
    return Explanation(steps=steps, verdict=EVENT, event=draft.event)


def _rejected(
    extractor: Extractor,
    assembled: Assembled[HeldLine],
    error: ParseError,
    models: Iterable[bytes],
) -> ParseStep:
    text = text_of(assembled.keys)
    misfit = None
    if error.reason in _FORM and len(assembled.keys) == 1:
        reader = extractor.reader()
        if not reader.stateful:
            misfit = find_misfit(
                text,
                lambda each: isinstance(reader.parse(each), Record),
                models,
            )
    return ParseStep(
        format=extractor.source.format,
        rejected=error.reason,
        failure=failure_of(error),
        lines=len(assembled.keys),
        text=text,
        misfit=misfit,
    )


def _audience_step(extractor: Extractor, key: str | None, record: Record) -> FilterStep:
    found, sign = _evidence(key or "", record), ""
    audience = extractor.audience
    if key == "filtered.bot":
        if audience.is_machine(record.ip):
            found, sign = record.ip, "bot_cidrs"
        else:
            sign = audience.bot_sign(record)
    elif key == "filtered.no_consent":
        sign, found = audience.consent_sign(record), audience.consent_found(record)
    elif key in _BY_CLOCK and record.time_ms is not None:
        ahead_ms = record.time_ms - extractor.now_ms()
        sign = f"{_span(abs(ahead_ms))} {'ahead' if ahead_ms > 0 else 'old'}"
    return FilterStep(stage="audience", key=key or "", found=found, sign=sign)


def _span(span_ms: int) -> str:
    minutes = span_ms // 60_000
    days, hours = divmod(minutes // 60, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes % 60} min"


def _identify(extractor: Extractor, record: Record, steps: list[Step]) -> Record:
    """Returns the record with whom it is about; what was parsed stays as the log has it."""
    identified = copy(record)
    extractor.audience.identify(identified)
    clients = extractor.audience.client_ips
    same_agent = identified.user_agent == record.user_agent
    steps.append(
        IdentityStep(
            peer=record.ip,
            ip=identified.ip,
            header=None if clients is None else clients.header_of(record),
            malformed="" if clients is None else clients.malformed_hop(record),
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
    steps.append(_pageview_step(extractor, refused or "", record))
    return refused or extractor.pageview_rule


def _pageview_step(extractor: Extractor, key: str, record: Record) -> FilterStep:
    found, sign = _evidence(key, record), ""
    for name in _BY_HEADER.get(key, ()):
        value = LoggedHeaders((name,)).of(record).get(name)
        if value is not None:
            found, sign = value, name
            break
    pageview = extractor.pageview
    match key:
        case "filtered.content_type":
            found, sign = content_type(record), ", ".join(pageview.content_types)
        case "filtered.method":
            sign = ", ".join(sorted(pageview.methods))
        case "filtered.status":
            sign = ", ".join(map(str, sorted(pageview.statuses)))
    return FilterStep(stage="pageview", key=key, found=found, sign=sign)


def _stopped(stage: str, key: str, rule: CompiledRule, record: Record) -> FilterStep:
    lacking = None
    if key == NO_NAME:
        lacking = first_lacking(rule.name_places, record, rule.groups(record))
    place, found = lacking or ("", None)
    return FilterStep(stage=stage, key=key, found=found, sign=place)


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
        found = each.read(record, groups)
        lacking = first_lacking(each.places, record, groups)
        steps.append(
            FieldStep(
                name=each.name,
                source=each.source,
                type=each.type,
                found=found,
                value=sent,
                required=each.required,
                too_long=too_long,
                lost_in=lost_in,
                lacks="" if lacking is None else lacking[0],
                private=sent != value or (not too_long and each.withholds(found)),
            )
        )
    return steps


_FORM = frozenset(("syntax", "column_count"))
"""The reasons of a line that has not the form of its format."""
_BY_CLOCK = frozenset(("filtered.future", "expired.age"))
_BY_HEADER = {
    "filtered.prefetch": PREFETCH_HEADERS,
    "filtered.not_a_document": ("sec-fetch-dest",),
    "filtered.script_request": ("x-requested-with",),
}
_MOST_FITTING = 24
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
