"""The kinds of values a key may have: each says what it allows, parses, and states its JSON Schema.

Pure: a value of the TOML file goes in; the value in its unit, or a `Refusal`, comes out.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from hooktail.config.sections import ConsentCookie, From

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

PRINTABLE = r"[^\x00-\x1f\x7f]+"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
LARGEST_EXACT = 2**53
"""Integers beyond it change their value in a JSON reader that knows only doubles."""

_DEEPEST_CONDITION = 8
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a value is not taken."""

    message: str
    hint: str = ""
    items: tuple[BadItem, ...] = ()
    """Where the items of a list are what is wrong: all of those, and the message is of no use."""


@dataclass(frozen=True, slots=True)
class BadItem:
    """An item of a list that is not taken."""

    position: int
    given: object
    kind: Kind
    refusal: Refusal


WRONG_TYPE = "wrong type"


class Kind(Protocol):
    """What a key's value may be."""

    @property
    def allowed(self) -> str:
        """The allowed values in words."""

    def parse(self, value: object) -> object:
        """Returns the value in its unit, or a `Refusal`; never raises."""

    def schema(self) -> dict[str, object]:
        """JSON Schema (draft 2020-12) of the value in the file."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """Returns `did you mean 'x'?` for the nearest known word, or an empty text."""
    near = difflib.get_close_matches(word[:100].lower(), list(known), n=1)
    return f"did you mean '{near[0]}'?" if near else ""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wholes:
    """A list of one or more whole numbers; parsed to a tuple."""

    item: Whole

    @property
    def allowed(self) -> str:
        """The range of each."""
        return f"a list of whole numbers, each from {self.item.low} to {self.item.high}"

    def parse(self, value: object) -> object:
        """Returns the numbers, or a refusal of each bad item."""
        if not isinstance(value, list):
            hint = "write it in brackets: [...]" if isinstance(value, int) else ""
            return Refusal(WRONG_TYPE, hint)
        if not value:
            return Refusal("empty")
        return _items(self.item, value)

    def schema(self) -> dict[str, object]:
        """An array of integers."""
        return {"type": "array", "items": self.item.schema(), "minItems": 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """A duration: a number of seconds or a text such as `500ms`; parsed to seconds.

    With `zero_is_none`, `0` and `"0"` mean no limit and are parsed to None.
    """

    low_s: float = 0.001
    high_s: float
    zero_is_none: bool = False

    @property
    def allowed(self) -> str:
        """The forms and the range."""
        zero = '; "0" for no limit' if self.zero_is_none else ""
        return (
            'seconds, or text such as "500ms", "30s", "5m", "7d", '
            f"from {duration_text(self.low_s)} to {duration_text(self.high_s)}{zero}"
        )

    def parse(self, value: object) -> object:
        """Returns seconds as a float, or None for no limit."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return Refusal(WRONG_TYPE)
        if self.zero_is_none and value in (0, "0"):
            return None
        if isinstance(value, str):
            parts = re.fullmatch(_DURATION, value)
            if parts is None:
                bare = re.fullmatch(r"[0-9]+", value)
                return Refusal("not a duration", f'say the unit: "{value[:12]}s"' if bare else "")
            value = float(parts[1]) * _UNITS_S[parts[2]]
        # Written so that NaN, which compares as false with everything, is refused too.
        return float(value) if self.low_s <= value <= self.high_s else Refusal("out of range")

    def schema(self) -> dict[str, object]:
        """A number with its range, or a text with a unit."""
        pattern = f"^(?:{_DURATION}{'|0' if self.zero_is_none else ''})$"
        low = 0 if self.zero_is_none else self.low_s
        return {
            "anyOf": [
                {"type": "number", "minimum": low, "maximum": self.high_s},
                {"type": "string", "pattern": pattern},
            ]
        }


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """A list of texts; parsed to a tuple."""

    item: Text
    at_least: int = 0

    @property
    def allowed(self) -> str:
        """What the items may be."""
        return f"a list of {'one or more ' if self.at_least else ''}texts, each {self.item.allowed}"

    def parse(self, value: object) -> object:
        """Returns the texts, or a refusal of each bad item."""
        if not isinstance(value, list):
            hint = "write it in brackets: [...]" if isinstance(value, str) else ""
            return Refusal(WRONG_TYPE, hint)
        if len(value) < self.at_least:
            return Refusal("empty")
        return _items(self.item, value)

    def schema(self) -> dict[str, object]:
        """An array."""
        return {"type": "array", "items": self.item.schema(), "minItems": self.at_least}


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOrMore:
    """A text, or a list of different ones; parsed to a tuple."""

    item: Text

    @property
    def allowed(self) -> str:
        """What each may be."""
        return f"{self.item.allowed}; or a list of such"

    def parse(self, value: object) -> object:
        """Returns the texts, or a refusal of each bad item."""
        if not isinstance(value, list):
            parsed = self.item.parse(value)
            return parsed if isinstance(parsed, Refusal) else (value,)
        several = Texts(item=self.item, at_least=1).parse(value)
        if not isinstance(several, Refusal) and len(set(value)) < len(value):
            return Refusal("names one twice")
        return several

    def schema(self) -> dict[str, object]:
        """A string, or an array of them."""
        several = Texts(item=self.item, at_least=1).schema() | {"uniqueItems": True}
        return {"anyOf": [self.item.schema(), several]}


