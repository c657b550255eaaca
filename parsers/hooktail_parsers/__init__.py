"""Parsers for web server and application logs, and the interface to write more.

The entry-point group `hooktail.parsers` takes `Format` objects of other distributions.
"""

from hooktail_parsers._api import (
    Format,
    JsonValue,
    LineParser,
    OptionError,
    Parsed,
    ParseError,
    Parser,
    Record,
    Skip,
)

__all__ = [
    "Format",
    "JsonValue",
    "LineParser",
    "OptionError",
    "ParseError",
    "Parsed",
    "Parser",
    "Record",
    "Skip",
]
