"""Lines that wait in the entry of one copy of a content, and are another copy's by now.

A kill can leave lines that wait in an entry whose file is not there any more, while a copy of the
content is read under another entry. What the copy's entry has had, or will read by itself, waits
twice: it was counted as read by both, and the second count is taken back at once. What lies below
the copy's begin (an older copy put back, of which only the rest was new) is read again from the
copy. So each line has one entry, and `read = sum of the states + pending` holds before and after.

Nothing is taken from an entry whose own file is there: two files may begin alike.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol

import structlog

from hooktail.checkpoint.resume import Look
from hooktail.paths import shown
from hooktail.tail.archive import ArchiveFile
from hooktail.tail.file import TailedFile
from hooktail.track import PipedFile

if TYPE_CHECKING:
    from collections.abc import Collection

    from hooktail.checkpoint.keeper import Keeper
    from hooktail.checkpoint.resume import Resumer
    from hooktail.model import Books
    from hooktail.tail.opening import LogFile
    from hooktail.track import FileTrack


def look_at(file: LogFile, now_s: int) -> Look:
    """Returns what a `Resumer` wants to see of a file."""
    known_size = file.known_size if isinstance(file, ArchiveFile) else None
    head, modified_s = file.head_bytes(), file.modified_last_s()
    return Look(head, file.size, file.before_at, modified_s, now_s, known_size)


class Owner(Protocol):
    """What is asked of the feed."""

    books: Books
    keeper: Keeper
    tracks: dict[int, FileTrack]
    cut_off: dict[int, FileTrack]

    @property
    def name(self) -> str:
        """The source's name."""

    @property
    def wall_s(self) -> int:
        """Seconds since the epoch."""

    def changed(self, track: FileTrack) -> None:
        """Has the track and the books written at the end of this turn."""

    def given_away(self, key: int, lines: int) -> None:
        """Is told that lines which waited without a file wait elsewhere."""


def take_over(feed: Owner, resumer: Resumer, met: Collection[FileTrack]) -> None:
    """Settles what waits twice, after a scan of which every file was met.

    `met` are the tracks begun in it; the checkpoint is up to date.
    """
    left = orphans(feed)
    alike = [(key, *entry.parted) for key, entry in feed.keeper.store.state.files.items()]
    alike = [each for each in alike if each[1]]
    for track in met:
        file = track.file
        if isinstance(file, PipedFile) or feed.tracks.get(track.key) is not track:
            continue
        likes = list(resumer.like(look_at(file, feed.wall_s)))
        proved = {key: proved for key, proved, _ in likes} | {track.key: sys.maxsize}
        _prove_more(proved, alike)
        for key, _, perhaps_more in likes:
            end = proved[key]
            if perhaps_more:
                held = {at for at in left.get(key, ()) if at < end or _may_hold(track, file, at)}
            else:
                held = {at for at in left.get(key, ()) if _is_within(at, end, file)}
            if held:
                left[key] = left[key] - held
                _move(feed, key, held, track)


def orphans(feed: Owner) -> dict[int, frozenset[int]]:
    """Returns what waits in entries without a file and is not in memory, by their keys."""
    found = {}
    for key, entry in feed.keeper.store.state.files.items():
        if entry.pending and entry.source == feed.name and key not in feed.tracks:
            track = feed.cut_off.get(key)
            if waiting := frozenset(entry.pending if track is None else track.unmet):
                found[key] = waiting
    return found


def _prove_more(proved: dict[int, int], alike: list[tuple[int, int, int]]) -> None:
    """Takes from what a file is proved to hold of one entry what it then holds of others.

    `alike` has two entries' keys, and up to where they are one content.
    """
    news = True
    while news:
        news = False
        for key, other, end in alike:
            common = min(max(proved.get(key, 0), proved.get(other, 0)), end)
            for each in (key, other):
                if proved.get(each, 0) < common:
                    proved[each] = common
                    news = True


def _may_hold(track: FileTrack, file: LogFile, start: int) -> bool:
    """Tells whether a line is in a file that is known by its head alone."""
    if isinstance(file, TailedFile):
        return start < file.line_start(file.size) and file.line_start(start) == start
    return start < track.read_offset  # how far an archive reaches nobody knows


def _is_within(start: int, end: int, file: LogFile) -> bool:
    """Tells whether a line that begins at `start` ends at or before `end`."""
    return isinstance(file, TailedFile) and start < file.line_start(end)


def _move(feed: Owner, key: int, starts: set[int], to: FileTrack) -> None:
    entry = feed.keeper.store.state.files[key]
    # What lies below its begin the entry had taken over itself: it was counted once, by another.
    twice = {start for start in starts if to.has_or_reads(start, also=start >= entry.begin)}
    below = starts - twice
    if below and not to.take_over(below, entry.ages, entry.carried):
        below = set()
    given = sorted(twice | below)
    if not given:
        return
    feed.books.add("read", -len(twice))
    feed.changed(to)
    track = feed.cut_off.get(key)
    if track is not None:
        track.give_away(given)
    else:
        feed.given_away(key, len(given))
        feed.keeper.note_record({"file": {str(key): {"s": given}}})
    structlog.get_logger().info(
        "lines_taken_over",
        source=feed.name,
        path=shown(to.file.path),
        lines=len(given),
        were_known=len(twice),
        of=entry.path,
    )
