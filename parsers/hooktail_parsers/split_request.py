"""Requests whose method and target stand in columns of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers.request import read_target

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail_parsers.request import Request

_METHOD = re.compile(rb"(?!-\Z)[!#$%&'*+.^_`|~0-9A-Za-z-]++").fullmatch


def read_split_request(
    method: bytes, target: bytes, decode: Callable[[bytes], str]
) -> Request | None:
    """Reads method and target, their escaping undone; None if they are no request."""
    return read_target(method.decode("ascii"), target, decode) if _METHOD(method) else None
