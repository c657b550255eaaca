"""What the fuzzer begins with, what it found, and what was made to find something.

A finding of `make fuzz` is kept in `CASES` as it was: two bytes for the format, then the lines.
"""

from __future__ import annotations

import time

import pytest
from fuzz.inputs import BUILDERS, check_input, seeds
from fuzz.targets import TARGETS

from hooktail_parsers import StatefulParser

CASES: dict[str, bytes] = {
    "nothing": b"",
    "one byte": b"\x00",
    "an unknown format, no line": b"\xff\xff",
}

LONGEST = 1200
HOSTILE = {
    "quotes": b'"' * LONGEST,
    "escapes": b"\\" * LONGEST,
    "escaped quotes": b'\\"' * (LONGEST // 2),
    "blanks": b" " * LONGEST,
    "brackets": b"[" * LONGEST,
    "objects": b'{"a":' * (LONGEST // 5),
    "lists": b'{"a":[' + b"[" * LONGEST,
    "pairs": b'a="b' * (LONGEST // 4),
    "equal signs": b"a=" * (LONGEST // 2),
    "tabs": b"\t" * LONGEST,
    "commas": b"1.2.3.4, " * (LONGEST // 9),
    "colons": b":" * LONGEST,
    "digits": b"9" * LONGEST,
    "braces": b"{" * (LONGEST // 2) + b"}" * (LONGEST // 2),
    "zero bytes": b"\x00" * LONGEST,
    "half a character": b"\xf0\x9f\x98" * (LONGEST // 3),
    "numbers": b'{"time":1e999,"status":-1e308,"ts":123456789012345678901234567890}',
    "surrogates": b'{"method":"GET","path":"/\\ud800","status":200,"ip":"1.2.3.4","ua":"\\udfff"}',
    "colours": b"\x1b[0m" * (LONGEST // 4),
    "requests": b'"GET / HTTP/1.1" ' * (LONGEST // 17),
    "times": b"[14/Mar/2025:09:26:53 +0100] " * (LONGEST // 29),
}


LONG = 32_000
MOST_S = 0.7
REPEATED = [
    b'"', b'" "', b'\\"', b"\\", b" ", b"a=b ", b'a="b', b'{"a":', b"[", b", ", b"://", b"\t",
    b'""; ', b"%25", b"1.2.3.4, ", b"?a=",
]  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_what_the_fuzzer_found_is_mended(case: bytes) -> None:
    check_input(case)


def test_the_fuzzer_begins_with_every_format_and_builder() -> None:
    chosen = {int.from_bytes(seed[:2]) for seed in seeds()}

    assert chosen == set(range(len(TARGETS) + len(BUILDERS)))


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_line_made_to_be_slow_is_not(line: bytes) -> None:
    for number, target in enumerate(TARGETS):
        sample = target.samples[-1]
        middle = len(sample) // 2
        lines = (line, sample + line, sample[:middle] + line + sample[middle:])
        check_input(number.to_bytes(2) + b"\n".join(lines))


@pytest.mark.parametrize("repeated", REPEATED)
def test_the_longest_line_costs_little(repeated: bytes) -> None:
    """Of what grows with the square of the length, so much took a second and more."""
    for target in TARGETS:
        *head, sample = target.samples
        parser = target.format.make(target.options)
        own = parser.fork() if isinstance(parser, StatefulParser) else parser
        for line in head:
            own.parse(line)
        for at in (len(sample) // 2, len(sample) * 7 // 8):
            line = sample[:at] + repeated * (LONG // len(repeated)) + sample[at:]
            began_s = time.process_time()
            own.parse(line)

            assert time.process_time() - began_s < MOST_S, target.name


@pytest.mark.parametrize("definition", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_definition_made_to_be_slow_is_not(definition: bytes) -> None:
    for number, builder in enumerate(BUILDERS, len(TARGETS)):
        line = builder.example.encode()
        check_input(number.to_bytes(2) + definition + b"\n" + line)
