"""Parts of lines of the common log format, and how to read a line by a format's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail_parsers import ParseError, Record

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hooktail_parsers import Format

STAMP = "[14/Mar/2025:09:26:53 +0100]"
TIME_MS = 1_741_940_813_000
REQUEST = '"GET /p?a=1 HTTP/1.1" 200 512'
AGENT = '"https://ref.example/" "Agent/1.0 (X11)"'


class Formats:
    """Formats by their names."""

    def __init__(self, formats: Iterable[Format]) -> None:
        self._formats = {known.name: known for known in formats}

    def record(self, name: str, line: str, **options: str) -> Record:
        parsed = self._formats[name].make(options).parse(line.encode())
        assert isinstance(parsed, Record), parsed
        return parsed

    def refusal(self, name: str, line: str) -> str:
        parsed = self._formats[name].make({}).parse(line.encode())
        assert isinstance(parsed, ParseError), parsed
        return parsed.reason
