"""`hooktail explain`: every step of one line, in words."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, assert_never

import orjson

from hooktail.cli import logfiles, sources
from hooktail.extract.explain import (
    EVENT,
    Explanation,
    FieldStep,
    FilterStep,
    IdentityStep,
    ParseStep,
    RuleStep,
    explain_lines,
)
from hooktail.extract.normal import iso_time, record_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooktail.extract.explain import Step

_DESCRIPTION = """\
Tells what becomes of a log line and why: what the format reads in it, which rule or filter decides,
and the body that would be sent. Sends, counts and saves nothing. Without LINE, or with -, lines
come from stdin. The event id is that of a line at the beginning of a file: `preview` shows the
real ones."""

_EPILOG = """\
examples:
  hooktail explain --source shop "$(tail -n 1 /var/log/nginx/access.log)"
  grep /checkout access.log | head -n 3 | hooktail explain --source shop

exit codes: 0 every line becomes an event; 1 a line does not; 64 usage; 78 configuration
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "explain",
        help="tell what becomes of a line, and why",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--source", metavar="NAME", help="a source of the config (default: the first)"
    )
    parser.add_argument("line", nargs="?", default="-", metavar="LINE", help="`-` is stdin")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Explains each line; returns 1 if one does not become an event."""
    loaded, source = sources.pick(args.config, args.source)
    extractor = sources.extractor_for(loaded, source, sources.secret_of(loaded), limit_age=True)
    code = 0
    for explanation in explain_lines(
        extractor, _lines(args.line, source.format_options.get("encoding"))
    ):
        sys.stdout.write(render(explanation) + "\n")
        sys.stdout.flush()
        if explanation.verdict != EVENT:
            code = 1
    return code


def _lines(argument: str, encoding: str | None) -> Iterator[bytes]:
    if argument != "-":
        yield from os.fsencode(argument).rstrip(b"\r\n").split(b"\n")
        return
    with logfiles.opened("-") as stream:
        for batch in logfiles.batches(stream, 1 << 20, encoding):
            yield from () if batch.lines is None else batch.lines.texts


def render(explanation: Explanation) -> str:
    """Writes an explanation for people, each step a paragraph, the verdict last."""
    paragraphs = ["\n".join(_told(step)) for step in explanation.steps]
    verdict = _verdict(explanation)
    if explanation.event is not None:
        body = orjson.dumps(orjson.loads(explanation.event.body), option=orjson.OPT_INDENT_2)
        verdict += "\n" + "".join(map(_escaped, body.decode()))
    return "\n".join([*paragraphs, verdict, ""])


def _escaped(letter: str) -> str:
    """Escapes in JSON what a terminal would obey; the text stays the same JSON."""
    return letter if letter.isprintable() or letter == "\n" else json.dumps(letter)[1:-1]


def _told(step: Step) -> Iterator[str]:
    match step:
        case ParseStep():
            yield from _told_parse(step)
        case RuleStep(matched=True, drops=True):
            yield f"rule {step.name}: matches, and drops the line"
        case RuleStep(matched=True):
            yield f"rule {step.name}: matches"
        case RuleStep():
            yield (
                f"rule {step.name}: does not match, because {step.condition} is "
                f"{_shown(step.found)}; the rule wants {_printable(step.expected)}"
            )
        case FilterStep(key=""):
            yield (
                "page view: it is one"
                if step.stage == "pageview"
                else "time, address and user agent: nothing against an event"
            )
        case FilterStep():
            where = _STAGES.get(step.stage, step.stage)
            yield f"{where}: no, because {_reason(step.key, step.found)}"
        case IdentityStep():
            yield from _told_identity(step)
        case FieldStep():
            yield _told_field(step)
        case unknown:
            assert_never(unknown)


def _told_parse(step: ParseStep) -> Iterator[str]:
    what = "the line" if step.lines == 1 else f"{step.lines} lines together"
    if step.skipped:
        verb, meant = ("is", "is") if step.lines == 1 else ("are", "are")
        yield (
            f"format {step.format}: {what} {verb} no record ({step.skipped}) and {meant} not "
            "meant to be"
        )
    elif step.record is None:
        yield f"format {step.format}: cannot read {what} ({step.rejected})"
    else:
        yield f"format {step.format}: reads{'' if step.lines == 1 else f' {what} as one record'}"
        for key, value in record_json(step.record).items():
            if value is not None:
                yield f"  {key:<12} {_shown(value)}"


def _told_identity(step: IdentityStep) -> Iterator[str]:
    if step.ip != step.peer:
        peer = "without an address" if step.peer is None else f"at {_shown(step.peer)}"
        yield f"client: {_shown(step.ip)}, by {step.header} of the trusted peer {peer}"
    elif step.header is not None:
        yield f"client: {_shown(step.ip)}, as the line has it; no trusted peer names another"
    if step.user_agent is not None:
        yield f"user agent: none, so it is user_agent_default {_shown(step.user_agent)}"


def _told_field(step: FieldStep) -> str:
    origin = f"from {step.source}" if step.source else "constant"
    if step.too_long:
        return f"  field {step.name} ({origin}): longer than its max_length"
    if step.private:
        withheld = "it tells on somebody (source.privacy)"
        if step.value is not None:
            return f"  field {step.name} ({origin}): {withheld}; sent as {_shown(step.value)}"
        rest = "it is required" if step.required else "it is left out"
        return f"  field {step.name} ({origin}): {withheld}; {rest}"
    if step.value is not None:
        return f"  field {step.name} ({origin}): {_shown(step.value)}"
    if not step.lost_in:
        why = "the line does not have it"
    elif step.lost_in == step.type:
        why = f"{_shown(step.found)} is no {step.type}, and nothing is guessed"
    else:
        why = f"{_shown(step.found)} is nothing for {step.lost_in}, and nothing is guessed"
    return f"  field {step.name} ({origin}): {why}" + (
        "; it is required" if step.required else "; it is left out"
    )


_STAGES = {"pageview": "page view", "audience": "time, address and user agent"}

_REASONS = {
    "filtered.no_rule": "no rule matches, and page views are turned off",
    "filtered.dropped_by_rule": "a rule with drop takes it",
    "filtered.no_event_name": "the line does not say what the event is called",
    "filtered.sampled": "the visitor is not of the sample (source.pageview.sample)",
    "filtered.method": "only GET is a page view",
    "filtered.status": "only 200 and 304 are page views",
    "filtered.no_path": "the line names no path",
    "filtered.static_file": "the path's extension is none that serves pages",
    "filtered.excluded_path": "the path is excluded",
    "filtered.prefetch": "the browser only fetched it in advance (Sec-Purpose, Purpose or X-Moz)",
    "filtered.not_a_document": "Sec-Fetch-Dest says that it is no document",
    "filtered.script_request": "a script asked for it (X-Requested-With)",
    "filtered.content_type": "the answer is no HTML",
    "filtered.no_time": "the line has no time",
    "filtered.future": "it is more than 5 minutes in the future; look at the source's timezone",
    "expired.age": "it is older than max_event_age",
    "filtered.no_consent": "the visitor asks not to be tracked (Sec-GPC, or DNT if it counts),"
    " or the cookie of require_consent is not there or says no",
    "filtered.no_user_agent": "there is no user agent",
    "filtered.no_ip": "there is no client address",
    "filtered.private_ip": "the address is private, reserved or for documentation"
    " (behind a proxy? set trusted_proxies; or set private_ips)",
    "filtered.own_traffic": "the address is one of your own (exclude_cidrs)",
    "filtered.bot": "it is a bot or a monitor",
    "filtered.required_field_missing": "a required field is missing",
    "filtered.once_per": "another line has sent this event with the same once_per key",
    "unparsable.too_large": "something in it is over the limit (url 2048, user agent 1024,"
    " text max_length, body 32 KiB); it is kept",
}


def _reason(key: str, found: object) -> str:
    words = _REASONS.get(key, key.partition(".")[2].replace("_", " "))
    if found is None:
        return words
    shown = iso_time(found) if key in _TIMES and isinstance(found, int) else _shown(found)
    return f"{words}; found {shown}"


_TIMES = ("filtered.future", "expired.age")


def _verdict(explanation: Explanation) -> str:
    key = explanation.verdict
    if key == EVENT:
        return "It would be sent:"
    counted = f"No event; it is counted as {key}"
    if key.startswith("unparsable."):
        counted += " and kept"
    if explanation.event is not None:
        return f"{counted}: {_reason(key, None)}. Otherwise it would be:"
    return f"{counted}."


def _shown(value: object) -> str:
    if isinstance(value, str):
        return _printable(f'"{value}"')
    return "missing" if value is None else _printable(str(value))


def _printable(text: str) -> str:
    """Leaves nothing that a terminal would obey, nor what floods it: the text comes from a log."""
    text = text if len(text) <= 400 else text[:400] + "..."
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
