"""Errors an operator can act on: each names what was found, where, and what to do.

    HooktailError            one line to stderr and an exit code, never a traceback
    ├── ConfigError          the configuration is wrong (all problems at once)      exit 78
    ├── UsageError           the command line is wrong                              exit 64
    ├── InputError           the data given to a command cannot be read             exit 65
    ├── UnavailableError     the endpoint does not answer                           exit 69
    ├── CannotWriteError     a file or directory of ours cannot be written          exit 73
    │   └── LockedError      another daemon holds the state directory               exit 73
    ├── CheckpointError      the checkpoint cannot be trusted                       exit 78
    └── PermissionDeniedError                                                       exit 77

Exit codes are those of sysexits.h. What is expected every minute (a 503, a bad line) is no
error: it is a value, and counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Sequence


class HooktailError(Exception):
    """An error that the operator can act on."""

    exit_code: ClassVar[int] = 1


class UsageError(HooktailError):
    """The command line is wrong."""

    exit_code = 64


class InputError(HooktailError):
    """The data given to a command cannot be read."""

    exit_code = 65


class UnavailableError(HooktailError):
    """The endpoint does not answer."""

    exit_code = 69


class CannotWriteError(HooktailError):
    """A file or directory of ours cannot be written."""

    exit_code = 73


class LockedError(CannotWriteError):
    """Another daemon holds the state directory."""


class PermissionDeniedError(HooktailError):
    """The operating system refuses access to a file."""

    exit_code = 77


class CheckpointError(HooktailError):
    """The checkpoint cannot be trusted."""

    exit_code = 78


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in the configuration.

    `key` is the dotted path as a person would write it (`source[shop].event[0].when.status`);
    `found` is what stands there, `allowed` what may, `hint` a suggestion; each may be empty.
    """

    file: str
    key: str
    message: str
    found: str = ""
    allowed: str = ""
    hint: str = ""

    def __str__(self) -> str:
        where = f"{self.file}: {self.key}" if self.key else self.file
        parts = [f"{where}: {self.message}"]
        if self.found:
            parts.append(f"found {self.found}")
        if self.allowed:
            parts.append(f"allowed: {self.allowed}")
        if self.hint:
            parts.append(self.hint)
        return _one_line("; ".join(parts))


def _one_line(text: str) -> str:
    """Escapes what would break the line or move the cursor; names stand as they are in the file."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


class ConfigError(HooktailError):
    """The configuration is wrong; `problems` holds every mistake found."""

    exit_code = 78

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
