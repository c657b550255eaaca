"""Regular expressions of the configuration that a line could make take for ever.

Lines are written by strangers: whoever knows such an expression stops the daemon with one request.
What cannot be made safe is refused as a mistake of the configuration; what is left here is named,
with what makes it safe.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hooktail.checkup.finding import Finding, Level
from hooktail.extract.registry import make_parser
from hooktail_parsers.regexes import UserRegex, compile_user_regex, other_way

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooktail.config import Config
    from hooktail.config.sections import SourceSection

PREFIX = "regex:"
_MOST_SHOWN = 80


class Pattern(NamedTuple):
    """An expression and the key under which it stands."""

    key: str
    text: str
    longest_bytes: int | None
    """Longer texts are not looked at; None if google-re2 has no limit to it."""
    danger: str


def look(config: Config) -> Iterator[Finding]:
    """Names the dangerous expressions, each with its key and why."""
    for source in config.sources:
        for pattern in dangerous(source):
            shown = pattern.text if len(pattern.text) <= _MOST_SHOWN else pattern.text[:77] + "..."
            if pattern.longest_bytes is None:
                safe = "google-re2 runs it in linear time"
                hint = "keep google-re2 installed, or name the bytes that end a part"
            else:
                safe = f"texts of more than {pattern.longest_bytes:,} bytes do not match at all"
                hint = f'name the bytes that end a part ([^"]* instead of .*), or {other_way()}'
            yield Finding(
                name="dangerous_pattern",
                area="config",
                level=Level.WARN,
                message=f"{config.file}: {pattern.key}: {pattern.danger}, which may take for ever "
                f"on a hostile line; found {shown!r}; {safe}",
                hint=hint,
            )


def dangerous(source: SourceSection) -> Iterator[Pattern]:
    """Yields the expressions of a source that Python's `re` alone should not run."""
    key = f"source[{source.name}]"
    built = getattr(make_parser(source), "regex", None)
    if isinstance(built, UserRegex) and built.danger is not None:
        where = f"{key}.format" if ":" in source.format else f"{key}.log_format"
        text = built.pattern.decode("utf-8", "replace")
        yield Pattern(where, text, built.longest_match_bytes, built.danger)
    for where, text in _texts(source):
        regex = compile_user_regex(text)
        if regex.danger is not None:
            yield Pattern(f"{key}.{where}", text, regex.longest_search_bytes, regex.danger)


def _texts(source: SourceSection) -> Iterator[tuple[str, str]]:
    """Yields each expression that is looked for in texts; all of them have been compiled before."""
    for number, rule in enumerate(source.rules):
        yield from _inside(rule.when, f"event[{number}].when")
    if source.multiline is not None:
        for where in ("start", "end"):
            text = getattr(source.multiline, where)
            if text:
                yield f"multiline.{where}", text
    for number, text in enumerate(source.bot_patterns_add):
        yield f"bot_patterns_add[{number}]", text
    consent = source.privacy.require_consent
    if consent is not None and (consent.matches or "").startswith(PREFIX):
        yield "privacy.require_consent.matches", str(consent.matches).removeprefix(PREFIX)


def _inside(value: object, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if value.startswith(PREFIX):
            yield key, value.removeprefix(PREFIX)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _inside(inner, f"{key}.{name}")
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            yield from _inside(inner, f"{key}[{number}]")
