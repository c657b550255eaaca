"""What all kinds have in common: `Kind`, and the answer of one that does not take a value."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

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


def suggestion(word: str, known: Iterable[str]) -> str:
    """Returns `did you mean 'x'?` for the nearest known word, or an empty text."""
    near = difflib.get_close_matches(word[:100].lower(), list(known), n=1)
    return f"did you mean '{near[0]}'?" if near else ""
