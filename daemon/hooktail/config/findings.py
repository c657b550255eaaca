"""Where problems are gathered: from a place in the configuration to a sentence with its address."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, TypeAlias

from hooktail.config.kinds import suggestion
from hooktail.endpoints import MASK
from hooktail.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

KeyPath: TypeAlias = "tuple[str | int, ...]"
"""Keys and positions from the root: `("source", 0, "paths")`."""

_MOST_SHOWN = 80
_MOST_ALLOWED = 160
"""Longer lists of keys are not told but pointed at."""
_ALL_KEYS = "all keys: docs/reference/configuration.md, or `hooktail config schema`"
_MOST_DIGITS = 10**18


class Findings:
    """The problems found so far; `secrets` are never shown in them.

    `origins` says which file a key came from: the longest known prefix of the key's path counts,
    and the empty path is the main file.
    """

    def __init__(self, origins: Mapping[KeyPath, str]) -> None:
        self.problems: list[Problem] = []
        self.secrets: set[str] = set()
        self.source_names: dict[int, str] = {}
        self._origins = origins

    def add(
        self, path: KeyPath, message: str, *, found: str = "", allowed: str = "", hint: str = ""
    ) -> None:
        """Notes a problem with the key at `path`."""
        problem = Problem(self.file_of(path), self.key(path), message, found, allowed, hint)
        self.problems.append(problem)

    def unknown(self, path: KeyPath, known: Collection[str], homes: Mapping[str, str]) -> None:
        """Notes a key that is not known; its value is not shown, for it may be a secret.

        `homes` names, for the keys of other sections, the section they belong in.
        """
        name = str(path[-1])
        found = quoted(name)
        elsewhere = [f"{name} belongs in {homes[name]}"] if name in homes else []
        allowed = ", ".join(known)
        where = []
        if len(allowed) > _MOST_ALLOWED:
            allowed, where = "", [_ALL_KEYS]
        near = suggestion(name, known)
        hint = "; ".join(filter(None, [" ".join(filter(None, [near, *elsewhere])), *where]))
        self.add(path, "unknown key", found=found, allowed=allowed, hint=hint)

    def shown(self, value: object) -> str:
        """Describes a value with its type, on one line, cut if long, with secrets masked."""
        match value:
            case bool():
                return f"{str(value).lower()} (boolean)"
            case int() if abs(value) >= _MOST_DIGITS:
                return "a very large whole number"
            case int():
                return f"{value} (whole number)"
            case float():
                return f"{value!r} (number)"
            case str():
                return f"{quoted(self._masked(value))} (text)"
            case list():
                return "a list" if value else "an empty list"
            case dict():
                return "a table"
            case _:
                return "a date or time"

    def file_of(self, path: KeyPath) -> str:
        """Returns the file that the key at `path` came from."""
        while path not in self._origins:
            path = path[:-1]
        return self._origins[path]

    def key(self, path: KeyPath) -> str:
        """Writes a path as a person would: `source[shop].event[0].when.status`."""
        text = ""
        for depth, part in enumerate(path):
            if isinstance(part, int):
                is_source = depth == 1 and path[0] == "source"
                text += f"[{self.source_names.get(part, part) if is_source else part}]"
            else:
                bare = part if re.fullmatch(r"[A-Za-z0-9_-]+", part) else quoted(part)
                text += f".{bare}" if text else bare
        return text

    def _masked(self, text: str) -> str:
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, MASK)
        # A password in a URL is no less secret for standing in the wrong place.
        return re.sub(r"//[^/]*@", f"//{MASK}@", text)


def quoted(text: str) -> str:
    """Returns the text in quotes, on one line, cut if it is long."""
    cut = text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"
    return json.dumps(cut, ensure_ascii=not cut.isprintable())
