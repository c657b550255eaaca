"""What container runtimes put around the lines of a program: Docker, Kubernetes (CRI), Compose."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers.times import iso_time_ms
from hooktail_parsers.wrappers.messages import (
    LONGEST_STREAM_NAME,
    SYNTAX,
    json_object,
    odd_line,
    unpadded,
)

if TYPE_CHECKING:
    from hooktail_parsers._api import ParseError, Skip
    from hooktail_parsers.wrappers.messages import Message, Stamp

_CRI = re.compile(
    rb"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]++(?:Z|[+-][0-9]{2}:?[0-9]{2})) (stdout|stderr)"
    rb" ([PF])(?::[^ ]*+)?(?: (.*))?",
    re.DOTALL,
).fullmatch
_COLOUR = rb"\x1b\[[0-9;?]*+[A-Za-z]"
# An alternative, because most lines have none, and a repetition of nothing is slower.
_COLOURS = rb"(?>" + _COLOUR + rb"(?:" + _COLOUR + rb")*|)"
# Of the colours behind the prefix only its own end goes: the program's own are the inner format's.
_COMPOSE = re.compile(
    _COLOURS
    + rb"(?:([A-Za-z0-9][A-Za-z0-9_.-]*+) *+"
    + _COLOURS
    + rb"\||\[(pod/[^\]\s]++)\](?= |\Z))(?>\x1b\[0?m|)(?> (?>\x1b\[0?m|)|)"
    # `--timestamps`; programs that begin a line with a time of their own write fewer digits.
    + rb"(?:([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{9}Z) )?(.*)",
    re.DOTALL,
).fullmatch


def stamp_ms(stamp: Stamp) -> int | None:
    """Reads an ISO 8601 stamp; None if it is none."""
    if isinstance(stamp, str):
        stamp = stamp.encode("utf-8", "replace")
    return iso_time_ms(stamp) if isinstance(stamp, bytes) else None


class DockerJson:
    r"""Docker's json-file: `{"log":"…\n","stream":"stdout","time":"…Z"}`.

    A `log` without a newline at its end is a chunk of 16 KiB; the next of its stream goes on.
    """

    joins = True
    time_ms = staticmethod(stamp_ms)

    def split(self, line: bytes) -> Message | Skip | ParseError:
        """Takes a line apart."""
        entry = json_object(line)
        if not isinstance(entry, dict):
            return entry
        text, stream = entry.get("log"), entry.get("stream", "")
        if not isinstance(text, str) or not isinstance(stream, str):
            return SYNTAX
        if len(stream) > LONGEST_STREAM_NAME:
            return SYNTAX
        raw = text.encode()
        if raw[-1:] != b"\n":
            return raw, entry.get("time"), stream, False
        end = -2 if raw[-2:] == b"\r\n" else -1
        return raw[:end], entry.get("time"), stream, True


class Cri:
    """Kubernetes' container runtimes: `TIME stdout|stderr P|F[:tag] text`; `P` goes on."""

    joins = True
    time_ms = staticmethod(stamp_ms)

    def split(self, line: bytes) -> Message | Skip | ParseError:
        """Takes a line apart."""
        found = _CRI(line)
        if found is None:
            text = unpadded(line)
            found = _CRI(text)
            if found is None:
                return odd_line(text)
        stamp, stream, flag, message = found.groups()
        return message or b"", stamp, stream.decode("ascii"), flag == b"F"


class DockerCompose:
    """`docker compose logs` (`web-1  | text`) and `kubectl logs --prefix` (`[pod/a/b] text`).

    Colours of the prefix go, and a time stamp of `--timestamps`.
    """

    joins = False
    time_ms = staticmethod(stamp_ms)

    def split(self, line: bytes) -> Message | Skip | ParseError:
        """Takes a line apart."""
        found = _COMPOSE(line)
        if found is None:
            text = unpadded(line)
            found = _COMPOSE(text)
            if found is None:
                return odd_line(text)
        service, pod, stamp, text = found.groups()
        name = service or pod
        if len(name) > LONGEST_STREAM_NAME:
            return SYNTAX
        return text, stamp, name.decode("utf-8", "replace"), True
