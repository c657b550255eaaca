"""What an endpoint repeats of an event in its answer, which goes into logs and the status. Pure."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from hooktail.delivery.outcome import Misconfigured, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooktail.delivery.outcome import Outcome

SHORTEST_RUN = 7
"""So many characters in a row stand in an answer by chance only as a word; so long is `8.8.8.8`."""
_SHORTEST_END = 2
"""An answer is cut: a value may begin at its end that has no room for a run."""
_TOLD = frozenset(("event_name", "event_id", "timestamp"))
"""Nobody's, and what an operator needs to find the event."""
_SCHEMES = ("https://", "http://")
_MASK = "***"


def without_echo(outcome: Outcome, body: bytes) -> Outcome:
    """Returns the outcome of a request without what its answer repeats of the body's values."""
    if not isinstance(outcome, Rejected | Misconfigured) or not outcome.answer:
        return outcome
    answer = without_values(outcome.answer, body)
    return outcome if answer == outcome.answer else replace(outcome, answer=answer)


def without_values(answer: str, body: bytes) -> str:
    """Masks each run of `SHORTEST_RUN` characters and more that stands in a value of the body."""
    values = list(_values(body))
    # An answer is one line: no run goes over the end of a value.
    together = "\n".join(values)
    masked = ""
    at = 0
    while at < len(answer):
        end = at + SHORTEST_RUN
        if end > len(answer) or answer[at:end] not in together:
            masked += answer[at]
            at += 1
            continue
        while end < len(answer) and answer[at : end + 1] in together:
            end += 1
        masked += _MASK
        at = end
    for length in range(SHORTEST_RUN - 1, _SHORTEST_END - 1, -1):
        end_of_it = masked[-length:]
        if len(end_of_it) == length and any(each.startswith(end_of_it) for each in values):
            return masked[:-length] + _MASK
    return masked


def _values(body: bytes) -> Iterator[str]:
    try:
        found = json.loads(body)
    except ValueError:
        yield body.decode("utf-8", "replace")
        return
    yield from _texts(found)


def _texts(value: object) -> Iterator[str]:
    match value:
        case dict():
            for key, item in value.items():
                if key not in _TOLD:
                    yield from _texts(item)
        case list():
            for item in value:
                yield from _texts(item)
        case str():
            for scheme in _SCHEMES:
                value = value.removeprefix(scheme)
            yield value
        case bool() | None:
            return
        case _:
            yield str(value)
