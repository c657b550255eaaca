"""What a fuzzer's bytes mean, and what must hold of them: for the fuzzer, and for its findings.

Two bytes choose a format of `TARGETS`, or a builder; the rest are lines. For a builder the first
line is its definition.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from fuzz.targets import DEFINITIONS, EXAMPLES, TARGETS, built

from hooktail_parsers import OptionError, StatefulParser
from hooktail_parsers.builtin import FORMATS
from hooktail_parsers.testing import check_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooktail_parsers import Format

BUILDERS = [known for known in FORMATS.values() if known.kind == "builder"]
LONGEST_BYTES = 4096
_TIMES_BEFORE = 4
LIMIT_S = 2.0
"""CPU time for the lines of one input, read six times over, with a fuzzer's instruments."""


class TooSlowError(AssertionError):
    """Bytes of a bounded length took too long."""


def check_input(data: bytes) -> None:
    """Checks the parser's contract on bytes from a fuzzer.

    Raises:
        AssertionError: it is broken, or it took too long; the text says by which format and line.
    """
    if len(data) < len(b"12"):
        return
    number = int.from_bytes(data[:2]) % (len(TARGETS) + len(BUILDERS))
    lines = data[2 : 2 + LONGEST_BYTES].split(b"\n")
    began_s = time.process_time()
    if number < len(TARGETS):
        name, known = TARGETS[number].name, _made(number)
    else:
        builder = BUILDERS[number - len(TARGETS)]
        known = built(builder, lines.pop(0).decode(errors="replace"))
        name = builder.name
        try:
            known.make({})
        except OptionError:
            return
    check_lines(known, lines)
    took_s = time.process_time() - began_s
    if took_s > LIMIT_S:
        raise TooSlowError(f"{name}: {took_s:.1f} s for {lines[:3]!r}")


@cache
def _made(number: int) -> Format:
    """Makes a parser once: with 70 formats inside, that takes longer than reading the lines.

    It has read the format's own lines before: some are read quickly once their like has come.
    """
    target = TARGETS[number]
    parser = target.format.make(target.options)
    if not isinstance(parser, StatefulParser):
        parser.parse_batch(target.samples * _TIMES_BEFORE)
    return replace(target.format, make=lambda _options: parser)


def seeds() -> Iterator[bytes]:
    """Yields inputs to begin with: each format on its own lines, and builders' definitions."""
    for number, target in enumerate(TARGETS):
        yield number.to_bytes(2) + b"\n".join(target.samples)
    for number, builder in enumerate(BUILDERS, len(TARGETS)):
        for definition in DEFINITIONS[builder.name]:
            line = builder.example.encode()
            yield number.to_bytes(2) + definition.encode().replace(b"\n", b" ") + b"\n" + line
    auto = next(number for number, target in enumerate(TARGETS) if target.name == "auto")
    for example in EXAMPLES:
        yield auto.to_bytes(2) + b"\n".join([example] * 9)
