"""One file of a feed: its ledger, its key in the checkpoint, its parser, its generation.

A track takes the lines that the source reads and knows which still wait: for the answer to their
event, or for the rest of their record. After a restart a file is read again from its mark. Lines
below the offset that was reached before are *repeats*: only those still pending are looked at
again; all others were settled and counted.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from hooktail.crashpoint import crash_at
from hooktail.extract.drift import MatchRate
from hooktail.extract.extractor import NO_AGES, PART
from hooktail.extract.identity import generation_of
from hooktail.extract.reading import HeldLine
from hooktail.fingerprint import HEAD_BYTES, NO_HEAD
from hooktail.model import FileId, Lines, State, Unparsable
from hooktail.paths import shown
from hooktail.tail.file import TailedFile
from hooktail.tail.pipe import STDIN

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence

    from hooktail.checkpoint.ledger import Ledger
    from hooktail.extract.reading import Reader
    from hooktail.fingerprint import Head
    from hooktail.model import Books, Event, Extraction
    from hooktail.tail.framing import LongLine
    from hooktail.tail.opening import LogFile
    from hooktail.tail.pipe import PipeReader

PRIME_BYTES = 256 * 1024
"""How much of a file's head, and of what stands before the first line, a parser is shown."""
MOST_STATES = 256
"""Changes of a parser's state that are remembered while one line waits; a file that has more
above it than this is no log."""


class PipedFile:
    """A pipe in the place of a file: nothing of it can be read again, so nothing is known of it."""

    file_id = FileId(0, 0)
    """No file has it: such an entry of the checkpoint is never found again."""
    head: Head = NO_HEAD
    before = ""
    modified_s = 0
    way: Sequence[int | str] = ()

    def __init__(self, pipe: PipeReader) -> None:
        self._pipe = pipe
        self.path = pipe.path or Path(STDIN)

    @property
    def offset(self) -> int:
        """Bytes handed over since the pipe was opened."""
        return self._pipe.offset

    def head_bytes(self) -> bytes:
        """Nothing."""
        return b""


TrackedFile: TypeAlias = "LogFile | PipedFile"


class Followed(Protocol):
    """Knows the files that are followed by their first lines (`copies.Copies`)."""

    def add(self, track: FileTrack, generation: bytes) -> None:
        """Takes up a file."""

    def discard(self, track: FileTrack, generation: bytes) -> None:
        """Forgets a file that turned out not to be of the generation."""


class Owner(Protocol):
    """What a track asks of the feed whose file it is."""

    books: Books
    queued: int

    @property
    def copies(self) -> Followed:
        """For telling copies of a file."""

    @property
    def name(self) -> str:
        """What the source is called in the checkpoint and in messages."""

    @property
    def wall_s(self) -> int:
        """Seconds since the epoch."""

    def reader(self) -> Reader:
        """Makes a reader for one file."""

    def take(self, track: FileTrack, lines: Lines) -> None:
        """Turns lines into events and counts what became of each."""

    def give_up(self, track: FileTrack, records: Iterable[Hashable]) -> None:
        """Ends records that wait for more lines."""

    def keep_unparsable(self, track: FileTrack, line: Unparsable) -> None:
        """Counts and keeps one line that no parser was asked about."""

    def lost(self, unread_bytes: int) -> None:
        """Counts bytes that are known to have gone unread."""

    def changed(self, track: FileTrack) -> None:
        """Has the track and the books written at the end of this turn."""

    def index(self, key: int, file: TrackedFile, read: int, before: str) -> None:
        """Keeps what is known of a file, for finding it again and its copies."""

    def archive_done(self, key: int) -> None:
        """An archive holds nothing new any more."""

    def let_go(self, track: FileTrack) -> None:
        """The track's file is gone."""


