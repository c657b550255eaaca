"""The kinds of values a key may have: each says what it allows, parses, and states its JSON Schema.

    kind        what all of them are           lists      of texts, words and numbers
    plain       one text, word or number       rules      what rules are made of
    durations   seconds, and their units       writing    a value back into the file's form

Pure: a value of the TOML file goes in; the value in its unit, or a `Refusal`, comes out.
"""

from __future__ import annotations

from hooktail.config.kinds.durations import Seconds
from hooktail.config.kinds.kind import WRONG_TYPE, Kind, Refusal, suggestion
from hooktail.config.kinds.lists import Choices, OneOrMore, Texts, Wholes
from hooktail.config.kinds.plain import (
    COOKIE_NAME,
    NAME,
    PRINTABLE,
    Choice,
    Flag,
    Share,
    Text,
    Whole,
    absolute_path,
)
from hooktail.config.kinds.rules import Condition, ConsentRule, Constant, EventName
from hooktail.config.kinds.writing import written

__all__ = [
    "COOKIE_NAME",
    "NAME",
    "PRINTABLE",
    "WRONG_TYPE",
    "Choice",
    "Choices",
    "Condition",
    "ConsentRule",
    "Constant",
    "EventName",
    "Flag",
    "Kind",
    "OneOrMore",
    "Refusal",
    "Seconds",
    "Share",
    "Text",
    "Texts",
    "Whole",
    "Wholes",
    "absolute_path",
    "suggestion",
    "written",
]
