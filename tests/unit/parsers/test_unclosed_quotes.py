"""A quote that is missing makes a line no record, or one that holds no other column's text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fuzz.targets import TARGETS, Target
from support.records import records_of

from hooktail_parsers import Record
from hooktail_parsers.builders import apache, goaccess, grok, nginx
from hooktail_parsers.builtin import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hooktail_parsers import Parser

STAMP = "[14/Mar/2025:09:26:53 +0100]"
NCSA = f'203.0.113.7 - - {STAMP} "GET /p HTTP/1.1" 200 5'
AGENT = '"https://a.example/" "Mozilla (X)"'
TEXTS = [
    target
    for target in TARGETS
    if target.format.kind == "format"
    and target.name in FORMATS
    and "json" not in target.name
    and any(b'"' in line for line in target.samples)
    # Their examples are records only with what follows.
    and not target.name.startswith(("rails", "laravel"))
]
TAILS = [
    ("tomcat", f"{NCSA} {AGENT} 12"),
    ("nginx_with_time", f'{NCSA} {AGENT} "198.51.100.4" 0.5'),
    ("vhost_combined_plus", f'shop.example:443 {NCSA} {AGENT} "198.51.100.4" 0/12345'),
    ("nginx_xff_first", f'"198.51.100.4, 10.0.0.1" {NCSA} {AGENT} x="y" "z"'),
    ("ncsa_combined", f'{NCSA} {AGENT} "a" "b"'),
    ("nginx_main", f'{NCSA} {AGENT} "198.51.100.4" "z"'),
]
LAYOUTS: list[tuple[Callable[[str, dict[str, str]], Parser], str, str]] = [
    (
        apache.build,
        '%h %l %u %t "%r" %>s %b "%{Referer}i" %v "%{User-Agent}i" %D "%{sid}C"',
        f'{NCSA} "https://a.example/" shop.example "Mozilla (X)" 55 "s"',
    ),
    (
        apache.build,
        '"%{User-Agent}i","%{Referer}i","%h","%t","%r","%>s"',
        f'"Mozilla (X)","https://a.example/","203.0.113.7","{STAMP}","GET /p HTTP/1.1","200"',
    ),
    (
        apache.build,
        '%h %t "%r" "%{X-Foo}i %{X-Bar}i" "%v"',
        f'203.0.113.7 {STAMP} "GET /p HTTP/1.1" "a b" "shop.example"',
    ),
    (
        apache.build,
        '%h %t "%r" %{User-Agent}i "%{Referer}i" %f',
        f'203.0.113.7 {STAMP} "GET /p HTTP/1.1" Mozilla (X) "https://a.example/" /a b',
    ),
    (
        nginx.build,
        '$remote_addr [$time_local] "$request" "$http_user_agent" rt=$request_time u="$foo"',
        f'203.0.113.7 {STAMP} "GET /p HTTP/1.1" "Mozilla (X)" rt=0.5 u="0.1"',
    ),
    (
        goaccess.build,
        '%h %^[%d:%t %^] "%r" %s %b "%R" "%u" "%^" %D',
        f'{NCSA} {AGENT} "b c" 7',
    ),
    (grok.build, '%{COMBINEDAPACHELOG} "%{DATA:x}" %{NUMBER:d}', f'{NCSA} {AGENT} "b" 7'),
]


def texts_of(record: Record) -> dict[str, set[str]]:
    """What a record says by its attributes, without the quotes that are too many."""
    said: dict[str, set[str]] = {}
    for name in Record.__struct_fields__:
        value = getattr(record, name)
        inner = value.values() if isinstance(value, dict) else [value]
        flat = [each for text in inner for each in (text if isinstance(text, list) else [text])]
        said[name] = {str(each).strip('" ') for each in flat if each is not None}
    return said


def assert_nothing_swallowed(parser: Parser, head: Sequence[bytes], line: bytes) -> None:
    [whole] = records_of(parser, [*head, line])
    known = texts_of(whole)
    for at in range(len(line)):
        if line[at : at + 1] != b'"':
            continue
        torn = line[:at] + line[at + 1 :]
        for record in records_of(parser, [*head, torn]):
            said = texts_of(record)
            assert {
                name: said[name] - known[name] for name in said if said[name] - known[name]
            } == ({}), torn


@pytest.mark.parametrize("target", TEXTS, ids=lambda target: target.name)
def test_an_example_without_one_of_its_quotes(target: Target) -> None:
    *head, line = target.samples

    assert_nothing_swallowed(target.format.make(target.options), head, line)


@pytest.mark.parametrize(("name", "line"), TAILS)
def test_a_line_with_more_columns_without_one_of_its_quotes(name: str, line: str) -> None:
    assert_nothing_swallowed(FORMATS[name].make({}), [], line.encode())


@pytest.mark.parametrize(("build", "definition", "line"), LAYOUTS)
def test_a_layout_without_one_of_its_quotes(
    build: Callable[[str, dict[str, str]], Parser], definition: str, line: str
) -> None:
    assert_nothing_swallowed(build(definition, {}), [], line.encode())
