"""A line that a crash cut, with the next one glued to it, is no record of two requests.

Whatever is read is what one of the two lines says, or nothing is.
"""

from __future__ import annotations

import pytest
from fuzz.targets import TARGETS, Target
from support.records import records_of

from hooktail_parsers import Record
from hooktail_parsers.builtin import FORMATS

OTHER = {
    b"203.0.113.7": b"198.51.100.99",
    b"51234": b"40404",
    b"10.0.0.": b"10.9.9.",
    b"/p.html": b"/other.html",
    b"/p?a=1": b"/other?b=2",
    b"/cart": b"/other",
    b"id=7": b"id=9",
    b"item=1": b"item=2",
    b"tab=items": b"tab=none",
    b"orders/5": b"offers/6",
    b"Mozilla": b"Wget",
    b"Agent/1.0": b"Other/2.0",
    b"X11": b"Zed",
    b"ref.example": b"from.example",
    b"shop": b"mine",
    b"sid=abc": b"sid=xyz",
    b"admin": b"alice",
    b"200": b"204",
    b"512": b"333",
}
"""What the second line says instead."""
# Text of applications has tests of its own; wrappers hold lines of these.
OWN = ("rails", "laravel", "logfmt", "spring", "joined", "auto", "json", "heroku")
TEXTS = [
    target
    for target in TARGETS
    if target.format.kind != "wrapper"
    and (target.format.kind == "format" or target.name.endswith("1"))
    and "+" not in target.name
    and not any(word in target.name for word in OWN)
    and target.format.name in FORMATS
    and not target.format.name.endswith("_json")
    and not target.samples[-1].startswith(b"{")
]
GLUED_FIRST_COLUMN = {
    "vhost_common": ("host",),
    "vhost_combined": ("host",),
    "vhost_combined_plus": ("host",),
    "nginx_vhost_xff_first": ("host",),
    "gandi": ("host",),
    "nginx_xff_first": ("ip", "xff"),
    "aws_alb": ("fieldstype",),
    "morgan_dev": ("method",),
}
"""What may be of both lines, for no line says where its first column ends (`sh` `mine.example`)."""
PASSES_OVER = ("goaccess 1", "regex 1")
"""GoAccess's `%^` stands for anything, and so for the rest of one line and the beginning of
another; what an expression of the user's own passes over is the user's affair."""


def said(record: Record) -> set[tuple[str, str]]:
    """What a record says, name by name, its fields among them."""
    flat: set[tuple[str, str]] = set()
    for name in Record.__struct_fields__:
        value = getattr(record, name)
        for key, inner in (value if isinstance(value, dict) else {"": value}).items():
            flat |= {(name + key, repr(inner))} if inner is not None else set()
    return flat


@pytest.mark.parametrize(
    "target",
    [each for each in TEXTS if each.name not in PASSES_OVER],
    ids=lambda target: target.name,
)
def test_a_torn_line_with_the_next_one_behind_it_is_not_of_two_requests(target: Target) -> None:
    *head, first = target.samples
    second = first
    for mine, others in OTHER.items():
        second = second.replace(mine, others)
    parser = target.format.make(target.options)
    [one] = records_of(parser, [*head, first])
    [other] = records_of(parser, [*head, second])
    may_be_glued = GLUED_FIRST_COLUMN.get(target.name, ())

    for cut in range(1, len(first)):
        for record in records_of(parser, [*head, first[:cut] + second]):
            found = {each for each in said(record) if each[0] not in may_be_glued}

            assert found <= said(one) or found <= said(other), first[:cut] + b"<torn>"


@pytest.mark.parametrize("name", ["traefik_clf", "morgan_combined", "zoraxy", "aws_s3"])
def test_two_clients_are_never_one(name: str) -> None:
    first = FORMATS[name].example.encode()
    second = first.replace(b"203.0.113.7", b"198.51.100.99").replace(b"/p", b"/other")
    parser = FORMATS[name].make({})

    found = {
        (record.ip, record.path)
        for cut in range(1, len(first))
        for record in records_of(parser, [first[:cut] + second])
    }

    assert not found & {("203.0.113.7", "/other"), ("198.51.100.99", "/p")}
