"""What the endpoint's answer means for one event. Pure.

An answer is about the event (2xx, and the few statuses that refuse what was sent), about us (our
address, our account, our certificates) or about them (they are unwell). Of the 4xx that the
contract does not name (402, 404's cousins such as 409, 418, 421, 451) none says that this one
event is bad for good, so they hold the destination: waiting costs time, a dead letter would cost
the event. Anything that is no final status at all (1xx, 600 and above) is a broken peer: retry.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_RETRY_AFTER_S = 3600.0
"""A longer `Retry-After` is taken for this: a mistake over there must not stop us for a year."""
MAX_ANSWER_BYTES = 200

_EVENT_IS_BAD = frozenset({400, 413, 415, 422})
_THEY_ARE_UNWELL = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Delivered:
    """The endpoint accepted the event."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """This event is bad and will always be: it becomes a dead letter."""

    reason: str
    status: int | None
    answer: str
    """The first words of the answer, printable, on one line."""


@dataclass(frozen=True, slots=True)
class Misconfigured:
    """We are misconfigured: nothing is sent until someone mends it, nothing is lost."""

    reason: str
    status: int | None
    answer: str


@dataclass(frozen=True, slots=True)
class Retry:
    """They are unwell: the same bytes again later."""

    reason: str
    after_s: float | None = None
    """What the endpoint asked to wait, seconds in [0, 3600], or None."""


Outcome = Delivered | Rejected | Misconfigured | Retry

DELIVERED = Delivered()
"""The only one there needs to be."""


def classify(status: int, headers: Mapping[str, str], answer: bytes, now: float) -> Outcome:
    """Judges an answer. `now` is seconds since the epoch, for a `Retry-After` that is a date.

    `headers` is asked for `Retry-After` and `Location` in this spelling; a mapping that ignores
    case is welcome.
    """
    if 200 <= status <= 299:
        return DELIVERED
    reason = f"http_{status}"
    if status in _EVENT_IS_BAD:
        return Rejected(reason, status, words(answer))
    if status in _THEY_ARE_UNWELL or 500 <= status <= 599:
        return Retry(reason, retry_after_s(headers.get("Retry-After"), now))
    if 300 <= status <= 399:
        # Where it points to says more than the page that comes with it.
        location = headers.get("Location")
        return Misconfigured(reason, status, words(location.encode() if location else answer))
    if 400 <= status <= 499:
        return Misconfigured(reason, status, words(answer))
    return Retry(reason)


def retry_after_s(value: str | None, now: float) -> float | None:
    """Reads a `Retry-After` (RFC 9110, 10.2.3). What is neither form counts as absent."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        # More digits than any sane value has: not worth a conversion, which may even refuse.
        return MAX_RETRY_AFTER_S if len(text) > 9 else min(float(text), MAX_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        wait_s = moment.timestamp() - now
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(wait_s, 0.0), MAX_RETRY_AFTER_S)


def words(answer: bytes) -> str:
    """Returns the beginning of an answer as one printable line."""
    text = answer[:MAX_ANSWER_BYTES].decode("utf-8", "ignore")
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.split())
