"""Parsers for web server and application logs, and the interface to write more.

The entry-point group `hooktail.parsers` takes `Format` objects of other distributions.
"""

from hooktail_parsers._api import (
    Finished,
    Format,
    JsonValue,
    LineParser,
    OptionError,
    Parsed,
    ParseError,
    Parser,
    Part,
    Record,
    Result,
    Skip,
    StatefulParser,
    Step,
)

__all__ = [
    "Finished",
    "Format",
    "JsonValue",
    "LineParser",
    "OptionError",
    "ParseError",
    "Parsed",
    "Parser",
    "Part",
    "Record",
    "Result",
    "Skip",
    "StatefulParser",
    "Step",
]
