"""Real FIFOs and pipes, written to by threads, other processes and this one."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from hooktail.config.sections import SourceSection
from hooktail.model import Lines
from hooktail.tail import pipe, pipe_source
from hooktail.tail.framing import LongLine
from hooktail.tail.pipe import PipeReader, pipes_in
from hooktail.tail.pipe_source import PipeSource

PATIENCE_S = 10.0


class FakeTrack:
    def __init__(self, reader: PipeReader) -> None:
        self.begun_at = reader.offset
        self.generation = reader.generation
        self.texts: list[bytes] = []
        self.starts: list[int] = []
        self.long: list[LongLine] = []
        self.ended = False

    def take(self, lines: Lines) -> None:
        self.texts += lines.texts
        self.starts += lines.starts

    def take_long(self, line: LongLine) -> None:
        self.long.append(line)

    def finished(self) -> None:
        self.ended = True


class FakeConsumer:
    """Has room until it is full, and again when `room_for` says so."""

    def __init__(self) -> None:
        self.room_lines = sys.maxsize
        self.tracks: list[FakeTrack] = []
        self._changed = asyncio.Event()

    @property
    def has_room(self) -> bool:
        return len(self.texts) < self.room_lines

    def room_for(self, lines: int) -> None:
        self.room_lines = lines
        self._changed.set()

    async def room(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    def pipe_track(self, reader: PipeReader) -> FakeTrack:
        self.tracks.append(FakeTrack(reader))
        return self.tracks[-1]

    @property
    def texts(self) -> list[bytes]:
        return [text for track in self.tracks for text in track.texts]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - of any state, also of other threads
            await asyncio.sleep(0.005)


@asynccontextmanager
async def following(
    path: str, consumer: FakeConsumer, **keys: object
) -> AsyncIterator[tuple[PipeSource, asyncio.Task[None]]]:
    section = SourceSection(name="shop", paths=(path,), max_line_bytes=2000)
    loop = asyncio.get_running_loop()
    source = PipeSource(section, consumer, clock=loop.time, **keys)  # type: ignore[arg-type]  # a test's shorthand
    running = asyncio.create_task(source.run())
    await asyncio.sleep(0)
    yield source, running
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    source.close()


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    path = tmp_path / "access.fifo"
    os.mkfifo(path)
    return path


@contextmanager
def writer(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY)
    yield descriptor
    os.close(descriptor)


@contextmanager
def stdin_of(descriptor: int) -> Iterator[None]:
    """Puts a descriptor in the place of standard input."""
    kept = os.dup(0)
    os.dup2(descriptor, 0)
    try:
        yield
    finally:
        os.dup2(kept, 0)
        os.close(kept)


# -- FIFOs


async def test_writers_come_and_go(fifo: Path) -> None:
    consumer = FakeConsumer()
    async with following(str(fifo), consumer) as (source, running):
        for number in range(3):
            await until(lambda: source.file_count == 2)
            with writer(fifo) as descriptor:
                os.write(descriptor, b"one %d\ntwo\n" % number)
            await until(lambda: len(consumer.texts) == 2 * (number + 1))  # noqa: B023 - awaited here

        assert not running.done()
    assert consumer.texts == [b"one 0", b"two", b"one 1", b"two", b"one 2", b"two"]
    (track,) = consumer.tracks
    assert track.starts == [0, 6, 10, 16, 20, 26]
    assert not track.ended


@pytest.fixture
def without_right_to_write(fifo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_it = os.open

    def reading_only(path: str | Path, flags: int, mode: int = 0o777) -> int:
        if path == fifo and flags & os.O_WRONLY and flags & os.O_NONBLOCK:
            raise PermissionError(13, "Permission denied")
        return open_it(path, flags, mode)

    monkeypatch.setattr(os, "open", reading_only)
    monkeypatch.setattr(pipe, "NO_WRITER_S", 0.01)


@pytest.mark.usefixtures("without_right_to_write")
async def test_without_the_right_to_write_writers_come_and_go_too(fifo: Path) -> None:
    consumer = FakeConsumer()
    async with following(str(fifo), consumer) as (source, _):
        for number in range(3):
            await until(lambda: source.file_count == 1)
            with writer(fifo) as descriptor:
                os.write(descriptor, b"one\n")
            await until(lambda: len(consumer.texts) == number + 1)  # noqa: B023 - awaited here
            await asyncio.sleep(0.03)

    assert consumer.texts == [b"one"] * 3


async def test_a_full_queue_makes_the_writer_wait_and_loses_nothing(fifo: Path) -> None:
    consumer = FakeConsumer()
    consumer.room_for(0)
    lines = [b"%07d" % number + b"x" * 92 for number in range(10_000)]
    written = 0

    def write() -> None:
        nonlocal written
        with writer(fifo) as descriptor:
            for at in range(0, len(lines), 100):
                rest = b"".join(line + b"\n" for line in lines[at : at + 100])
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
                written = at + 100

    async with following(str(fifo), consumer) as (source, _):
        writing = threading.Thread(target=write)
        writing.start()
        await until(lambda: written >= 500)
        await asyncio.sleep(0.05)
        assert written < 1000, "it waits: the pipe is full"
        assert consumer.texts == []

        for room in (1, 2000, 10_000):
            consumer.room_for(room)
            await until(lambda: len(consumer.texts) >= room)  # noqa: B023 - awaited here
            assert len(consumer.texts) <= room + pipe.READ_BYTES // 100 + 1
        await asyncio.to_thread(writing.join)
        assert source.turned_at > 0

    assert consumer.texts == lines


async def test_a_burst_of_a_megabyte_comes_whole(fifo: Path) -> None:
    consumer = FakeConsumer()
    burst = b"".join(b"%d\n" % number for number in range(200_000))
    assert len(burst) > 1_000_000

    async with following(str(fifo), consumer) as (source, _):
        await until(lambda: source.file_count == 2)
        await asyncio.to_thread(fifo.write_bytes, burst)
        await until(lambda: len(consumer.texts) == 200_000)

    assert b"".join(text + b"\n" for text in consumer.texts) == burst
    starts = consumer.tracks[0].starts
    assert all(burst[at - 1] == 10 for at in starts[1:])


async def test_the_piece_of_a_line_that_a_killed_writer_leaves_is_joined_by_the_next(
    fifo: Path,
) -> None:
    consumer = FakeConsumer()
    script = "import os, sys, time; os.write(1, b'whole\\ntorn'); time.sleep(60)"
    async with following(str(fifo), consumer) as (source, _):
        await until(lambda: source.file_count == 2)
        with fifo.open("wb") as out:
            child = subprocess.Popen(  # noqa: ASYNC220 - it writes and sleeps; nothing waits
                [sys.executable, "-c", script], stdout=out
            )
        await until(lambda: consumer.texts == [b"whole"])
        child.send_signal(signal.SIGKILL)
        child.wait()
        with writer(fifo) as descriptor:
            os.write(descriptor, b" next\nafter\n")
        await until(lambda: len(consumer.texts) == 3)

    assert consumer.texts == [b"whole", b"torn next", b"after"]


async def test_a_line_over_the_limit_is_skipped(fifo: Path) -> None:
    consumer = FakeConsumer()
    async with following(str(fifo), consumer) as (source, _):
        await until(lambda: source.file_count == 2)
        await asyncio.to_thread(fifo.write_bytes, b"a\n" + b"x" * 500_000 + b"\nb\n")
        await until(lambda: len(consumer.texts) == 2)

    assert consumer.texts == [b"a", b"b"]
    assert consumer.tracks[0].long == [LongLine(2, 500_003, b"x" * 2000)]


@pytest.mark.parametrize("may_write", [True, False])
async def test_a_replaced_fifo_is_read_from_then_on(
    fifo: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest, may_write: bool
) -> None:
    monkeypatch.setattr(pipe_source, "LOOK_S", 0.05)
    if not may_write:
        request.getfixturevalue("without_right_to_write")
    consumer = FakeConsumer()
    async with following(str(fifo), consumer) as (source, _):
        await until(lambda: source.file_count > 0)
        with writer(fifo) as descriptor:
            os.write(descriptor, b"old\nunterminated")
        await until(lambda: consumer.texts == [b"old"])
        os.unlink(fifo)
        await asyncio.sleep(0.1)
        assert not consumer.tracks[0].ended, "gone is not replaced"

        os.mkfifo(fifo)
        await until(lambda: len(consumer.tracks) == 2)
        with writer(fifo) as descriptor:
            os.write(descriptor, b"new\n")
        await until(lambda: consumer.texts == [b"old", b"unterminated", b"new"])

    first, second = consumer.tracks
    assert first.ended
    assert second.starts == [0]
    assert first.generation != second.generation


async def test_a_fifo_goes_on_after_a_reload(fifo: Path) -> None:
    """Its writer notices nothing, and half a line that was read is not lost."""
    before, after = FakeConsumer(), FakeConsumer()
    async with following(str(fifo), before) as (source, running):
        await until(lambda: source.file_count == 2)
        with writer(fifo) as descriptor:
            os.write(descriptor, b"one\ntw")
            await until(lambda: before.texts == [b"one"])
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            assert source.release() == {}

            async with following(str(fifo), after, adopt=source.release_pipes()):
                os.write(descriptor, b"o\n")
                await until(lambda: after.texts == [b"two"])

    assert after.tracks[0].begun_at == 4
    assert after.tracks[0].starts == [4]
    assert after.tracks[0].generation == before.tracks[0].generation


async def test_a_fifo_that_is_no_longer_configured_is_closed_at_a_reload(fifo: Path) -> None:
    reader = PipeReader(fifo, max_line_bytes=1000)

    async with following("-", FakeConsumer(), adopt={str(fifo): reader}) as (_, running):
        running.cancel()
        assert reader.descriptor_count == 0


async def test_a_declared_encoding_holds_for_a_pipe(fifo: Path) -> None:
    consumer = FakeConsumer()
    async with following(str(fifo), consumer, encoding="utf-16-be") as (source, _):
        await until(lambda: source.file_count == 2)
        with writer(fifo) as descriptor:
            content = "\u00fc\nzwei\n".encode("utf-16-be")
            os.write(descriptor, content[:3])
            await asyncio.sleep(0.02)
            os.write(descriptor, content[3:])
        await until(lambda: consumer.texts == ["\u00fc".encode(), b"zwei"])

    assert consumer.tracks[0].starts == [0, 4]


def test_what_is_no_fifo_is_not_opened_as_one(tmp_path: Path, fifo: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(b"")

    assert pipes_in(["-", str(fifo), str(log), f"{tmp_path}/*", "/nowhere"]) == ["-", str(fifo)]
    with pytest.raises(OSError, match="not a FIFO"):
        PipeReader(log, max_line_bytes=1000)
    with pytest.raises(FileNotFoundError):
        PipeReader(tmp_path / "missing", max_line_bytes=1000)
    with pytest.raises(ValueError, match="UTF-32"):
        PipeReader(fifo, max_line_bytes=1000, encoding="utf-32")


# -- standard input


async def test_the_end_of_stdin_ends_the_last_line_and_the_source() -> None:
    reading, writing = os.pipe()
    consumer = FakeConsumer()
    with stdin_of(reading):
        os.close(reading)
        async with following("-", consumer) as (source, running):
            await until(lambda: source.file_count == 1)
            os.write(writing, b"one\nla")
            await until(lambda: consumer.texts == [b"one"])
            assert not source.finished
            os.write(writing, b"st")
            os.close(writing)
            async with asyncio.timeout(PATIENCE_S):
                await running

            assert source.finished
            assert source.file_count == 0
            assert source.turned_at == pytest.approx(asyncio.get_running_loop().time(), abs=1)
    assert consumer.texts == [b"one", b"last"]
    assert consumer.tracks[0].ended


@pytest.mark.parametrize("content", [b"", b"one\ntwo\nlast"])
async def test_stdin_may_be_a_file(tmp_path: Path, content: bytes) -> None:
    """Which epoll refuses to wait for, as it does /dev/null."""
    log = tmp_path / "access.log"
    log.write_bytes(content)
    consumer = FakeConsumer()
    descriptor = os.open(log if content else "/dev/null", os.O_RDONLY)
    with stdin_of(descriptor):
        os.close(descriptor)
        async with following("-", consumer) as (_, running), asyncio.timeout(PATIENCE_S):
            await running

    assert consumer.texts == content.splitlines()


async def test_a_pipe_that_fails_ends_and_is_opened_again(
    fifo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: PipeReader) -> list[Lines | LongLine]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(pipe_source, "LOOK_S", 0.01)
    consumer = FakeConsumer()
    async with following(str(fifo), consumer) as (source, running):
        await until(lambda: source.file_count == 2)
        with monkeypatch.context() as patch, writer(fifo) as descriptor:
            patch.setattr(PipeReader, "read", failing)
            os.write(descriptor, b"lost\n")
            await until(lambda: len(consumer.tracks) > 1)
        assert consumer.tracks[0].ended
        await asyncio.sleep(0.05)
        with writer(fifo) as descriptor:
            os.write(descriptor, b"one\n")
        await until(lambda: b"one" in consumer.texts)
        assert not running.done()


async def test_a_closed_stdin_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    consumer = FakeConsumer()

    async with following("-", consumer) as (source, running), asyncio.timeout(PATIENCE_S):
        await running

    assert source.finished
    assert consumer.tracks == []


async def test_reading_is_cancelled_only_between_batches(fifo: Path) -> None:
    """What was read is always handed over: nobody could read it again."""
    consumer = FakeConsumer()
    total = 0
    readers: dict[str, PipeReader] = {}
    for _ in range(20):
        async with following(str(fifo), consumer, adopt=readers) as (source, running):
            await until(lambda: source.file_count == 2)
            with writer(fifo) as descriptor:
                os.write(descriptor, b"".join(b"%d\n" % (total + i) for i in range(100)))
            total += 100
            await asyncio.sleep(0)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            readers = source.release_pipes()
    async with following(str(fifo), consumer, adopt=readers):
        await until(lambda: len(consumer.texts) == total)

    assert consumer.texts == [b"%d" % number for number in range(total)]
