"""Reads the checkpoint's files and says what they prove and what is wrong with them.

It changes nothing and decides nothing (`recovery` does). The state it returns is the newest that
whole records prove, each of which follows from the one before it.

A crash, or a power cut, can leave: an incomplete last line in the journal written last, a new
journal that nothing leads to yet, a journal that `next` names and that is not there or has no
whole header yet. Anything else is damage. What makes the difference is the order in which the
store writes: a snapshot bears its name only when its own journal and all before it are durable.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hooktail.checkpoint.frames import decode, judge
from hooktail.checkpoint.state import FORMAT_VERSION, State

if TYPE_CHECKING:
    from pathlib import Path

    from hooktail.checkpoint.disk import Disk

NAME = re.compile(r"checkpoint\.(\d{1,12})\.(snapshot|journal)(\.tmp)?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One file that is not what was written."""

    path: Path
    what: str
    lossy: bool = True
    """Something that only this file knew is lost."""
    records: int = 0
    """Whole records that do not count, because something before them is missing."""
    size: int = 0
    """Bytes that do not count."""
    newer: bool = False
    """Not damaged, but of a version that is not ours to read."""
    denied: bool = False
    """Not damaged, but another user's."""

    def __str__(self) -> str:
        return f"{self.path.name} {self.what}"


@dataclass(slots=True)
class Loaded:
    """What the files say."""

    state: State | None = None
    """The newest provable state; None if there are files and they prove nothing."""
    base: int = 0
    """The generation whose snapshot it was read from."""
    from_snapshot: bool = False
    """There is one: false before the first start, and in generation 1 until it has its own."""
    newest: int = 0
    """The highest generation number in use."""
    journal: Path | None = None
    """The journal to go on with, if there is no damage; None if it has ended."""
    journal_generation: int = 0
    journal_length: int = 0
    """Its length without a torn record."""
    torn_bytes: int = 0
    ignored_records: int = 0
    """Records that a power cut separated from those they follow."""
    unused: list[Path] = field(default_factory=list)
    """Journals without a record that nothing leads to, of generations that could not begin."""
    damages: list[Damage] = field(default_factory=list)
    lost: list[dict[str, Any]] = field(default_factory=list)
    """Whole records behind the damage, in order."""

    @property
    def lossy(self) -> bool:
        """Tells whether the state may lack something."""
        return self.state is None or any(damage.lossy for damage in self.damages)


def load(directory: Path, disk: Disk) -> Loaded:
    """Reads everything. Raises OSError only if the directory cannot be listed."""
    reader = _Reader(directory, disk)
    reader.read()
    return reader.loaded


