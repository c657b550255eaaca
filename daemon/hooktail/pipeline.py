"""What happens between a line and its outcome: the meeting place of the siblings.

A `Feed` serves one source: it is the source's consumer, turns lines into events, opens them in
the ledger, hands them to the destination and has everything written to the journal. A `FileTrack`
is one file in it.
"""

from __future__ import annotations

import asyncio
from itertools import chain
from typing import TYPE_CHECKING, Any, assert_never

import structlog

from hooktail.checkpoint.keeper import LOST_KEY
from hooktail.checkpoint.ledger import Ledger
from hooktail.model import Books, State
from hooktail.paths import shown
from hooktail.recognition import Recognition
from hooktail.tail.file import READ_BYTES
from hooktail.tail.source import Resumption
from hooktail.takeover import orphans, take_over
from hooktail.track import FileTrack, PipedFile, PipeTrack

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable
    from pathlib import Path

    from hooktail.checkpoint.keeper import Keeper
    from hooktail.checkpoint.unparsed import UnparsedStore
    from hooktail.config.sections import SourceSection, StartAt
    from hooktail.copies import Copies
    from hooktail.delivery.destination import Destination
    from hooktail.extract.drift import Drift
    from hooktail.extract.extractor import Extractor
    from hooktail.extract.reading import Reader
    from hooktail.model import Claim, Extraction, FileId, Lines, Unparsable
    from hooktail.tail.opening import LogFile
    from hooktail.tail.pipe import PipeReader
    from hooktail.track import TrackedFile


SHORTEST_HOLD_S = 0.1
LEAST_TURN_BYTES = 2 * 1024
"""So much is read at once however little room there is: about ten lines."""
_BYTES_A_LINE = 250.0
"""Until it is known: as if every line made an event."""
OWN_EVENTS = 16
"""Events of one source that may be outstanding although the destination's queue is full."""


