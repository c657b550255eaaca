"""Contract checks for authors of formats: call `check_parser` in a test of your own.

    def test_my_format_keeps_the_contract() -> None:
        check_parser(MY_FORMAT, [b'a line of the log', b'another'])

It feeds the samples, and thousands of lines made from them by cutting, flipping and mixing bytes,
always the same ones. Nothing but the standard library is needed.
"""

from __future__ import annotations

import random
import re
from dataclasses import fields as dataclass_fields
from ipaddress import ip_address
from itertools import pairwise
from typing import TYPE_CHECKING

from hooktail_parsers._api import ParseError, Record, Skip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hooktail_parsers._api import Format, Parsed

_SEED = 20_120_210
_FLIPS_PER_SAMPLE = 100
_CUTS_PER_SAMPLE = 300
_RANDOM_LINES = 200
_LONGEST_RANDOM_LINE = 120
_REASON = re.compile(r"[a-z][a-z0-9_]*").fullmatch
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
_HOST = re.compile(r"\[[0-9a-f:.]+\]|[^\s/?#@:\[\]]+", re.ASCII).fullmatch
_TEXTS = (
    "ip", "method", "scheme", "host", "path", "referrer", "user_agent", "user",
    "cookies", "xff", "session", "request_id",
)  # fmt: skip
_HIGHEST_PORT = 65_535
_STATUSES = range(1, 1000)


def check_parser(
    format: Format,  # noqa: A002 - the word of the field, as in Format and --format
    samples: Iterable[bytes],
    options: Mapping[str, str] | None = None,
) -> None:
    """Checks that parsers of the format keep the contract, on the samples and what they become.

    No bytes make a parser raise; a batch gives what single lines give; records are in their
    normal forms and fill only the fields that the format names; reasons are words. At least one
    sample must make a record.

    Raises:
        AssertionError: a check failed; the text names the line and what is wrong.
    """
    lines = list(samples)
    options = options or {}
    parsed = _check_lines(format, options, lines)
    if not any(isinstance(result, Record) for result in parsed):
        raise AssertionError(f"{format.name}: no sample made a record: {parsed[:3]!r}")
    _check_lines(format, options, list(_damaged(lines)))


def _check_lines(
    format: Format,  # noqa: A002 - as above
    options: Mapping[str, str],
    lines: Sequence[bytes],
) -> list[Parsed]:
    parser = format.make(options)
    singly: list[Parsed] = []
    for line in lines:
        try:
            singly.append(parser.parse(line))
        except Exception as error:
            raise AssertionError(f"{format.name}: parse raised {error!r} on {line!r}") from error
    try:
        batch = format.make(options).parse_batch(lines)
    except Exception as error:
        raise AssertionError(f"{format.name}: parse_batch raised {error!r}") from error
    if len(batch) != len(lines):
        raise AssertionError(
            f"{format.name}: parse_batch gave {len(batch)} results for {len(lines)} lines"
        )
    allowed = {"time_ms" if name == "time" else name for name in format.fields}
    for line, one, other in zip(lines, singly, batch, strict=True):
        problem = _difference(one, other) or _problem(one, allowed)
        if problem:
            raise AssertionError(f"{format.name}: {problem}; line {line!r}")
    return singly


def _difference(one: Parsed, other: Parsed) -> str:
    if isinstance(one, ParseError) and isinstance(other, ParseError):
        same = one.reason == other.reason
    else:
        same = one == other
    return "" if same else f"parse gave {one!r}, parse_batch {other!r}"


def _problem(parsed: object, allowed: set[str]) -> str:
    if isinstance(parsed, Skip | ParseError):
        return "" if _REASON(parsed.reason) else f"reason {parsed.reason!r} is no snake_case word"
    if not isinstance(parsed, Record):
        return f"{parsed!r} is no Record, Skip or ParseError"
    filled = {
        known.name for known in dataclass_fields(Record) if getattr(parsed, known.name) is not None
    }
    if filled - allowed:
        return f"fills {sorted(filled - allowed)}, which Format.fields does not name"
    return _text_problem(parsed) or _form_problem(parsed) or _number_problem(parsed)


def _text_problem(record: Record) -> str:
    for name in (*_TEXTS, "query"):
        value = getattr(record, name)
        if value is None:
            continue
        if not isinstance(value, str):
            return f"{name} is {value!r}, no text"
        if name != "query" and value in ("", "-"):
            return f"{name} is {value!r}; what is missing is None"
        if any("\ud800" <= character <= "\udfff" for character in value):
            return f"{name} holds a lone surrogate; decode with errors='replace'"
    return ""


def _form_problem(record: Record) -> str:
    if record.ip is not None:
        try:
            address = ip_address(record.ip)
        except ValueError:
            return f"ip {record.ip!r} is no address"
        mapped = getattr(address, "ipv4_mapped", None)
        if str(mapped or address) != record.ip or "%" in record.ip:
            return f"ip {record.ip!r} is not in its normal form {mapped or address}"
    if record.method is not None and not _METHOD(record.method):
        return f"method {record.method!r} is no token"
    if record.host is not None and (record.host != record.host.lower() or not _HOST(record.host)):
        return f"host {record.host!r} is not a lower-case host without port"
    if record.path is not None and "?" in record.path:
        return f"path {record.path!r} holds a question mark; split at the first"
    return ""


def _number_problem(record: Record) -> str:
    for name in ("time_ms", "port", "status", "bytes_sent"):
        value = getattr(record, name)
        if value is not None and type(value) is not int:
            return f"{name} is {value!r}, no whole number"
    if record.port is not None and not 0 <= record.port <= _HIGHEST_PORT:
        return f"port {record.port} is none"
    if record.status is not None and record.status not in _STATUSES:
        return f"status {record.status} is none; 0 and 000 are None"
    if record.bytes_sent is not None and record.bytes_sent < 0:
        return f"bytes_sent is {record.bytes_sent}"
    if record.duration_s is not None and not 0 <= record.duration_s < float("inf"):
        return f"duration_s is {record.duration_s}"
    return ""


def _damaged(samples: Sequence[bytes]) -> Iterator[bytes]:
    """Yields lines made from the samples, the same ones at every call."""
    chance = random.Random(_SEED)
    yield from (b"", b" ", b"\r", b"-", b"#", b'"', b"\\", b"\x00" * 8, b"\xff\xfe", b"{", b"[]")
    for sample in samples:
        step = max(1, len(sample) // _CUTS_PER_SAMPLE)
        for at in range(0, len(sample), step):
            yield sample[:at]
            yield sample[at:]
        if not sample:
            continue
        for _ in range(_FLIPS_PER_SAMPLE):
            at = chance.randrange(len(sample))
            flipped = sample[at] ^ (1 << chance.randrange(8))
            yield sample[:at] + bytes((flipped,)) + sample[at + 1 :]
            yield sample[:at] + chance.randbytes(2) + sample[at:]
        yield sample + b"\r"
        yield sample + sample
    for one, other in pairwise(samples):
        yield one[: len(one) // 2] + other[len(other) // 2 :]
    for _ in range(_RANDOM_LINES):
        yield chance.randbytes(chance.randrange(_LONGEST_RANDOM_LINE))
