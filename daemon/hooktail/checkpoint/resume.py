"""Finds a file in the checkpoint by what the kernel and what its content say. Pure.

    same inode, same head, long enough      it is the file: go on at its mark
    another inode, same head, long enough   it was copied or moved across file systems: go on too,
                                            unless the original is still followed
    same inode, another head or shorter     it was replaced: it is new

A copy that appears while the original is still followed is most often copytruncate between its
two steps: the answer is `later` for a while, until the original is truncated.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from hooktail.fingerprint import Head, head_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from hooktail.checkpoint.state import FileEntry
    from hooktail.model import FileId


class Match(NamedTuple):
    """What the checkpoint knows of a file: its key, or why there is none."""

    key: int | None = None
    later: bool = False
    replaced: str = ""
    """Why a known inode is a new file; empty if the inode is not known."""


class Resumer:
    """An index of one source's entries."""

    def __init__(self, entries: Iterable[tuple[int, FileEntry]] = ()) -> None:
        self._by_inode: dict[tuple[int, int], set[int]] = defaultdict(set)
        self._by_head: dict[Head, set[int]] = defaultdict(set)
        self._entries: dict[int, tuple[Head, tuple[int, int], int]] = {}
        for key, entry in entries:
            self.put(
                key,
                Head(entry.head_length, entry.head_digest),
                (entry.device, entry.inode),
                entry.read,
            )

    def put(self, key: int, head: Head, inode: tuple[int, int], read: int) -> None:
        """Adds an entry, or replaces it."""
        self.drop(key)
        self._entries[key] = head, inode, read
        self._by_inode[inode].add(key)
        self._by_head[head].add(key)

    def drop(self, key: int) -> None:
        """Takes an entry out."""
        if key in self._entries:
            head, inode, _ = self._entries.pop(key)
            self._by_inode[inode].discard(key)
            self._by_head[head].discard(key)
            if not self._by_head[head]:
                del self._by_head[head]

    def find(self, file_id: FileId, head: bytes, size: int, followed: AbstractSet[int]) -> Match:
        """Looks for a file that begins with `head`; `followed` are keys that are taken."""
        replaced = ""
        for key in sorted(self._by_inode.get(file_id, ()), reverse=True):
            known, _, read = self._entries[key]
            if key in followed:
                continue
            if not known.matches(head):
                replaced = "another head"
            elif size < read:
                replaced = "shorter than what was read"
            else:
                return Match(key)
        copy_of = None
        for length in {known.length for known in self._by_head}:
            if not length or length > len(head):
                continue
            for key in self._by_head.get(head_of(head[:length]), ()):
                if key in followed:
                    return Match(later=True, replaced=replaced)
                if size >= self._entries[key][2]:
                    copy_of = key
        return Match(copy_of, replaced=replaced)
