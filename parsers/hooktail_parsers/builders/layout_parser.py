"""What the builders share: parsers of lines in one layout, their options, their required parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import LineParser, OptionError, ParseError, Skip
from hooktail_parsers.options import COMMON_OPTIONS, check_options
from hooktail_parsers.stops import where_it_stops

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from hooktail_parsers._api import Parsed
    from hooktail_parsers.builders.columns import Layout
    from hooktail_parsers.builders.json_template import JsonTemplate
    from hooktail_parsers.builders.record_plan import RecordPlan
    from hooktail_parsers.regexes import UserRegex
    from hooktail_parsers.stops import Stop

BUILDER_OPTIONS = (*COMMON_OPTIONS, "log_format", "date_format", "session_cookie", "fields")
ALL_FIELDS = (
    "time", "ip", "method", "scheme", "host", "port", "path", "query", "status", "referrer",
    "user_agent", "user", "bytes_sent", "duration_s", "cookies", "headers", "xff", "session",
    "request_id", "fields",
)  # fmt: skip
"""What a layout can fill: everything, as it may log everything."""

BLANK = Skip("blank")
DIRECTIVE = Skip("directive")
SYNTAX = ParseError("syntax")
LINE_TOO_LONG = ParseError("line_too_long")
"""The line is longer than the expression is quick on without google-re2."""

_BOM = b"\xef\xbb\xbf"
_LONGEST_DEFINITION = 8192


def definition_of(options: Mapping[str, str]) -> str:
    """Returns the option `log_format`, which holds the definition of a builder named alone.

    Raises:
        OptionError: it is not given.
    """
    definition = options.get("log_format", "")
    if not definition.strip():
        raise OptionError(
            "log_format", "no definition is given; allowed: behind a colon, or in log_format"
        )
    return definition


def check_definition(definition: str, options: Mapping[str, str]) -> None:
    """Raises OptionError for options that builders do not take, or a definition out of bounds."""
    check_options(options, BUILDER_OPTIONS)
    if not definition.strip():
        raise OptionError("log_format", "empty; allowed: the layout of a line")
    if len(definition) > _LONGEST_DEFINITION:
        raise OptionError("log_format", f"longer than {_LONGEST_DEFINITION} characters")
    if any("\ud800" <= character <= "\udfff" for character in definition):
        raise OptionError("log_format", "holds a lone surrogate, which is no text")


def kept_fields(options: Mapping[str, str]) -> frozenset[str] | None:
    """Returns the names that may go to `fields`; None, without the option, for all."""
    names = options.get("fields")
    return None if names is None else frozenset(names.replace(",", " ").split())


def check_plan(plan: RecordPlan, time: str, ip: str, request: str) -> None:
    """Raises OptionError if a layout states no time, no client or no request."""
    for stated, what, how in (
        (plan.has_time, "time", time),
        (plan.has_ip, "client address", ip),
        (plan.has_request, "request", request),
    ):
        if not stated:
            raise OptionError("log_format", f"states no {what}; allowed: a layout with {how}")


def without_record(line: bytes) -> Skip | ParseError:
    """Says what a line is that does not fit a layout."""
    text = line.removeprefix(_BOM).strip(b"\x00 \t\r\n")
    if not text:
        return BLANK
    return DIRECTIVE if text.startswith(b"#") else SYNTAX


class LayoutParser:
    """Parses lines of one layout; `otherwise` is asked about those that do not fit."""

    def __init__(
        self,
        layout: Layout,
        plan: RecordPlan,
        otherwise: Callable[[bytes], Parsed | None] | None = None,
    ) -> None:
        self._layout = layout
        self._match = layout.match
        self._open_end = layout.open_end
        is_asked = layout.request == plan.request
        self._ordinary, self._request = layout.ordinary if is_asked else None, layout.request
        self._plan = plan
        self._otherwise = otherwise

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order."""
        match, record, open_end = self._match, self._plan.record, self._open_end
        ordinary, at = self._ordinary, self._request
        behind = at + len(("method", "path", "query"))
        parsed: list[Parsed] = []
        for line in lines:
            if ordinary is not None and line[-1:] != b"\r":
                found = ordinary(line)
                if found is not None:
                    held = found.groups()
                    texts = (*held[:at], b"", *held[behind:])
                    parsed.append(record(texts, held[at:behind]))
                    continue
            found = match(line[:-1] if open_end and line.endswith(b"\r") else line)
            parsed.append(record(found.groups()) if found else self._other(line))
        return parsed

    def where_it_stops(self, line: bytes, reason: str) -> Stop | None:
        """Says where a refused line stops fitting."""
        names = {number: each.name for number, each in enumerate(self._layout.columns, 1)}
        return where_it_stops(self._layout.pattern, names, line, reason)

    def _other(self, line: bytes) -> Parsed:
        # A byte order mark, or the hole that copytruncate leaves, in front of a line.
        bare = line.removeprefix(_BOM).lstrip(b"\x00").rstrip(b"\r")
        if len(bare) < len(line):
            found = self._match(bare)
            if found:
                return self._plan.record(found.groups())
        if self._otherwise is not None:
            other = self._otherwise(bare)
            if other is not None:
                return other
        return without_record(line)


class JsonParser(LineParser):
    """Parses JSON lines by a template, whatever the order of their keys."""

    def __init__(self, template: JsonTemplate, plan: RecordPlan) -> None:
        self._template = template
        self._plan = plan

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        bare = line.removeprefix(_BOM).strip(b"\x00 \t\r\n")
        texts = self._template.texts(bare) if bare.startswith(b"{") else None
        return without_record(line) if texts is None else self._plan.record(texts)


class RegexParser:
    """Parses lines by an expression, of which some groups have a meaning."""

    def __init__(
        self, regex: UserRegex, groups: Sequence[int], names: Sequence[str], plan: RecordPlan
    ) -> None:
        self.regex = regex
        self._names = dict(zip(groups, names, strict=True))
        self._match = regex.match
        self._longest_bytes = regex.longest_match_bytes
        self._places = [group - 1 for group in groups]
        self._plan = plan

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        return self.parse_batch((line,))[0]

    def parse_batch(self, lines: Sequence[bytes]) -> list[Parsed]:
        """Parses lines in order."""
        parsed: list[Parsed] = []
        for line in lines:
            bare = line.removeprefix(_BOM).lstrip(b"\x00").rstrip(b"\r\n")
            if self._longest_bytes is not None and len(bare) > self._longest_bytes:
                parsed.append(LINE_TOO_LONG)
                continue
            found = self._match(bare)
            if found is None:
                parsed.append(without_record(line))
                continue
            held = found.groups()
            parsed.append(self._plan.record([held[place] or b"" for place in self._places]))
        return parsed

    def where_it_stops(self, line: bytes, reason: str) -> Stop | None:
        """Says where a refused line stops fitting; not for what may take long in parts."""
        if self.regex.danger is not None:
            return None
        return where_it_stops(re.compile(self.regex.pattern), self._names, line, reason)
