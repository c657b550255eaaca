"""What a file's content says about its identity, beside what the kernel says.

The head of a log file (its first KiB) holds the time and client of the first request, so two
files with the same head are the same file or a copy. A head grows with its file until it is
full, therefore a known head is compared over its own length.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

HEAD_BYTES = 1024

BEFORE_BYTES = 512
"""What is compared just before an offset, to see that the file still holds what was read: more than
a line, because lines often end in the same user agent."""

WAY_BYTES = 2048
"""So far before the end of what was read at once its content is fingerprinted too: ten lines."""

COMPRESSED_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}


class Head(NamedTuple):
    """The first `length` bytes of a file (at most `HEAD_BYTES`), by their digest."""

    length: int
    digest: str

    def matches(self, head: bytes) -> bool:
        """Tells whether a file that begins with `head` could be the one fingerprinted."""
        return len(head) >= self.length and head_of(head[: self.length]) == self


NO_HEAD = Head(0, "")
"""Of what cannot be looked at again."""


def head_of(head: bytes) -> Head:
    """Fingerprints the first bytes of a file."""
    return Head(len(head), blake2b(head, digest_size=16).hexdigest())


def before_of(before: bytes) -> str:
    """Fingerprints the bytes just before an offset (at most `BEFORE_BYTES`); "" for none."""
    return blake2b(before, digest_size=8).hexdigest() if before else ""


def way_of(content: bytes, start: int) -> list[int | str]:
    """Fingerprints places within content that stands at `start`, denser towards its end.

    Returns offsets and what `before_of` says of the bytes before them, in turn.
    """
    flat: list[int | str] = []
    back = WAY_BYTES
    while back <= len(content) - BEFORE_BYTES:
        at = len(content) - back
        flat = [start + at, before_of(content[at - BEFORE_BYTES : at]), *flat]
        back *= 2
    return flat


def begin_alike(of_copy: bytes, of_original: bytes, *, original_grows: bool) -> bool:
    """Tells by their heads whether one file may be a copy of another, one of them compressed.

    All that can be compared is the beginning. A growing log reaches at least as far as its copy.
    """
    if not original_grows and len(of_copy) > len(of_original):
        return of_copy.startswith(of_original)
    return of_original.startswith(of_copy)


def compression_of(head: bytes) -> str | None:
    """Names the compression of a file that begins with `head`, None for plain text."""
    for magic, name in COMPRESSED_MAGIC.items():
        if head.startswith(magic):
            return name
    return None
