"""A disk in memory that remembers what was done to it, and what a power cut can leave of that.

POSIX promises little: without fsync, the bytes of a file may be missing from anywhere on, or be
zeros; without fsync of its directory, each creation, renaming and removal may have happened or
not, whatever happened to the others.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Literal, NamedTuple

from hooktail.checkpoint.disk import Disk

STATE_DIR = Path("/state")
SECTOR_BYTES = 16
"""Small, so that small records span several."""
Files = dict[str, bytes]


class Data(NamedTuple):
    inode: int
    content: bytes
    """After it."""
    appended: int
    """Bytes at its end that this added; 0 for a cut."""


class Name(NamedTuple):
    inode: int
    name: str
    old: str = ""
    """The name that it loses by it."""


class Unlink(NamedTuple):
    name: str


class Sync(NamedTuple):
    inode: int


class SyncDirectory(NamedTuple):
    pass


class Note(NamedTuple):
    """Not done to the disk: what a test wants to know of an instant."""

    kind: Literal["append", "promised"]
    records: int


Operation = Data | Name | Unlink | Sync | SyncDirectory | Note


@dataclass
class MemoryDisk(Disk):
    """A directory that begins with durable files; `operations` is what was done since."""

    files: Files = field(default_factory=dict)
    operations: list[Operation] = field(default_factory=list)
    fails_at: int = -1
    """This operation, counted from 0, raises ENOSPC (once)."""
    before_each: Callable[[], None] | None = None
    _inodes: dict[int, bytes] = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=dict)
    _done: int = 0

    def __post_init__(self) -> None:
        for inode, (name, content) in enumerate(self.files.items(), 1):
            self._inodes[inode] = content
            self._names[name] = inode

    def _do(self, operation: Operation) -> None:
        if self.before_each is not None:
            self.before_each()
        number, self._done = self._done, self._done + 1
        if number == self.fails_at:
            raise OSError(errno.ENOSPC, "No space left on device")
        self.operations.append(operation)

    def note(self, kind: Literal["append", "promised"], records: int) -> None:
        self.operations.append(Note(kind, records))

    def names(self, directory: Path) -> list[str]:
        return list(self._names)

    def read(self, path: Path) -> bytes:
        if path.name not in self._names:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return self._inodes[self._names[path.name]]

    def create(self, path: Path) -> int:
        if (known := self._names.get(path.name)) is not None:
            self._do(Data(known, b"", 0))
            self._inodes[known] = b""
            return known
        inode = len(self._inodes) + 1
        self._do(Name(inode, path.name))
        self._inodes[inode] = b""
        self._names[path.name] = inode
        return inode

    def reopen(self, path: Path, length: int) -> int:
        inode = self._names[path.name]
        if length != len(self._inodes[inode]):
            self.truncate(inode, length)
        return inode

    def write(self, descriptor: int, data: bytes) -> None:
        content = self._inodes[descriptor] + data
        self._do(Data(descriptor, content, len(data)))
        self._inodes[descriptor] = content

    def reserve(self, descriptor: int, start: int, length: int) -> bool:
        return False

    def truncate(self, descriptor: int, length: int) -> None:
        content = self._inodes[descriptor][:length]
        self._do(Data(descriptor, content, 0))
        self._inodes[descriptor] = content

    def sync(self, descriptor: int) -> None:
        self._do(Sync(descriptor))

    def is_at(self, descriptor: int, path: Path) -> bool:
        return self._names.get(path.name) == descriptor

    def close(self, descriptor: int) -> None:
        pass

    def rename(self, old: Path, new: Path) -> None:
        self._do(Name(self._names[old.name], new.name, old.name))
        self._names[new.name] = self._names.pop(old.name)

    def keep_as(self, path: Path, name: Path) -> None:
        self._do(Name(self._names[path.name], name.name))
        self._names[name.name] = self._names[path.name]

    def unlink(self, path: Path) -> None:
        self._do(Unlink(path.name))
        del self._names[path.name]

    def sync_directory(self, directory: Path) -> None:
        self._do(SyncDirectory())

    def take_away(self) -> None:
        """Somebody removes all files, durably; those that are open live on without a name."""
        self.files.clear()
        self._names.clear()
        self.operations.clear()

    # -- the power cut

    def now(self) -> Files:
        """What SIGKILL leaves: all that was done."""
        return {name: self._inodes[inode] for name, inode in self._names.items()}

    def after_power_cut(self, at: int, *, every_byte: bool = True) -> Iterator[Files]:
        """Everything that the first `at` operations can have left; not without repetitions.

        One file at a time is cut at every byte, the others where an operation begins or ends, or
        in its middle.
        """
        durable = {inode: content for inode, (_, content) in enumerate(self.files.items(), 1)}
        waiting: dict[int, list[Data]] = {}
        names = {name: inode for inode, name in enumerate(self.files, 1)}
        unnamed: list[Name | Unlink] = []
        for operation in self.operations[:at]:
            match operation:
                case Data(inode=inode):
                    waiting.setdefault(inode, []).append(operation)
                case Name() | Unlink():
                    unnamed.append(operation)
                case Sync(inode=inode):
                    if inode in waiting:
                        durable[inode] = waiting.pop(inode)[-1].content
                case SyncDirectory():
                    names = _renamed(names, unnamed)
                    unnamed = []
                case Note():
                    pass
        coarse = {i: set(_contents(durable.get(i, b""), waiting.get(i, []), 0)) for i in waiting}
        layouts = {
            tuple(
                _renamed(
                    names, [each for each, there in zip(unnamed, kept, strict=True) if there]
                ).items()
            )
            for kept in product((True, False), repeat=len(unnamed))
        }
        for layout in layouts:
            inodes = {inode for _, inode in layout}
            torn = [inode for inode in waiting if inode in inodes]
            for fine in torn or [0]:
                step = 1 if every_byte else 0
                choices = [
                    set(_contents(durable.get(i, b""), waiting[i], step))
                    if i == fine
                    else coarse[i]
                    for i in torn
                ]
                for contents in product(*choices):
                    found = {**durable, **dict(zip(torn, contents, strict=True))}
                    yield {name: found.get(inode, b"") for name, inode in layout}

    def with_lost_sectors(self, at: int) -> Iterator[Files]:
        """What a file system leaves that writes sectors in any order: one is zeros, others not."""
        replay = {inode: content for inode, (_, content) in enumerate(self.files.items(), 1)}
        synced = dict(replay)
        names = {name: inode for inode, name in enumerate(self.files, 1)}
        for operation in self.operations[:at]:
            match operation:
                case Data(inode=inode, content=content):
                    replay[inode] = content
                case Sync(inode=inode):
                    synced[inode] = replay.get(inode, b"")
                case Name() | Unlink():
                    names = _renamed(names, [operation])
                case _:
                    pass
        left = {name: replay.get(inode, b"") for name, inode in names.items()}
        for name, inode in names.items():
            content = left[name]
            for start in range(len(synced.get(inode, b"")), len(content), SECTOR_BYTES):
                end = min(start + SECTOR_BYTES, len(content))
                yield {**left, name: content[:start] + bytes(end - start) + content[end:]}


def _renamed(names: dict[str, int], operations: list[Name | Unlink]) -> dict[str, int]:
    result = dict(names)
    for operation in operations:
        if isinstance(operation, Name):
            result.pop(operation.old, None)
            result[operation.name] = operation.inode
        else:
            result.pop(operation.name, None)
    return result


def _contents(durable: bytes, waiting: list[Data], step: int) -> Iterator[bytes]:
    """What a file may hold; cut at every `step` bytes, or, for 0, in the middle alone."""
    yield durable
    before, size = durable, max((each.content for each in waiting), key=len, default=durable)
    for operation in waiting:
        content, added = operation.content, operation.appended
        start = len(content) - added
        for length in range(start, len(content), step or max(added // 2, 1)):
            cut = content[:length]
            yield cut
            yield cut + bytes(len(size) - length)  # its length is known, its bytes are not
            if len(before) > length:
                yield cut + before[length:]  # over bytes that were cut off
        yield content
        yield content + bytes(len(size) - len(content))
        before = max(before, content, key=len)
