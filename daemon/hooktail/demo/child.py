"""The daemon as a child process: the one that `hooktail run` is, and none that outlives us."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING

from hooktail.errors import HooktailError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LAST_WORDS_BYTES = 2_000
_FOREIGN = ("HOOKTAIL_", "NOTIFY_SOCKET", "WATCHDOG_", "CREDENTIALS_DIRECTORY", "STATE_DIRECTORY")


class DaemonEndedError(HooktailError):
    """The daemon ended although nobody had asked it to."""


class Daemon:
    """`hooktail run` with a configuration; its log goes to a file, as JSON."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self.log = log
        self._process = process

    @classmethod
    async def start(cls, config: Path, log: Path) -> Daemon:
        """Starts it. It dies with us, however we die.

        A process group of its own keeps a terminal's Ctrl-C from it: we end it when its work is
        done.
        """
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "hooktail", "run", "--config", os.fspath(config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=_environment(os.environ),
                process_group=0,
                preexec_fn=_dying_with(os.getpid()),
            )  # fmt: skip
        return cls(process, log)

    def check(self) -> None:
        """Raises DaemonEndedError, with its last words, if it is gone."""
        code = self._process.returncode
        if code is not None:
            raise DaemonEndedError(
                f"the daemon ended by itself with exit code {code}; the end of its log:\n"
                f"{self.last_words()}"
            )

    def last_words(self) -> str:
        """The end of its log."""
        text = self.log.read_bytes()[-_LAST_WORDS_BYTES:].decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-5:]) or "(nothing)"

    async def stop(self, deadline_s: float) -> int:
        """Asks it to drain and end, and makes it end after the deadline; returns its exit code."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                return await self._process.wait()
        return await self.kill()

    async def kill(self) -> int:
        """Ends it at once, if it still runs, and waits until it has; returns its exit code."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        return await self._process.wait()


def _environment(ours: Mapping[str, str]) -> dict[str, str]:
    """Leaves out what was meant for another daemon."""
    return {name: value for name, value in ours.items() if not name.startswith(_FOREIGN)}


def _dying_with(parent: int) -> Callable[[], None]:
    """Returns what the child calls before it becomes the daemon.

    The library is looked up here: between fork and exec a child should do as little as it can.
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def die_with_parent() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before we could ask
            os._exit(1)

    return die_with_parent
