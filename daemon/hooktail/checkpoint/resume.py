"""Finds a file in the checkpoint by what the kernel and what its content say. Pure.

same head, long enough, and the same bytes before the offset:
    with the same inode                 it is the file: go on at its mark
    with another inode                  it was copied, or moved across file systems: go on
                                        too, unless the original is still followed
same head, which is full, but shorter   an older copy was put back: all of it is known
anything else                           it is new, and the reason is told
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from hooktail.fingerprint import HEAD_BYTES, Head, head_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hooktail.checkpoint.state import FileEntry
    from hooktail.model import FileId


class Match(NamedTuple):
    """What the checkpoint knows of a file: its key, or why there is none."""

    key: int | None = None
    restored: bool = False
    """An older copy of a known file: everything in it was read."""
    replaced: str = ""
    """Why a known inode or a known beginning is a new file; empty if neither is known."""


class _Known(NamedTuple):
    head: Head
    inode: tuple[int, int]
    read: int
    before: str


class Resumer:
    """An index of one source's entries. Those of files that are followed are *held*: not found."""

    def __init__(self, entries: Iterable[tuple[int, FileEntry]] = ()) -> None:
        self._by_inode: dict[tuple[int, int], set[int]] = defaultdict(set)
        self._by_head: dict[Head, set[int]] = defaultdict(set)
        self._held: set[int] = set()
        self._lengths: Counter[int] = Counter()
        """Of the heads of entries that are not held."""
        self._entries: dict[int, _Known] = {}
        for key, entry in entries:
            self.put(
                key,
                Head(entry.head_length, entry.head_digest),
                (entry.device, entry.inode),
                entry.read,
                entry.before_digest,
            )

    def put(self, key: int, head: Head, inode: tuple[int, int], read: int, before: str) -> None:
        """Adds an entry, or replaces it; `before` fingerprints the bytes before `read`."""
        self.drop(key)
        self._entries[key] = _Known(head, inode, read, before)
        self._by_inode[inode].add(key)
        self._by_head[head].add(key)
        if key not in self._held:
            self._lengths[head.length] += 1

    def drop(self, key: int) -> None:
        """Takes an entry out."""
        if key in self._entries:
            known = self._entries.pop(key)
            if key not in self._held:
                self._lengths[known.head.length] -= 1
            self._by_inode[known.inode].discard(key)
            self._by_head[known.head].discard(key)
            if not self._by_head[known.head]:
                del self._by_head[known.head]

    def hold(self, key: int) -> None:
        """The file of the entry is followed, or about to be: it is given to no other."""
        if key not in self._held:
            self._held.add(key)
            if key in self._entries:
                self._lengths[self._entries[key].head.length] -= 1

    def release(self, key: int) -> None:
        """The file is no longer followed."""
        if key in self._held:
            self._held.remove(key)
            if key in self._entries:
                self._lengths[self._entries[key].head.length] += 1

    def knows(self, file_id: FileId) -> bool:
        """Tells whether an inode stands in an entry."""
        return bool(self._by_inode.get(file_id))

    def find(
        self,
        file_id: FileId,
        head: bytes,
        size: int,
        before_at: Callable[[int], str],
    ) -> Match:
        """Looks for a file that begins with `head`.

        `before_at` fingerprints the bytes of the file before an offset, or returns "" where that
        cannot be known.
        """
        replaced = ""
        by_inode_alone = None
        for key in sorted(self._by_inode.get(file_id, ()), reverse=True):
            if key in self._held:
                continue
            match = self._judge(key, head, size, before_at)
            if match.key is not None and not self._entries[key].head.length:
                by_inode_alone = match  # never read: its content says nothing, and may be another's
            elif match.key is not None or match.restored:
                return match
            replaced = replaced or match.replaced
        return self._by_content(head, size, before_at) or by_inode_alone or Match(replaced=replaced)

    def like(
        self, head: bytes, size: int, before_at: Callable[[int], str]
    ) -> Iterable[tuple[int, bool]]:
        """Returns the keys of all entries whose content a file holds.

        With each, whether that is proved up to the entry's read offset, and not by the head alone.
        """
        for key in self._with_head(head):
            match = self._judge(key, head, size, before_at)
            if match.key is not None or match.restored:
                known = self._entries[key]
                proved = match.key is not None and bool(known.before and before_at(known.read))
                yield key, proved

    def _with_head(self, head: bytes) -> Iterable[int]:
        for length, entries in self._lengths.items():
            if entries and length and length <= len(head):
                for key in self._by_head.get(head_of(head[:length]), ()):
                    if key not in self._held:
                        yield key

    def _by_content(
        self,
        head: bytes,
        size: int,
        before_at: Callable[[int], str],
    ) -> Match | None:
        """Finds the entry that knows most of the content: the one that was read furthest."""
        restored = None
        found: list[tuple[int, int]] = []
        for key in self._with_head(head):
            match = self._judge(key, head, size, before_at)
            if match.key is not None:
                found.append((self._entries[key].read, key))
            elif match.restored:
                restored = match
        return Match(max(found)[1]) if found else restored

    def _judge(self, key: int, head: bytes, size: int, before_at: Callable[[int], str]) -> Match:
        known = self._entries[key]
        if not known.head.matches(head):
            return Match(replaced="another head")
        if size < known.read:
            if known.head.length == HEAD_BYTES:
                return Match(restored=True)
            return Match(replaced="shorter than what was read")
        before = before_at(known.read) if known.before else ""
        if before and before != known.before:
            return Match(replaced="other bytes before the offset")
        return Match(key)
