"""A small format that joins lines and carries a state, for tests of whoever feeds parsers.

site NAME            a directive: from here on, records are of this site
begin ID PATH        opens a record
ID more ...          belongs to it
end ID               finishes it: one page view
one PATH             a record of one line
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Hashable, Iterator, Sequence

import pytest

from hooktail_parsers import (
    Finished,
    Format,
    ParseError,
    Part,
    Record,
    Result,
    Skip,
    Step,
)
from hooktail_parsers.builtin import FORMATS

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


class JoiningParser:
    """Parses the format."""

    hold_s = 0.2

    def __init__(self, time_ms: int) -> None:
        self._time_ms = time_ms
        self._site = ""
        self._open: dict[str, str] = {}

    def fork(self) -> JoiningParser:
        return JoiningParser(self._time_ms)

    def restore(self, state: str) -> None:
        self._site = state
        self._open = {}

    def give_up(self, record: Hashable) -> Step:
        assert isinstance(record, str)
        return Step(None, (Finished(record, self._record(self._open.pop(record) + "/cut")),))

    def parse(self, line: bytes) -> Result:
        match line.decode().split():
            case ["site", site]:
                self._site = site
                return Step(Skip("directive"), state=site)
            case ["begin", ident, path]:
                self._open[ident] = path
                return Part(ident)
            case ["end", ident] if ident in self._open:
                record = self._record(self._open.pop(ident))
                return Step(Part(ident), (Finished(ident, record),))
            case [ident, "more", *_] if ident in self._open:
                return Part(ident)
            case ["one", path]:
                return self._record(path)
        return ParseError("syntax")

    def parse_batch(self, lines: Sequence[bytes]) -> list[Result]:
        return [self.parse(line) for line in lines]

    def _record(self, path: str) -> Record:
        return Record(
            time_ms=self._time_ms,
            ip="81.2.69.142",
            method="GET",
            host=self._site or None,
            path=path,
            status=200,
            user_agent=AGENT,
        )


@contextlib.contextmanager
def registered() -> Iterator[str]:
    """Has the format registered for a while; gives its name."""
    now_ms = time.time_ns() // 1_000_000
    FORMATS["joined"] = Format("joined", "for tests", (), lambda _options: JoiningParser(now_ms))
    try:
        yield "joined"
    finally:
        del FORMATS["joined"]


@pytest.fixture
def joined_format() -> Iterator[str]:
    """Registers the format for one test; returns its name."""
    with registered() as name:
        yield name