class FileTrack:
    """One file followed now, or cut off with lines still pending."""

    def __init__(
        self,
        feed: Owner,
        key: int,
        file: TrackedFile,
        ledger: Ledger,
        reader: Reader,
        carried: Iterable[tuple[int, str]] = (),
        ages: Mapping[int, int] = NO_AGES,
        begin: int | None = None,
        floor: int | None = None,
    ) -> None:
        self.key = key
        self.file = file
        self.reader = reader
        self.match_rate = MatchRate()
        self.told_format = ""
        """Of a format that was found on the file's first lines, what was said last."""
        self._feed = feed
        self._ledger = ledger
        self._begin = ledger.read if begin is None else begin
        """Lines below were never this track's."""
        self.floor = self._begin if floor is None else floor
        """Lines below are nobody's."""
        self.ages: Mapping[int, int] = dict(ages)
        """What the checkpoint knows of the sessions of lines that are read again."""
        self._new_ages: dict[int, int] = {}
        self._repeat_until = ledger.read
        self._to_repeat = set(ledger.pending)
        self._expect()
        self._generation = b""
        self._head: Head | None = None
        self._met = True
        self._detached = False
        self._archive_bytes = 0
        self._before = file.before if file.offset == ledger.read else ""
        self._modified_s = 0
        self._way_to = -1
        self._parts: dict[int, list[int]] = {}
        self._carried = list(carried)
        self._carries = ""
        self._primed = False
        self._carried_changed = False

    @property
    def pending(self) -> int:
        """Lines taken and not settled yet."""
        return len(self._ledger.pending)

    def window_reaches(self, limit_bytes: int) -> bool:
        """Tells whether a line waits so many bytes before the read offset.

        Never while repeats are read: they are the way to what waits.
        """
        return self.file.offset >= self._repeat_until and self._ledger.window_reaches(limit_bytes)

    @property
    def read_offset(self) -> int:
        """The offset up to which lines were taken."""
        return self._ledger.read

    def generation(self) -> bytes:
        """The fingerprint from which event ids derive; empty while the first line is not whole."""
        if not self._generation and not self._detached:
            self._is_of(generation_of(self.file.head_bytes()))
        return self._generation

    def _is_of(self, generation: bytes) -> None:
        self._generation = generation
        if generation:
            self._feed.copies.add(self, generation)

    def _check_generation(self, file: TailedFile) -> None:
        """Goes by what was read, where the file was truncated just before its first read."""
        read = generation_of(file.read_head)
        if read and read != self._generation:
            self._feed.copies.discard(self, self._generation)
            self._is_of(read)

    # -- what a source hands over

    def take(self, lines: Lines) -> None:
        """Takes whole lines, or of repeats only those that still wait."""
        if not lines.start and isinstance(self.file, TailedFile):
            self._check_generation(self.file)
        if lines.start >= self._repeat_until:
            self._feed.books.add("read", len(lines))
            self._govern(lines.start)
            self._feed.take(self, lines)
            return
        starts = lines.starts
        new = next((i for i, at in enumerate(starts) if at >= self._repeat_until), len(starts))
        wanted = [i for i in range(new) if starts[i] in self._to_repeat]
        for alike in self._governed_alike([starts[i] for i in wanted]):
            texts = [lines.texts[i] for i in wanted[alike]]
            repeats = [starts[i] for i in wanted[alike]]
            self._govern(repeats[0])
            self._feed.take(self, Lines(texts, repeats[0], self._repeat_until, repeats))
        if new < len(starts):
            rest = lines.texts[new:]
            self._feed.books.add("read", len(rest))
            self._govern(starts[new])
            self._feed.take(self, Lines(rest, starts[new], lines.end, starts[new:]))
        if lines.end >= self._repeat_until:
            self._settle_missing("not_found_again")

    def take_long(self, line: LongLine) -> None:
        """Keeps the head of a line over the limit."""
        if line.start < self._repeat_until:
            if line.start not in self._to_repeat:
                return
            self._to_repeat.discard(line.start)
            self._ledger.settle(line.start)
        else:
            self._feed.books.add("read")
            self._ledger.advance(line.end, ())
        self._feed.keep_unparsable(self, Unparsable(line.start, line.head, "line_too_long"))
        self._feed.changed(self)

    def _expect(self) -> None:
        """Has the file tell if it is truncated before its lines were read again."""
        if isinstance(self.file, TailedFile):
            self.file.expect(self._ledger.read)

    def moved(self) -> None:
        """Has the new path written down."""
        self.met()

    def begun(self) -> None:
        """Learns the generation before the first read, so that copies are known."""
        self.generation()

    def met(self) -> None:
        """Has path, inode and time written down."""
        self._met = True
        self._feed.changed(self)

    def cut_off(self) -> None:
        """The content is gone from the file. The entry stays: a copy of it may turn up."""
        if self._ledger.read == self.file.offset:
            self._before = self.file.before or self._before
            self._feed.index(self.key, self.file, self._ledger.read, self._before)
        self._feed.changed(self)
        self._detached = True
        self._feed.let_go(self)

    def lost(self, unread_bytes: int) -> None:
        """Has it written down that so many bytes of the content went unread."""
        self._feed.lost(unread_bytes)

    def read_through(self) -> None:
        """All that an archive holds was handed over: what should have come again is not in it."""
        if self._to_repeat:
            self._settle_missing("not_found_again")

    def archive_done(self, compressed_bytes: int) -> None:
        """Everything of an archive was handed over and settled."""
        self._archive_bytes = compressed_bytes
        self.met()
        self._feed.archive_done(self.key)
        self.cut_off()

    @property
    def resume_at(self) -> int:
        """Where a copy of the content goes on: what is in memory is not read again."""
        return min(self._to_repeat, default=self._ledger.read)

    def reattach(self, file: TrackedFile) -> None:
        """Goes on with a copy of the content."""
        self.file = file
        self._expect()
        self._detached = False
        if self._generation:
            self._feed.copies.add(self, self._generation)
        self.met()

    def finished(self) -> None:
        """Nothing is left of the file."""
        self._settle_missing("not_found_again")
        self.cut_off()

    # -- lines of other entries with the same content

    @property
    def unmet(self) -> Collection[int]:
        """Lines that wait since an earlier life and were not read again yet."""
        return self._to_repeat

    def has_or_reads(self, start: int, *, also: bool) -> bool:
        """Tells whether a line was, or will be, read by this track itself.

        `also` says that another entry has read it, too, and did not just take it over: perhaps
        from this one, which then has it no more.
        """
        if start in self._ledger.pending or start >= self._ledger.read:
            return True
        return also and start >= self._begin

    def take_over(
        self,
        starts: Collection[int],
        ages: Mapping[int, int],
        carried: Iterable[tuple[int, str]],
    ) -> bool:
        """Reads lines again that waited in another entry, and waits for them from now on.

        They lie below what this track ever had, and are read as the parser read them then: with
        what it `carried`. False if it is too late: it has read on, and
        perhaps holds half a record.
        """
        if self.file.offset > self._repeat_until or isinstance(self.file, PipedFile):
            return False
        self._ledger.wait_for(sorted(starts))
        self._to_repeat.update(starts)
        taken_ages = {start: ages[start] for start in starts if start in ages}
        self.ages = {**self.ages, **taken_ages}
        self._new_ages.update(taken_ages)
        if below := [each for each in carried if each[0] < self._begin]:
            own = [each for each in self._carried if each[0] >= self._begin]
            self._carried = [*below, *own]
            self._carried_changed = True
        self.file.rewind(min(self._to_repeat))
        self._expect()
        self._feed.changed(self)
        return True

    def give_away(self, starts: Collection[int]) -> None:
        """Waits no longer for lines that another entry has; they were not read again here."""
        self._to_repeat.difference_update(starts)
        for start in starts:
            self._ledger.settle(start)
        self._feed.changed(self)
        if self._detached and not self._ledger.pending:
            self._feed.let_go(self)

    # -- outcomes

    def opened(self, lines: Lines, taken: Extraction) -> None:
        """Opens the lines that wait; repeats that do not are settled by now."""
        waiting = [event.start for event in taken.events if event.start >= lines.start]
        waiting += taken.waiting
        if lines.start >= self._repeat_until:
            self._ledger.advance(lines.end, waiting)
        else:
            for start in set(lines.starts).difference(waiting):
                self._ledger.settle(start)
            self._to_repeat.difference_update(lines.starts)
        self.came_to(taken)

    def came_to(self, taken: Extraction) -> None:
        """Settles lines of earlier batches, and keeps which lines are one event's."""
        for start in taken.released:
            self._ledger.settle(start)
        self._parts.update(taken.parts)
        self._new_ages.update(taken.ages)
        for start, state in taken.states:
            self._carry(start, state)

    def settle(self, event: Event, state: State, reason: str = "") -> None:
        """Writes down the outcome of an event."""
        crash_at("answer-before-record")
        self._ledger.settle(event.start)
        if self._parts and (others := self._parts.pop(event.start, None)):
            for start in others:
                self._ledger.settle(start)
            self._feed.books.add(PART, len(others))
        self._feed.queued -= 1
        self._feed.books.add(f"{state}.{reason}" if reason else state.value)
        self._feed.changed(self)
        if self._detached and not self._ledger.pending:
            self._feed.let_go(self)

    # -- what the parser carries

    def _carry(self, start: int, state: str) -> None:
        self._carries = state
        if start < self._repeat_until:
            return  # it is known from the first time
        self._carried = [*self._carried[-MOST_STATES + 1 :], (start, state)]
        self._carried_changed = True

    def _governing(self, start: int) -> int:
        """How many of the known changes of state lie before a line."""
        return bisect_left(self._carried, (start, ""))

    def _govern(self, start: int) -> None:
        """Has the parser carry what it carried when the line was read for the first time."""
        if not self.reader.stateful:
            return
        place = self._governing(start)
        if not place and start and not self._primed:
            self._prime(start)
            place = self._governing(start)
        state = self._carried[place - 1][1] if place else ""
        if state == self._carries:
            return
        if self.reader.has_open:
            self._feed.give_up(self, list(self.reader.assembler.open))
        self.reader.restore(state)
        self._carries = state

    def _prime(self, start: int) -> None:
        """Lets the parser see what stands before the first line that it is given.

        A file that is read from its end has its `#Fields` behind it, and so may one that was
        rewound: in its head, or not far before.
        """
        self._primed = True
        if not isinstance(self.file, TailedFile):
            return
        near = max(start - PRIME_BYTES, PRIME_BYTES)
        texts = self.file.lines_between(0, min(start, PRIME_BYTES))
        texts += self.file.lines_between(near, start) if near < start else []
        reader = self._feed.reader()
        for text, result in zip(texts, reader.parse_batch(texts), strict=True):
            for _ in reader.assembler.take(HeldLine(0, text), result):
                pass  # what they are was settled, or is not ours
        if reader.assembler.state is not None:
            self._carried.insert(0, (-1, reader.assembler.state))
            self._carried_changed = True

    def _governed_alike(self, starts: list[int]) -> Iterable[slice]:
        """Parts lines at the places where what the parser carries changes."""
        if not starts:
            return
        begin = 0
        if self.reader.stateful and self._carried:
            for index in range(1, len(starts)):
                if self._governing(starts[index]) != self._governing(starts[begin]):
                    yield slice(begin, index)
                    begin = index
        yield slice(begin, len(starts))

    def _settle_missing(self, reason: str) -> None:
        for start in self._to_repeat:
            self._ledger.settle(start)
            self._feed.keep_unparsable(self, Unparsable(start, b"", reason))
        self._to_repeat.clear()
        self._feed.changed(self)

    # -- the journal

    def entry_json(self) -> dict[str, Any]:
        """The entry as it stands when the file is met."""
        return {
            "source": self._feed.name,
            "path": shown(self.file.path),
            "id": list(self.file.file_id),
            "begin": self._begin,
            "floor": self.floor,
            "read": self._ledger.read,
            "pending": [],
            "head": list(self.file.head),
            "before": self.file.before,
            "seen": self._feed.wall_s,
        }

    def add_to(self, record: dict[str, Any]) -> None:
        """Adds what changed to a journal record."""
        delta = self._ledger.take_delta()
        change = record.setdefault("file", {}).setdefault(str(self.key), {})
        change["r"] = delta.read
        if delta.opened:
            change.setdefault("o", []).extend(delta.opened)
        if self._new_ages:
            change.setdefault("a", []).extend(chain.from_iterable(self._new_ages.items()))
            self._new_ages = {}
        if delta.settled:
            change.setdefault("s", []).extend(delta.settled)
        if self._carried_changed:
            self._carried_changed = False
            del self._carried[: max(self._governing(self._ledger.mark) - 1, 0)]
            change["c"] = list(self._carried)
        if self._detached:
            if self._before:
                change["b"] = self._before
            if self._archive_bytes:
                change["z"] = self._archive_bytes
                change["i"] = list(self.file.file_id)
                change["p"] = shown(self.file.path)
                change["t"] = self._feed.wall_s
            return
        head = self.file.head
        # While lines are read again less of it has come by than the checkpoint knows.
        if head != self._head and head.length >= min(self._repeat_until, HEAD_BYTES):
            self._head = head
            change["h"] = list(head)
            self._feed.index(self.key, self.file, delta.read, self._before)
        if delta.read == self.file.offset and self.file.before:  # not while lines are read again
            change["b"] = self._before = self.file.before
            if (
                delta.read != self._way_to and self.file.way
            ):  # once: it would take back later points
                self._way_to = delta.read
                change["w"] = list(self.file.way)
            if self.file.modified_s != self._modified_s:
                change["m"] = self._modified_s = self.file.modified_s
        if self._met:
            self._met = False
            change["p"] = shown(self.file.path)
            change["i"] = list(self.file.file_id)
            change["t"] = self._feed.wall_s


class PipeTrack(FileTrack):
    """One pipe: what was read of it and is not settled is nowhere else."""

    def __init__(
        self, feed: Owner, key: int, pipe: PipeReader, ledger: Ledger, reader: Reader
    ) -> None:
        super().__init__(feed, key, PipedFile(pipe), ledger, reader)
        self._generation = pipe.generation

    def finished(self) -> None:
        """Nothing will come any more: what waits for it is given up."""
        self._feed.give_up(self, list(self.reader.assembler.open))
        super().finished()
