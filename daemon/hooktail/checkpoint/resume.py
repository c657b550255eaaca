"""Finds a file in the checkpoint by what the kernel and what its content say. Pure.

same head, long enough, and the same bytes before the offset:
    with the same inode                 it is the file: go on at its mark
    with another inode                  it was copied, or moved across file systems: go on
                                        too, unless the original is still followed
same head, which is full, but shorter,  an older copy was put back: what it holds is known, as
or other bytes before the offset        far as the trail of the entry agrees; all of it, if it was
                                        not modified since more than that was read
anything else                           it is new, and the reason is told
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from hooktail.checkpoint.trail import Trail
from hooktail.fingerprint import HEAD_BYTES, Head, head_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from hooktail.checkpoint.state import FileEntry
    from hooktail.model import FileId


class Look(NamedTuple):
    """What is to be seen of a file."""

    head: bytes
    """Its first bytes, at most `HEAD_BYTES`."""
    size: int
    before_at: Callable[[int], str]
    """Fingerprints its bytes before an offset; "" where that cannot be known."""
    modified_s: int = 0
    """When it was modified last, in seconds since the epoch; 0 if nobody writes to it."""
    now_s: int = sys.maxsize
    """Seconds since the epoch: where a clock was set back, times cannot be compared."""
    known_size: Callable[[], int] | None = None
    """Of a compressed file, of which only the beginning is seen: its size as far as `before_at` has
    found out."""

    @property
    def in_part(self) -> bool:
        """Tells whether only the beginning is seen."""
        return self.known_size is not None

    def reaches(self, offset: int) -> bool:
        """Tells whether the file may be as long; `before_at` that offset was asked for."""
        return (self.size if self.known_size is None else self.known_size()) >= offset


class Older(NamedTuple):
    """An older copy of a known file, perhaps written to since it was put back."""

    timed: bool
    """The times of modification were compared; what could not be compared counts for less."""
    known: int
    """So far it holds what was read."""
    floor: int
    """Below it nothing was for us to read."""
    unchanged: bool
    """Everything in it was read."""
    of: int
    """The entry's key."""


class Like(NamedTuple):
    """An entry that has something in common with a file."""

    key: int
    proved: int
    """So far the file holds what was read."""
    perhaps_more: bool
    """It may hold what lies behind that, too."""


class Match(NamedTuple):
    """What the checkpoint knows of a file: its key, or why there is none."""

    key: int | None = None
    older: Older | None = None
    replaced: str = ""
    """Why a known inode or a known beginning is a new file; empty if neither is known."""


