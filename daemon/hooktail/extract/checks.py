"""Whether a source can be read at all: format and options, rules, networks and patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.errors import HooktailError, Problem
from hooktail.extract import registry
from hooktail.extract.audience import check_audience
from hooktail.extract.rules import check_rules, rule_warnings
from hooktail_parsers import OptionError

if TYPE_CHECKING:
    from hooktail.config.sections import SourceSection


def check_source(source: SourceSection, file: str) -> list[Problem]:
    """Returns everything that is wrong with a source; `file` is named in each problem."""
    problems: list[Problem] = []
    key = f"source[{source.name}]"
    try:
        registry.make_parser(source)
    except OptionError as error:
        found = source.format_options.get(error.option)
        shown = "" if found is None else repr(found)
        problems.append(Problem(file, f"{key}.{error.option}", error.message, shown))
    except HooktailError as error:
        problems.append(Problem(file, f"{key}.format", str(error)))
    return problems + check_audience(source, file) + check_rules(source, file)


def warnings_of(source: SourceSection, file: str) -> list[Problem]:
    """Returns what of a source works, but hardly as it was meant; asks for one without problems."""
    return rule_warnings(source, file)
