"""Durations: `30`, `"500ms"`, `"7d"`, and no limit."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hooktail.config.kinds.kind import WRONG_TYPE, Refusal

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_DURATION = r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """A duration: a number of seconds or a text such as `500ms`; parsed to seconds.

    With `zero_is_none`, `0` and `"0"` mean no limit and are parsed to None.
    """

    low_s: float = 0.001
    high_s: float
    zero_is_none: bool = False

    @property
    def allowed(self) -> str:
        """The forms and the range."""
        zero = '; "0" for no limit' if self.zero_is_none else ""
        return (
            'seconds, or text such as "500ms", "30s", "5m", "7d", '
            f"from {duration_text(self.low_s)} to {duration_text(self.high_s)}{zero}"
        )

    def parse(self, value: object) -> object:
        """Returns seconds as a float, or None for no limit."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return Refusal(WRONG_TYPE)
        if self.zero_is_none and value in (0, "0"):
            return None
        if isinstance(value, str):
            parts = re.fullmatch(_DURATION, value)
            if parts is None:
                bare = re.fullmatch(r"[0-9]+", value)
                return Refusal("not a duration", f'say the unit: "{value[:12]}s"' if bare else "")
            value = float(parts[1]) * _UNITS_S[parts[2]]
        # Written so that NaN, which compares as false with everything, is refused too.
        return float(value) if self.low_s <= value <= self.high_s else Refusal("out of range")

    def schema(self) -> dict[str, object]:
        """A number with its range, or a text with a unit."""
        pattern = f"^(?:{_DURATION}{'|0' if self.zero_is_none else ''})$"
        low = 0 if self.zero_is_none else self.low_s
        return {
            "anyOf": [
                {"type": "number", "minimum": low, "maximum": self.high_s},
                {"type": "string", "pattern": pattern},
            ]
        }


def duration_text(seconds: float) -> str:
    """Writes a duration in the largest unit that gives a whole number: `7d`, `90s`, `1ms`."""
    for unit in ("d", "h", "m", "s"):
        count = seconds / _UNITS_S[unit]
        if count >= 1 and count.is_integer():
            return f"{int(count)}{unit}"
    return f"{seconds * 1000:g}ms" if seconds < 1 else f"{seconds:g}s"
