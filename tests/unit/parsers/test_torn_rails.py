"""Rails' lines that a crash cut, with the next one glued to them, mix no two requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.records import records_of

from hooktail_parsers import Format, Record
from hooktail_parsers.apps.rails import FORMATS

RAILS3, RAILS2 = FORMATS
PROCESS = "I, [2025-03-14T08:26:53.101234 #{}]  INFO -- : [{}] "


def rails3(path: str, ip: str, action: str, status: str, prefix: str = "") -> list[bytes]:
    return [
        f'{prefix}Started GET "{path}" for {ip} at 2025-03-14 08:26:53 +0000'.encode(),
        f"{prefix}Processing by {action} as HTML".encode(),
        f"{prefix}Completed {status} in {len(path)}ms (Views: 1.2ms)".encode(),
    ]


def rails2(path: str, ip: str, action: str, status: str, prefix: str = "") -> list[bytes]:
    return [
        f"{prefix}Processing {action} (for {ip} at 2025-03-14 08:26:53) [GET]".encode(),
        (
            f"{prefix}Completed in {len(path)}ms (View: 12, DB: 3) | {status}"
            f" [http://shop.example{path}]"
        ).encode(),
    ]


def torn(first: list[bytes], second: list[bytes]) -> Iterator[list[bytes]]:
    """One after the other, with a line of the first cut anywhere and another of either behind."""
    for at, line in enumerate(first):
        for cut in range(1, len(line)):
            yield [*first[:at], line[:cut] + second[0], *second[1:], *first[at + 1 :]]
            yield [*first[:at], line[:cut] + second[0], *second[1:]]
    for at, line in enumerate(first):
        if at < len(second):
            for cut in range(1, len(line)):
                yield [*first[:at], *second[:at], line[:cut] + second[at], *second[at + 1 :]]


def said(record: Record) -> set[tuple[str, str]]:
    return {
        (name, repr(value))
        for name in Record.__struct_fields__
        if (value := getattr(record, name)) is not None
    }


@pytest.mark.parametrize(
    "prefixes", [("", ""), (PROCESS.format(77, "a-1"), PROCESS.format(78, "b-2"))]
)
@pytest.mark.parametrize(("made", "lines_of"), [(RAILS3, rails3), (RAILS2, rails2)])
def test_torn_lines_of_rails_are_not_of_two_requests(
    made: Format, lines_of: Callable[..., list[bytes]], prefixes: tuple[str, str]
) -> None:
    first = lines_of("/orders/5", "203.0.113.7", "OrdersController#show", "200 OK", prefixes[0])
    second = lines_of("/b?c=1", "198.51.100.99", "CartController#list", "404 Not", prefixes[1])
    parser = made.make({})
    [one] = records_of(parser, first)
    [other] = records_of(parser, second)

    for lines in torn(first, second):
        for record in records_of(parser, lines):
            found = said(record)
            assert found <= said(one) or found <= said(other), lines


def test_what_stands_in_quotes_is_no_other_request() -> None:
    first, *rest = rails3("/orders/5", "203.0.113.7", "OrdersController#show", "200 OK")
    written = rb'  Parameters: {"q"=>"Started GET \"/b\" for 198.51.100.99 at 2025-03-14 08:26:53"}'

    [record] = records_of(RAILS3.make({}), [first, written, *rest])

    assert (record.ip, record.path, record.status) == ("203.0.113.7", "/orders/5", 200)
