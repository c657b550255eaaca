"""morgan's short formats for a developer's console (Node.js).

    method url status response_time ms - content_length         dev, in colours
    method url status content_length - response_time ms         tiny

Neither client nor time is there: a record says what the line says.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hooktail_parsers._api import Format, LineParser, Record
from hooktail_parsers.consoles.lines import without_colours
from hooktail_parsers.ncsa.parser import NOT_A_REQUEST, without_record
from hooktail_parsers.options import check_options, text_decoder
from hooktail_parsers.split_request import read_split_request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail_parsers._api import Parsed

_NUMBER = rb"([0-9]{1,12}(?:\.[0-9]{1,9})?|-)"
_LINE = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]++) (\S++) ([0-9]{3}|-) "
    rb"(?:" + _NUMBER + rb" ms - ([0-9]{1,18}|-)|([0-9]{1,18}|-) - " + _NUMBER + rb" ms)\s*+\Z"
).match


class MorganDevParser(LineParser):
    """Parses lines of `dev` and of `tiny`."""

    def __init__(self, options: Mapping[str, str]) -> None:
        check_options(options)
        self._decode = text_decoder(options)

    def parse(self, line: bytes) -> Parsed:
        """Parses one line."""
        found = _LINE(without_colours(line))
        if found is None:
            return without_record(line)
        method, target, status, dev_ms, dev_size, tiny_size, tiny_ms = found.groups()
        request = read_split_request(method, target, self._decode)
        if request is None:
            return NOT_A_REQUEST
        spent_ms, size = (tiny_ms, tiny_size) if dev_ms is None else (dev_ms, dev_size)
        return Record(
            None,
            None,
            *request,
            None if status == b"-" else int(status) or None,
            bytes_sent=None if size == b"-" else int(size),
            duration_s=None if spent_ms == b"-" else float(spent_ms) / 1000,
        )


FORMATS = (
    Format(
        "morgan_dev",
        "morgan's dev and tiny: neither client nor time",
        (
            "method", "scheme", "host", "port", "path", "query", "status", "bytes_sent",
            "duration_s",
        ),
        MorganDevParser,
        example="\x1b[0mGET /p?a=1 \x1b[32m200\x1b[0m 3.104 ms - 512\x1b[0m",
        source="morgan's README, predefined formats dev and tiny",
    ),
)  # fmt: skip