class Feed:
    """One source's way from lines to outcomes. All methods run on the loop thread.

    `place` is what the source is called in the checkpoint and in messages, where that is not its
    name (`checkpoint.places`). Without `unparsed`, another reading of the source keeps those lines.
    """

    def __init__(
        self,
        section: SourceSection,
        extractor: Extractor,
        destination: Destination,
        keeper: Keeper,
        unparsed: UnparsedStore | None,
        *,
        wall_s: Callable[[], float],
        place: str = "",
    ) -> None:
        self.section = section
        self._place = place or section.name
        self._log = structlog.get_logger().bind(source=self._place)
        self._told_failure = False
        self.books = Books(keeper.store.state.books.get(self._place))
        self.lost_bytes = keeper.store.state.lost_bytes.get(self._place, 0)
        """Bytes of its files that are known to have gone unread."""
        self._lost_delta = 0
        self.keeper = keeper
        self.extractor = extractor
        self.destination = destination
        self.tracks: dict[int, FileTrack] = {}
        """The files followed now, by key."""
        self.queued = 0
        """Events handed to the destination and not settled."""
        self.cut_off: dict[int, FileTrack] = {}
        """Files whose content was truncated away with lines still pending."""
        self._unparsed = unparsed
        self._bytes_an_event = _BYTES_A_LINE
        self._wall_s = wall_s
        self._stale = True
        """Files followed now changed since the checkpoint was written last, or before a reload."""
        self._recognition = Recognition(
            self._place, keeper, self.tracks, self.cut_off, lambda: self.wall_s
        )
        self._forget_pipes()
        self._behind = bool(keeper.store.unwritten)
        """A reload on a full disk: what happened before it is not in the checkpoint yet."""
        self._absent = self._waiting_without_a_file()
        self._met: list[FileTrack] = []
        """Begun since the last scan ended."""
        self._claims: list[Claim] = []
        self._sessions: dict[int, int] = {}
        self._holding: set[FileTrack] = set()
        self._hold_timer: asyncio.TimerHandle | None = None

    # -- what a source asks of its consumer

    @property
    def copies(self) -> Copies:
        """The files followed now, by their first lines."""
        return self._recognition.copies

    @property
    def has_room(self) -> bool:
        """Room in the destination's queue, and a checkpoint that can be written.

        A little room is each source's own, so that none waits for one that floods.
        """
        return self.keeper.healthy and (self.destination.has_room or self.queued < OWN_EVENTS)

    @property
    def turn_bytes(self) -> int:
        """About as many bytes as make as many events as there is room for.

        A slow endpoint has little room. Then what one turn brings is what a line that is written
        now may have to wait for, in this source or another.
        """
        room_bytes = int(self.destination.room_events * self._bytes_an_event)
        return min(max(room_bytes, LEAST_TURN_BYTES), READ_BYTES)

    async def room(self) -> None:
        """Waits until lines may be taken."""
        await self.keeper.wait_healthy()
        await self.destination.room()

    @property
    def started_before(self) -> bool:
        """Tells whether the checkpoint knows this source."""
        return self._place in self.keeper.store.state.started

    @property
    def begin_at(self) -> StartAt | None:
        """Where the first scan begins instead of `start_at`, after a damaged checkpoint."""
        return self.keeper.store.state.begin_at.get(self._place)

    def first_scan_done(self) -> None:
        """From now on, new files are read from their beginning."""
        self.keeper.note_record({"start": [self._place]})

    def resume(self, file: LogFile) -> Resumption:
        """Finds the file among those followed now, and in the checkpoint."""
        # What was only opened since (ten thousand files in one scan) changes nothing that is known.
        if self._stale or not self.keeper.healthy:
            written = self.keeper.flush()
            if not (written and self.keeper.healthy):  # not the latest, or no room for more files
                return Resumption(None, later=True)
        self._stale = False
        if self._behind:
            self._catch_up()
        return self._recognition.resume(file)

    def restored(self, file: LogFile) -> Resumption:
        """Tells where a followed file goes on in whose place an older copy was put back."""
        self.keeper.flush()  # if it cannot be written, the trail ends earlier
        return self._recognition.restored(file)

    def _waiting_without_a_file(self) -> dict[int, int]:
        """Counts what waits in entries whose file was not met, by their keys.

        A number of its own for each: the checkpoint is a turn behind what happens here.
        """
        return {
            key: len(entry.pending)
            for key, entry in self._recognition.entries()
            if entry.pending and not entry.is_pipe
        }

    def _catch_up(self) -> None:
        """Takes up what the checkpoint learnt late; until now nothing could be resumed."""
        state = self.keeper.store.state
        self._behind = False
        self._recognition.catch_up()
        self._absent = self._waiting_without_a_file()
        self.books.totals.update(state.books.get(self._place, {}))
        self.lost_bytes = state.lost_bytes.get(self._place, 0)

    def knows(self, file_id: FileId) -> bool:
        """Tells whether the checkpoint knows the inode."""
        return self._recognition.knows(file_id)

    def is_copy(self, file: LogFile) -> bool:
        """Tells whether a file is a copy of one that is followed."""
        return self.copies.is_copy(file)

    def track(self, file: LogFile) -> FileTrack:
        """Begins a file, or goes on with one that `resume` found."""
        state = self.keeper.store.state
        key = self._recognition.key_of(file)
        floor, parted = self._recognition.floor_of(file), self._recognition.parting_of(file)
        if key in self.cut_off:
            track = self.cut_off.pop(key)
            track.reattach(file)
        elif key is not None:
            entry = state.files[key]
            self._absent.pop(key, None)
            ledger = Ledger(entry.read, entry.pending)
            track = FileTrack(
                self,
                key,
                file,
                ledger,
                self.reader(),
                entry.carried,
                entry.ages,
                entry.begin,
                entry.floor,
            )
        else:
            key, state.next_key = state.next_key, state.next_key + 1
            track = FileTrack(self, key, file, Ledger(file.offset), self.reader(), floor=floor)
            entry_json = {**track.entry_json(), "parted": list(parted)}
            self.keeper.note_record({"open": {str(key): entry_json}})
        self.tracks[key] = track
        self._recognition.follow(key)
        track.generation()
        self._met.append(track)
        self.keeper.note(track)
        return track

    def unopened(self, file_id: FileId, path: Path, size: int, *, begins_at_end: bool) -> None:
        """Keeps of a file that cannot be opened where it begins."""
        self._recognition.unopened(file_id, path, size, begins_at_end=begins_at_end)

    def scan_done(self, there: Collection[FileId]) -> None:
        """Has lines that wait in entries without a file taken over by copies that were met."""
        self._recognition.only(there)
        if self._met and orphans(self):
            if not self.keeper.flush():
                return  # what the checkpoint says is not the latest: after the next scan
            take_over(self, self._recognition.resumer, self._met)
        self._met = []

    def pipe_track(self, pipe: PipeReader) -> PipeTrack:
        """Begins a pipe, or goes on with it after a reload."""
        state = self.keeper.store.state
        key, state.next_key = state.next_key, state.next_key + 1
        track = PipeTrack(self, key, pipe, Ledger(pipe.offset), self.reader())
        self.keeper.note_record({"open": {str(key): track.entry_json()}})
        self.tracks[key] = track
        self.keeper.note(track)
        return track

    def _forget_pipes(self) -> None:
        """What was read out of a pipe and not settled when the last run ended is lost."""
        entries = {
            key: entry
            for key, entry in self.keeper.store.state.files.items()
            if entry.source == self._place and entry.is_pipe
        }
        if not entries:
            return
        lost = sum(len(entry.pending) for entry in entries.values())
        if lost:
            self.books.add("expired.lost_with_its_pipe", lost)
            self._log.warning("pipe_lines_lost", lines=lost)
            self.keeper.note(self)
        self.keeper.note_record({"forget": list(entries)})

    def let_go(self, track: FileTrack) -> None:
        """The track's file is gone; the track lives on while lines of it are pending."""
        self.tracks.pop(track.key, None)
        self._recognition.let_go(track.key)
        self.copies.discard(track, track.generation())
        if track.pending:
            self.cut_off[track.key] = track
            return
        # The entry stays: a compressed copy of the content may turn up for days.
        self.cut_off.pop(track.key, None)

    @property
    def pending(self) -> int:
        """Lines read and not settled, of all files, also of those that were not met."""
        tracks = (*self.tracks.values(), *self.cut_off.values())
        return sum(track.pending for track in tracks) + self.absent

    @property
    def absent(self) -> int:
        """Lines that wait in the checkpoint for a file that was not met, or a copy of it."""
        return sum(self._absent.values())

    def given_away(self, key: int, lines: int) -> None:
        """Lines that waited for a file that was not met wait no more."""
        self._absent[key] -= lines

    def forgotten(self, keys: Collection[int]) -> None:
        """The checkpoint has given up entries without a file, and counted what waited in them."""
        lost = 0
        for key in keys:
            self._recognition.forget(key)
            lost += self._absent.pop(key, 0)
        if lost:
            self.books.totals[LOST_KEY] = self.books.totals.get(LOST_KEY, 0) + lost

    @property
    def keys(self) -> set[int]:
        """The checkpoint keys in use."""
        return self.tracks.keys() | self.cut_off.keys() | self._recognition.resting.keys()

    def met_again(self) -> None:
        """Has all files followed now written down as seen, so that they are not forgotten."""
        for track in self.tracks.values():
            track.met()
        if resting := self._recognition.resting:
            seen = {str(key): {"t": self.wall_s} for key in resting}
            self.keeper.note_record({"file": seen})

    def index(self, key: int, file: TrackedFile, read: int, before: str) -> None:
        """Keeps what is known of a file, for finding it again and its copies."""
        if not isinstance(file, PipedFile):
            self._recognition.index(key, file, read, before)

    def archive_done(self, key: int) -> None:
        """An archive holds nothing new any more; it is remembered as long as it is there."""
        self._recognition.resting[key] = self.tracks[key].file.file_id

    # -- what a track has done

    @property
    def name(self) -> str:
        """What the source is called in the checkpoint and in messages."""
        return self._place

    def reader(self) -> Reader:
        """Makes a reader for one file."""
        return self.extractor.reader()

    def take(self, track: FileTrack, lines: Lines) -> None:
        """Turns lines into events and counts what became of each."""
        taken = self.extractor.extract(lines, track.generation(), track.reader, track.ages)
        bytes_an_event = (lines.end - lines.start) / max(len(taken.events), 1)
        self._bytes_an_event += (bytes_an_event - self._bytes_an_event) / 4
        track.opened(lines, taken)
        self._hand_over(track, taken)
        if track.reader.has_open:
            self._wait_for_more(track)

    def give_up(self, track: FileTrack, records: Iterable[Hashable]) -> None:
        """Ends records that wait for more lines."""
        taken = self.extractor.give_up(
            track.reader, track.generation(), track.read_offset, list(records), track.ages
        )
        track.came_to(taken)
        self._hand_over(track, taken)

    def _hand_over(self, track: FileTrack, taken: Extraction) -> None:
        for counter, number in taken.settled.items():
            self.books.add(counter, number)
        if taken.unparsable:
            self._keep(track, taken.unparsable)
        self._claims += taken.claims
        self._sessions.update(taken.sessions)
        if taken.states and track.reader.chosen != track.told_format:
            track.told_format = track.reader.chosen
            path = shown(track.file.path)
            self._log.info("format_chosen", path=path, format=track.told_format)
        if taken.failure and not self._told_failure:
            self._told_failure = True
            self._log.error(
                "parser_failed",
                path=shown(track.file.path),
                failure=taken.failure,
                hint="the parser of this format has a bug; the lines on which it fails are kept in "
                "state_dir/unparsed, and later ones are only counted (unparsable.parser_failed)",
            )
        if (drift := track.match_rate.saw(taken.fitting, taken.refused)) is not None:
            self._tell_drift(track, drift)
        if taken.events:
            self.queued += len(taken.events)
            self.destination.submit(taken.events, track, source=self.section.name)
        self.changed(track)

    def _tell_drift(self, track: FileTrack, drift: Drift) -> None:
        path, rate = shown(track.file.path), round(drift.rate, 3)
        match drift.state:
            case "never_fitted":
                self._log.error(
                    "format_does_not_fit",
                    path=path,
                    format=self.section.format,
                    hint="no line can be read; `hooktail parse` shows why, and the lines are kept "
                    "in state_dir/unparsed",
                )
            case "drifted":
                self._log.error(
                    "format_drift",
                    path=path,
                    rate=rate,
                    rate_before=round(drift.baseline, 3),
                    hint="most lines of this file could be read and now cannot: was the server's "
                    "log format changed? the lines are kept in state_dir/unparsed",
                )
            case "recovered":
                self._log.info("format_fits_again", path=path, rate=rate)
            case unknown:
                assert_never(unknown)

    # -- records that wait for more lines

    def _wait_for_more(self, track: FileTrack) -> None:
        self._holding.add(track)
        if self._hold_timer is None:
            wait_s = max(track.reader.hold_s, SHORTEST_HOLD_S) / 2
            self._hold_timer = asyncio.get_running_loop().call_later(wait_s, self._look_at_held)

    def _look_at_held(self) -> None:
        self._hold_timer = None
        if self.keeper.healthy:
            self.give_up_old(asyncio.get_running_loop().time())
        for track in self._holding:
            self._wait_for_more(track)
            break

    def give_up_old(self, now_s: float) -> None:
        """Ends the records that have waited for as long as their parser holds them."""
        for track in list(self._holding):
            if overdue := track.reader.overdue(now_s):
                self.give_up(track, overdue)
            if not track.reader.has_open:
                self._holding.discard(track)

    def close(self) -> None:
        """Waits for nothing any more; what is held is still pending in the checkpoint."""
        if self._hold_timer is not None:
            self._hold_timer.cancel()
            self._hold_timer = None

    def keep_unparsable(self, track: FileTrack, line: Unparsable) -> None:
        """Counts and keeps one line that no parser was asked about."""
        self.books.add(f"{State.UNPARSABLE}.{line.reason}")
        self._keep(track, [line])

    def _keep(self, track: FileTrack, lines: list[Unparsable]) -> None:
        if self._unparsed is not None:
            self._unparsed.keep(self.section.name, shown(track.file.path), lines)

    def lost(self, unread_bytes: int) -> None:
        """Counts bytes that are known to have gone unread."""
        self.lost_bytes += unread_bytes
        self._lost_delta += unread_bytes
        self.keeper.note(self)

    def changed(self, track: FileTrack) -> None:
        """Has the track and the books written at the end of this turn."""
        self._stale = True
        self.keeper.note(track)
        self.keeper.note(self)

    def add_to(self, record: dict[str, Any]) -> None:
        """Adds counters, claims and sessions to a journal record."""
        delta = self.books.take_delta()
        if delta:
            book = record.setdefault("books", {}).setdefault(self._place, {})
            for counter, lines in delta.items():
                book[counter] = book.get(counter, 0) + lines
        if self._lost_delta:
            lost = record.setdefault("lost", {})
            lost[self._place] = lost.get(self._place, 0) + self._lost_delta
            self._lost_delta = 0
        if self._claims:
            record.setdefault("claim", []).extend(map(list, self._claims))
            self._claims = []
        if self._sessions:
            places = record.setdefault("session", {}).setdefault(self._place, [])
            places.extend(chain.from_iterable(self._sessions.items()))
            self._sessions = {}

    @property
    def wall_s(self) -> int:
        """Seconds since the epoch."""
        return int(self._wall_s())
