"""Where in the checkpoint a source stands for each destination that it feeds. Pure.

Each destination has a reading of its own, with positions, books and sessions of its own: a *place*.
The first that a source ever had has the source's name, any further one is `SOURCE>DESTINATION`,
which no source can be called.

A destination that comes in the place of one that is no longer named goes on where that one was:
most likely it was renamed. One that was taken out and comes back goes on where it was. Any other is
new, and begins as a new source does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(slots=True)
class Places:
    """The places of one source."""

    at: dict[str, str] = field(default_factory=dict)
    """By destination, also those that are no longer named."""
    now: list[str] = field(default_factory=list)
    """The destinations that were named last."""

    def name(self, source: str, destinations: Sequence[str]) -> Places:
        """Returns the places once `destinations` are named."""
        at = dict(self.at)
        gone = [name for name in self.now if name not in destinations]
        for name in destinations:
            if name not in at:
                at[name] = at.pop(gone.pop(0)) if gone else _free(source, name, at)
        return Places(at, list(destinations))

    def to_json(self) -> dict[str, Any]:
        """Returns what `from_json` reads."""
        return {"at": self.at, "now": self.now}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Places:
        """Reads what `to_json` returned."""
        return cls(dict(value["at"]), list(value["now"]))


def _free(source: str, destination: str, at: Mapping[str, str]) -> str:
    taken = set(at.values())
    if source not in taken:
        return source
    place = f"{source}>{destination}"
    while place in taken:  # of a destination that was renamed since
        place += "+"
    return place


def is_of(place: str, source: str) -> bool:
    """Tells whether a place is one of a source's."""
    return place == source or place.startswith(f"{source}>")
