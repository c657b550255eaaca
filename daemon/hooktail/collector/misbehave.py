"""What the stand-in endpoint does wrong, and how often. No IO, no clock.

A plan is written `KIND[=ARG][@FROM-TO][:RATE]`, separated by commas:

    503:0.2,429=retry-after-2:0.05,reset-after:0.05,delay=50ms:0.5,503@10-20,timeout

Each request gets at most one fault. Rates are shares of all requests, taken in the order written;
what would go beyond the whole is cut, so a last part without a rate takes what is left. A window
counts in seconds from the first request that the plan sees.
"""

from __future__ import annotations

import math
import random
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from hooktail.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

_PART = re.compile(
    r"(?P<kind>[a-z0-9-]+)(?:=(?P<arg>[^@:]*))?"
    r"(?:@(?P<since>[0-9.]+)-(?P<until>[0-9.]*))?(?::(?P<rate>[^:@]*))?"
)
_STATUS = re.compile(r"[345][0-9]{2}")
_RETRY_AFTER = re.compile(r"retry-after-(?P<date>date-)?(?P<seconds>[0-9]{1,6})")
_DURATION = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)(?P<unit>ms|s|m)")
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0}
_FOUND = 302
_DRIP_S = 0.05

ALLOWED = (
    "a status 300-599 (also 429=retry-after-SECONDS, 503=retry-after-date-SECONDS), redirect, "
    "delay=DURATION, stall (or timeout), drip[=DURATION], reset-before, reset-after, close, "
    "garbage; each with @FROM-TO and :RATE"
)


class Kind(StrEnum):
    """The ways to misbehave."""

    STATUS = "status"
    """Answers with a status other than 200; a redirect is one."""
    DELAY = "delay"
    """Waits, then answers well."""
    STALL = "stall"
    """Reads the request and never answers."""
    DRIP = "drip"
    """Answers well, one byte at a time."""
    RESET_BEFORE = "reset-before"
    """Resets the connection before the body is read."""
    RESET_AFTER = "reset-after"
    """Takes the event, then resets the connection instead of answering."""
    CLOSE = "close"
    """Answers well, then closes the connection without having announced it."""
    GARBAGE = "garbage"
    """Answers with bytes that are no HTTP."""


_PLAIN = {
    "stall": Kind.STALL,
    "timeout": Kind.STALL,
    "reset-before": Kind.RESET_BEFORE,
    "reset-after": Kind.RESET_AFTER,
    "close": Kind.CLOSE,
    "garbage": Kind.GARBAGE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One part of a plan. `label` is the name under which it is counted."""

    kind: Kind
    label: str
    rate: float = 1.0
    status: int = 0
    retry_after_s: int | None = None
    retry_after_date: bool = False
    """`Retry-After` is written as an HTTP date."""
    pause_s: float = 0.0
    """The delay, or the time between two bytes of a drip."""
    since_s: float = 0.0
    until_s: float = math.inf


class Plan:
    """Chooses a fault for each request, the same ones for the same seed and order."""

    def __init__(self, faults: Iterable[Fault] = (), seed: int | None = None) -> None:
        self.faults = tuple(faults)
        self._random = random.Random(seed)
        self._start_s: float | None = None

    def choose(self, now_s: float) -> Fault | None:
        """Returns the fault for the next request, None to behave; `now_s` is any steady clock."""
        if not self.faults:
            return None
        if self._start_s is None:
            self._start_s = now_s
        elapsed_s = now_s - self._start_s
        draw = self._random.random()
        for fault in self.faults:
            if fault.since_s <= elapsed_s < fault.until_s:
                draw -= fault.rate
                if draw < 0:
                    return fault
        return None


def parse_plan(spec: str, seed: int | None = None) -> Plan:
    """Reads a plan.

    Raises:
        UsageError: a part is not understood; names the part and what is allowed.
    """
    parts = [part.strip() for part in spec.split(",")] if spec.strip() else []
    return Plan(map(_fault, parts), seed)


def _fault(part: str) -> Fault:
    match = _PART.fullmatch(part)
    if match is None:
        raise _error(part, "not understood")
    rate = _number(part, "rate", match["rate"], 1.0)
    since_s = _number(part, "window", match["since"], 0.0)
    until_s = _number(part, "window", match["until"] or None, math.inf)
    if not 0 <= rate <= 1:
        raise _error(part, "the rate must be between 0 and 1")
    if until_s <= since_s:
        raise _error(part, "the window must end after it begins")
    fault = _kind(part, match["kind"], match["arg"])
    return replace(fault, rate=rate, since_s=since_s, until_s=until_s)


def _kind(part: str, word: str, arg: str | None) -> Fault:
    if _STATUS.fullmatch(word):
        return _status(part, word, arg)
    if word == "delay":
        return Fault(kind=Kind.DELAY, label=word, pause_s=_duration_s(part, arg))
    if word == "drip":
        pause_s = _DRIP_S if arg is None else _duration_s(part, arg)
        return Fault(kind=Kind.DRIP, label=word, pause_s=pause_s)
    if arg is not None:
        raise _error(part, "unknown kind, or one that takes no argument")
    if word == "redirect":
        return Fault(kind=Kind.STATUS, label=word, status=_FOUND)
    if word not in _PLAIN:
        raise _error(part, "unknown kind")
    kind = _PLAIN[word]
    return Fault(kind=kind, label=kind.value)


def _status(part: str, word: str, arg: str | None) -> Fault:
    fault = Fault(kind=Kind.STATUS, label=word, status=int(word))
    if arg is None:
        return fault
    retry = _RETRY_AFTER.fullmatch(arg)
    if retry is None:
        raise _error(part, "unknown argument")
    date = retry["date"] is not None
    return replace(fault, retry_after_s=int(retry["seconds"]), retry_after_date=date)


def _number(part: str, what: str, text: str | None, default: float) -> float:
    if text is None:
        return default
    try:
        return float(text)
    except ValueError:
        raise _error(part, f"the {what} is no number") from None


def _duration_s(part: str, text: str | None) -> float:
    match = _DURATION.fullmatch(text or "")
    if match is None:
        raise _error(part, "needs a duration such as 50ms, 1.5s or 2m")
    return float(match["number"]) * _UNITS_S[match["unit"]]


def _error(part: str, message: str) -> UsageError:
    return UsageError(f"--fail: {part!r}: {message}; allowed: {ALLOWED}")
