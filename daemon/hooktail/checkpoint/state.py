"""What the checkpoint knows, and how one journal record changes it. Pure.

The same `apply` runs when a record is written and when it is read back, so that what is in memory
is always what a restart would see.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from hooktail.checkpoint.places import Places
from hooktail.checkpoint.trail import Trail

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FORMAT_VERSION = 1

Where = Literal["end", "beginning"]


@dataclass(slots=True)
class FileEntry:
    """One file (one generation of content) of one source."""

    source: str
    path: str
    device: int
    inode: int
    begin: int = 0
    """Offset from which it was read: lines below are another entry's, or nobody's."""
    floor: int = 0
    """Lines below are nobody's: the file was begun at its end."""
    parted: tuple[int, int] = (0, 0)
    """Key of the entry whose file this one was a copy of, and up to where; (0, 0) if of none."""
    read: int = 0
    pending: set[int] = field(default_factory=set)
    head_length: int = 0
    head_digest: str = ""
    before_digest: str = ""
    """Fingerprint of the bytes just before the read offset."""
    trail: Trail = field(default_factory=Trail)
    """The same for earlier read offsets; made of the journal's `r` and `b`."""
    modified_s: int = 0
    """When the file had been modified last as it was read last; 0 if that is not known."""
    archive_bytes: int = 0
    """Size of a compressed file of which everything was handed over; 0 for others."""
    carried: list[tuple[int, str]] = field(default_factory=list)
    """What the parser carried and from where: the start of the line behind which it holds."""
    ages: dict[int, int] = field(default_factory=dict)
    """By the start of a pending line: seconds from the start of its session to its time."""
    seen_s: int = 0
    """When it was last met, in seconds since the epoch; long unseen files are forgotten."""

    @property
    def file_id(self) -> tuple[int, int]:
        """Device and inode."""
        return self.device, self.inode

    @property
    def is_pipe(self) -> bool:
        """Tells whether it is a pipe's: no file has such an inode."""
        return self.file_id == (0, 0)

    @property
    def mark(self) -> int:
        """Offset from which a restart reads."""
        return min(self.pending, default=self.read)

    def to_json(self) -> dict[str, Any]:
        """Returns the entry as it stands in a snapshot."""
        return {
            "source": self.source,
            "path": self.path,
            "id": [self.device, self.inode],
            "read": self.read,
            "pending": sorted(self.pending),
            **({"begin": self.begin} if self.begin else {}),
            **({"floor": self.floor} if self.floor != self.begin else {}),
            **({"parted": list(self.parted)} if self.parted[0] else {}),
            "head": [self.head_length, self.head_digest],
            "before": self.before_digest,
            **({"trail": self.trail.to_json()} if self.trail.points else {}),
            **({"modified": self.modified_s} if self.modified_s else {}),
            "archive": self.archive_bytes,
            "seen": self.seen_s,
            **({"carried": self.carried} if self.carried else {}),
            **({"ages": _flat(self.ages)} if self.ages else {}),
        }


