"""What a log's encoding means to its reader: where lines end, and what their text is. Pure.

Almost every encoding contains ASCII: a line ends in the byte 0A, and its bytes go to the parser as
they are, which decodes them by its option `encoding`. UTF-16 does not: its newline is two bytes at
an even offset, and its lines are handed over as UTF-8. Offsets stay those of the file's bytes.

A byte order mark at offset 0 is no text. One of UTF-16 also decides: the byte order of what was
declared as UTF-16, and that a file declared as UTF-8, or not at all, is UTF-16. It is looked for in
the file each time, so that a restart comes to the same answer; a file whose head was truncated into
a hole of NULs has lost it, and is read right only if its encoding is declared.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD_BYTES = 2
"""What `Encoding.of` wants to see of a file."""
WIDEST = 2
"""The most bytes that a newline has."""

_UTF_8_BOM = codecs.BOM_UTF8


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a log is read: one that was declared (`named`), and the one of a given file (`of`)."""

    name: str
    width: int = 1
    """Bytes of a code unit, so of a newline; a line begins at a multiple of it."""
    newline: bytes = b"\n"
    may_be_utf_16: bool = False
    """Not declared as anything in which a byte order mark of UTF-16 could be text."""

    @staticmethod
    def named(name: str | None) -> Encoding:
        """The encoding that a configuration declares; None is UTF-8.

        Raises:
            ValueError: it is unknown, or UTF-32.
        """
        try:
            known = codecs.lookup(name or "utf-8").name
        except LookupError as error:
            raise ValueError(f"{name!r} is no encoding") from error
        if known in _UTF_16:
            return _UTF_16[known]
        if known.startswith("utf-32"):
            raise ValueError(f"{name!r}: logs in UTF-32 are not read")
        return Encoding(known, may_be_utf_16=known in ("utf-8", "utf-8-sig", "ascii"))

    @property
    def handed_over_as_utf_8(self) -> bool:
        """Lines are handed over as UTF-8: the parser is not told of the encoding."""
        return self.width > 1

    def of(self, head: bytes) -> Encoding | None:
        """The encoding of a file that begins with `head`; None if that needs more of the head.

        It never needs more than `HEAD_BYTES`, nor more than a file has that holds a line.
        """
        if self.width == 1 and not self.may_be_utf_16:
            return self
        if head.startswith(codecs.BOM_UTF16_LE):
            return _UTF_16["utf-16-le"]
        if head.startswith(codecs.BOM_UTF16_BE):
            return _UTF_16["utf-16-be"]
        return None if head in (b"", b"\xff", b"\xfe") else self

    def end_of_first_line(self, chunk: bytes, start: int) -> int:
        """Where the first newline in `chunk` ends, which begins at offset `start`; 0 for none."""
        at = chunk.find(self.newline)
        if self.width > 1:
            while at >= 0 and (start + at) % self.width:
                at = chunk.find(self.newline, at + 1)
        return at + self.width if at >= 0 else 0

    def end_of_last_line(self, chunk: bytes, start: int) -> int:
        """Where the last newline in `chunk` ends, which begins at offset `start`; 0 for none."""
        return self._end_of_last(self.newline, chunk, start)

    def end_of_hole(self, chunk: bytes, start: int) -> int:
        """Where the last NUL in `chunk` ends, which begins at offset `start`; 0 for none."""
        return self._end_of_last(bytes(self.width), chunk, start)

    def _end_of_last(self, unit: bytes, chunk: bytes, start: int) -> int:
        at = chunk.rfind(unit)
        if self.width > 1:
            while at >= 0 and (start + at) % self.width:
                at = chunk.rfind(unit, 0, at + self.width - 1)
        return at + self.width if at >= 0 else 0

    def is_verbatim(self, chunk: bytes, start: int) -> bool:
        """Tells whether the lines of `chunk` are handed over as the bytes between its newlines."""
        return self.width == 1 and bool(start or not chunk.startswith(_UTF_8_BOM))

    def split(self, chunk: bytes, start: int) -> list[bytes]:
        """Cuts `chunk`, which begins at offset `start`, at its newlines."""
        pieces = chunk.split(self.newline)
        if self.width == 1:
            return pieces
        odd = start % self.width
        if not odd and not any(len(piece) % self.width for piece in pieces):
            return pieces
        # A newline at an odd offset is none: half of one unit, and half of the next.
        whole: list[bytes] = []
        parts: list[bytes] = []
        length = odd
        for piece in pieces:
            parts.append(piece)
            length += len(piece)
            if length % self.width == 0:
                whole.append(self.newline.join(parts))
                parts, length = [], 0
        if parts:
            whole.append(self.newline.join(parts))
        return whole

    def texts(self, raw: list[bytes], start: int) -> list[bytes]:
        """What is handed over of the lines at offset `start`, given their bytes.

        Of what is no UTF-16, each unit becomes a U+FFFD.
        """
        if self.width > 1:
            whole = self.newline.join(raw)[start % self.width :]
            raw = whole.decode(self.name, "replace").encode().split(b"\n")
        if not start and raw[0].startswith(_UTF_8_BOM):
            return [raw[0][len(_UTF_8_BOM) :], *raw[1:]]
        return raw

    def starts(self, raw: list[bytes], start: int) -> Sequence[int]:
        """The offsets of the lines at offset `start`, given their bytes."""
        lengths = (len(text) + self.width for text in raw[:-1])
        return list(accumulate(chain((start,), lengths)))


_UTF_16 = {
    "utf-16-le": Encoding("utf-16-le", 2, b"\n\0"),
    "utf-16-be": Encoding("utf-16-be", 2, b"\0\n"),
}
_UTF_16["utf-16"] = _UTF_16["utf-16-le"]
"""Without a byte order mark, as Windows writes it."""

UTF_8 = Encoding.named(None)
