"""One worker as the daemon sees it: a process, and the socket to it.

It is started as a program of its own, so it inherits no open file but its end of the socket. What
it must know comes through that socket; arguments and environment hold no secret. SIGTERM, SIGINT
and SIGHUP are blocked in it from its very first instant: a signal to the whole group is the
daemon's to obey, and the worker ends when the daemon says so or is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from hooktail.delivery import worker_frames as frames
from hooktail.delivery.frame_stream import FrameStream

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMMAND = (sys.executable, "-P", "-m", "hooktail.delivery.worker")
GOODBYE_S = 3.0
"""For a worker to end by itself; then it is killed."""
PING_S = 5.0
MOST_UNANSWERED = 6
"""Pings in a row. A worker that answers none of them hangs, and is killed."""
_LOOK_S = 0.005
_NOT_HANDED_ON = ("HOOKTAIL_ACCOUNT_ID", "NOTIFY_SOCKET", "WATCHDOG_")
"""Beginnings of variables that are the daemon's alone."""


class WorkerProcess:
    """Starts a process. All methods run on the loop thread. Raises OSError if it cannot be made."""

    def __init__(
        self, number: int, on_frame: Callable[[WorkerProcess, int, int, bytes], None]
    ) -> None:
        self.number = number
        self.lost = asyncio.Event()
        """Set once nothing will be heard of it any more."""
        self.hung = False
        self._on_frame = on_frame
        self._unanswered = 0
        self._connected = False
        self._stream = FrameStream(self._take, self.lost.set)
        self._socket, there = socket.socketpair()
        with there:
            try:
                self._process = _start(there.fileno())
            except BaseException:
                self._socket.close()
                raise

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def send(self, kind: int, lane: int = 0, payload: bytes = b"") -> None:
        """Says something, in vain if it has died."""
        self._stream.send(kind, lane, payload)

    async def watch(self) -> None:
        """Returns when it has died; has one killed that does not answer."""
        await self._stream.connect(self._socket)
        self._connected = True
        while not self.lost.is_set():
            if self._unanswered >= MOST_UNANSWERED:
                self.hung = True
                self._process.kill()
            self._unanswered += 1
            self.send(frames.PING)
            # Not wait_for: before Python 3.12 that may swallow a cancellation.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PING_S):
                    await self.lost.wait()

    async def end(self) -> int:
        """Has it end, if need be the hard way; returns the exit status, negative for a signal.

        Cancelled, it sees to that first.
        """
        ending = asyncio.create_task(self._end(), name=f"worker-end:{self.number}")
        try:
            return await asyncio.shield(ending)
        except asyncio.CancelledError:
            await ending
            raise

    async def _end(self) -> int:
        if self._connected:
            self.send(frames.END)
        else:  # it learns from the end of the socket
            self._socket.close()
        ends_at = time.monotonic() + GOODBYE_S
        while (status := self._process.poll()) is None:
            if time.monotonic() >= ends_at:
                self._process.kill()
            await asyncio.sleep(_LOOK_S)
        self._stream.abort()
        return status

    def _take(self, kind: int, lane: int, payload: bytes) -> None:
        self._unanswered = 0
        self._on_frame(self, kind, lane, payload)


def _start(descriptor: int) -> subprocess.Popen[bytes]:
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
    try:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*COMMAND, str(descriptor)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[descriptor],
            env=_environment(os.environ),
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _environment(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith(_NOT_HANDED_ON)}
