"""An explanation (`extract.explain`) in words: each step a line or more, the verdict last."""

from __future__ import annotations

import json
from datetime import UTC
from typing import TYPE_CHECKING, assert_never

import orjson

from hooktail.advice import LOG_THE_HEADER, TRUST_THE_PEERS
from hooktail.cli.verdicts import ADVICE, advice, reason
from hooktail.extract.casts import cast_to
from hooktail.extract.normal import iso_time, record_json
from hooktail.extract.steps import (
    EVENT,
    Explanation,
    FieldStep,
    FilterStep,
    IdentityStep,
    LinkStep,
    ParseStep,
    RuleStep,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooktail.extract.misfit import Misfit
    from hooktail.extract.steps import Step
    from hooktail_parsers import Record

_LONGEST = 400
_BEFORE, _BEHIND = 48, 24
"""Characters that are shown of a line around the place where it stops fitting."""


def render(explanation: Explanation) -> str:
    """Writes an explanation for people."""
    lines = [line for step in explanation.steps for line in _told(step)]
    lines += _verdict(explanation)
    return "\n".join([*lines, ""])


def _told(step: Step) -> Iterator[str]:
    match step:
        case ParseStep():
            yield from _told_parse(step)
        case RuleStep(matched=True, drops=True):
            yield f"rule {step.name}: matches, and drops the line"
        case RuleStep(matched=True):
            yield f"rule {step.name}: matches"
        case RuleStep():
            # Of `any` the nearest table is named.
            other = ", or what another table of any wants" if "any[" in step.condition else ""
            yield (
                f"rule {step.name}: does not match, because {step.condition} is "
                f"{_shown(step.found)}; the rule wants {_printable(step.expected)}{other}"
            )
        case FilterStep(key=""):
            yield (
                "page view: it is one"
                if step.stage == "pageview"
                else "time, consent, address and user agent: nothing against an event"
            )
        case FilterStep():
            yield f"{_STAGES[step.stage]}: no, because {_why(step)}"
        case IdentityStep():
            yield from _told_identity(step)
        case FieldStep():
            yield _told_field(step)
        case LinkStep():
            yield _told_link(step)
        case unknown:
            assert_never(unknown)


def _told_parse(step: ParseStep) -> Iterator[str]:
    what = "the line" if step.lines == 1 else f"{step.lines} lines together"
    if step.skipped:
        verb = "makes" if step.lines == 1 else "make"
        yield (
            f"format {step.format}: {what} {verb} no record and need not: "
            f"{reason(f'filtered.{step.skipped}')}"
        )
    elif step.record is None:
        why = f": {step.failure}" if step.failure else ""
        told = reason(f"unparsable.{step.rejected}")
        yield f"format {step.format}: cannot read {what}: {told}{why}"
        if step.misfit is not None:
            yield from _told_misfit(step.text, step.misfit)
    else:
        yield f"format {step.format}: reads{'' if step.lines == 1 else f' {what} as one record'}"
        for key, value in record_json(step.record).items():
            if value is not None:
                yield f"  {key:<12} {_shown(value)}"


def _told_misfit(line: bytes, misfit: Misfit) -> Iterator[str]:
    good = line[: misfit.offset].decode("utf-8", "replace")
    rest = line[misfit.offset :].decode("utf-8", "replace")
    before = ("..." if len(good) > _BEFORE else "") + _printable(good[-_BEFORE:])
    behind = _printable(rest[:_BEHIND]) + ("..." if len(rest) > _BEHIND else "")
    if rest:
        yield f"  it fits up to character {len(good)} and stops at the next:"
    else:
        yield "  it fits as far as it goes, and ends too early:"
    yield f"    {before}{behind}"
    yield f"    {' ' * len(before)}^"
    if misfit.instead:
        instead = misfit.instead.decode("utf-8", "replace")
        shown = _printable(instead[:_BEFORE]) + ("..." if len(instead) > _BEFORE else "")
        yield f"  a line that fits goes on there with, for example: {shown}"


def _told_identity(step: IdentityStep) -> Iterator[str]:
    if step.ip != step.peer:
        peer = "without an address" if step.peer is None else f"at {_shown(step.peer)}"
        yield f"client: {_shown(step.ip)}, by {step.header} of the trusted peer {peer}"
    elif step.header is not None:
        yield f"client: {_shown(step.ip)}, as the line has it; no trusted peer names another"
    if step.malformed:
        malformed = _shown(step.malformed)
        yield f"  {step.header} has {malformed} for a hop: no address, so nothing left of it counts"
    if step.user_agent is not None:
        yield f"user agent: none, so it is user_agent_default {_shown(step.user_agent)}"


def _told_field(step: FieldStep) -> str:
    origin = f"from {step.source}" if step.source else "constant"
    what = f"  field {step.name} ({origin}):"
    if step.too_long:
        return f"{what} longer than its max_length"
    if step.private:
        withheld = "it tells on somebody (source.privacy)"
        if step.value is not None:
            return f"{what} {withheld}; sent as {_shown(step.value)}"
        return f"{what} {withheld}; {_missing(step)}"
    if step.value is not None:
        defaulted = "; that is its default" if step.lost_in else ""
        return f"{what} {_shown(step.value)}{_lost(step) if defaulted else ''}{defaulted}"
    if not step.lost_in:
        lacks = f"{step.lacks}, of which it is made" if step.lacks else "it"
        return f"{what} the line does not have {lacks}; {_missing(step)}"
    return f"{what} {_lost(step).removeprefix(', for ')}; {_missing(step)}"


def _lost(step: FieldStep) -> str:
    if step.lost_in != step.type:
        return f", for {step.lost_in} can make nothing of {_shown(step.found)}"
    lost = f", for {_shown(step.found)} is no {step.type}, and nothing is guessed"
    if step.type in ("number", "integer"):
        for style in ("comma", "point"):
            read = cast_to(step.type, decimal=style, zone=UTC)(step.found)
            if read is not None:
                return f'{lost} (decimal = "{style}" reads it as {_shown(read)})'
    return lost


def _missing(step: FieldStep) -> str:
    return "it is required" if step.required else "it is left out"


def _told_link(step: LinkStep) -> str:
    if step.whole:
        return f"{step.key}: left out, for it is no address that may be sent"
    gone = []
    if step.parameters:
        names = ", ".join(map(_printable, step.parameters))
        gone.append(f"parameter{'s' if len(step.parameters) > 1 else ''} {names}")
    if step.path:
        gone.append("a part of the path")
    return f"{step.key}: sent without {' and '.join(gone)} (source.privacy)"


_STAGES = {
    "pageview": "page view",
    "audience": "time, consent, address and user agent",
    "name": "event name",
    "sample": "sample",
}
_TIMES = ("filtered.future", "expired.age")


def _why(step: FilterStep) -> str:
    found = step.found
    if step.key in _TIMES and isinstance(found, int):
        return f"{reason(step.key)}: {iso_time(found)}, {step.sign}"
    if step.key == "filtered.no_consent" and step.sign:
        if step.sign in ("sec-gpc", "dnt"):
            return f"the browser asks not to be tracked ({step.sign}: 1)"
        if found is None:
            return f"the cookie {step.sign} is not there (require_consent)"
        return f"the cookie {step.sign} is {_shown(found)}, not what require_consent wants"
    words = reason(step.key)
    if step.stage == "name":
        if not step.sign:
            return "what it would be called tells on somebody (source.privacy)"
        return f"{words}: {step.sign} is {_shown(found)}"
    if step.sign == "bot_cidrs":
        words += " (bot_cidrs)"
    elif step.sign:
        words += f" ({step.sign})"
    return words if found is None else f"{words}: {_shown(found)}"


def _verdict(explanation: Explanation) -> Iterator[str]:
    key, event = explanation.verdict, explanation.event
    if key == EVENT:
        yield "It would be sent:"
    else:
        kept = " and kept in unparsed/" if key.startswith("unparsable.") else ""
        yield f"No event; it is counted as {key}{kept}."
        told = _advice(explanation)
        if told:
            yield f"If it should be one: {told}."
        if event is not None:
            taken = key == "filtered.once_per"
            because = "Another line has sent this event with the same key; but" if taken else "But"
            yield f"{because} for that it would be:"
    if event is not None:
        body = orjson.dumps(orjson.loads(event.body), option=orjson.OPT_INDENT_2)
        yield "".join(map(_escaped, body.decode()))


def _advice(explanation: Explanation) -> str:
    key = explanation.verdict
    parse = explanation.steps[0]
    signs = [step.sign for step in explanation.steps if isinstance(step, FilterStep)]
    sign = next(filter(None, signs), "")
    if isinstance(parse, ParseStep) and parse.misfit and parse.misfit.offset >= len(parse.text):
        return "look for the rest of the line; the log may have it"
    if key in _BY_RULE and isinstance(parse, ParseStep) and parse.record is not None:
        return advice(key).format(when=_when(key, parse.record))
    if key == "filtered.no_request" and isinstance(parse, ParseStep) and parse.mapped:
        return _map_advice(parse)
    if key in ("filtered.private_ip", "filtered.no_ip"):
        return _address_advice(key, explanation)
    if key == "filtered.no_consent":
        switch = {"sec-gpc": "gpc = false", "dnt": "dnt = false"}.get(sign)
        if switch is None:
            return "require_consent in [source.privacy] says which cookie, and what it must be"
        return f"{switch} in [source.privacy]"
    if key == "filtered.bot" and sign == "bot_cidrs":
        return f"take the address out of bot_cidrs; {advice(key)}"
    if key == "filtered.bot" and sign:
        return f'bot_patterns_remove = ["{_printable(sign)}"] lets it pass; {advice(key)}'
    return advice(key)


def _map_advice(parse: ParseStep) -> str:
    """Says which mapped keys a line lacks, or what besides makes it no event."""
    if parse.lacking:
        keys = ", ".join(f"{_shown(path)} ({key})" for key, path in parse.lacking.items())
        told = f"have the application log what [source.map] names and the line lacks: {keys}"
        if "event" in parse.mapped:
            return told
        return f"{told}; or {advice('filtered.no_request')}"
    if "event" not in parse.mapped:
        return advice("filtered.no_request")
    return (
        "log it at a level from info to warning and without an exception: the line has what "
        "[source.map] names, but is no business event otherwise"
    )


def _address_advice(key: str, explanation: Explanation) -> str:
    """Says what would change the address, and not what is done already."""
    step = next((each for each in explanation.steps if isinstance(each, IdentityStep)), None)
    if step is None or step.header is None:
        parse = explanation.steps[0]
        logged = isinstance(parse, ParseStep) and parse.record is not None and parse.record.xff
        return TRUST_THE_PEERS if key == "filtered.private_ip" and logged else advice(key)
    if not step.header:
        return LOG_THE_HEADER
    if step.peer is None:
        return 'add "unix" to trusted_proxies: the peer has no address, as on a unix socket'
    if step.malformed:
        return f"have the proxy write addresses alone into {step.header}"
    if step.ip == step.peer:
        return f"add {_shown(step.peer)} to trusted_proxies, if it is a proxy of yours"
    return advice(key)


_BY_RULE = frozenset(key for key, words in ADVICE.items() if "{when}" in words)


def _when(key: str, record: Record) -> str:
    """Writes the conditions of a rule that would take the line."""
    conditions = [] if record.path is None else [f"path = {_shown(record.path)}"]
    if key == "filtered.method":
        conditions.insert(0, f"method = {_shown(record.method)}")
    if key == "filtered.status" and record.status is not None:
        conditions.append(f"status = {record.status}")
    return f"when = {{ {', '.join(conditions)} }}"


def _escaped(letter: str) -> str:
    """Escapes in JSON what a terminal would obey; the text stays the same JSON."""
    return letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1]


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    if isinstance(value, str):
        return _printable(f'"{value}"')
    return _printable(json.dumps(value, ensure_ascii=False, default=str))


def _printable(text: str) -> str:
    """Leaves nothing that a terminal would obey, nor what floods it: the text comes from a log."""
    text = text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
