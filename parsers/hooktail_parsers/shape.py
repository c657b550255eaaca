"""What a format's ordinary lines look like, as an expression over bytes.

A parser that has a `shape` lets whoever feeds it pass over lines that nobody needs, without parsing
or even splitting them: most lines of an access log are for images and scripts. The shape promises
nothing of other lines; they go to the parser.
"""

from __future__ import annotations

from dataclasses import dataclass

ANY_METHOD = rb"[A-Z]++"
ANY_TARGET = rb'/[^ ?"\\\n]*+(?:\?[^ "\\\n]*+)?'
"""An origin-form target without escapes; the path ends at the first `?`."""
ANY_STATUS = rb"(?:[0-9]{3}|0|-)"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineShape:
    r"""The expression of an ordinary line, with places for what is asked of it.

    Whatever `line` matches in bytes without `\"` is a record with such a method, path, query and
    status, as `parse` would say, *if* it spans no newline but its own. The expression may run over
    newlines inside quotes, because the fastest loops know one character only; whoever uses it
    compares `quotes` with what the match holds: each line has exactly so many.
    """

    lead: bytes
    """From the line's start up to the request's opening quote."""
    tail: bytes
    """From behind the status to the line's end."""
    quotes: int

    def line(self, *requests: bytes) -> bytes:
        """Returns the expression of a line with its newline, which has one of some requests.

        A request is what `request` returns, or that with empty groups behind it.
        """
        return self.lead + b"(?:" + b"|".join(requests) + b")" + self.tail + rb"\n"


def request(
    method: bytes = ANY_METHOD, target: bytes = ANY_TARGET, status: bytes = ANY_STATUS
) -> bytes:
    """Returns the expression of a request line in its quotes, and of the status behind it."""
    return b'"' + method + b" " + target + rb' HTTP/[0-9.]++" ' + status
