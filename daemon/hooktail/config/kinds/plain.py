"""One value: a text, a word out of a few, a number, a boolean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hooktail.config.kinds.kind import WRONG_TYPE, Refusal, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

PRINTABLE = r"[^\x00-\x1f\x7f]+"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text that matches `pattern` as a whole; `rule` looks closer and may convert it."""

    allowed: str = "text"
    pattern: str = PRINTABLE
    max_length: int = 4096
    wrong: str = "not an allowed text"
    rule: Callable[[str], object] | None = None
    shown: Callable[[str], str] = str
    """How a text that is refused may be printed."""

    def parse(self, value: object) -> object:
        """Returns the text, or what `rule` makes of it."""
        if not isinstance(value, str):
            return Refusal(WRONG_TYPE)
        if not value and not re.fullmatch(self.pattern, value):
            return Refusal("empty")
        if len(value) > self.max_length:
            return Refusal(f"longer than {self.max_length} characters")
        if not re.fullmatch(self.pattern, value):
            return Refusal(self.wrong)
        return value if self.rule is None else self.rule(value)

    def schema(self) -> dict[str, object]:
        """A string with a pattern; what `rule` checks beyond it is not part of the schema."""
        return {
            "type": "string",
            "pattern": f"^(?:{self.pattern})$",
            "maxLength": self.max_length,
        }


def absolute_path() -> Text:
    """A path from the root; parsed to a `Path`."""
    return Text(
        allowed="an absolute path",
        pattern=r"/[^\x00-\x1f\x7f]*",
        wrong="not an absolute path",
        rule=Path,
    )


COOKIE_NAME = Text(
    allowed="the name of a cookie",
    pattern=r"[^\x00-\x20\x7f=;,]+",
    max_length=128,
    wrong="not the name of a cookie",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """The words."""
        return ", ".join(f'"{word}"' for word in self.words)

    def parse(self, value: object) -> object:
        """Returns the word."""
        if not isinstance(value, str):
            return Refusal(WRONG_TYPE)
        if value not in self.words:
            return Refusal("not one of the allowed words", suggestion(value, self.words))
        return value

    def schema(self) -> dict[str, object]:
        """An enum."""
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number in `[low, high]`, both included. A boolean is none."""

    low: int
    high: int

    @property
    def allowed(self) -> str:
        """The range."""
        return f"a whole number from {self.low} to {self.high}"

    def parse(self, value: object) -> object:
        """Returns the number."""
        if isinstance(value, bool) or not isinstance(value, int):
            quoted = isinstance(value, str) and re.fullmatch(r"[0-9]+", value)
            return Refusal(WRONG_TYPE, "write it without quotes" if quoted else "")
        return value if self.low <= value <= self.high else Refusal("out of range")

    def schema(self) -> dict[str, object]:
        """An integer with its range."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Share:
    """A share of something: above 0, 1 for all of it."""

    allowed: str = "a number above 0, at most 1"

    def parse(self, value: object) -> object:
        """Returns the share as a float."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return Refusal(WRONG_TYPE)
        # Written so that NaN, which compares as false with everything, is refused too.
        return float(value) if 0 < value <= 1 else Refusal("out of range")

    def schema(self) -> dict[str, object]:
        """A number with its range."""
        return {"type": "number", "exclusiveMinimum": 0, "maximum": 1}


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    allowed: str = "true or false"

    def parse(self, value: object) -> object:
        """Returns the boolean."""
        return value if isinstance(value, bool) else Refusal(WRONG_TYPE)

    def schema(self) -> dict[str, object]:
        """A boolean."""
        return {"type": "boolean"}
