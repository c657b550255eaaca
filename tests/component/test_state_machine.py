"""Any history of a log: written, rotated, truncated, moved, while the daemon lives and dies.

The oracle is the set of all records ever written, each with its own number. Whatever happened, in
the end every number was delivered, or stood in a file that was destroyed before anyone could read
it; and none was delivered twice, but for what was in flight at a kill. In half of the histories a
record spans lines.
"""

from __future__ import annotations

import asyncio
import bz2
import errno
import gzip
import lzma
import os
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import pytest
import structlog
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from support.joined_format import JoiningParser, registered
from support.life import Life
from support.lines import AGENT, clf_time

from hooktail.fingerprint import HEAD_BYTES
from hooktail.model import State
from hooktail.tail.file import TailedFile
from hooktail.tail.opening import LogFile
from hooktail.track import FileTrack

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

IN_BODY = re.compile(rb'/p/(\d+)(?:/cut)?"')
GIVEN_UP = re.compile(rb'/p/(\d+)/cut"')
IN_FILE = re.compile(rb"/p/(\d+)[ \n]")
CODECS: dict[str, Callable[[bytes], bytes]] = {
    "gz": lambda content: gzip.compress(content, 1),
    "bz2": lambda content: bz2.compress(content, 1),
    "xz": lambda content: lzma.compress(content, preset=0),
    "zst": zstd.compress,
}
DECOMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.decompress,
    "bz2": bz2.decompress,
    "xz": lzma.decompress,
    "zst": zstd.decompress,
}
STAMP = clf_time()
"""One for all lines: what depends on the second would not come again."""
INODE_TRIES = 16
MOST_LINES = 50
"""Of a record: more than a history has steps."""


def access_line(path: str) -> bytes:
    return f'81.2.69.142 - - [{STAMP}] "GET {path} HTTP/1.1" 200 512 "-" "{AGENT}"\n'.encode()


