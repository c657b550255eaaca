"""What the daemon and its workers say to each other, as bytes. Pure.

    length of the payload, 4 bytes │ kind, 1 byte │ lane, 4 bytes │ payload

Numbers are little-endian. A frame carries a batch: as many parcels, or as many outcomes, as there
are in one turn of the event loop. Each parcel has a number in its lane; those of one frame follow
each other.
"""

from __future__ import annotations

import math
from itertools import chain
from struct import Struct, pack, unpack_from
from typing import TYPE_CHECKING, Final, NamedTuple, assert_never

from hooktail.delivery.outcome import DELIVERED, Delivered, Misconfigured, Rejected, Retry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hooktail.delivery.outcome import Outcome

HEADER = Struct("<IBI")

# To a worker:
OPEN: Final = 1
"""A lane, as JSON. It holds the account id."""
PARCELS: Final = 2
LIMIT: Final = 3
STOP: Final = 4
"""Of a lane: what is in flight in it is cut short."""
PING: Final = 5
END: Final = 6
# From a worker:
READY: Final = 7
OUTCOMES: Final = 8
PONG: Final = 9
SAID: Final = 10
"""A line for the log."""

_FIRST = Struct("<QI")
_TELLING = Struct("<idHH")
"""Status, seconds to wait, length of the reason, length of the answer."""
_DELIVERED, _REJECTED, _MISCONFIGURED, _RETRY = range(4)
_NO_STATUS = -1
_MOST_TEXT_BYTES = 0xFFFF


class Parcels(NamedTuple):
    """Bodies to send; their numbers count on from `first`."""

    first: int
    bodies: list[bytes]


class Outcomes(NamedTuple):
    """What became of parcels, in the order in which it did."""

    silent_retries: int
    """Since the frame before."""
    told: list[tuple[int, Outcome]]
    """By the number of the parcel."""


def parcels_payload(first: int, bodies: Sequence[bytes]) -> bytes:
    """Writes parcels."""
    lengths = pack(f"<{len(bodies)}I", *map(len, bodies))
    return b"".join((_FIRST.pack(first, len(bodies)), lengths, *bodies))


def read_parcels(payload: bytes) -> Parcels:
    """Reads them."""
    first, count = _FIRST.unpack_from(payload)
    at = _FIRST.size + 4 * count
    bodies = []
    for length in unpack_from(f"<{count}I", payload, _FIRST.size):
        end = at + length
        bodies.append(payload[at:end])
        at = end
    return Parcels(first, bodies)


def outcomes_payload(silent_retries: int, told: Sequence[tuple[int, Outcome]]) -> bytes:
    """Writes outcomes: their numbers, their kinds, then what some of them say."""
    kinds = bytearray()
    telling = []
    for _, outcome in told:
        match outcome:
            case Delivered():
                kinds.append(_DELIVERED)
            case Rejected(reason=reason, status=status, answer=answer):
                kinds.append(_REJECTED)
                telling.append(_tell(status, None, reason, answer))
            case Misconfigured(reason=reason, status=status, answer=answer):
                kinds.append(_MISCONFIGURED)
                telling.append(_tell(status, None, reason, answer))
            case Retry(reason=reason, after_s=after_s):
                kinds.append(_RETRY)
                telling.append(_tell(None, after_s, reason, ""))
            case unknown:
                assert_never(unknown)
    numbers = pack(f"<{len(told)}Q", *(number for number, _ in told))
    return b"".join((_FIRST.pack(silent_retries, len(told)), numbers, kinds, *telling))


def read_outcomes(payload: bytes) -> Outcomes:
    """Reads them."""
    silent_retries, count = _FIRST.unpack_from(payload)
    numbers = unpack_from(f"<{count}Q", payload, _FIRST.size)
    at = _FIRST.size + 9 * count
    kinds = payload[at - count : at]
    if at == len(payload):  # what happens nearly always: all delivered, nothing else to say
        return Outcomes(silent_retries, [(number, DELIVERED) for number in numbers])
    told: list[tuple[int, Outcome]] = []
    for number, kind in zip(numbers, kinds, strict=True):
        if kind == _DELIVERED:
            told.append((number, DELIVERED))
            continue
        status, after_s, reason_bytes, answer_bytes = _TELLING.unpack_from(payload, at)
        at += _TELLING.size
        reason = payload[at : at + reason_bytes].decode("utf-8", "surrogatepass")
        at += reason_bytes
        answer = payload[at : at + answer_bytes].decode("utf-8", "surrogatepass")
        at += answer_bytes
        known = None if status == _NO_STATUS else status
        outcome: Outcome
        if kind == _REJECTED:
            outcome = Rejected(reason, known, answer)
        elif kind == _MISCONFIGURED:
            outcome = Misconfigured(reason, known, answer)
        else:
            outcome = Retry(reason, None if math.isnan(after_s) else after_s)
        told.append((number, outcome))
    return Outcomes(silent_retries, told)


def _tell(status: int | None, after_s: float | None, reason: str, answer: str) -> bytes:
    texts = [_text(reason), _text(answer)]
    numbers = _TELLING.pack(
        _NO_STATUS if status is None else status,
        math.nan if after_s is None else after_s,
        *map(len, texts),
    )
    return b"".join(chain((numbers,), texts))


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    if len(data) <= _MOST_TEXT_BYTES:
        return data
    # Nothing that we say is so long; half a character at its end is left out.
    return data[:_MOST_TEXT_BYTES].decode("utf-8", "ignore").encode()
