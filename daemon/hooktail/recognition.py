"""What is known of a file that was met: by the files that are followed now, and by the checkpoint.

A file can be one of the checkpoint's, under any name; a copy of one that is followed, which holds
nothing of its own yet; an older copy that was put back, known up to somewhere; an archive that was
read to its end; or new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from hooktail.checkpoint.resume import Resumer
from hooktail.checkpoint.state import FileEntry
from hooktail.copies import Copies, Copy
from hooktail.extract.identity import generation_of
from hooktail.fingerprint import NO_HEAD, Head
from hooktail.paths import shown
from hooktail.tail.archive import ArchiveFile
from hooktail.tail.source import Resumption
from hooktail.takeover import look_at

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from pathlib import Path

    from hooktail.checkpoint.keeper import Keeper
    from hooktail.checkpoint.resume import Older
    from hooktail.model import FileId
    from hooktail.tail.opening import LogFile
    from hooktail.track import FileTrack, TrackedFile


class Recognition:
    """Recognises the files of one place of the checkpoint.

    `tracks` are the files followed now, `cut_off` those whose content was truncated away with
    lines still pending, both by key and the feed's own mappings. What the checkpoint says has to
    be up to date wherever a file is asked about.
    """

    def __init__(
        self,
        place: str,
        keeper: Keeper,
        tracks: Mapping[int, FileTrack],
        cut_off: Mapping[int, FileTrack],
        wall_s: Callable[[], int],
    ) -> None:
        self._place = place
        self._wall_s = wall_s
        self._keeper = keeper
        self._cut_off = cut_off
        self._log = structlog.get_logger().bind(source=place)
        self.copies = Copies(tracks)
        self.resumer = Resumer(self.entries())
        self.resting: dict[int, FileId] = {}
        """By the keys of their entries: files that are there and not followed. Archives that hold
        nothing new, and what begins at its end once it can be opened."""
        self._resumed: dict[LogFile, int] = {}
        self._floors: dict[LogFile, int] = {}
        """Of files that begin where others ended: what was nobody's of those."""
        self._parting: dict[LogFile, tuple[int, int]] = {}
        """Of files that hold what another does: the key of that one's entry, and up to where."""

    def entries(self) -> Iterator[tuple[int, FileEntry]]:
        """Gives the checkpoint's entries of the place, by their keys."""
        for key, entry in self._keeper.store.state.files.items():
            if entry.source == self._place:
                yield key, entry

    def catch_up(self) -> None:
        """Takes up what the checkpoint learnt late; until now nothing could be recognised."""
        self.resumer = Resumer(self.entries())

    # -- where a file goes on

    def resume(self, file: LogFile) -> Resumption:
        """Finds a file that was met among those followed now, and in the checkpoint."""
        if (finished := self._finished_archive(file)) is not None:
            self.resting[finished] = file.file_id
            return Resumption(None, done=True)
        if (unopened := self._unopened(file.file_id)) is not None:
            return self._opened(file, unopened)
        files = self._keeper.store.state.files
        head = file.head_bytes()
        generation = generation_of(head)
        match = self.resumer.find(file.file_id, look_at(file, self._wall_s()))
        entry = None if match.key is None else files[match.key]
        was_read = entry is not None and entry.read > 0
        if not (was_read and entry is not None and entry.file_id == file.file_id):
            original = self.copies.original_of(file, generation)
            if original is not None:
                # Most often copytruncate between its two steps, or just after them: soon the
                # original is seen to be truncated, and the copy goes on with it. As long as it is
                # a copy, it holds nothing of its own; how far it was one is where it begins once
                # it is not.
                self.copies.note(file, Copy(generation, file.size, original))
                return Resumption(None, later=True)
        copy = self.copies.take_note(file, generation)
        if copy is not None and not was_read and (start := self.copies.own_part(file, copy)):
            if copy.original.read_offset < start:
                self.copies.note(file, copy)
                return Resumption(None, later=True)
            self._parts_at(file, start, copy.original)
            return Resumption(start)
        if match.key is None:
            if (replaced := self.copies.replaced_by(file, generation)) is not None:
                original, start = replaced
                if original.read_offset < start:
                    return Resumption(None, later=True)
                self._parts_at(file, start, original)
                return Resumption(start, older=True)
            if match.older is not None:
                return self._goes_on(file, match.older)
            if match.replaced:
                self._log.info("file_is_new", path=shown(file.path), reason=match.replaced)
            return Resumption(None)
        entry = files[match.key]
        if isinstance(file, ArchiveFile) and entry.archive_bytes == file.compressed_bytes:
            self.resting[match.key] = file.file_id
            return Resumption(None, done=True)
        self._resumed[file] = match.key
        self.resumer.hold(match.key)
        if match.key in self._cut_off:
            return Resumption(self._cut_off[match.key].resume_at)
        return Resumption(entry.mark)

    def restored(self, file: LogFile) -> Resumption:
        """Tells where a followed file goes on in whose place an older copy was put back."""
        older = self.resumer.older(look_at(file, self._wall_s()))
        return Resumption(0) if older is None else self._goes_on(file, older)

    def _goes_on(self, file: LogFile, older: Older) -> Resumption:
        """Tells where an older copy goes on: behind what was surely read of it, or at its end.

        What is shorter than the part that was never ours to read has nothing for us.
        """
        self._floors[file] = older.floor
        self._parting[file] = older.of, older.known
        if older.unchanged and not isinstance(file, ArchiveFile):
            self._keep_alike(file, older.of, file.line_start(file.size))
        if older.unchanged or file.known_size() <= older.floor:
            return Resumption(None, at_end=True)
        known = max(older.known, older.floor)  # of an archive known to be the start of a line
        return Resumption(
            known if isinstance(file, ArchiveFile) else file.line_start(known), older=True
        )

    def _finished_archive(self, file: LogFile) -> int | None:
        """Finds the entry of an archive that was read to its end, and is as it was."""
        if not isinstance(file, ArchiveFile):
            return None
        for key in self.resumer.with_inode(file.file_id):
            entry = self._keeper.store.state.files[key]
            if entry.archive_bytes == file.compressed_bytes and Head(
                entry.head_length, entry.head_digest
            ).matches(file.head_bytes()):
                return key
        return None

    # -- files that could not be opened

    def unopened(self, file_id: FileId, path: Path, size: int, *, begins_at_end: bool) -> None:
        """A file cannot be opened. With `begins_at_end`, what it holds now is nobody's.

        That is kept by an entry of which nothing was ever read.
        """
        key = self._unopened(file_id)
        if key is None:
            if not begins_at_end or not size:
                return
            state = self._keeper.store.state
            key, state.next_key = state.next_key, state.next_key + 1
            entry = FileEntry(
                self._place, shown(path), *file_id, begin=size, read=size, seen_s=self._wall_s()
            )
            self._keeper.note_record({"open": {str(key): entry.to_json()}})
            self.resumer.put(key, NO_HEAD, file_id, size, "")
        self.resting[key] = file_id

    def _unopened(self, file_id: FileId) -> int | None:
        for key in self.resumer.with_inode(file_id):
            entry = self._keeper.store.state.files.get(key)
            if entry is not None and entry.read and not entry.head_length:
                return key
        return None

    def _opened(self, file: LogFile, key: int) -> Resumption:
        """Tells where a file goes on that could not be opened at the very first look."""
        size = self._keeper.store.state.files[key].read
        if isinstance(file, ArchiveFile):
            self.resting[key] = file.file_id
            return Resumption(None, done=True)
        self.forget(key)
        self._keeper.note_record({"forget": [key]})
        return Resumption(file.line_start(size) if size <= file.size else 0)

    # -- files that part from others

    def _parts_at(self, file: LogFile, begin: int, original: FileTrack) -> None:
        """Keeps that a file holds what another does up to `begin`, where it is begun itself.

        After a kill, what was in flight of the other is found in it.
        """
        self._floors[file] = original.floor
        self._parting[file] = original.key, begin
        self._keep_alike(file, original.key, begin)

    def _keep_alike(self, file: LogFile, key: int, end: int) -> None:
        """Keeps that a file holds what an entry's does up to `end`.

        And what those do from which that one parted no earlier: of it nothing else may be left.
        """
        before, parted_at = file.before_at(end), end
        while before and parted_at >= end:
            self._keeper.note_record({"file": {str(key): {"k": [end, before]}}})
            entry = self._keeper.store.state.files.get(key)
            if entry is None:
                return
            key, parted_at = entry.parted

    # -- what becomes of it

    def key_of(self, file: LogFile) -> int | None:
        """Returns, once, the key of the entry that `resume` found for a file."""
        return self._resumed.pop(file, None)

    def parting_of(self, file: LogFile) -> tuple[int, int]:
        """Returns, once, what a new entry's `parted` is for a file."""
        return self._parting.pop(file, (0, 0))

    def floor_of(self, file: LogFile) -> int:
        """Returns, once, the offset below which a file holds nothing of anybody's."""
        return self._floors.pop(file, file.offset)

    def follow(self, key: int) -> None:
        """The entry's file is followed from now on: no other is given it."""
        self.resumer.hold(key)

    def let_go(self, key: int) -> None:
        """The file is no longer followed."""
        self.resumer.release(key)

    def forget(self, key: int) -> None:
        """The checkpoint has forgotten the entry."""
        self.resumer.drop(key)
        self.resting.pop(key, None)

    def only(self, there: Collection[FileId]) -> None:
        """Of the files that rest these are there; the others may be forgotten one day.

        At once, where nothing tells such a file from another that will have its inode.
        """
        for key, file_id in list(self.resting.items()):
            if file_id in there:
                continue
            if key == self._unopened(file_id):
                self._keeper.note_record({"forget": [key]})
                self.resumer.drop(key)
            del self.resting[key]

    def knows(self, file_id: FileId) -> bool:
        """Tells whether the checkpoint knows the inode."""
        return self.resumer.knows(file_id)

    def index(self, key: int, file: TrackedFile, read: int, before: str) -> None:
        """Keeps what is known of a file that is followed, for finding it again and its copies."""
        self.resumer.put(
            key,
            file.head,
            file.file_id,
            read,
            before,
            of=self._keeper.store.state.files.get(key),
            modified_s=file.modified_s,
        )