class _Reader:
    def __init__(self, directory: Path, disk: Disk) -> None:
        self._directory = directory
        self._disk = disk
        self.loaded = Loaded()
        self._snapshots: set[int] = set()
        self._journals: set[int] = set()
        self._base: dict[str, Any] = {}
        self._applied: list[dict[str, Any]] = []

    def read(self) -> None:
        for name in self._disk.names(self._directory):
            if (match := NAME.match(name)) and not match[3]:
                kind = self._snapshots if match[2] == "snapshot" else self._journals
                kind.add(int(match[1]))
        self.loaded.newest = max(self._snapshots | self._journals, default=0)
        base = self._find_base()
        reached = 0
        if base is not None:
            self.loaded.base = base
            reached = self._follow(base)
        self._look_behind(reached)

    # -- the snapshot to begin with

    def _find_base(self) -> int | None:
        """Takes the newest whole snapshot; generation 1 begins from nothing."""
        if not self.loaded.newest:
            self.loaded.state = State()
            return None
        for generation in sorted(self._snapshots, reverse=True):
            if self._read_snapshot(generation):
                self.loaded.from_snapshot = True
                return generation
        if 1 in self._journals:
            self._base = State().to_json()
            self.loaded.state = State()
            return 1
        if not self._snapshots:
            path = self._path(self.loaded.newest, "snapshot")
            self._damaged(path, "is missing")
        return None

    def _read_snapshot(self, generation: int) -> bool:
        path = self._path(generation, "snapshot")
        data = self._bytes(path, lossy=False)
        if data is None:
            return False
        records, length = decode(data)
        if records and self._is_newer(path, records[0]):
            return False
        try:
            (self._base,) = records
            self.loaded.state = State.from_json(self._base)
            well = self._base["generation"] == generation and length == len(data)
        except (ValueError, TypeError, KeyError, AttributeError):
            well = False
        if not well:
            self.loaded.state = None
            self._damaged(path, "is damaged", lossy=False, size=len(data))
        return well

    # -- the journals that follow from it

    def _follow(self, generation: int) -> int:
        """Applies journal after journal; returns the generation that was reached."""
        newest_snapshot = max(self._snapshots, default=0)
        while True:
            # Its snapshot got its name after its header was durable, and after all before it.
            header_due = generation <= newest_snapshot
            end_due = generation < newest_snapshot
            following = self._read_journal(generation, header_due=header_due, end_due=end_due)
            if following is None:
                return generation
            generation = following

    def _read_journal(self, generation: int, *, header_due: bool, end_due: bool) -> int | None:
        path = self._path(generation, "journal")
        if generation not in self._journals:
            if header_due:
                self._damaged(path, "is missing")
            return None
        data = self._bytes(path, lossy=True)
        if data is None:
            return None
        records, length = decode(data)
        rest = judge(data[length:])
        loaded = self.loaded
        loaded.journal, loaded.journal_generation, loaded.journal_length = path, generation, length
        if records:
            header = records[0]
            if self._is_newer(path, header):
                return None
            if header != {"v": FORMAT_VERSION, "generation": generation}:
                self._lose(path, "has another journal's beginning", records, len(data))
                return None
        for index, record in enumerate(records[1:], 1):
            following = record.get("next")
            if isinstance(following, int) and following > generation:
                loaded.journal = None
                return following
            if following is not None or not self._apply(record):
                self._lose(path, "has a record that says nothing", records[index:], len(data))
                return None
        if rest.damaged:
            where = f"is damaged at byte {length} of {len(data)}"
            self._lose(path, where, rest.lost, len(data) - length)
        elif end_due or (header_due and not records):
            self._lose(path, f"lacks its end from byte {length} on", [], len(data) - length)
        else:
            loaded.torn_bytes = len(data) - length
        return None

    def _apply(self, record: dict[str, Any]) -> bool:
        assert self.loaded.state is not None  # noqa: S101 - journals follow from a snapshot
        try:
            self.loaded.state.apply(record)
        except (ValueError, TypeError, KeyError, AttributeError):
            # Its checksum holds, so one of us wrote it; half of it may be in the state by now.
            self.loaded.state = State.from_json(self._base)
            for whole in self._applied:
                self.loaded.state.apply(whole)
            return False
        self._applied.append(record)
        return True

    # -- what does not count

    def _look_behind(self, reached: int) -> None:
        """Counts what stands in journals that nothing leads to."""
        for generation in sorted(each for each in self._journals if each > reached):
            path = self._path(generation, "journal")
            data = self._bytes(path, lossy=True) if self.loaded.damages else self._glance(path)
            records = decode(data or b"").records[1:]
            if not self.loaded.damages:
                self.loaded.ignored_records += len(records)
                if not records:
                    self.loaded.unused.append(path)
            elif records:
                self._lose(path, "follows from what is lost", records, len(data or b""))

    def _glance(self, path: Path) -> bytes:
        try:
            return self._disk.read(path)
        except OSError:
            return b""

    def _lose(self, path: Path, what: str, lost: list[dict[str, Any]], size: int) -> None:
        self.loaded.lost += lost
        self._damaged(path, what, records=len(lost), size=size)

    def _is_newer(self, path: Path, record: dict[str, Any]) -> bool:
        version = record.get("v")
        newer = isinstance(version, int) and version > FORMAT_VERSION
        if newer:
            what = f"is of version {version}; this hooktail reads version {FORMAT_VERSION}"
            self._damaged(path, what, newer=True)
        return newer

    def _bytes(self, path: Path, *, lossy: bool) -> bytes | None:
        try:
            return self._disk.read(path)
        except OSError as error:
            denied = isinstance(error, PermissionError)
            what = f"cannot be read: {error.strerror or error}"
            self._damaged(path, what, lossy=lossy or denied, denied=denied)
            return None

    def _damaged(
        self,
        path: Path,
        what: str,
        *,
        lossy: bool = True,
        records: int = 0,
        size: int = 0,
        newer: bool = False,
        denied: bool = False,
    ) -> None:
        self.loaded.damages.append(
            Damage(
                path=path,
                what=what,
                lossy=lossy,
                records=records,
                size=size,
                newer=newer,
                denied=denied,
            )
        )

    def _path(self, generation: int, kind: str) -> Path:
        return self._directory / f"checkpoint.{generation}.{kind}"
