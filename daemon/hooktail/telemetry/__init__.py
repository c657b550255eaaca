"""How the daemon talks about itself: one line per event on stderr, and nothing secret in it.

`configure` sets up structlog, and the standard library's logging for the sake of the libraries:

    on a terminal   people's lines, coloured unless $NO_COLOR is set or $TERM is dumb
    to journald     JSON behind a `<N>` priority, without a timestamp (journald has its own)
    elsewhere       JSON lines: timestamp (ISO 8601, UTC, milliseconds), level, event, the rest

Talking never stops the work: what stderr does not take is dropped and counted. It does not know
what a configuration is; a secret is whatever has a `reveal()` method, or was given to `mask`.
"""

from __future__ import annotations

from hooktail.telemetry.once import OncePer
from hooktail.telemetry.secrets import MASK, mask
from hooktail.telemetry.setup import configure, under_journald
from hooktail.telemetry.writer import LineWriter

__all__ = ["MASK", "LineWriter", "OncePer", "configure", "mask", "under_journald"]
