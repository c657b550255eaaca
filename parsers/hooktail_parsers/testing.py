"""Contract checks for authors of formats: call `check_parser` in a test of your own.

    def test_my_format_keeps_the_contract() -> None:
        check_parser(MY_FORMAT, [b'a line of the log', b'another'])

It feeds the samples, and thousands of lines made from them by cutting, flipping and mixing bytes,
always the same ones. No test library is needed.
"""

from __future__ import annotations

import random
import re
from ipaddress import ip_address
from itertools import pairwise
from typing import TYPE_CHECKING

from hooktail_parsers._api import ParseError, Part, Record, Skip, StatefulParser, Step
from hooktail_parsers.assembly import Assembler

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hooktail_parsers._api import Format, Parsed, Parser, Result
    from hooktail_parsers.assembly import Assembled

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
    parsed = check_lines(format, lines, options)
    if not any(isinstance(result, Record) for result in parsed):
        raise AssertionError(f"{format.name}: no sample made a record: {parsed[:3]!r}")
    check_lines(format, list(_damaged(lines)), options)


def check_lines(
    format: Format,  # noqa: A002 - as above
    lines: Sequence[bytes],
    options: Mapping[str, str] | None = None,
) -> list[Parsed]:
    """Checks the contract on exactly these lines, for fuzzers and property tests.

    Returns what the lines are, records of several lines as one.

    Raises:
        AssertionError: a check failed.
    """
    options = options or {}
    parser = _parser(format, options)
    singly: list[Result] = []
    for line in lines:
        try:
            singly.append(_parse(parser, line))
        except Exception as error:
            raise AssertionError(f"{format.name}: parse raised {error!r} on {line!r}") from error
    one = _assembled(format, parser, lines, singly)
    parser = _parser(format, options)
    try:
        batch = parser.parse_batch(lines)
    except Exception as error:
        raise AssertionError(f"{format.name}: parse_batch raised {error!r}") from error
    if len(batch) != len(lines):
        raise AssertionError(
            f"{format.name}: parse_batch gave {len(batch)} results for {len(lines)} lines"
        )
    other = _assembled(format, parser, lines, batch)
    for single, batched in zip(one, other, strict=False):
        if _comparable(single) != _comparable(batched):
            raise AssertionError(
                f"{format.name}: parse gave {single!r}, parse_batch {batched!r}; "
                f"line {lines[single.keys[0]]!r}"
            )
    if len(one) != len(other):
        raise AssertionError(f"{format.name}: parse and parse_batch join lines differently")
    allowed = {"time_ms" if name == "time" else name for name in format.fields}
    for assembled in one:
        problem = _problem(assembled.parsed, allowed)
        if problem:
            raise AssertionError(f"{format.name}: {problem}; line {lines[assembled.keys[0]]!r}")
    _check_states(format, options, lines, singly)
    return [assembled.parsed for assembled in one]


def _parser(format: Format, options: Mapping[str, str]) -> Parser:  # noqa: A002 - as above
    parser = format.make(options)
    return parser.fork() if isinstance(parser, StatefulParser) else parser


def _parse(parser: Parser, line: bytes) -> Result:
    try:
        return parser.parse(line)
    except ParseError as error:  # as a `LineParser` may
        return error


def _assembled(
    format: Format,  # noqa: A002 - as above
    parser: Parser,
    lines: Sequence[bytes],
    results: Iterable[Result],
) -> list[Assembled[int]]:
    """Joins lines as the parser says; each must come out once, and be ended by `give_up`."""
    assembler: Assembler[int] = Assembler(parser)
    assembled: list[Assembled[int]] = []
    for number, result in enumerate(results):
        if isinstance(result, Step) and result.line is None:
            raise AssertionError(f"{format.name}: a step says nothing of line {lines[number]!r}")
        assembled += assembler.take(number, result)
    if assembler.open and not isinstance(parser, StatefulParser):
        raise AssertionError(f"{format.name}: joins lines and is no StatefulParser")
    assembled += assembler.give_up_all()
    if sorted(number for each in assembled for number in each.keys) != list(range(len(lines))):
        raise AssertionError(f"{format.name}: a line came out twice or not at all")
    return assembled


def _comparable(assembled: Assembled[int]) -> object:
    parsed = assembled.parsed
    return assembled.keys, parsed.reason if isinstance(parsed, ParseError) else parsed


def _check_states(
    format: Format,  # noqa: A002 - as above
    options: Mapping[str, str],
    lines: Sequence[bytes],
    results: Sequence[Result],
) -> None:
    """A parser restored from a state goes on as the one that gave it."""
    for number, result in enumerate(results[:-1]):
        if not isinstance(result, Step) or result.state is None:
            continue
        parser = _parser(format, options)
        if not isinstance(parser, StatefulParser):
            raise AssertionError(  # noqa: TRY004  # the one error that a check raises
                f"{format.name}: gives a state and is no StatefulParser"
            )
        parser.restore(result.state)
        following = results[number + 1]
        if isinstance(following, Part | Step):
            continue  # it may depend on records that were open
        again = _parse(parser, lines[number + 1])
        same = (
            isinstance(again, ParseError) and again.reason == following.reason
            if isinstance(following, ParseError)
            else again == following
        )
        if not same:
            raise AssertionError(
                f"{format.name}: restored from {result.state!r}, the line "
                f"{lines[number + 1]!r} gives {again!r}, not {following!r}"
            )


def _problem(parsed: object, allowed: set[str]) -> str:
    if isinstance(parsed, Skip | ParseError):
        return "" if _REASON(parsed.reason) else f"reason {parsed.reason!r} is no snake_case word"
    if not isinstance(parsed, Record):
        return f"{parsed!r} is no Record, Skip or ParseError"
    filled = {name for name in Record.__struct_fields__ if getattr(parsed, name) is not None}
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
