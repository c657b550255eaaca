"""The worker: a process that sends what the daemon hands it, and knows nothing else.

    python -m hooktail.delivery.worker DESCRIPTOR

The daemon starts it (`worker_process`) and speaks to it through a socket (`worker_frames`). It runs
the same lanes as the daemon itself with one process. When the daemon is gone it ends at once, and
begins nothing any more: what stood in the socket then is not sent. It logs nothing of its own, but
has the daemon say it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import select
import signal
import socket
import sys
import traceback
from typing import TYPE_CHECKING, Any

from hooktail import event_loop, garbage
from hooktail.delivery import worker_frames as frames
from hooktail.delivery.frame_stream import FrameStream
from hooktail.delivery.outcome import Misconfigured, Outcome
from hooktail.delivery.plain_lane import PlainLane
from hooktail.delivery.target import Target
from hooktail.delivery.task_lane import TaskLane
from hooktail.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hooktail.delivery.fast_lane import FastLane
    from hooktail.delivery.lane import Lane

ENDED, USAGE, BROKEN = 0, 64, 70
_PR_SET_PDEATHSIG = 1


class _Parcel:
    """A body with its number."""

    __slots__ = ("body", "number")

    def __init__(self, number: int, body: bytes) -> None:
        self.number = number
        self.body = body


class _Desk:
    """One lane of the daemon's in this process."""

    def __init__(
        self,
        opening: dict[str, Any],
        tell: Callable[[bytes], None],
        look_for_bugs: Callable[[asyncio.Task[None]], None],
    ) -> None:
        self._opening = opening
        self._tell = tell
        self._look_for_bugs = look_for_bugs
        self._limit = 0
        self._lane: Lane[_Parcel] | None = None
        self._sender: FastLane[_Parcel] | PlainLane | None = None
        """What counts silent retries and is closed in the end."""
        self._retries_told = 0
        self._running: asyncio.Task[None] | None = None

    def set_limit(self, limit: int) -> None:
        """Takes another share."""
        self._limit = limit
        if self._lane is not None:
            self._lane.limit = limit

    def start(self, parcels: Sequence[_Parcel]) -> None:
        """Sends parcels. Opens the lane for the first."""
        if self._lane is None:
            try:
                self._open()
            except ConfigError as error:
                # The daemon could use the file when it started: wait until it can be used again.
                answer = f"ca_file {error.problems[0].message}"
                refused: Outcome = Misconfigured("tls", None, answer)
                self._take([(parcel, refused) for parcel in parcels])
                return
        assert self._lane is not None  # noqa: S101 - opened by now
        self._lane.start(parcels)

    async def aclose(self) -> None:
        """Cuts short what is in flight and closes the connections."""
        if self._running is not None:
            self._running.cancel()
        if self._lane is not None:
            self._lane.stop()
        if self._sender is not None:
            await self._sender.aclose()

    def _open(self) -> None:
        target = Target.unpacked(self._opening["target"])
        if self._opening["kind"] == "fast":
            from hooktail.delivery.fast_lane import FastLane  # noqa: PLC0415 - may not be importable

            self._lane = self._sender = FastLane(target, self._take, limit=self._limit)
        else:
            self._sender = PlainLane(target, connections=self._opening["connections"])
            self._lane = TaskLane(self._sender.send, self._take, limit=self._limit)
        self._running = asyncio.create_task(self._lane.run())
        self._running.add_done_callback(self._look_for_bugs)

    def _take(self, outcomes: list[tuple[_Parcel, Outcome]]) -> None:
        retries = 0 if self._sender is None else self._sender.silent_retries
        silent, self._retries_told = retries - self._retries_told, retries
        told = [(parcel.number, outcome) for parcel, outcome in outcomes]
        self._tell(frames.outcomes_payload(silent, told))


