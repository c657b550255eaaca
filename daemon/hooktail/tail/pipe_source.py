"""A source of pipes at work: while there is room it reads, and hands lines to each pipe's track.

What can be promised for pipes is said in `pipe`.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import structlog

from hooktail.paths import shown
from hooktail.tail.framing import LongLine
from hooktail.tail.pipe import STDIN, PipeReader, pipes_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hooktail.config.sections import SourceSection
    from hooktail.model import FileId, Lines
    from hooktail.tail.opening import LogFile

LOOK_S = 2.0
"""Between two looks at whether a quiet FIFO was replaced, or one that is not there has come."""
ROOM_S = 0.25
"""While there is no room, it says so often that it is not stuck."""


class PipeTrack(Protocol):
    """The consumer's side of one pipe."""

    def take(self, lines: Lines) -> None:
        """Takes whole lines; every one of them will be settled."""

    def take_long(self, line: LongLine) -> None:
        """Takes a line over the limit."""

    def finished(self) -> None:
        """Nothing will come any more."""


class PipeConsumer(Protocol):
    """What a pipe feeds."""

    @property
    def has_room(self) -> bool:
        """Tells whether more lines may be taken at once."""

    async def room(self) -> None:
        """Waits until more lines may be taken."""

    def pipe_track(self, pipe: PipeReader) -> PipeTrack:
        """Begins a pipe at `pipe.offset`, or goes on with it after a reload.

        Event ids derive from `pipe.generation`.
        """


class PipeSource:
    """Follows the pipes of one `[[source]]`, as `Source` its files. Runs on the loop thread."""

    files: tuple[LogFile, ...] = ()
    directories: frozenset[str] = frozenset()
    awake_directories: frozenset[str] = frozenset()
    ignored_files = 0
    held_deleted_bytes = 0
    full_windows = 0
    stalled = False

    def __init__(
        self,
        section: SourceSection,
        consumer: PipeConsumer,
        *,
        clock: Callable[[], float],
        encoding: str | None = None,
        adopt: Mapping[str, PipeReader] | None = None,
    ) -> None:
        """Follows the `paths` that are pipes now.

        `adopt` is what `release_pipes` of the source gave before a reload; a pipe that is open
        keeps its limit and its encoding.
        """
        self.section = section
        self.finished = False
        """Standard input, and nothing else, was followed, and it has ended."""
        self._consumer = consumer
        self._clock = clock
        self._turned_at = clock()
        self._encoding = encoding
        self._readers = dict(adopt or {})
        for name in self._readers.keys() - set(section.paths):
            self._readers.pop(name).close()
        self._names = list(dict.fromkeys((*self._readers, *pipes_in(section.paths))))
        self._log = structlog.get_logger().bind(source=section.name)

    @property
    def turned_at(self) -> float:
        """When it last looked, on its clock; a source that is finished looks no more."""
        return self._clock() if self.finished else self._turned_at

    @property
    def file_count(self) -> int:
        """How many file descriptors are open."""
        return sum(reader.descriptor_count for reader in self._readers.values())

    def ring(self, topology_changed: bool, modified: set[str]) -> None:
        """Hints about directories say nothing of pipes."""

    async def run(self) -> None:
        """Follows the pipes until cancelled; never between taking lines and counting them.

        It returns when it is `finished`.
        """
        async with asyncio.TaskGroup() as tasks:
            for name in self._names:
                tasks.create_task(self._follow(name), name=f"pipe:{self.section.name}:{name}")
        self.finished = True

    def release(self) -> dict[FileId, LogFile]:
        """Hands over no files; see `release_pipes`."""
        return {}

    def release_pipes(self) -> dict[str, PipeReader]:
        """Hands over the open pipes, for the source that takes over after a reload."""
        readers, self._readers = self._readers, {}
        return readers

    def close(self) -> None:
        """Closes all pipes."""
        for reader in self.release_pipes().values():
            reader.close()

    async def _follow(self, name: str) -> None:
        while True:
            reader = self._readers.get(name) or await self._open(name)
            if reader is None:
                return
            track = self._consumer.pipe_track(reader)
            try:
                await self._read_on(reader, track)
            except OSError as error:
                self._log.error("pipe_failed", path=shown(Path(name)), reason=error.strerror)
                await asyncio.sleep(LOOK_S)  # before it is opened again
            track.finished()
            self._log.info("pipe_ended", path=shown(Path(name)), offset=reader.offset)
            del self._readers[name]
            reader.close()
            if name == STDIN:
                return

    async def _open(self, name: str) -> PipeReader | None:
        """Opens a pipe; waits for a FIFO that cannot be opened yet. None for a closed stdin."""
        told = ""
        while True:
            try:
                reader = self._readers[name] = PipeReader(
                    None if name == STDIN else Path(name),
                    max_line_bytes=self.section.max_line_bytes,
                    encoding=self._encoding,
                )
            except OSError as error:
                reason = error.strerror or str(error)
                if reason != told:
                    self._log.warning("pipe_unreadable", path=shown(Path(name)), reason=reason)
                    told = reason
                if name == STDIN:
                    return None
                await asyncio.sleep(LOOK_S)
                self._turned_at = self._clock()
            else:
                self._log.info("pipe_opened", path=shown(Path(name)))
                return reader

    async def _read_on(self, reader: PipeReader, track: PipeTrack) -> None:
        """Reads until the pipe has ended, or another is in its place. Raises OSError."""
        while not reader.ended:
            self._turned_at = self._clock()
            if not self._consumer.has_room:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(ROOM_S):
                        await self._consumer.room()
                continue
            quiet = await self._quiet(reader)
            if not self._consumer.has_room:
                continue  # another source took it meanwhile
            if quiet and reader.may_block:
                continue
            found = reader.read()
            if reader.idle and reader.replaced():
                found += reader.finish()
            for taken in found:
                if isinstance(taken, LongLine):
                    track.take_long(taken)
                else:
                    track.take(taken)
            await asyncio.sleep(0)

    async def _quiet(self, reader: PipeReader) -> bool:
        """Waits for something to read; tells whether nothing came for `LOOK_S`."""
        try:
            async with asyncio.timeout(LOOK_S):
                await reader.readable()
        except TimeoutError:
            return True
        return False
