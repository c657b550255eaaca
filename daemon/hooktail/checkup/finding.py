"""One thing that was found, and what all of them together mean. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

from hooktail.errors import (
    CannotWriteError,
    ConfigError,
    InputError,
    PermissionDeniedError,
    UnavailableError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CONFIGURATION = ConfigError.exit_code
PERMISSION = PermissionDeniedError.exit_code
STATE_DIR = CannotWriteError.exit_code
ENDPOINT = UnavailableError.exit_code
INPUT = InputError.exit_code
WORST_FIRST = (CONFIGURATION, PERMISSION, STATE_DIR, ENDPOINT, INPUT)
"""Of several failures the first of these is the exit code: what keeps the daemon from starting,
then what keeps it from sending, then what keeps one source from making events."""

Area: TypeAlias = Literal["service", "config", "source", "state_dir", "host", "destination"]


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    WARN = "warn"
    """It works, but hardly as it was meant."""
    FAIL = "fail"
    """It does not work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line for a person. `name` is a constant snake_case word for scripts."""

    name: str
    area: Area
    of: str = ""
    """The source or the destination that it is about."""
    level: Level = Level.OK
    message: str
    hint: str = ""
    """What to do; empty if there is nothing to do."""
    code: int = 0
    """The exit code that it asks for; 0 unless it is a failure."""

    def to_json(self) -> dict[str, object]:
        """Returns the finding as `--json` has it; what does not apply is null."""
        return {
            "name": self.name,
            "area": self.area,
            "source": self.of if self.area == "source" else None,
            "destination": self.of if self.area == "destination" else None,
            "level": self.level.value,
            "message": self.message,
            "hint": self.hint or None,
            "exit_code": self.code or None,
        }

    def to_wire(self) -> dict[str, object]:
        """Returns the finding for `from_wire`, in another process."""
        return asdict(self)

    @classmethod
    def from_wire(cls, sent: Mapping[str, object]) -> Finding:
        """Takes what `to_wire` gave.

        Nothing in it is believed to be more than text and a number: the child may run a plugin.
        """
        area = str(sent["area"])
        return cls(
            name=str(sent["name"]),
            area=area,  # type: ignore[arg-type]  # any other text only makes another heading
            of=str(sent["of"]),
            level=Level(str(sent["level"])),
            message=str(sent["message"]),
            hint=str(sent["hint"]),
            code=int(str(sent["code"])),
        )


def exit_code_of(findings: Iterable[Finding]) -> int:
    """Returns the exit code: of several failures the worst, 0 without any."""
    codes = {finding.code for finding in findings if finding.level is Level.FAIL}
    known = [code for code in WORST_FIRST if code in codes]
    return known[0] if known else max(codes, default=0)
