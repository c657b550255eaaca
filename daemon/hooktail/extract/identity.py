"""Event ids that a second reading of the same bytes repeats, whatever the file is called by then.

An id derives from what was written, never from a path or an inode: a rename, a copy, a compressed
copy, a restart and a backfill all give the same one.
"""

from __future__ import annotations

from hashlib import blake2b
from struct import Struct

HEAD_BYTES = 1024
_PLACE = Struct(">QI").pack
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def generation_of(head: bytes) -> bytes:
    """Fingerprints a file's generation from its first bytes, which name the first request.

    Of the first line with its newline, or of the first `HEAD_BYTES` bytes if the line is longer;
    `b""` if `head` does not hold as much yet. More bytes behind never change the answer.
    """
    end = head.find(b"\n", 0, HEAD_BYTES) + 1
    if not end:
        if len(head) < HEAD_BYTES:
            return b""
        end = HEAD_BYTES
    return blake2b(head[:end], digest_size=16).digest()


def uuid_text(digest: bytes) -> str:
    """Writes 16 bytes as a UUID of version 8 (RFC 9562: by the application's own rule)."""
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-8{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def pack(*parts: bytes) -> bytes:
    """Joins byte strings, each behind its length, so that no two lists give the same bytes."""
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


class LineIds:
    """Ids for the lines of one generation of one source's file."""

    __slots__ = ("_fed",)

    def __init__(self, site: str, source: str, generation: bytes) -> None:
        packed = pack(site.encode(), source.encode(), generation)
        self._fed = blake2b(packed, digest_size=16, person=b"hooktail-line")

    def event_id(self, start: int, text: bytes, rule: bytes) -> str:
        """The id of the event that `rule` (its UTF-8 name) makes of a record at offset `start`.

        `text` is all of the record: many records over several lines begin with the same one.
        """
        digest = self._fed.copy()
        digest.update(_PLACE(start, len(text)) + text + rule)  # rule is the rest
        return uuid_text(digest.digest())


def once_event_id(site: str, name: str, key: str) -> str:
    """The id of a `once_per` event: of the business fact, so that two web hosts agree."""
    return uuid_text(_once_digest(site, name, key))


def once_key(site: str, name: str, key: str) -> str:
    """The short form (16 hex digits) under which a `once_per` key is remembered."""
    return _once_digest(site, name, key)[:8].hex()


def _once_digest(site: str, name: str, key: str) -> bytes:
    packed = pack(*(text.encode("utf-8", "replace") for text in (site, name, key)))
    return blake2b(packed, digest_size=16, person=b"hooktail-once").digest()