class _Known(NamedTuple):
    head: Head
    inode: tuple[int, int]
    read: int
    before: str
    floor: int
    trail: Trail
    modified_s: int


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
                of=entry,
            )

    def put(
        self,
        key: int,
        head: Head,
        inode: tuple[int, int],
        read: int,
        before: str,
        *,
        of: FileEntry | None = None,
        modified_s: int = 0,
    ) -> None:
        """Adds an entry, or replaces it; `before` fingerprints the bytes before `read`.

        `of` is what the checkpoint has of it, perhaps a turn behind.
        """
        self.drop(key)
        floor, trail = (of.floor, of.trail) if of is not None else (0, Trail())
        modified_s = modified_s or (of.modified_s if of is not None else 0)
        self._entries[key] = _Known(head, inode, read, before, floor, trail, modified_s)
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

    def with_inode(self, file_id: FileId) -> Collection[int]:
        """Returns the keys of entries with an inode, but of those that are held."""
        return self._by_inode.get(file_id, set()) - self._held

    def find(self, file_id: FileId, look: Look) -> Match:
        """Looks for a file."""
        replaced = ""
        by_inode_alone = None
        for key in sorted(self._by_inode.get(file_id, ()), reverse=True):
            if key in self._held:
                continue
            match = self._judge(key, look)
            if match.key is not None and not self._entries[key].head.length:
                by_inode_alone = match  # never read: its content says nothing, and may be another's
            elif match.key is not None:
                return match
            replaced = replaced or match.replaced
        by_content = self._by_content(look)
        if by_content is None or by_content.replaced:
            return by_inode_alone or Match(replaced=replaced or (by_content or Match()).replaced)
        return by_content

    def older(self, look: Look) -> Older | None:
        """Tells, of a file that is an older copy of another, how much of it was read."""
        judged = (self._judge(key, look).older for key in self._with_head(look.head))
        return max(filter(None, judged), key=_worth, default=None)

    def like(self, look: Look) -> Iterable[Like]:
        """Returns all entries of whose content a file holds something."""
        for key in self._with_head(look.head):
            known, match = self._entries[key], self._judge(key, look)
            if match.older is not None:
                # Other lines can begin at the same offsets behind what is known.
                yield Like(key, match.older.known, perhaps_more=not match.older.timed)
            elif match.key is not None:
                proved = known.read if known.before and look.before_at(known.read) else 0
                yield Like(key, proved, perhaps_more=True)
            else:
                yield Like(key, known.head.length, perhaps_more=False)

    def _with_head(self, head: bytes) -> Iterable[int]:
        for length, entries in self._lengths.items():
            if entries and length and length <= len(head):
                for key in self._by_head.get(head_of(head[:length]), ()):
                    if key not in self._held:
                        yield key

    def _by_content(self, look: Look) -> Match | None:
        """Finds the entry that knows most of the content: the one that was read furthest."""
        older: list[Older] = []
        found: list[tuple[int, int]] = []
        replaced = ""
        for key in self._with_head(look.head):
            match = self._judge(key, look)
            if match.key is not None:
                found.append((self._entries[key].read, key))
            elif match.older is not None:
                older.append(match.older)
            elif self._entries[key].head.length == HEAD_BYTES:
                replaced = f"begins like a known one, but: {match.replaced}"
        if found:
            return Match(max(found)[1])
        if older:
            return Match(older=max(older, key=_worth))
        return Match(replaced=replaced) if replaced else None

    def _judge(self, key: int, look: Look) -> Match:
        known = self._entries[key]
        if not known.head.matches(look.head):
            return Match(replaced="another head")
        before = look.before_at(known.read) if known.before else ""
        if not look.reaches(known.read):
            replaced = "shorter than what was read"
        elif before and before != known.before:
            replaced = "other bytes before the offset"
        elif not before and known.trail.differs(look.before_at):
            replaced = "other bytes on the way to the offset"
        else:
            return Match(key)
        return Match(older=_older(key, known, look), replaced=replaced)


def _worth(older: Older) -> tuple[bool, int, int]:
    """Of several judgements of one file that counts which knows most, of most of the file."""
    return older.timed, older.known, -older.floor


def _older(key: int, known: _Known, look: Look) -> Older | None:
    """Judges a file with the same head, which is not the one that was read so far.

    What was written to it after it was put back is newer than what was read last, and what it
    lacks of the trail it does not hold. Of an archive, and where no time is known, no more counts
    as known than is seen to agree: another log may begin alike.
    """
    if known.head.length < HEAD_BYTES:
        return None
    shorter = not look.reaches(known.read)
    timed = bool(look.modified_s and 0 < known.modified_s <= look.now_s)
    agreed = known.trail.agrees_up_to(look.size, look.before_at)
    older = timed and look.modified_s < known.modified_s
    if shorter and older and HEAD_BYTES < agreed == known.trail.last_before(look.size):
        return Older(timed, look.size, known.floor, unchanged=True, of=key)
    told = any(offset > HEAD_BYTES and look.reaches(offset) for offset, _ in known.trail.points)
    if agreed <= HEAD_BYTES and (look.in_part or not shorter or told):
        return None  # of the old content there is the head alone: perhaps another's
    return Older(timed, max(agreed, HEAD_BYTES), known.floor, unchanged=False, of=key)
