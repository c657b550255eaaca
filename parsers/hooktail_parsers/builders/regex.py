r"""`regex:` and a regular expression with named groups.

    (?P<ip>\S+) \S+ \S+ \[(?P<date>[^\]]+)\] "(?P<request>[^"]*)" (?P<status>\d+)

Groups are named as the record's keys, or as other tools name them; the others go to `fields`. The
expression begins at a line's first byte. `date_format` says how the date is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, OptionError
from hooktail_parsers.builders.group_names import group_meanings, group_time
from hooktail_parsers.builders.layout_parser import (
    ALL_FIELDS,
    RegexParser,
    check_definition,
    definition_of,
    kept_fields,
)
from hooktail_parsers.builders.record_plan import RecordPlan
from hooktail_parsers.options import text_decoder
from hooktail_parsers.regexes import compile_user_regex
from hooktail_parsers.text import unescape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers.builders.record_plan import Meaning, TimeSource
    from hooktail_parsers.regexes import UserRegex

SHORTEST_LINE_BYTES = 1024
"""Lines up to here an expression must be quick on."""


def build(definition: str, options: Mapping[str, str]) -> RegexParser:
    """Builds a parser for lines that an expression describes.

    Raises:
        OptionError: it is no expression, could take for ever, or names no group; or an option is
            wrong.
    """
    check_definition(definition, options)
    try:
        regex = compile_user_regex(definition.strip(), SHORTEST_LINE_BYTES)
    except ValueError as error:
        raise OptionError("log_format", str(error)) from error
    names = list(regex.groups)
    meanings = group_meanings(names, [None] * len(names))
    time = group_time(names, options)
    return regex_parser(regex, list(regex.groups.values()), names, meanings, time, options)


def regex_parser(
    regex: UserRegex,
    groups: Sequence[int],
    names: Sequence[str],
    meanings: Sequence[Meaning],
    time: TimeSource | None,
    options: Mapping[str, str],
) -> RegexParser:
    """Returns a parser that takes groups of an expression for what they mean.

    Raises:
        OptionError: no group has a name, or an option is wrong.
    """
    if not names:
        raise OptionError(
            "log_format", "no part has a name; allowed: (?P<ip>...), (?P<request>...)"
        )
    plan = RecordPlan(
        meanings,
        time,
        text_decoder(options),
        unescape,
        session_cookie=options.get("session_cookie"),
        kept=kept_fields(options),
        escaped_fields=False,
    )
    return RegexParser(regex, groups, names, plan)


def _make(options: Mapping[str, str]) -> RegexParser:
    return build(definition_of(options), options)


REGEX = Format(
    "regex",
    r'a regular expression with named groups: regex:(?P<ip>\S+) "(?P<request>[^"]*)" ...',
    ALL_FIELDS,
    _make,
    kind="builder",
    build=build,
    example='203.0.113.7 [14/Mar/2025:09:26:53 +0100] "GET /cart?item=1 HTTP/1.1" 200 512',
    source="regular expressions of Python's re, on bytes",
)
FORMATS: tuple[Format, ...] = (REGEX,)
