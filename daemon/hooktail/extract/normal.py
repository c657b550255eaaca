"""A record as the JSON object that `parse` prints and the reference documents."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hooktail_parsers import JsonValue, Record

_ALWAYS = (
    "ip", "method", "scheme", "host", "port", "path", "query", "status", "referrer", "user_agent",
    "user",
)  # fmt: skip
_WHERE_LOGGED = (
    "bytes_sent", "duration_s", "cookies", "headers", "xff", "session", "request_id", "fields",
)  # fmt: skip
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def record_json(record: Record) -> dict[str, JsonValue]:
    """Returns the record with its keys in the documented order.

    `time` (ISO 8601, UTC, milliseconds) to `user` are always there, None if the line does not say;
    the rest only where the line has it.
    """
    shown: dict[str, JsonValue] = {
        "time": None if record.time_ms is None else iso_time(record.time_ms)
    }
    for key in _ALWAYS:
        shown[key] = getattr(record, key)
    for key in _WHERE_LOGGED:
        value = getattr(record, key)
        if value is not None:
            shown[key] = value
    return shown


def iso_time(time_ms: int) -> str:
    """Returns `2012-02-10T21:42:07.000Z` for milliseconds since the epoch."""
    moment = _EPOCH + timedelta(milliseconds=time_ms)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
