"""JSON objects with a line of another log inside: journald's export, and those of log shippers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail_parsers._api import OptionError, ParseError
from hooktail_parsers.times import epoch_ms, epoch_number_ms, iso_time_ms, zone_of
from hooktail_parsers.wrappers.messages import LONGEST_STREAM_NAME, SYNTAX, json_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hooktail_parsers._api import Skip
    from hooktail_parsers.wrappers.messages import Message, Stamp

NO_MESSAGE = ParseError("no_message")

_MESSAGE_KEYS = ("message", "log", "msg", "@message", "MESSAGE", "event.original")
_TIME_KEYS = ("@timestamp", "timestamp", "time", "ts", "date", "asctime")
# What tells apart the programs whose lines a shipper puts into one file.
_STREAM_KEYS = ("host", "container_id", "container_name", "file", "stream")
_MICROSECONDS_DIGITS = range(12, 19)


def _inside(entry: Mapping[str, object], key: str) -> object:
    """Returns the value of a key, or of a path of keys joined by dots."""
    value = entry.get(key)
    if value is not None or "." not in key:
        return value
    found: object = entry
    for name in key.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found


def _name(values: Sequence[object]) -> str:
    return " ".join(value for value in values if isinstance(value, str))


class JournaldJson:
    """`journalctl -o json`: `MESSAGE` is text, or an array of bytes if it is no UTF-8."""

    joins = False

    def split(self, line: bytes) -> Message | Skip | ParseError:
        """Takes a line apart."""
        entry = json_object(line)
        if not isinstance(entry, dict):
            return entry
        message = entry.get("MESSAGE")
        if isinstance(message, str):
            text = message.encode()
        elif isinstance(message, list):
            try:
                text = bytes(message)
            except (ValueError, TypeError):
                return NO_MESSAGE
        else:
            return NO_MESSAGE
        process = entry.get("_PID", entry.get("SYSLOG_PID"))
        stream = _name((entry.get("_HOSTNAME"), entry.get("_SYSTEMD_UNIT"),
                        entry.get("SYSLOG_IDENTIFIER"), process))  # fmt: skip
        if len(stream) > LONGEST_STREAM_NAME:
            return SYNTAX
        stamp = entry.get("__REALTIME_TIMESTAMP")
        return text, stamp if isinstance(stamp, str | int) else None, stream, True

    def time_ms(self, stamp: Stamp) -> int | None:
        """Reads microseconds since the epoch."""
        text = str(stamp)
        if text.isascii() and text.isdigit() and len(text) in _MICROSECONDS_DIGITS:
            return int(text) // 1000
        return None


class JsonWrapped:
    """A JSON object whose `message`, `log`, `msg`, `@message` or `event.original` is the line.

    The first of them that is text. `map.message` names another key, or a path with dots.
    """

    joins = False

    def __init__(self, options: Mapping[str, str]) -> None:
        key = options.get("map.message")
        if key == "":
            raise OptionError("map.message", "found nothing; allowed: a key of the object")
        self._keys = _MESSAGE_KEYS if key is None else (key,)
        self._zone = zone_of(options)

    def split(self, line: bytes) -> Message | Skip | ParseError:
        """Takes a line apart."""
        entry = json_object(line)
        if not isinstance(entry, dict):
            return entry
        for key in self._keys:
            message = _inside(entry, key)
            if isinstance(message, str):
                break
        else:
            return NO_MESSAGE
        stream = _name([entry.get(key) for key in _STREAM_KEYS])
        if len(stream) > LONGEST_STREAM_NAME:
            return SYNTAX
        stamp = next((entry[key] for key in _TIME_KEYS if key in entry), None)
        usable = stamp if type(stamp) in (str, int, float) else None
        return message.rstrip("\r\n").encode(), usable, stream, True

    def time_ms(self, stamp: Stamp) -> int | None:
        """Reads ISO 8601, or a count since the epoch."""
        if isinstance(stamp, str):
            text = stamp.encode("utf-8", "replace")
            time_ms = iso_time_ms(text, self._zone)
            return epoch_ms(text) if time_ms is None else time_ms
        return epoch_number_ms(stamp) if isinstance(stamp, int | float) else None
