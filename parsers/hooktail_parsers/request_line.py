"""Request lines as most of them are, read at once; the others are left to `request`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

from hooktail_parsers.address import split_authority
from hooktail_parsers.memo import Memo
from hooktail_parsers.request import read_request

if TYPE_CHECKING:
    from collections.abc import Callable

Parts: TypeAlias = (
    "tuple[str, str | None, str | None, int | None, str | None, str | None]"  # as request.Request
)

_ORDINARY = re.compile(
    rb"([A-Z]++) (?>([a-z]++)://([^/?#@ ]++)|)(/[^ ?]*+)(?:\?([^ ]*+))? HTTP/[0-9.]++"
).fullmatch
_NOWHERE = (None, None)


class RequestLine:
    """Reads request lines whose escaping is undone; the same as `read_request`, and faster."""

    def __init__(self, decode: Callable[[bytes], str]) -> None:
        self._decode = decode
        self._words = Memo(lambda raw: raw.decode("ascii"), 64)
        self._hosts = Memo(lambda raw: split_authority(raw, decode), 1024)

    def read(self, line: bytes) -> Parts | None:
        """Returns method, scheme, host, port, path and query, or None if it is no request."""
        match = _ORDINARY(line)
        if match is None:
            return read_request(line, self._decode)
        method, scheme, authority, path, query = match.groups()
        decode, words = self._decode, self._words
        if scheme is None:
            host, port = _NOWHERE
        else:
            place = self._hosts[authority]
            if place is None:
                return None
            host, port = place
        return (
            words[method],
            None if scheme is None else words[scheme],
            host,
            port,
            decode(path),
            None if query is None else decode(query),
        )
