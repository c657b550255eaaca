"""Lines for people on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import structlog

from hooktail.telemetry.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from structlog.typing import EventDict


def console_renderer(*, colours: bool) -> Callable[[object, str, EventDict], str]:
    """Returns what makes a line of an event: keys beside it, an exception below."""
    renderer = structlog.dev.ConsoleRenderer(colors=colours, sort_keys=False)

    def render(logger: object, name: str, event: EventDict) -> str:
        shown = {key: printable(v) if isinstance(v, str) else v for key, v in event.items()}
        # The renderer takes these two for finished text.
        told = {key: shown.pop(key) for key in ("exception", "stack") if key in shown}
        text = renderer(logger, name, shown)
        return "\n".join([text, *(line for value in told.values() for line in _outline(value, 1))])

    return render


def _outline(value: object, depth: int) -> Iterable[str]:
    if isinstance(value, Mapping):
        for key, member in value.items():
            nested = isinstance(member, Mapping | list)
            yield "    " * depth + (f"{key}:" if nested else f"{key}: {printable(str(member))}")
            if nested:
                yield from _outline(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            yield from _outline(member, depth)
    else:
        yield "    " * depth + printable(str(value))
