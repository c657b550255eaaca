"""Collects what is wrong with a source's rules, each under the key that a person would look for."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from hooktail.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable


class Complaints:
    """Problems and warnings under one key; `at` gives the same lists under a deeper key.

    A warning is about something that works, but hardly as it was meant.
    """

    def __init__(
        self,
        file: str,
        key: str,
        problems: list[Problem] | None = None,
        warnings: list[Problem] | None = None,
    ) -> None:
        self.problems: list[Problem] = [] if problems is None else problems
        self.warnings: list[Problem] = [] if warnings is None else warnings
        self._file = file
        self._key = key

    def at(self, key: str) -> Complaints:
        """Returns complaints under `key` below this one."""
        return Complaints(self._file, f"{self._key}.{key}", self.problems, self.warnings)

    def item(self, number: int) -> Complaints:
        """Returns complaints about an item of the list under this key."""
        return Complaints(self._file, f"{self._key}[{number}]", self.problems, self.warnings)

    def add(self, message: str, found: object = None, *, allowed: str = "", hint: str = "") -> None:
        """Notes one problem."""
        shown = "" if found is None else repr(found)
        self.problems.append(Problem(self._file, self._key, message, shown, allowed, hint))

    def warn(self, message: str, found: object = None, *, hint: str = "") -> None:
        """Notes one warning."""
        shown = "" if found is None else repr(found)
        self.warnings.append(Problem(self._file, self._key, message, shown, "", hint))

    def unknown(self, word: str, known: Iterable[str], what: str) -> None:
        """Notes a word that is none of the known ones, with the one that was probably meant."""
        allowed = tuple(known)
        near = get_close_matches(word, allowed, n=1)
        hint = f"did you mean {near[0]}?" if near else ""
        self.add(f"unknown {what}", word, allowed=", ".join(allowed), hint=hint)
