"""How long the demo plays, how fast, and when what happens. Pure."""

from __future__ import annotations

from dataclasses import dataclass

_LONGEST_OUTAGE_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What the command line says, and the times that follow from it."""

    duration_s: float
    rate: float
    """Lines a second."""
    seed: int

    @property
    def outage_s(self) -> float:
        """How long the endpoint fails."""
        return min(_LONGEST_OUTAGE_S, self.duration_s / 4)

    @property
    def outage_at_s(self) -> float:
        """When it begins, from the beginning of the traffic."""
        return self.duration_s * 0.45

    @property
    def rotations_at_s(self) -> tuple[float, float]:
        """When the log is renamed; the second time is in the middle of the outage."""
        return self.duration_s * 0.2, self.outage_at_s + self.outage_s / 2
