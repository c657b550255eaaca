"""Whether a source can be read at all: format and options, rules, networks and patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.errors import HooktailError, Problem
from hooktail.extract import registry
from hooktail.extract.audience import audience_warnings, check_audience
from hooktail.extract.rules import check_rules, rule_warnings
from hooktail_parsers.options import COMMON_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooktail.config.sections import SourceSection


def check_source(source: SourceSection, file: str) -> list[Problem]:
    """Returns everything that is wrong with a source; `file` is named in each problem."""
    problems = [*_check_format(source, file)]
    return problems + check_audience(source, file) + check_rules(source, file)


def _check_format(source: SourceSection, file: str) -> Iterator[Problem]:
    """Yields every wrong option of the format, then what is wrong with joining its lines."""
    key = f"source[{source.name}]"
    options = registry.parser_options(source.format_options)
    try:
        known = registry.find(source.format, source.parser_file)
        wrong = registry.wrong_options(known.make, options)
        if not wrong:
            wrong = registry.wrong_options(lambda _: registry.make_parser(source), {})
    except HooktailError as error:
        yield Problem(file, f"{key}.format", str(error))
        # What any format takes can be judged without it.
        common = {name: text for name, text in options.items() if name in COMMON_OPTIONS}
        wrong = registry.wrong_options(registry.find("combined").make, common)
    for each in wrong:
        found = "" if "found " in each.message else _found(source, each.option)
        yield Problem(file, f"{key}.{each.option}", each.message, found)


def _found(source: SourceSection, option: str) -> str:
    """Shows what stands under a key, for a problem with it."""
    if option == registry.FORMAT:
        text: str | None = source.format
    elif option.startswith(_MULTILINE):
        value = getattr(source.multiline, option.removeprefix(_MULTILINE), None)
        text = None if value is None else str(value)
    else:
        text = source.format_options.get(option)
    if text is None:
        return ""
    return repr(text if len(text) <= _MOST_SHOWN else f"{text[: _MOST_SHOWN - 3]}...")


_MULTILINE = "multiline."
_MOST_SHOWN = 80


def warnings_of(source: SourceSection, file: str) -> list[Problem]:
    """Returns what of a source works, but hardly as it was meant; asks for one without problems."""
    return audience_warnings(source, file) + rule_warnings(source, file)
