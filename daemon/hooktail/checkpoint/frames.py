"""Checksummed records, one a line: eight hex digits of CRC-32, a space, JSON, a newline. Pure.

A crash can tear the last record; damage can flip any bit. Reading stops at the first record that
is not whole: nothing behind it can be trusted to follow from what stands before it. Which of the
two it was, the bytes behind tell:

    no newline      the last line was not written whole: a crash, or a power cut, whose zeros
                    count as bytes without a newline
    a newline       a record was whole once and is not any more: damage
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping


class Frames(NamedTuple):
    """The whole records at the beginning of some bytes, and how many bytes they take."""

    records: list[dict[str, Any]]
    length: int


class Rest(NamedTuple):
    """What stands behind the whole records at the beginning."""

    torn: bool = False
    """An incomplete last line and nothing else."""
    damaged: bool = False
    lost: list[dict[str, Any]] = []  # noqa: RUF012  # never changed: a default of a tuple
    """The whole records behind the damage, which do not count."""


def encode(record: Mapping[str, Any]) -> bytes:
    """Returns one record as a line."""
    payload = orjson.dumps(record)
    return b"%08x %b\n" % (crc32(payload), payload)


def decode(data: bytes) -> Frames:
    """Reads records until the end or the first that is damaged."""
    records: list[dict[str, Any]] = []
    position = 0
    while (newline := data.find(b"\n", position)) >= 0:
        record = _decode_line(data[position:newline])
        if record is None:
            break
        records.append(record)
        position = newline + 1
    return Frames(records, position)


def judge(rest: bytes) -> Rest:
    """Tells what the bytes behind `decode`'s length are."""
    if not rest:
        return Rest()
    if b"\n" not in rest:
        return Rest(torn=True)
    records = map(_decode_line, rest.split(b"\n")[1:-1])
    return Rest(damaged=True, lost=[record for record in records if record is not None])


def _decode_line(line: bytes) -> dict[str, Any] | None:
    payload = line[9:]
    if line[:9] != b"%08x " % crc32(payload):
        return None
    try:
        record = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None
