"""Which files are copies of files that are followed now.

A copy of a log holds the same first line. As long as it is nothing but a copy, nothing of it is
sent; once it is not, its own part begins where it was one last.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from hooktail.extract.identity import generation_of
from hooktail.fingerprint import HEAD_BYTES, begin_alike
from hooktail.tail.archive import ArchiveFile
from hooktail.tail.file import TailedFile
from hooktail.track import PipedFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail.model import FileId
    from hooktail.tail.opening import LogFile
    from hooktail.track import FileTrack


_LOOKS_ALIKE_AT = (8192, 65_536)


class Copy(NamedTuple):
    """A file that was a copy of one that is followed, when it was looked at last."""

    generation: bytes
    size: int
    original: FileTrack


class Copies:
    """Knows the files followed now by their first lines, and which were their copies.

    `tracks` are the files followed now, by their keys; the feed's own mapping.
    """

    def __init__(self, tracks: Mapping[int, FileTrack]) -> None:
        self._tracks = tracks
        self._followed: dict[bytes, set[FileTrack]] = defaultdict(set)
        self._noted: dict[FileId, Copy] = {}

    def add(self, track: FileTrack, generation: bytes) -> None:
        """Takes up a file followed now."""
        self._followed[generation].add(track)

    def discard(self, track: FileTrack, generation: bytes) -> None:
        """Forgets a file that is gone, or of which the generation is another."""
        followed = self._followed.get(generation)
        if followed is not None:
            followed.discard(track)
            if not followed:
                del self._followed[generation]

    def original_of(self, file: LogFile, generation: bytes) -> FileTrack | None:
        """Finds a file followed now with the same content, as far as this one reaches.

        The same first line alone does not make a copy: two sites may be asked by the same monitor
        in the same second.
        """
        for track in self._followed.get(generation, ()):
            if isinstance(track.file, PipedFile) or track.file.file_id == file.file_id:
                continue
            if isinstance(track.file, TailedFile) and not track.file.still_holds_what_was_read():
                return track
            if isinstance(file, ArchiveFile) or isinstance(track.file, ArchiveFile):
                if may_be_copy(file, track.file):
                    return track  # until the other is done, it is its copy
                continue
            # No copy reaches further than what it was made of.
            reach = file.size
            if reach <= track.file.size and file.before_at(reach) == track.file.before_at(reach):
                return track
        return None

    def is_copy(self, file: LogFile) -> bool:
        """Tells whether a file is a copy of one that is followed."""
        generation = generation_of(file.head_bytes())
        followed = self._followed.get(generation, ())
        if any(each.file is file and each.read_offset for each in followed):
            return False  # it was read before, and is read again from its beginning
        return self.original_of(file, generation) is not None

    # -- files that were copies

    def note(self, file: LogFile, copy: Copy) -> None:
        """Keeps how far a file was a copy."""
        self._noted[file.file_id] = copy

    def take_note(self, file: LogFile, generation: bytes) -> Copy | None:
        """Returns, once, what was kept of a file, if it has the same generation still."""
        copy = self._noted.pop(file.file_id, None)
        return copy if copy is not None and copy.generation == generation else None

    def own_part(self, file: LogFile, copy: Copy) -> int:
        """Where that begins which a file that was a copy has for itself; 0 for all of it.

        An original that was truncated before it was read leaves all to the copy.
        """
        original = copy.original
        if isinstance(file, ArchiveFile) or self._tracks.get(original.key) is not original:
            return 0
        there, size = original.file, copy.size
        if not isinstance(there, TailedFile) or not there.still_holds_what_was_read():
            return 0
        if not size <= min(file.size, there.size) or file.before_at(size) != there.before_at(size):
            return 0
        return file.line_start(size)

    # -- older copies

    def replaced_by(self, file: LogFile, generation: bytes) -> tuple[FileTrack, int] | None:
        """Finds the file followed now of whose name an older copy has taken the place.

        Returns it, and where the line begins in which they part.
        """
        if not isinstance(file, TailedFile):
            return None
        for track in self._followed.get(generation, ()):
            there = track.file
            if (
                isinstance(there, TailedFile)
                and there.path == file.path
                and there.file_id != file.file_id
                and there.head_is_full
                and there.head.matches(file.head_bytes())
            ):
                return track, file.line_start(_alike_up_to(file, there))
        return None


def may_be_copy(copy: LogFile, original: LogFile) -> bool:
    """Tells whether one file may be a copy of another, one of them compressed.

    Only the beginning can be compared. Many logs begin alike: how they go on is looked at as far as
    it can be seen.
    """
    grows = not isinstance(original, ArchiveFile)
    if not begin_alike(copy.head_bytes(), original.head_bytes(), original_grows=grows):
        return False
    seen = (*_LOOKS_ALIKE_AT, copy.offset, original.offset)
    if not all(_alike_at(copy, original, offset) for offset in seen):
        return False
    return _alike_at(copy, original, min(copy.known_size(), original.known_size()))


def _alike_at(copy: LogFile, original: LogFile, offset: int) -> bool:
    """Tells whether two files are not seen to differ before an offset."""
    before = [
        file.before_at(offset) if offset <= file.known_size() else "" for file in (copy, original)
    ]
    return "" in before or before[0] == before[1]


def _alike_up_to(file: TailedFile, other: TailedFile) -> int:
    """Finds, by halves, how far two files with the same full head hold the same."""
    alike, differs = HEAD_BYTES, min(file.size, other.size) + 1
    while differs - alike > 1:
        middle = (alike + differs) // 2
        if file.before_at(middle) == other.before_at(middle):
            alike = middle
        else:
            differs = middle
    return alike
