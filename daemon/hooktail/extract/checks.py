"""Whether a source can be read at all: its format, the format's options, its rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail.errors import HooktailError, Problem
from hooktail.extract import registry
from hooktail.extract.rules import check_rules
from hooktail_parsers import OptionError

if TYPE_CHECKING:
    from hooktail.config.sections import SourceSection


def check_source(source: SourceSection, file: str) -> list[Problem]:
    """Returns everything that is wrong with a source; `file` is named in each problem."""
    problems: list[Problem] = []
    key = f"source[{source.name}]"
    try:
        registry.find(source.format, source.parser_file).make(source.format_options)
    except OptionError as error:
        found = source.format_options.get(error.option)
        shown = "" if found is None else repr(found)
        problems.append(Problem(file, f"{key}.{error.option}", error.message, shown))
    except HooktailError as error:
        problems.append(Problem(file, f"{key}.format", str(error)))
    return problems + check_rules(source, file)
