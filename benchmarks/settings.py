"""Under what an endpoint is sent to: plain or over TLS, how slow it is, how many at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Setting(NamedTuple):
    scheme: str
    answer_ms: int
    concurrency: int
    events: int

    @property
    def pace(self) -> str:
        """For a table's row, where all are of one scheme."""
        return f"{self.answer_ms} ms, {self.concurrency} at a time"

    def __str__(self) -> str:
        return f"{self.scheme}, {self.pace}"


@dataclass(frozen=True, slots=True)
class Size:
    settings: tuple[Setting, ...]
    rounds: int
