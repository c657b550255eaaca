"""What the rooms have in common: `Key`, `Section`, and kinds of values that stand in several."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from hooktail.config.kinds import NAME, Kind, Seconds, Text, written


@dataclass(frozen=True, slots=True)
class Key:
    """One key."""

    name: str
    kind: Kind
    about: str
    attr: str = field(default="", kw_only=True)
    """Its name in the section's class, where that differs."""
    required: bool = field(default=False, kw_only=True)
    default: object = field(default=None, kw_only=True)
    """As one would write it, where the section's class has none."""

    @property
    def attribute(self) -> str:
        """The name in the section's class."""
        return self.attr or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One table of the file; `tables` names the tables that may stand inside it."""

    title: str
    about: str
    keys: tuple[Key, ...]
    cls: type | None = None
    tables: tuple[str, ...] = ()

    @property
    def known(self) -> tuple[str, ...]:
        """The names that may stand in the table."""
        return (*(key.name for key in self.keys), *self.tables)

    def default(self, key: Key) -> object:
        """Returns the key's default as one would write it, or None if it has none."""
        for of_class in dataclasses.fields(self.cls) if self.cls else ():
            if of_class.name == key.attribute and of_class.default is not dataclasses.MISSING:
                return written(key.kind, of_class.default)
        return key.default


NAME_TEXT = Text(
    allowed="1 to 64 characters of A-Z a-z 0-9 . _ -, the first a letter or digit",
    pattern=NAME,
    max_length=64,
    wrong="not an allowed name",
)
ANY_TEXT = Text(allowed="non-empty text")
DEFINITION = Text(allowed="non-empty text", pattern=r"[^\x00]+", max_length=65_536)
"""Definitions of lines may hold tabs and newlines."""
WAIT = Seconds(high_s=3600.0)


def duration(name: str, kind: Seconds, about: str) -> Key:
    """A key whose value says its unit; in the section's class it is `NAME_s`."""
    return Key(name, kind, about, attr=f"{name}_s")