class Worker:
    """Does what the frames say, until the stream ends."""

    def __init__(self, sock: socket.socket) -> None:
        self._stream = FrameStream(self._on_frame, self._on_end)
        self._socket = sock
        self._hung_up = select.poll()
        self._hung_up.register(sock.fileno(), select.POLLRDHUP)
        self._desks: dict[int, _Desk] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self) -> int:
        """Works until told to end; returns the exit status."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._on_exception)
        speaker = _Speaker(self.say)
        logging.getLogger().addHandler(speaker)
        await self._stream.connect(self._socket)
        self._stream.send(frames.READY)
        garbage.settle()
        status = await self._ended
        await asyncio.gather(*(desk.aclose() for desk in self._desks.values()), *self._closing)
        logging.getLogger().removeHandler(speaker)
        self._stream.close()
        return status

    def say(self, text: str) -> None:
        """Has the daemon log something."""
        self._stream.send(frames.SAID, 0, text.encode("utf-8", "replace"))

    def _on_frame(self, kind: int, lane: int, payload: bytes) -> None:
        try:
            self._do(kind, lane, payload)
        except Exception as error:  # noqa: BLE001 - it ends the process, with its words
            self._broke(error)

    def _do(self, kind: int, lane: int, payload: bytes) -> None:
        if kind == frames.PARCELS:
            if self._hung_up.poll(0):
                os._exit(ENDED)
            first, bodies = frames.read_parcels(payload)
            parcels = [_Parcel(number, body) for number, body in enumerate(bodies, first)]
            self._desks[lane].start(parcels)
        elif kind == frames.PING:
            self._stream.send(frames.PONG)
        elif kind == frames.LIMIT:
            self._desks[lane].set_limit(int(payload))
        elif kind == frames.OPEN:

            def tell(outcomes: bytes) -> None:
                self._stream.send(frames.OUTCOMES, lane, outcomes)

            self._desks[lane] = _Desk(json.loads(payload), tell, self._look_for_bugs)
        elif kind == frames.STOP:
            task = asyncio.create_task(self._desks.pop(lane).aclose())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            task.add_done_callback(self._look_for_bugs)
        elif kind == frames.END and not self._ended.done():
            self._ended.set_result(ENDED)

    def _on_end(self) -> None:
        """The daemon is gone: nothing more, not even politeness."""
        if not self._ended.done():
            os._exit(ENDED)

    def _look_for_bugs(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()):
            self._broke(error)

    def _on_exception(self, _loop: object, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if error is not None and context.get("handle") is not None:
            self._broke(error)  # a bug of ours: a callback of the loop
        else:
            self.say(f"{context.get('message')}: {error!r}")

    def _broke(self, error: BaseException) -> None:
        """Ends the process: its state is not to be trusted, and the daemon starts another."""
        self.say("".join(traceback.format_exception(error)))
        if not self._ended.done():
            self._ended.set_result(BROKEN)


class _Speaker(logging.Handler):
    """What libraries log, said by the daemon."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        """Passes a line on. Libraries log on the loop thread alone."""
        self._say(f"{record.name}: {record.getMessage()}")


def _die_with_the_daemon() -> None:
    """Has the kernel kill us when it is gone; the end of the socket tells us in any case."""
    try:
        import ctypes  # noqa: PLC0415 - some hardened systems have none

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (ImportError, OSError, MemoryError, AttributeError):
        pass


async def _work(sock: socket.socket) -> int:
    return await Worker(sock).run()


def main(arguments: list[str]) -> int:
    """Runs a worker on an inherited socket."""
    if len(arguments) != 1 or not arguments[0].isdigit():
        sys.stderr.write("hooktail: workers are started by `hooktail run` ([delivery] workers)\n")
        return USAGE
    _die_with_the_daemon()
    sock = socket.socket(fileno=int(arguments[0]))
    with asyncio.Runner(loop_factory=event_loop.factory(os.environ)) as runner:
        return runner.run(_work(sock))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
