"""A source over real files with a consumer that keeps what it is given; its clock stands still."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from hooktail.config.sections import SourceSection, StartAt
from hooktail.model import FileId, Lines
from hooktail.tail.discovery import Finder
from hooktail.tail.file import READ_BYTES
from hooktail.tail.framing import LongLine
from hooktail.tail.opening import LogFile
from hooktail.tail.source import Resumption, Source


class FakeTrack:
    def __init__(self, start: int, consumer: FakeConsumer) -> None:
        self.start = start
        self.texts: list[bytes] = []
        self.long: list[LongLine] = []
        self.pending = 0
        self.window_bytes = 0
        self.ended = ""
        self.lost_bytes = 0
        self._consumer = consumer

    def take(self, lines: Lines) -> None:
        self.texts += lines.texts
        self._consumer.taken.append(self)

    def take_long(self, line: LongLine) -> None:
        self.long.append(line)

    def window_reaches(self, limit_bytes: int) -> bool:
        return self.window_bytes >= limit_bytes

    def moved(self) -> None:
        pass

    def begun(self) -> None:
        pass

    def read_through(self) -> None:
        pass

    def archive_done(self, compressed_bytes: int) -> None:
        self.ended = "done"

    def finished(self) -> None:
        self.ended = "finished"

    def cut_off(self) -> None:
        self.ended = "cut off"

    def lost(self, unread_bytes: int) -> None:
        self.lost_bytes += unread_bytes


class FakeConsumer:
    def __init__(self) -> None:
        self.has_room = True
        self.turn_bytes = READ_BYTES
        self.started_before = False
        self.begin_at: StartAt | None = None
        self.tracks: list[FakeTrack] = []
        self.taken: list[FakeTrack] = []
        """Whose turn it was, each time that something was taken."""
        self.answers: list[Resumption] = []
        self.known: set[FileId] = set()

    async def room(self) -> None:
        self.has_room = True

    def first_scan_done(self) -> None:
        self.started_before = True

    def unopened(self, file_id: FileId, path: Path, size: int, *, begins_at_end: bool) -> None:
        pass

    def scan_done(self, there: Collection[FileId]) -> None:
        pass

    def resume(self, file: LogFile) -> Resumption:
        return self.answers.pop(0) if self.answers else Resumption(None)

    def knows(self, file_id: FileId) -> bool:
        return file_id in self.known

    def restored(self, file: LogFile) -> Resumption:
        return Resumption(0)

    def is_copy(self, file: LogFile) -> bool:
        return False

    def track(self, file: LogFile) -> FakeTrack:
        self.tracks.append(FakeTrack(file.offset, self))
        return self.tracks[-1]

    @property
    def texts(self) -> list[bytes]:
        return [text for track in self.tracks for text in track.texts]

    @property
    def lost_bytes(self) -> int:
        return sum(track.lost_bytes for track in self.tracks)


class Harness:
    def __init__(self, directory: Path, paths: tuple[str, ...] = (), **keys: object) -> None:
        self.directory = directory
        self.log = directory / "access.log"
        self.now_s = 1000.0
        self.wall_s = 1_700_000_000.0
        self.consumer = FakeConsumer()
        keys = {"start_at": "beginning", "max_line_bytes": 1000, **keys}
        section = SourceSection(name="shop", paths=paths or (f"{directory}/access.log*",), **keys)  # type: ignore[arg-type]  # a test's shorthand
        self.section = section
        self.finder = Finder(section.paths, section.exclude)
        self.source = Source(
            section, self.consumer, clock=lambda: self.now_s, wall_s=lambda: self.wall_s
        )

    def write(self, text: str, path: Path | None = None) -> None:
        with (path or self.log).open("a") as file:
            file.write(text)

    def rescan(self) -> None:
        self.source.apply(self.finder.scan())

    async def read(self) -> list[bytes]:
        """Turns until nothing is left to read; returns everything taken so far."""
        self.now_s += 5
        while await self.source.turns():
            pass
        return self.consumer.texts
