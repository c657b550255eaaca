r"""`grok:` and an expression of named patterns.

    %{IPORHOST:clientip} \[%{HTTPDATE:timestamp}\] "%{WORD:verb} %{NOTSPACE:request}" %{INT:status}

Where the expression is literal text and patterns, it is compiled as a layout: each `%{DATA}` ends
at the first place where what follows may begin. With more of regular expressions in it (`(?:...)?`,
`|`), it becomes one, under the rules of `regex:`. Either begins at a line's first byte. Parts are
named as in `regex:`, or in the ways of ECS (`[source][address]`, `source.address`).
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from hooktail_parsers._api import Format, OptionError
from hooktail_parsers.backtracking import bytes_of, cost_of
from hooktail_parsers.builders.columns import compile_layout
from hooktail_parsers.builders.grok_patterns import LAYOUTS, PATTERNS, QUOTED, STAMPS, TEXTS, TOKENS
from hooktail_parsers.builders.group_names import group_meanings, group_time
from hooktail_parsers.builders.layout_parser import (
    ALL_FIELDS,
    LayoutParser,
    RegexParser,
    check_definition,
    definition_of,
    kept_fields,
)
from hooktail_parsers.builders.notations import without_quotes
from hooktail_parsers.builders.record_plan import Column, Meaning, RecordPlan
from hooktail_parsers.builders.regex import SHORTEST_LINE_BYTES, regex_parser
from hooktail_parsers.builders.shapes import LIST, TEXT, TOKEN, USER, Shape
from hooktail_parsers.builders.writers import UNKNOWN
from hooktail_parsers.options import text_decoder
from hooktail_parsers.regexes import compile_user_regex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from hooktail_parsers.builders.record_plan import TimeSource

_DEEPEST = 12
_MOST_NAMES = 100
_REFERENCE = re.compile(r"%\{([A-Za-z0-9_]+)(?::([^:{}]+))?(?::([a-z]+))?\}")
_PIECE = re.compile(
    _REFERENCE.pattern + r"|(\\s[*+]?| \+| \*)|\\([^A-Za-z0-9])|([^\\.^$*+?{}\[\]|()%])|(.)",
    re.DOTALL,
)
_KINDS = ("int", "float", "string")
_SPACE = Shape(rb"\s*+", bounded=False)
_LIST = r"[^\s,]*(?: ?, ?[^\s,]+)*"
"""As `LIST` for a regular expression, which goes back: it does not end at a comma."""
_SHAPES = {"xff": LIST, "user": USER}
"""What is known of a text by its name, where its pattern says nothing."""


class _Part(NamedTuple):
    """A pattern in a layout, and the name and the type that it gives its text."""

    pattern: str
    name: str
    kind: str | None


def build(definition: str, options: Mapping[str, str]) -> LayoutParser | RegexParser:
    """Builds a parser for lines that a grok expression describes.

    Raises:
        OptionError: a pattern is unknown, the expression is none, could take for ever, or names
            nothing; or an option is wrong.
    """
    check_definition(definition, options)
    text = without_quotes(definition).strip()
    pieces = list(_pieces(text.removeprefix("^").removesuffix("$"), 0))
    named = [piece for piece in pieces if isinstance(piece, _Part)]
    try:
        layout = compile_layout(_columns(pieces), UNKNOWN)
    except OptionError:
        # What follows one another without anything between, a regular expression may part.
        layout = None
    if layout is None or None in pieces:
        return _regex(text, options)
    if not any(part.name for part in named):
        raise OptionError("log_format", "no pattern has a name; allowed: %{IP:ip}, %{DATA:request}")
    meanings, time = _said(named, options)
    plan = RecordPlan(
        meanings,
        time,
        text_decoder(options),
        UNKNOWN.unescape,
        session_cookie=options.get("session_cookie"),
        kept=kept_fields(options),
        escaped_fields=False,
    )
    return LayoutParser(layout, plan)


def _said(
    named: Sequence[_Part], options: Mapping[str, str]
) -> tuple[list[Meaning], TimeSource | None]:
    """Returns what each pattern says, and how the time is read of them.

    A prefix of syslog names the machine, not the site, and a time without a year, which counts only
    where there is no other.
    """
    names = [part.name for part in named]
    meanings = group_meanings(names, [part.kind for part in named])
    for at, part in enumerate(named):
        if part.pattern == "SYSLOGHOST" and meanings[at].role == "host":
            meanings[at] = Meaning("field", part.name)
    of_prefix = [part.pattern == "SYSLOGTIMESTAMP" for part in named]
    others = ["" if syslog else name for name, syslog in zip(names, of_prefix, strict=True)]
    return meanings, group_time(others, options) or group_time(names, options)


def _columns(pieces: Sequence[bytes | _Part | None]) -> list[bytes | Column]:
    parts: list[bytes | Column] = []
    for piece in pieces:
        if isinstance(piece, bytes):
            parts.append(piece)
        elif piece is not None:
            shown = f"%{{{piece.pattern}:{piece.name}}}"
            quote = b'"' if piece.pattern in QUOTED else b""
            shape = _shape(piece.pattern)
            if shape in (TEXT, TOKEN):
                (meaning,) = group_meanings([piece.name], [None])
                shape = _SHAPES.get(meaning.role, shape)
            parts += [quote, Column(shown, shape, Meaning("ignored")), quote]
    return parts


def _pieces(text: str, depth: int) -> Iterator[bytes | _Part | None]:
    """Yields literals and patterns in turn; None for what only a regular expression can say."""
    for found in _PIECE.finditer(text):
        pattern, name, kind, space, escaped, plain, other = found.groups()
        if pattern is not None:
            _check(pattern, kind, depth)
            if pattern in LAYOUTS:
                yield from _pieces(LAYOUTS[pattern], depth + 1)
            else:
                yield _Part(pattern, name or "", None if kind == "string" else kind)
        elif space is not None:
            yield _Part("SPACE", "", None)
        elif other is not None:
            yield None
        else:
            yield (escaped or plain).encode()


def _check(pattern: str, kind: str | None, depth: int) -> None:
    if depth > _DEEPEST:
        raise OptionError("log_format", "patterns within patterns too deeply")
    if kind is not None and kind not in _KINDS:
        raise OptionError("log_format", f"found the type {kind!r}; allowed: {', '.join(_KINDS)}")
    if pattern not in PATTERNS and pattern not in LAYOUTS:
        near = get_close_matches(pattern.upper(), (*PATTERNS, *LAYOUTS), 3)
        hint = f"; near it: {', '.join(near)}" if near else ""
        raise OptionError("log_format", f"%{{{pattern}}} is no pattern known here{hint}")


@lru_cache(maxsize=256)
def _shape(pattern: str) -> Shape:
    if pattern in TEXTS or pattern in QUOTED:
        return TEXT
    if pattern in TOKENS:
        return TOKEN
    if pattern == "SPACE":
        return _SPACE
    exact = expand(pattern).encode()
    chars = b"" if pattern in STAMPS else bytes_of(exact)
    return Shape(exact, chars=chars, bounded=cost_of(exact).degree == 0, spaced=False)


@lru_cache(maxsize=256)
def expand(pattern: str) -> str:
    """Returns the regular expression that a pattern stands for."""
    return f"(?:{_REFERENCE.sub(lambda found: expand(found[1]), PATTERNS[pattern])})"


def _regex(text: str, options: Mapping[str, str]) -> RegexParser:
    named: list[_Part] = []
    expression = _expression(text, named, 0)
    try:
        regex = compile_user_regex(expression, SHORTEST_LINE_BYTES)
    except ValueError as error:
        raise OptionError("log_format", str(error)) from error
    numbers = [regex.groups[f"_{at}"] for at in range(len(named)) if f"_{at}" in regex.groups]
    if len(numbers) < len(named):
        raise OptionError("log_format", r"a pattern within [...]; a literal bracket is \[")
    # Groups that the user named in the way of regular expressions.
    own = {name: number for name, number in regex.groups.items() if not re.match(r"_\d+\Z", name)}
    parts = [*named, *(_Part("", name, None) for name in own)]
    meanings, time = _said(parts, options)
    names = [part.name for part in parts]
    return regex_parser(regex, [*numbers, *own.values()], names, meanings, time, options)


def _expression(text: str, named: list[_Part], depth: int) -> str:
    """Returns the regular expression of a grok expression; `named` takes what has a name."""

    def replace(found: re.Match[str]) -> str:
        pattern, name, kind = found.groups()
        _check(pattern, kind, depth)
        if pattern in LAYOUTS:
            inner = f"(?:{_expression(LAYOUTS[pattern], named, depth + 1)})"
        else:
            inner = expand(pattern)
        if name is None:
            return inner
        if len(named) >= _MOST_NAMES:
            raise OptionError("log_format", f"more than {_MOST_NAMES} names")
        named.append(_Part(pattern, name, None if kind == "string" else kind))
        if pattern in QUOTED:
            # The quotes are the writer's, as in a layout.
            return f'"(?P<_{len(named) - 1}>[^"\\\\]*(?:\\\\.[^"\\\\]*)*)"'
        if pattern in (*TEXTS, *TOKENS) and text[found.end() : found.end() + 1] == " ":
            (meaning,) = group_meanings([name], [None])
            inner = _LIST if meaning.role == "xff" else inner
        return f"(?P<_{len(named) - 1}>{inner})"

    return _REFERENCE.sub(replace, text)


def _make(options: Mapping[str, str]) -> LayoutParser | RegexParser:
    return build(definition_of(options), options)


GROK = Format(
    "grok",
    "an expression of grok patterns: grok:%{COMBINEDAPACHELOG}",
    ALL_FIELDS,
    _make,
    kind="builder",
    build=build,
    example=(
        '203.0.113.7 - - [14/Mar/2025:09:26:53 +0100] "GET /cart?item=1 HTTP/1.1" 200 512 '
        '"https://shop.example/" "Mozilla/5.0 (X11; Linux x86_64)"'
    ),
    source="grok as in Logstash; the patterns' usual names",
)
FORMATS: tuple[Format, ...] = (GROK,)
