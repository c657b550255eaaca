"""What rules are made of: names of events, constants, conditions, and the rule for consent."""

from __future__ import annotations

from dataclasses import dataclass

from hooktail.config.kinds.kind import WRONG_TYPE, Refusal
from hooktail.config.kinds.plain import COOKIE_NAME, Text
from hooktail.config.sections import ConsentCookie, From

_NAME_TEXT = Text(max_length=512)
_PLACE = Text(max_length=256)
_MATCHES = Text(max_length=1024)
_LARGEST_EXACT = 2**53
"""Integers beyond it change their value in a JSON reader that knows only doubles."""
_DEEPEST_CONDITION = 8


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


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant of an event: text, a finite number that JSON keeps exactly, or a boolean."""

    allowed: str = "non-empty text, a number or a boolean"

    def parse(self, value: object) -> object:
        """Returns the value as it is."""
        if isinstance(value, bool):
            return value
        if isinstance(value, int):
            exact = -_LARGEST_EXACT <= value <= _LARGEST_EXACT
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
