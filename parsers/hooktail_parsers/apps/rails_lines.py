"""The lines of a Rails log: what the logger put in front of them, and who wrote them.

    I, [2025-03-14T08:26:53.101234 #77]  INFO -- : [aaa-1] Started GET "/a" for …
    Mar 14 08:26:53 web1 rails[77]: Processing …

Requests that are served at the same time mix their lines. The tags tell them apart, else the
process, else nothing does.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_PREFIX = re.compile(
    rb"(?:[A-Z], \[[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:.]{8,18} *+(?:#([0-9]{1,10}))?\] *+[A-Z]++ --"
    rb" (?>(?:[^:]|:(?=\S)){0,80}): ?"
    rb"|(?:<[0-9]{1,3}>)?[A-Z][a-z]{2} [ 0-9][0-9] [0-9]{2}:[0-9]{2}:[0-9]{2} \S++"
    rb" [^\s:\[]++(?:\[([0-9]{1,10})\])?: )"
).match
_TAGS = re.compile(rb"((?>(?:\[[^\[\]]{0,128}\] )+))").match
_COLOUR = re.compile(rb"\x1b\[[0-9;]*+m")
_EXCEPTION = re.compile(rb"[A-Z]\w*+(?>(?:::[A-Z]\w*+)*) \(.*\):\s*+\Z", re.DOTALL).match
# What Rails and Ruby write between requests too.
_USUAL = re.compile(
    rb"[ \t]|[^\s:]++:[0-9]++:in "
    rb"|(?:Processing|Parameters|Rendering|Rendered|Redirected|Filter|Sent|Cached|Completed"
    rb"|Read|Write|Expire|Session|Cookie|SQL)\b"
).match
_LANDMARK = re.compile(
    rb'(?:Started [A-Z]++ "|Processing (?>by |)[\w:]++#\w|Completed (?:[0-9]{3}\b|in [0-9]))'
).search


class RailsLine(NamedTuple):
    """A line taken apart."""

    key: bytes
    """Of all the lines of one request; empty if nothing is said."""
    message: bytes
    prefixed: bool
    """Whether a logger or tags stand before the message."""
    tag: bytes
    """The first tag; empty without."""


def read_line(line: bytes) -> RailsLine:
    """Takes a line apart."""
    if b"\x1b" in line:
        line = _COLOUR.sub(b"", line)
    at, process = 0, b""
    prefix = _PREFIX(line)
    if prefix is not None:
        at = prefix.end()
        process = prefix[1] or prefix[2] or b""
    if line[at : at + 1] != b"[":
        return RailsLine(process, line[at:], prefix is not None, b"")
    tags = _TAGS(line, at)
    if tags is None:
        return RailsLine(process, line[at:], prefix is not None, b"")
    tag = tags[1][1 : tags[1].index(b"]")]
    return RailsLine(process + b" " + tags[1], line[tags.end() :], True, tag)


def is_torn(message: bytes) -> bool:
    """Tells whether the beginning or the end of another request was glued to a torn line.

    What stands in quotes is what a client or the application has written; but a target holds no
    space, so that in the line of one its quotes say nothing.
    """
    found = message.find
    if found(b"Started ", 1) < 0 and found(b"Processing ", 1) < 0 and found(b"Completed ", 1) < 0:
        return False
    inner = _LANDMARK(message, 1)
    return inner is not None and (
        message.startswith(b"Started ") or message.count(b'"', 0, inner.start()) % 2 == 0
    )


def is_exception(message: bytes) -> bool:
    """Tells whether this says that an exception ended the request."""
    return _EXCEPTION(message) is not None


def is_usual(message: bytes) -> bool:
    """Tells whether this surely is a line of a Rails log."""
    return _USUAL(message) is not None or is_exception(message)
