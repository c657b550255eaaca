"""What a scan found, against what is followed: new files, moved ones, copies, the undecided.

Files that are older than `ignore_older_than` and of which nothing was ever read are looked into
once and not kept open. When such a file grows, what it held by then stays left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hooktail.fingerprint import Head, head_of
from hooktail.paths import shown
from hooktail.tail.archive import LEFT_OUT, UNKNOWN_SIZE, ArchiveFile
from hooktail.tail.following import RESCAN_LATER_S, LeftOut
from hooktail.tail.opening import open_log
from hooktail.tail.truncation import UNDECIDED_S, say_restored

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import FilteringBoundLogger

    from hooktail.config.sections import SourceSection
    from hooktail.model import FileId
    from hooktail.tail.consumer import Resumption
    from hooktail.tail.discovery import Scan
    from hooktail.tail.following import Following
    from hooktail.tail.opening import LogFile
    from hooktail.tail.truncation import Truncations


LINES_A_SCAN = 1000
"""Of more new files than this at once the rest is said by its number: journald would drop lines."""


class _Ignored(NamedTuple):
    """A file too old to be followed, as it was when it was met."""

    size: int
    head: Head


def _as_found(file_id: FileId, found: Scan) -> LeftOut | None:
    facts = found.facts.get(file_id)
    if facts is None:
        return None
    return LeftOut(file_id, found.files[file_id], facts.size, facts.modified_s)


class _AtDebug:
    """A log that says at debug what is otherwise said at info."""

    def __init__(self, log: FilteringBoundLogger) -> None:
        self.info = log.debug


class Meeting:
    """Brings the followed files in line with what scans find."""

    def __init__(
        self,
        section: SourceSection,
        following: Following,
        truncations: Truncations,
        *,
        may_open: Callable[[], bool],
        wall_s: Callable[[], float],
        adopt: dict[FileId, LogFile],
    ) -> None:
        self.adopted = adopt
        """Files that were open before a reload, until a scan found out what they are."""
        self._section = section
        self._following = following
        self._truncations = truncations
        self._may_open = may_open
        self._wall_s = wall_s
        # Read by name as long as a section need not have it.
        self._ignore_older_than_s = section.ignore_older_than_s
        self._start_at = section.start_at
        self._ignored: dict[FileId, _Ignored] = {}
        self._undecided: dict[FileId, float] = {}
        self._told_of_none = False
        self._told_of_limit = False
        self.lines_a_scan = LINES_A_SCAN
        self._begun = 0

    @property
    def ignored_files(self) -> int:
        """How many files are too old to be followed."""
        return len(self._ignored)

    @property
    def undecided(self) -> bool:
        """Tells whether the last scan found files of which it cannot be told yet what they are."""
        now = self._following.clock()
        return any(now < until for until in self._undecided.values())

    def apply(self, found: Scan) -> None:
        """Follows what is new, renames what moved, marks what is gone."""
        following, consumer = self._following, self._following.consumer
        following.only_unreadable(found.unreadable | found.passed_over)
        first = not consumer.started_before
        self._start_at = consumer.begin_at or self._section.start_at
        for file_id in self.adopted.keys() - found.files.keys():
            # Deleted or moved away before a reload, with bytes perhaps unread.
            self._follow_adopted(file_id, gone=True)
        self._move(found)
        new = [file_id for file_id in found.files if self._is_new(file_id, found)]
        # What is new may be a copy of what was truncated. And without room nobody else looks.
        if new or not consumer.has_room:
            self._truncations.look_at_all()
        if new:
            ignored = len(self._ignored)
            self._begun = 0
            # Those that the checkpoint knows by inode first, before a copy can take their place.
            for file_id in sorted(new, key=lambda file_id: not consumer.knows(file_id)):
                self._meet(file_id, found, first=first)
            if len(self._ignored) > ignored:
                following.log.info(
                    "files_ignored",
                    files=len(self._ignored) - ignored,
                    older_than_s=self._ignore_older_than_s,
                )
            if self._begun > self.lines_a_scan:
                following.log.info(
                    "files_followed",
                    files=self._begun,
                    not_named=self._begun - self.lines_a_scan,
                    hint="log.level debug names all",
                )
        self._mark_gone(found)
        following.left_out = {
            each for each in following.left_out if each == _as_found(each.file_id, found)
        }
        for forgotten in (self._undecided, self._ignored):
            for file_id in forgotten.keys() - found.files.keys():
                del forgotten[file_id]
        if not found.files and not found.unreadable and not self._told_of_none:
            self._told_of_none = True
            following.log.warning(
                "no_files",
                paths=list(self._section.paths),
                hint="none is there yet; still looking",
            )
        if first:
            consumer.first_scan_done()
        consumer.scan_done(found.files.keys())

    def _is_new(self, file_id: FileId, found: Scan) -> bool:
        if file_id in self._following.files:
            return False
        ignored = self._ignored.get(file_id)
        if ignored is not None and ignored.size == found.facts[file_id].size:
            return False
        return _as_found(file_id, found) not in self._following.left_out

    def _move(self, found: Scan) -> None:
        for file_id, followed in self._following.files.items():
            path = found.files.get(file_id)
            if path is None:
                continue
            if followed.gone:
                followed.gone = False  # it is back
                self._following.schedule.put(followed, followed.look_at)
            file = followed.file
            if file.path is not path and file.path != path:
                self._following.log.info("file_moved", path=shown(file.path), to=shown(path))
                file.path = path
                followed.track.moved()

    def _mark_gone(self, found: Scan) -> None:
        following = self._following
        for file_id in following.files.keys() - found.files.keys():
            followed = following.files[file_id]
            if not followed.gone:
                followed.gone = True
                followed.gone_at = following.clock()
                following.schedule.put(followed, followed.look_at)
                following.log.info("file_gone", path=shown(followed.file.path))

    # -- files not followed yet

    def _meet(self, file_id: FileId, found: Scan, *, first: bool) -> None:
        path = found.files[file_id]
        if file_id in self.adopted:
            self._follow_adopted(file_id, gone=False)
            return
        if not self._may_open():
            if not self._told_of_limit:
                self._told_of_limit = True
                self._following.log.error(
                    "too_many_files",
                    open=len(self._following.files),
                    hint="raise the limit of open files (LimitNOFILE), or narrow paths; the rest "
                    "is read when others are finished",
                )
            self._unopened(file_id, found, first=first)
            return
        try:
            file = open_log(
                path,
                max_line_bytes=self._section.max_line_bytes,
                encoding=self._section.format_options.get("encoding"),
            )
        except FileNotFoundError:
            return  # the next scan knows more
        except OSError as error:
            self._following.unreadable(path, error)
            self._unopened(file_id, found, first=first)
            return
        if file is None:
            self._ask_again(file_id)
            return
        if file.file_id != file_id:
            file.close()  # replaced between stat and open; the next scan meets the new one
            return
        known = self._following.consumer.resume(file)
        if known.later:
            file.close()
            self._ask_again(file_id)
            return
        self._undecided.pop(file_id, None)
        if known.done:
            file.close()
            self._following.left_out.add(LeftOut(file_id, path, *found.facts[file_id][:2]))
            return
        ignored = self._ignored.pop(file_id, None)
        if known.unknown and ignored is None and self._too_old(found.facts[file_id].modified_s):
            self._ignored[file_id] = _Ignored(found.facts[file_id].size, head_of(file.head_bytes()))
            file.close()
            return
        self._truncations.met(file, known.offset)
        self._begin(file, known, ignored, first=first)
        self._following.follow(file)

    def _unopened(self, file_id: FileId, found: Scan, *, first: bool) -> None:
        self._following.consumer.unopened(
            file_id,
            found.files[file_id],
            found.facts[file_id].size,
            begins_at_end=first and self._start_at == "end",
        )

    def _too_old(self, modified_s: float) -> bool:
        limit_s = self._ignore_older_than_s
        return limit_s is not None and self._wall_s() - modified_s > limit_s

    def _begin(
        self, file: LogFile, known: Resumption, ignored: _Ignored | None, *, first: bool
    ) -> None:
        """Moves a file to the offset from which it is read."""
        path = file.path
        self._begun += 1
        named = self._begun <= self.lines_a_scan
        log = self._following.log if named else _AtDebug(self._following.log)
        if known.offset is not None:
            file.rewind(known.offset)
            if known.older:
                say_restored(self._following.log, file)
            else:
                # Of an archive that was not read to its end, nobody knows the size.
                size = {} if file.size == UNKNOWN_SIZE else {"size": file.size}
                log.info("file_resumed", path=shown(path), offset=file.offset, **size)
        elif known.at_end:
            file.go_to_end()
            log.info("file_known", path=shown(path), offset=file.offset)
        elif (
            ignored is not None
            and not isinstance(file, ArchiveFile)
            and file.size > ignored.size
            and ignored.head.matches(file.head_bytes())  # not another file of the same inode
        ):
            file.rewind(file.line_start(ignored.size))
            log.info("file_started", path=shown(path), offset=file.offset, at="growth")
        elif first and self._start_at == "end":
            file.go_to_end()
            log.info("file_started", path=shown(path), offset=file.offset, at="end")
            if self._following.consumer.begin_at == "end" and named and file.offset != LEFT_OUT:
                self._following.log.error(
                    "checkpoint_skips",
                    path=shown(path),
                    begin=0,
                    end=file.offset,
                    bytes_skipped=file.offset,
                    hint="nothing was left of the checkpoint: which of these had been delivered "
                    "nobody knows",
                )
        else:
            log.info("file_started", path=shown(path), offset=0, at="beginning")

    def _ask_again(self, file_id: FileId) -> None:
        """Looks again soon, for a while, at a file of which it cannot be told what it is."""
        now = self._following.clock()
        if now < self._undecided.setdefault(file_id, now + UNDECIDED_S):
            self._following.rescan_within(RESCAN_LATER_S)

    def _follow_adopted(self, file_id: FileId, *, gone: bool) -> None:
        """Goes on with a file that was open before a reload."""
        file = self.adopted[file_id]
        file.look()  # its size is that of the last look before the reload
        known = self._following.consumer.resume(file)
        if known.later:
            self._ask_again(file_id)
            return
        del self.adopted[file_id]
        file.rewind(known.offset or 0)
        self._following.follow(file, gone=gone)