@dataclass(slots=True)
class State:
    """Everything a restart needs."""

    files: dict[int, FileEntry] = field(default_factory=dict)
    """By key: a number that no other generation of any file ever has."""
    next_key: int = 1
    books: dict[str, dict[str, int]] = field(default_factory=dict)
    claims: dict[str, tuple[str, int]] = field(default_factory=dict)
    """`once_per` keys with their owner and time in ms."""
    sessions: dict[str, dict[int, int]] = field(default_factory=dict)
    """By source: the places of its book of sessions, which changes them in place. What it changes
    comes in a record of the same loop turn, and there says what is so already."""
    lost_bytes: dict[str, int] = field(default_factory=dict)
    """By source: bytes of its files that are known to have gone unread."""
    places: dict[str, Places] = field(default_factory=dict)
    """By source: what it is called, everywhere here, for each destination that it feeds."""
    started: set[str] = field(default_factory=set)
    """Sources that have looked at their files at least once."""
    begin_at: dict[str, Where] = field(default_factory=dict)
    """Where a source that is not in `started` begins the files that its first look finds, in the
    place of its own `start_at`: the word of `on_checkpoint_error`. A source's `start` ends it."""

    def apply(self, record: Mapping[str, Any]) -> None:
        """Changes the state by one journal record.

        Keys, each optional: `open` new files (key -> entry), `file` changes (key -> `r` read
        offset, `o` opened starts, `s` settled starts, `h` head, `b` bytes before, `p` path,
        `z` size of an archive that is done, `i` inode, `m` modified, `t` seen, `k` offset and
        bytes before it where a copy parts from it, `w` the same of places on the way to `r`, `c`
        states that the parser carried, `a` starts of opened lines and the ages of their sessions in
        turn), `forget` keys, `books` (source ->
        counter -> added lines), `lost` (source -> added bytes), `claim` and `unclaim` (once_per
        keys), `session` (source -> keys and values in turn), `feed` (source -> its places),
        `begin` (source -> "end", "beginning" or null: it has not started), `start` sources. What
        is said of a file that was forgotten is left out.
        """
        for key, entry in record.get("open", {}).items():
            self.files[int(key)] = _entry(entry)
            self.next_key = max(self.next_key, int(key) + 1)
        for key, change in record.get("file", {}).items():
            if (changed := self.files.get(int(key))) is not None:
                self._change(changed, change)
        for key in record.get("forget", ()):
            self.files.pop(int(key), None)
        for source, delta in record.get("books", {}).items():
            book = self.books.setdefault(source, {})
            for counter, lines in delta.items():
                book[counter] = book.get(counter, 0) + lines
        for source, lost in record.get("lost", {}).items():
            self.lost_bytes[source] = self.lost_bytes.get(source, 0) + lost
        for key, owner, time_ms in record.get("claim", ()):
            self.claims[key] = (owner, time_ms)
        for key in record.get("unclaim", ()):
            self.claims.pop(key, None)
        for source, places in record.get("session", {}).items():
            self.sessions.setdefault(source, {}).update(_pairs(places))
        for source, places in record.get("feed", {}).items():
            self.places[source] = Places.from_json(places)
        for source, where in record.get("begin", {}).items():
            self.started.discard(source)
            self.begin_at.pop(source, None)
            if where is not None:
                self.begin_at[source] = where
        for source in record.get("start", ()):
            self.started.add(source)
            self.begin_at.pop(source, None)

    @staticmethod
    def _change(entry: FileEntry, change: Mapping[str, Any]) -> None:
        entry.read = change.get("r", entry.read)
        entry.begin = min(entry.begin, entry.read)  # rewound
        entry.floor = min(entry.floor, entry.read)
        if "o" in change:
            entry.pending.update(change["o"])
        if "a" in change:
            entry.ages.update(_pairs(change["a"]))
        if "s" in change:
            entry.pending.difference_update(change["s"])
            if entry.ages:
                for start in change["s"]:
                    entry.ages.pop(start, None)
        if "h" in change:
            entry.head_length, entry.head_digest = change["h"]
        entry.before_digest = change.get("b", entry.before_digest)
        for offset, before in _points(change.get("w", ())):
            entry.trail.reach(offset, before)
        entry.trail.reach(entry.read, change.get("b", ""))
        if "k" in change:
            entry.trail.insert(*change["k"])
        entry.modified_s = change.get("m", entry.modified_s)
        entry.archive_bytes = change.get("z", entry.archive_bytes)
        if "c" in change:
            entry.carried = _carried(change["c"])
        if "i" in change:
            entry.device, entry.inode = change["i"]
        entry.path = change.get("p", entry.path)
        entry.seen_s = change.get("t", entry.seen_s)

    def to_json(self) -> dict[str, Any]:
        """Returns the whole state as a record that makes it from nothing."""
        return {
            "open": {str(key): entry.to_json() for key, entry in self.files.items()},
            "next_key": self.next_key,
            "books": self.books,
            "lost": self.lost_bytes,
            "claim": [[key, owner, time] for key, (owner, time) in self.claims.items()],
            "session": {source: _flat(places) for source, places in self.sessions.items()},
            "feed": {source: places.to_json() for source, places in self.places.items()},
            "begin": self.begin_at,
            "start": sorted(self.started),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> State:
        """Reads what `to_json` returned."""
        state = cls()
        state.apply(value)
        state.next_key = max(state.next_key, int(value["next_key"]))
        return state


def _carried(value: Iterable[tuple[int, str]]) -> list[tuple[int, str]]:
    return [(start, state) for start, state in value]


def _flat(pairs: Mapping[int, int]) -> list[int]:
    return list(chain.from_iterable(pairs.items()))


def _pairs(flat: list[int]) -> zip[tuple[int, int]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _points(flat: Sequence[Any]) -> zip[tuple[int, str]]:
    return zip(flat[::2], flat[1::2], strict=True)


def _entry(value: Mapping[str, Any]) -> FileEntry:
    device, inode = value["id"]
    head_length, head_digest = value["head"]
    return FileEntry(
        source=value["source"],
        path=value["path"],
        device=device,
        inode=inode,
        begin=value.get("begin", 0),
        floor=value.get("floor", value.get("begin", 0)),
        parted=_parted(*value.get("parted", (0, 0))),
        read=value["read"],
        pending=set(value["pending"]),
        head_length=head_length,
        head_digest=head_digest,
        before_digest=value.get("before", ""),
        trail=_trail(value),
        modified_s=value.get("modified", 0),
        archive_bytes=value.get("archive", 0),
        seen_s=value["seen"],
        carried=_carried(value.get("carried", ())),
        ages=dict(_pairs(value.get("ages", []))),
    )


def _parted(key: int, at: int) -> tuple[int, int]:
    return key, at


def _trail(value: Mapping[str, Any]) -> Trail:
    """A file that is met begins its trail; so does one of an older version."""
    trail = Trail.from_json(value.get("trail", ()))
    if not trail.points and value["read"]:
        trail.reach(value["read"], value.get("before", ""))
    return trail
