"""Judges a body against the contract of the event body. No IO, no clock.

Keys may come in any order and unknown keys are the event's own fields: what is refused is what
would lose meaning at the endpoint. It does not know where the body came from.
"""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

_REQUIRED = ("event_name", "ip_address", "user_agent")
_STRINGS = ("event_id", "visitor_id", "persistent_anonymous_user_id", "session_id")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
_HTTP_URL = re.compile(
    r"https?://(?:[^/?#@\x00-\x20\x7f<>]*@)?"
    r"(?:[^/?#@:\[\]\x00-\x20\x7f<>]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?"
    r"(?:[/?#][^\x00-\x20\x7f<>]*)?",
    re.IGNORECASE,
)
_URI = re.compile(r"(?!https?:)[A-Za-z][A-Za-z0-9+.-]*:[^\x00-\x20\x7f<>]+", re.IGNORECASE)
_EXCERPT = 60


class Examined(NamedTuple):
    """A body as read: `value` is meaningful only if `is_json`."""

    is_json: bool
    value: object
    problems: list[str]


def validate(body: bytes) -> list[str]:
    """Returns what is wrong with a body, one sentence each; empty if nothing. Never raises."""
    return examine(body).problems


def examine(body: bytes) -> Examined:
    """Reads a body once and judges it; never raises, whatever the bytes."""
    try:
        value: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return Examined(is_json=False, value=None, problems=[f"body: not UTF-8 JSON: {error}"])
    if not isinstance(value, dict):
        return Examined(True, value, [f"body: must be a JSON object; found {_short(value)}"])
    return Examined(True, value, [*_hidden_problems(body, value), *_problems(value)])


def _problems(event: dict[str, object]) -> Iterator[str]:
    yield from _absent_written_out(event, "")
    for key in _REQUIRED:
        if key not in event:
            yield f"{key}: required and missing"
        elif not isinstance(event[key], str):
            yield f"{key}: must be a string; found {_short(event[key])}"
    for key in _STRINGS:
        if not isinstance(event.get(key, ""), str):
            yield f"{key}: must be a string; found {_short(event[key])}"

    ip = event.get("ip_address")
    if isinstance(ip, str) and ip and not _is_ip(ip):
        yield f"ip_address: must be an IPv4 or IPv6 address; found {_short(ip)}"

    timestamp = event.get("timestamp", "1970-01-01T00:00:00.000Z")
    if not (isinstance(timestamp, str) and _is_timestamp(timestamp)):
        yield f"timestamp: must be a real YYYY-MM-DDTHH:mm:ss.sssZ; found {_short(timestamp)}"

    url = event.get("url", "http://absent")
    if not (isinstance(url, str) and _HTTP_URL.fullmatch(url)):
        yield f"url: must be an absolute http(s) URL without < > or spaces; found {_short(url)}"
    referrer = event.get("referrer", "http://absent")
    if not (
        isinstance(referrer, str) and (_HTTP_URL.fullmatch(referrer) or _URI.fullmatch(referrer))
    ):
        yield f"referrer: must be an absolute URI without < > or spaces; found {_short(referrer)}"

    visitor = event.get("visitor_id")
    if visitor != event.get("persistent_anonymous_user_id", visitor) and visitor is not None:
        yield "visitor_id: must equal persistent_anonymous_user_id"

    payload = event.get("event_payload", {})
    if isinstance(payload, dict):
        yield from _absent_written_out(payload, "event_payload.")
    else:
        yield f"event_payload: must be an object; found {_short(payload)}"


def _absent_written_out(fields: dict[str, object], prefix: str) -> Iterator[str]:
    for key, value in fields.items():
        if value is None or value in ("", "-"):
            yield f"{prefix}{_key(key)}: absent values are left out; found {_short(value)}"


def _hidden_problems(body: bytes, value: dict[str, object]) -> list[str]:
    """Finds what parsing hides: repeated keys, the last of which would win.

    A body that comes out the same when written again hides nothing; only the others are read a
    second time, slowly.
    """
    try:
        if orjson.dumps(value) == body:
            return []
    except orjson.JSONEncodeError:
        pass  # nested deeper than it writes: the slow reading decides
    problems: list[str] = []

    def pairs(items: list[tuple[str, object]]) -> None:
        keys = [key for key, _ in items]
        if len(set(keys)) < len(keys):
            twice = sorted({key for key in keys if keys.count(key) > 1})
            problems.append(f"{', '.join(map(_key, twice))}: given more than once")

    try:
        json.loads(body, object_pairs_hook=pairs, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        problems.append("body: nested too deeply")
    return problems


@lru_cache(4096)
def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone id means something on one host only


def _is_timestamp(text: str) -> bool:
    if not _TIMESTAMP.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _key(key: str) -> str:
    return key if key.isidentifier() and len(key) <= _EXCERPT else _short(key)


def _short(value: object) -> str:
    text = json.dumps(value) if isinstance(value, (str, int, float, type(None))) else ""
    if not text:
        return "an array" if isinstance(value, list) else "an object"
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}..."
