"""Lists of plain values; a refusal names every item that is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hooktail.config.kinds.kind import WRONG_TYPE, BadItem, Refusal
from hooktail.config.kinds.plain import Choice

if TYPE_CHECKING:
    from hooktail.config.kinds.kind import Kind
    from hooktail.config.kinds.plain import Text, Whole


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
        return _parse(self.item, value, bare=str, at_least=self.at_least)

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
        return _parse(self.item, value, bare=int, at_least=1)

    def schema(self) -> dict[str, object]:
        """An array of integers."""
        return {"type": "array", "items": self.item.schema(), "minItems": 1}


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
        return _parse(Choice(self.words), value, bare=str)

    def schema(self) -> dict[str, object]:
        """An array of an enum."""
        return {"type": "array", "items": Choice(self.words).schema()}


def _parse(
    item: Kind, value: object, *, bare: type, at_least: int = 0
) -> tuple[object, ...] | Refusal:
    """Returns a list as a tuple, if it is long enough and each item is of its kind.

    A `bare` value is an item whose brackets were forgotten.
    """
    if not isinstance(value, list):
        hint = "write it in brackets: [...]" if isinstance(value, bare) else ""
        return Refusal(WRONG_TYPE, hint)
    if len(value) < at_least:
        return Refusal("empty")
    bad = tuple(
        BadItem(position, given, item, parsed)
        for position, given in enumerate(value)
        if isinstance(parsed := item.parse(given), Refusal)
    )
    return Refusal("has wrong items", items=bad) if bad else tuple(value)