@dataclass(frozen=True, slots=True)
class Choices:
    """A list of words out of a few, in an order that counts; parsed to a tuple."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """The words."""
        return f"a list of {', '.join(self.words)}"

    def parse(self, value: object) -> object:
        """Returns the words, or a refusal of each bad item."""
        if not isinstance(value, list):
            hint = "write it in brackets: [...]" if isinstance(value, str) else ""
            return Refusal(WRONG_TYPE, hint)
        return _items(Choice(self.words), value)

    def schema(self) -> dict[str, object]:
        """An array of an enum."""
        return {"type": "array", "items": Choice(self.words).schema()}


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
class EventName:
    """The name of an event: text, with places in braces if need be, or where each line says it."""

    allowed: str = 'text such as "purchase" or "order_{query.kind}", or { from = "fields.event" }'

    def parse(self, value: object) -> object:
        """Returns the text, or a `From`."""
        if isinstance(value, dict):
            place = _PLACE.parse(value.get("from"))
            if value.keys() != {"from"} or isinstance(place, Refusal):
                return Refusal("not a table with from alone")
            return From(str(place))
        return _NAME_TEXT.parse(value)

    def schema(self) -> dict[str, object]:
        """A string, or an object with one key."""
        table = {
            "type": "object",
            "properties": {"from": _PLACE.schema()},
            "required": ["from"],
            "additionalProperties": False,
        }
        return {"anyOf": [_NAME_TEXT.schema(), table]}


_NAME_TEXT = Text(max_length=512)
_PLACE = Text(max_length=256)


COOKIE_NAME = Text(
    allowed="the name of a cookie",
    pattern=r"[^\x00-\x20\x7f=;,]+",
    max_length=128,
    wrong="not the name of a cookie",
)


@dataclass(frozen=True, slots=True)
class ConsentRule:
    """A cookie, and what its value must be."""

    allowed: str = '{ cookie = "consent" }, or with matches = "text", "prefix:", "regex:"'

    def parse(self, value: object) -> object:
        """Returns a `ConsentCookie`; what `matches` means is checked by the extraction."""
        if not isinstance(value, dict):
            return Refusal(WRONG_TYPE)
        if "cookie" not in value or not value.keys() <= {"cookie", "matches"}:
            return Refusal("not a table with cookie, and matches if need be")
        cookie = COOKIE_NAME.parse(value["cookie"])
        if isinstance(cookie, Refusal):
            return Refusal(f"cookie: {cookie.message}")
        matches = _MATCHES.parse(value["matches"]) if "matches" in value else None
        if isinstance(matches, Refusal):
            return Refusal(f"matches: {matches.message}")
        return ConsentCookie(str(cookie), None if matches is None else str(matches))

    def schema(self) -> dict[str, object]:
        """An object with two keys."""
        return {
            "type": "object",
            "properties": {"cookie": COOKIE_NAME.schema(), "matches": _MATCHES.schema()},
            "required": ["cookie"],
            "additionalProperties": False,
        }


_MATCHES = Text(max_length=1024)


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant of an event: text, a finite number that JSON keeps exactly, or a boolean."""

    allowed: str = "non-empty text, a number or a boolean"

    def parse(self, value: object) -> object:
        """Returns the value as it is."""
        if isinstance(value, bool):
            return value
        if isinstance(value, int):
            exact = -LARGEST_EXACT <= value <= LARGEST_EXACT
            return value if exact else Refusal("beyond 2^53", "write it as text, in quotes")
        if isinstance(value, float):
            finite = float("-inf") < value < float("inf")
            return value if finite else Refusal("not a finite number")
        if isinstance(value, str):
            return value or Refusal("empty")
        return Refusal(WRONG_TYPE)

    def schema(self) -> dict[str, object]:
        """A scalar."""
        return {"type": ["string", "number", "boolean"], "minLength": 1}


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of a rule; what it means is compiled by the extraction, and checked there."""

    allowed: str

    def parse(self, value: object) -> object:
        """Returns the value as it is, if it is made of texts, finite numbers, lists and tables."""
        level = [value]
        for _ in range(_DEEPEST_CONDITION):
            below: list[object] = []
            for item in level:
                if isinstance(item, dict):
                    below += item.values()
                elif isinstance(item, list):
                    below += item
                elif isinstance(item, float) and not float("-inf") < item < float("inf"):
                    return Refusal("not a finite number")
                elif not isinstance(item, str | int | float):
                    return Refusal(WRONG_TYPE)
            level = below
        return Refusal("nested too deep") if level else value

    def schema(self) -> dict[str, object]:
        """Anything."""
        return {}


def _items(kind: Kind, values: list[object]) -> tuple[object, ...] | Refusal:
    """Returns a list as it is, if each item is of its kind."""
    bad = tuple(
        BadItem(position, item, kind, parsed)
        for position, item in enumerate(values)
        if isinstance(parsed := kind.parse(item), Refusal)
    )
    return Refusal("has wrong items", items=bad) if bad else tuple(values)


def duration_text(seconds: float) -> str:
    """Writes a duration in the largest unit that gives a whole number: `7d`, `90s`, `1ms`."""
    for unit in ("d", "h", "m", "s"):
        count = seconds / _UNITS_S[unit]
        if count >= 1 and count.is_integer():
            return f"{int(count)}{unit}"
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{seconds:g}s"


def written(kind: Kind, value: object) -> object:
    """Returns a parsed value as one would write it in the file; None stays None, or `"0"`."""
    match value:
        case None if isinstance(kind, Seconds) and kind.zero_is_none:
            return "0"
        case float() if isinstance(kind, Seconds) and kind.zero_is_none:
            return duration_text(value)
        case float() if value.is_integer() and isinstance(kind, Seconds):
            return int(value)
        case (only,) if isinstance(kind, OneOrMore):
            return only
        case tuple():
            return list(value)
        case From():
            return {"from": value.place}
        case ConsentCookie():
            table = {"cookie": value.cookie}
            return table if value.matches is None else {**table, "matches": value.matches}
        case Path():
            return str(value)
        case _:
            return value