class Log(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        for name in ("logs", "hidden", "targets"):
            (self.directory / name).mkdir()
        self.place = self.directory / "logs"
        """Where the logs are now: the daemon looks for them in `logs`."""
        self.loop = asyncio.new_event_loop()
        self.handle = self.path.open("ab", buffering=0)
        self.partial = b""
        self.linked = (self.directory / "targets" / "0").open("ab", buffering=0)
        self.number = 0
        self.rotations = 0
        self.hidden: list[Path] = []
        self.targets = 1
        self.others: list[Path] = []
        self.open_records: list[int] = []

        self.life: Life | None = None
        self.full = False
        self.half_written = False

        self.delivered: Counter[int] = Counter()
        self.recorded: Counter[int] = Counter()
        """Those of `delivered` of which the daemon could write it down."""
        self.bodies: dict[int, set[bytes]] = {}
        self.may_repeat: set[int] = set()
        self.in_doubt: Counter[int] = Counter()
        """Answered while the disk was full."""
        self.may_be_lost: set[int] = set()
        self.lives_by_descriptor: set[int] = set()
        """Only an open file of the daemon's has them."""
        self.lives_by_memory: set[int] = set()
        """Only the daemon's queue has them."""
        self.in_older_copies: set[int] = set()
        """What cannot be told from what was read waits in two entries, until one is forgotten."""
        self.given_up: set[int] = set()
        """Records that were ended before their time, in some life."""
        self.places: dict[tuple[int, int], int] = {}
        """Numbers by where their events came from: the entry and the offset in it."""
        self.marks: dict[int, tuple[int, int]] = {}
        self.stack = ExitStack()

    @initialize(joined=st.booleans(), reserves=st.booleans())
    def start_first(self, joined: bool, reserves: bool) -> None:
        self.joined = joined
        self.reserves = reserves
        self.stack.enter_context(mock.patch("hooktail.checkpoint.disk.reserve", self._reserve))
        self.stack.enter_context(mock.patch("hooktail.checkpoint.store.RESERVE_STEP_BYTES", 0))
        self.stack.enter_context(mock.patch("hooktail.checkpoint.trail.POINT_BYTES", 200))
        self.stack.enter_context(mock.patch("hooktail.fingerprint.WAY_BYTES", 200))
        if joined:
            self.stack.enter_context(registered())
            self.stack.enter_context(mock.patch.object(JoiningParser, "hold_s", 3600.0))
        (self.place / "access.log.current").symlink_to(self.directory / "targets" / "0")
        self.start()

    # -- the writer

    @property
    def path(self) -> Path:
        return self.place / "access.log"

    def _record(self) -> bytes:
        self.number += 1
        path = f"/p/{self.number}"
        return f"one {path}\n".encode() if self.joined else access_line(path)

    @rule(records=st.integers(1, 5))
    def write(self, records: int) -> None:
        self._finish_line()
        self.handle.write(b"".join(self._record() for _ in range(records)))

    @rule()
    def write_more_than_a_head(self) -> None:
        self.write(150 if self.joined else 12)

    @rule(lines=st.integers(0, 2))
    def begin_a_record_of_several_lines(self, lines: int) -> None:
        if not self.joined:
            return
        self._finish_line()
        self.number += 1
        record = self.number
        self.open_records.append(record)
        rest = b"r%d more\n" % record * lines
        self.handle.write(b"begin r%d /p/%d\n" % (record, record) + rest)

    @precondition(lambda self: self.open_records)
    @rule(which=st.integers(0, 3), ended=st.booleans())
    def go_on_with_a_record(self, which: int, ended: bool) -> None:
        """If the log was rotated since, these lines stand in another file."""
        self._finish_line()
        record = self.open_records[which % len(self.open_records)]
        if ended:
            self.open_records.remove(record)
        self.handle.write(b"end r%d\n" % record if ended else b"r%d more\n" % record)

    @rule(site=st.integers(1, 3))
    def write_what_makes_no_event(self, site: int) -> None:
        self._finish_line()
        if self.joined:
            # Not within a record: the state that holds for its rest would end it when it is read
            # again. No format has both.
            directive = b"" if self.open_records else b"site s%d.example\n" % site
            self.handle.write(b"one /a.png\njunk\n" + directive)
        else:
            self.handle.write(access_line("/a.css") + b"no log line\n\n" + b"\x00\xff\n")

    @rule(share=st.floats(0.1, 0.9))
    def write_half_a_line(self, share: float) -> None:
        self._finish_line()
        line = self._record()
        cut = int(len(line) * share)
        self.handle.write(line[:cut])
        self.partial = line[cut:]

    @rule()
    def _finish_line(self) -> None:
        self.handle.write(self.partial)
        self.partial = b""

    @rule(records=st.integers(1, 3))
    def write_through_the_link(self, records: int) -> None:
        self.linked.write(b"".join(self._record() for _ in range(records)))

    # -- the host

    def _next_name(self) -> Path:
        self.rotations += 1
        return self.place / f"access.log.{self.rotations}"

    @rule(reopen=st.booleans())
    def rotate_by_rename(self, reopen: bool) -> None:
        if self.path.exists():
            self.path.rename(self._next_name())
        if reopen:
            self.reopen()

    @rule()
    def reopen(self) -> None:
        """The writer has been told (USR1), or had kept the old file until now."""
        self._finish_line()
        self.handle.close()
        self.handle = self.path.open("ab", buffering=0)

    @rule()
    def shift_names(self) -> None:
        """logrotate's .1 -> .2 -> .3"""
        for number in range(self.rotations, 0, -1):
            old = self.place / f"access.log.{number}"
            if old.exists():
                old.rename(self.place / f"access.log.{number + 1}")
        self.rotations += 1

    @rule()
    def copytruncate(self) -> None:
        self._finish_line()
        if self.path.exists():
            shutil.copyfile(self.path, self._next_name())
            if self.life is not None:
                # Sees the copy beside the original, as a look between the two steps would.
                self._run(self.life.read())
            os.truncate(self.path, 0)

    @rule(records=st.integers(0, 5))
    def truncate_and_write_anew(self, records: int) -> None:
        """As `> access.log` does, with no copy: the inode stays, perhaps grown past the offset."""
        self._finish_line()
        if not self._is_open_by_the_writer(self.path):
            return
        waiting = self._waiting()
        numbers = self._numbers_in(self.path)
        self.lives_by_memory |= numbers & waiting
        self.may_be_lost |= numbers - waiting - self.delivered.keys()
        os.truncate(self.path, 0)
        self.write(records)

    @rule(share=st.floats(0.5, 1), in_place=st.booleans(), records=st.integers(0, 9))
    def put_an_older_copy_back(self, share: float, in_place: bool, records: int) -> None:
        """And write to it, before anyone looks. What it still is of the log may be sent again."""
        self._finish_line()
        if not self._is_open_by_the_writer(self.path):
            return
        if self.path.stat().st_size < 2 * HEAD_BYTES:
            self.write_more_than_a_head()
        if self.life is not None:
            self._run(self.life.read())
        lines = self.path.read_bytes().splitlines(keepends=True)
        content = b"".join(lines[: int(len(lines) * share)])
        if len(content) < HEAD_BYTES:
            return  # it is a new log
        older = self.directory / "older"
        older.write_bytes(content)
        kept = self._numbers_in(older)
        self.may_repeat |= kept
        self.in_older_copies |= kept
        gone = self._numbers_in(self.path) - kept
        if in_place:
            waiting = self._waiting()
            self.lives_by_memory |= gone & waiting
            self.may_be_lost |= gone - waiting - self.delivered.keys()
            os.truncate(self.path, 0)
            self.handle.write(older.read_bytes())
        else:
            self._at_risk(self.path, gone)
            older.rename(self.path)
            self.reopen()
        self.write(records)
        self.in_older_copies |= self._numbers_in(self.path)

    @rule(records=st.integers(0, 3))
    def delete_and_create_on_the_same_inode(self, records: int) -> None:
        """As far as the file system gives the inode again: while the daemon is stopped."""
        self._finish_line()
        if not self._is_open_by_the_writer(self.path):
            return
        self._delete(self.path)
        inode = os.fstat(self.handle.fileno()).st_ino
        self.handle.close()
        others = []
        for _ in range(INODE_TRIES):
            self.handle = self.path.open("ab", buffering=0)
            if os.fstat(self.handle.fileno()).st_ino == inode:
                break
            others.append(self.handle)
            self.path.unlink()
        else:
            self.handle = self.path.open("ab", buffering=0)
        for other in others:
            other.close()
        self.write(records)

    @rule(which=st.integers(1, 5))
    def delete_a_rotated_file(self, which: int) -> None:
        path = self.place / f"access.log.{which}"
        if path.exists() and not self._is_open_by_the_writer(path):
            self._delete(path)

    @rule(which=st.integers(1, 5), codec=st.sampled_from(sorted(CODECS)))
    def compress_a_rotated_file(self, which: int, codec: str) -> None:
        """As gzip does: the archive stands beside the original for a moment."""
        path = self.place / f"access.log.{which}"
        if path.exists() and not self._is_open_by_the_writer(path):
            name = f"access.log.z{self.rotations}.{which}.{self.number}.{codec}"
            (self.place / name).write_bytes(CODECS[codec](path.read_bytes()))
            if (numbers := self._numbers_in(path)) & self.in_older_copies:
                # By its first KiB alone it is taken for whichever of the two was read further.
                self.may_be_lost |= numbers
                self.may_repeat |= numbers
            if self.life is not None:
                self._run(self.life.read())
            path.unlink()

    @rule(which=st.integers(1, 5))
    def move_a_rotated_file_out_of_the_globs(self, which: int) -> None:
        path = self.place / f"access.log.{which}"
        if path.exists():
            away = self.directory / "hidden" / f"{len(self.hidden)}.{self.number}.{self.rotations}"
            path.rename(away)
            self.hidden.append(away)

    @rule()
    def bring_back(self) -> None:
        for away in self.hidden:
            away.rename(self._next_name())
        self.hidden.clear()

    @rule()
    def move_the_directory_away_or_back(self) -> None:
        """As unmounting does to whoever looks; the writer's file stays open."""
        there = self.place == self.directory / "logs"
        self.place = self.place.rename(self.directory / ("elsewhere" if there else "logs"))

    @rule(back=st.booleans())
    def turn_the_link(self, back: bool) -> None:
        """To a new target, or back to the one before: that one was written to until then."""
        old = Path(self.linked.name)
        self._at_risk(old, self._numbers_in(old) - self.delivered.keys())
        self.linked.close()
        target = int(old.name) - 1 if back and int(old.name) else self.targets
        self.targets = max(self.targets, target + 1)
        self.linked = (self.directory / "targets" / str(target)).open("ab", buffering=0)
        fresh = self.place / "fresh"
        fresh.symlink_to(self.linked.name)
        fresh.rename(self.place / "access.log.current")

    @rule(made=st.integers(0, 3))
    def others_come_and_go(self, made: int) -> None:
        """Which inodes are free is their doing."""
        for other in self.others:
            other.unlink()
        self.others = [self.directory / "targets" / f"other.{number}" for number in range(made)]
        for other in self.others:
            other.touch()

    def _is_open_by_the_writer(self, path: Path) -> bool:
        return path.exists() and os.path.samestat(path.stat(), os.fstat(self.handle.fileno()))

    def _numbers_in(self, path: Path) -> set[int]:
        content = path.read_bytes()
        decompress = DECOMPRESS.get(path.suffix[1:])
        if decompress is not None:
            content = decompress(content)
        return {int(number) for number in IN_FILE.findall(content)}

    def _delete(self, path: Path) -> None:
        self._at_risk(path, self._numbers_in(path))
        path.unlink()

    def _at_risk(self, path: Path, numbers: set[int]) -> None:
        """No name within the globs leads to the file any more, or soon."""
        status = path.stat()
        if any(os.path.samestat(os.fstat(each._descriptor), status) for each in self._open_files()):
            self.lives_by_descriptor |= numbers
        else:
            self.may_be_lost |= numbers

    # -- the daemon

    def _run(self, awaitable: Awaitable[object]) -> None:
        async def turn() -> None:
            await awaitable
            await asyncio.sleep(0)

        with ExitStack() as stack:
            # Waiting for room and for the disk is only waiting.
            stack.enter_context(mock.patch("hooktail.tail.source.ROOM_S", 0.0))
            if self.full:
                stack.enter_context(self._full_disk())
            self.loop.run_until_complete(turn())

    def _reserve(self, _descriptor: int, _start: int, _length: int) -> bool:
        """Sets nothing aside on a full disk; not every file system can do it at all."""
        if self.full and self.reserves:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self.reserves

    @contextmanager
    def _full_disk(self) -> Iterator[None]:
        """Takes half of what is written, and then nothing; of a journal with a reserve, all."""
        real_write = os.write

        def write(descriptor: int, data: bytes) -> int:
            life = self.life
            if self.reserves and life is not None and descriptor == life.store._descriptor:
                return real_write(descriptor, data)
            self.half_written = not self.half_written
            if self.half_written:
                return real_write(descriptor, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")

        self.half_written = False
        with mock.patch.object(os, "write", write):
            yield

    def _open_files(self) -> list[LogFile]:
        if self.life is None:
            return []
        source = self.life.source
        return [*source.files, *source._meeting.adopted.values()]

    def _waiting(self) -> set[int]:
        """Numbers in the daemon's queue."""
        waiting = self.life.destination.bodies if self.life is not None else []
        return {int(number) for body in waiting for number in IN_BODY.findall(body)}

    async def _new_life(self, before: Life | None = None) -> None:
        self.life = Life(
            self.directory,
            paths=(f"{self.directory}/logs/access.log*",),
            format="joined" if self.joined else "combined",
            adopt=before.source.release() if before is not None else None,
            store=before.store if before is not None else None,
        )

    @precondition(lambda self: self.life is None)
    @rule()
    def start(self) -> None:
        self._run(self._new_life())

    @precondition(lambda self: self.life is not None)
    @rule()
    def read(self) -> None:
        assert self.life is not None
        self._run(self.life.read())

    @precondition(lambda self: self.life is not None)
    @rule(seconds=st.sampled_from([12, 70, 400]))
    def wait(self, seconds: int) -> None:
        assert self.life is not None
        self.life.now_s += seconds
        self._run(self.life.read())

    @precondition(lambda self: self.life is not None and self.joined)
    @rule()
    def give_up_what_never_ends(self) -> None:
        async def give_up() -> None:
            assert self.life is not None
            if self.life.keeper.healthy:
                self.life.feed.give_up_old(0)
                self.life.feed.give_up_old(1e9)

        self._run(give_up())

    def _settle(self, share: float) -> Counter[int]:
        """Answers the first part of what waits; returns the numbers."""
        assert self.life is not None
        waiting = self.life.destination.waiting
        chosen = waiting[: max(1, int(len(waiting) * share))]
        self.life.destination.waiting = waiting[len(chosen) :]
        numbers: Counter[int] = Counter()
        for event, settler in chosen:
            match = IN_BODY.search(event.body)
            assert match, event.body
            number = int(match[1])
            numbers[number] += 1
            # A record given up in one life may be whole in the next: its id is the same.
            body = b"cut" if b"/cut" in event.body else event.body
            self.bodies.setdefault(number, set()).add(body)
            settler.settle(event, State.DELIVERED)
        self.delivered += numbers
        return numbers

    def _may_send(self) -> bool:
        """Nothing is sent while its answer could not be written down, or is in the reserve."""
        life = self.life
        if life is None or not life.destination.waiting:
            return False
        return life.keeper.healthy or self.reserves  # what was in flight is answered

    @precondition(_may_send)
    @rule(share=st.floats(0, 1))
    def deliver(self, share: float) -> None:
        async def deliver() -> None:
            answered = self._settle(share)
            if self.full and not self.reserves:
                self.in_doubt += answered
            else:
                self.recorded += answered

        self._run(deliver())

    @precondition(_may_send)
    @rule(share=st.floats(0, 1))
    def die_between_answer_and_record(self, share: float) -> None:
        async def die() -> None:
            self.may_repeat |= self._settle(share).keys()
            assert self.life is not None
            self.life.keeper._noted.clear()

        self._run(die())
        self.kill()

    @precondition(lambda self: self.life is not None)
    @rule()
    def kill(self) -> None:
        assert self.life is not None
        self.life.feed.close()
        self.life.source.close()
        os.close(self.life.store._descriptor)
        self.life = None
        self.may_repeat |= self.in_doubt.keys()
        self.in_doubt.clear()
        self.may_be_lost |= self.lives_by_descriptor | self.lives_by_memory
        self.lives_by_descriptor = set()
        self.lives_by_memory = set()

    @precondition(lambda self: self.life is not None)
    @rule()
    def reload(self) -> None:
        async def reload() -> None:
            assert self.life is not None
            self.life.keeper.flush()
            self.life.feed.close()
            await self._new_life(self.life)

        self._run(reload())
        self.may_be_lost |= self.lives_by_memory
        self.lives_by_memory = set()

    @precondition(lambda self: self.life is not None)
    @rule()
    def compact(self) -> None:
        assert self.life is not None
        with mock.patch("hooktail.checkpoint.keeper.COMPACT_BYTES", 0):
            self._run(self.life.keeper.tick())

    # -- its neighbours

    @rule()
    def fill_the_disk(self) -> None:
        self.full = True

    @precondition(lambda self: self.full)
    @rule()
    def make_room_on_the_disk(self) -> None:
        self.full = False
        if self.life is not None:
            self._run(self.life.keeper.tick())
            assert self.life.keeper.healthy
        self.recorded += self.in_doubt
        self.in_doubt.clear()

    @precondition(lambda self: self.life is not None)
    @rule()
    def the_endpoint_goes_down_or_comes_back(self) -> None:
        assert self.life is not None
        self.life.destination.has_room = not self.life.destination.has_room

    # -- what holds at every instant

    @invariant()
    def no_mark_goes_back_and_the_books_balance(self) -> None:
        if self.life is None:
            return
        state = self.life.store.state
        for key, entry in state.files.items():
            mark, read = self.marks.get(key, (0, 0))
            if not self.in_older_copies:  # they give lines to each other, and back
                assert entry.mark >= mark, f"{key}: the mark went back from {mark} to {entry.mark}"
            assert entry.read >= read, f"{key}: the offset went back from {read} to {entry.read}"
            self.marks[key] = entry.mark, entry.read
        books = dict(state.books.get("shop", {}))
        pending = sum(len(entry.pending) for entry in state.files.values())
        assert books.pop("read", 0) == sum(books.values()) + pending

    @invariant()
    def no_offset_lies_inside_a_line_or_a_record(self) -> None:
        if self.life is None:
            return
        self._look_at_the_queue()
        for key, track in self.life.feed.tracks.items():
            file = track.file
            if not isinstance(file, TailedFile) or not file._before:
                continue
            assert file.deleted() or file._before.endswith(b"\n")
            entry = self.life.store.state.files.get(key)
            if entry is None or not file.still_holds_what_was_read():
                continue
            content = os.pread(file._descriptor, entry.read, 0)
            lines = list(self._lines(content))
            assert entry.pending <= {start for start, _ in lines}
            self._assert_records_wait_as_one(lines, entry.pending)

    def _look_at_the_queue(self) -> None:
        assert self.life is not None
        for event, track in self.life.destination.waiting:
            self.given_up.update(map(int, GIVEN_UP.findall(event.body)))
            assert isinstance(track, FileTrack)
            (number,) = IN_BODY.findall(event.body)
            self.places[track.key, event.start] = int(number)

    @staticmethod
    def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
        start = 0
        for line in content.splitlines(keepends=True):
            yield start, line
            start += len(line)

    def _assert_records_wait_as_one(
        self, lines: list[tuple[int, bytes]], pending: set[int]
    ) -> None:
        """Of a record that began in the file and was not given up, all lines wait, or none."""
        records: dict[bytes, list[int]] = {}
        for start, line in lines:
            if match := re.match(rb"(?:begin |end )?(r\d+)\b", line):
                if line.startswith(b"begin "):
                    records[match[1]] = []
                if match[1] in records:
                    records[match[1]].append(start)
        for record, starts in records.items():
            if starts[0] in pending and int(record[1:]) not in self.given_up:
                assert pending.issuperset(starts), f"{record!r} waits in part"

    # -- the oracle, in the end

    def teardown(self) -> None:
        try:
            if hasattr(self, "joined"):
                self._check()
        finally:
            if self.life is not None:
                self.life.feed.close()
                self.life.source.close()
                os.close(self.life.store._descriptor)
            self.handle.close()
            self.linked.close()
            self.stack.close()
            self.loop.close()
            shutil.rmtree(self.directory)

    def _check(self) -> None:
        self._finish_line()
        if self.place != self.directory / "logs":
            self.move_the_directory_away_or_back()
        self.bring_back()
        if self.full:
            self.make_room_on_the_disk()
        if self.life is None:
            self.start()
        assert self.life is not None
        life = self.life
        life.destination.has_room = True

        async def finish() -> None:
            for _ in range(8):
                life.now_s += 30
                await life.read()
                life.feed.give_up_old(0)
                life.feed.give_up_old(1e9)
                while life.destination.waiting:
                    self.recorded += self._settle(1)
                await asyncio.sleep(0)

        self._run(finish())
        everything = set(range(1, self.number + 1))
        missing = everything - self.delivered.keys() - self.may_be_lost
        assert not missing, f"lost: {missing}"
        repeated = {number for number, times in self.delivered.items() if times > 1}
        assert repeated <= self.may_repeat, f"repeated: {repeated - self.may_repeat}"
        for number, bodies in self.bodies.items():
            assert len(bodies - {b"cut"}) <= 1, f"{number} was sent with different bytes"
        books = life.balance()
        assert books.get("delivered", 0) == self.recorded.total()
        self._check_what_waits_for_ever()

    def _check_what_waits_for_ever(self) -> None:
        """Only what no file holds any more, and what was not delivered from another copy."""
        assert self.life is not None
        there: set[int] = set()
        for path in (self.directory / "logs").glob("access.log*"):
            if path.exists():
                there |= self._numbers_in(path)
        for key, entry in self.life.store.state.files.items():
            for start in entry.pending:
                number = self.places.get((key, start))
                if number is None and self.in_older_copies:
                    continue  # taken over from the entry of the log, and never read again since
                assert number is not None or self.joined, f"{key}: {start} came from nowhere"
                if number in self.in_older_copies:
                    continue
                assert number not in there, f"{number} waits in entry {key}, and is there"
                if number in self.recorded:
                    raise AssertionError(f"{number} waits in entry {key}, and was delivered")


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Nobody reads the logs of ten thousand histories."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    yield
    structlog.reset_defaults()


@pytest.mark.soak
def test_any_history_for_as_long_as_told() -> None:
    ends_at = time.monotonic() + float(os.environ["SOAK_S"])
    histories = settings(TestLog.settings, max_examples=200, database=None)
    while time.monotonic() < ends_at:
        run_state_machine_as_test(Log, settings=histories)


TestLog = Log.TestCase
TestLog.settings = settings(
    max_examples=int(os.environ.get("STATE_MACHINE_EXAMPLES", "300")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
pytestmark = pytest.mark.timeout(0)
