"""A moment as people write it, and the first line of a log file from then on."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hooktail.cli import logfiles
from hooktail.errors import UsageError
from hooktail.extract.reading import HeldLine, Reader
from hooktail_parsers import Record

if TYPE_CHECKING:
    from hooktail_parsers import Parser
    from hooktail_parsers.assembly import Assembled

ALLOWED = "2024-05-01T12:00:00Z, 2024-05-01 (UTC unless it says otherwise), or 90s, 30m, 2h, 7d ago"
_AGO = re.compile(r"(\d{1,9})\s*([smhd])(?:\s+ago)?")
_UNIT_MS = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def parse(text: str, now_ms: int) -> int:
    """Returns milliseconds since the epoch. Raises UsageError."""
    if ago := _AGO.fullmatch(text.strip()):
        return now_ms - int(ago[1]) * _UNIT_MS[ago[2]]
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"found {text!r}, which is no time; allowed: {ALLOWED}") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def shown(time_ms: int) -> str:
    """Writes a moment in UTC, to the second."""
    return datetime.fromtimestamp(time_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def first_line_from(
    path: str,
    parser: Parser,
    time_ms: int,
    *,
    below: int,
    max_line_bytes: int,
    encoding: str | None = None,
) -> int | None:
    """Returns the offset of the first line below an offset that is not older than a moment.

    It goes through the file from its beginning: the times of a log are not in order, so that
    nothing cleverer finds the first. None if there is no such line. Raises what `logfiles` does.
    """
    reader = Reader(parser)
    first = below
    with logfiles.opened(path) as stream:
        for batch in logfiles.batches(stream, max_line_bytes, encoding):
            if batch.lines is None:
                continue
            results = reader.parse_batch(batch.lines.texts)
            for start, result in zip(batch.lines.starts, results, strict=True):
                for assembled in reader.assembler.take(HeldLine(start, b""), result):
                    first = min(first, _start_if_from(assembled, time_ms))
            # A record that is still open may have begun before the one that was found.
            opened = (lines[0].start for lines in reader.assembler.open.values())
            if batch.lines.end >= below or first < min(opened, default=below):
                break
    for assembled in reader.assembler.give_up_all():
        first = min(first, _start_if_from(assembled, time_ms))
    return first if first < below else None


def _start_if_from(assembled: Assembled[HeldLine], time_ms: int) -> int:
    parsed = assembled.parsed
    if isinstance(parsed, Record) and parsed.time_ms is not None and parsed.time_ms >= time_ms:
        return assembled.keys[0].start
    return sys.maxsize
