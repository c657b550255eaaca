"""What was taken out of an event's addresses, found by comparing them with the line's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

from hooktail.extract.steps import LinkStep

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooktail_parsers import Record

_PARTS = re.compile("[/;]")


def withheld(record: Record, written: bytes) -> Iterator[LinkStep]:
    """Tells what the addresses of an event, as it is written, lack that the line has."""
    body = orjson.loads(written)
    url = body.get("url")
    if url is not None:
        yield from _link("url", f"x://x{record.path}?{record.query or ''}", url)
    if record.referrer is not None:
        sent = body.get("referrer")
        if sent is None:
            yield LinkStep(key="referrer", whole=True)
        else:
            yield from _link("referrer", record.referrer, sent)


def _link(key: str, logged: str, sent: str) -> Iterator[LinkStep]:
    logged_path, _, logged_query = logged.partition("#")[0].partition("?")
    path, _, query = sent.partition("?")
    parameters = _missing(logged_query, query)
    less = len(_PARTS.split(path)) < len(_PARTS.split(logged_path))
    if parameters or less:
        yield LinkStep(key=key, parameters=parameters, path=less)


def _missing(logged: str, sent: str) -> tuple[str, ...]:
    left = sent.split("&")
    gone = (pair.partition("=")[0] for pair in logged.split("&") if pair and pair not in left)
    return tuple(dict.fromkeys(gone))
