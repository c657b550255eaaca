"""The real daemon and the real collector, as processes of their own."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import TYPE_CHECKING, TypeVar

from hooktail.checkpoint.store import read_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")
HOOKTAIL = (sys.executable, "-m", "hooktail")
SOURCE = "shop"


class BenchmarkError(Exception):
    """The numbers would mean nothing: something did not do what is measured."""


def wait_for(
    condition: Callable[[], T | None], what: str, timeout_s: float = 60.0, every_s: float = 0.02
) -> T:
    """Waits until a condition is true and returns its value; raises BenchmarkError."""
    ends_at = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > ends_at:
            raise BenchmarkError(f"waited {timeout_s:g} s in vain for {what}")
        time.sleep(every_s)
    return value


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A running `hooktail collector`."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def template(self) -> str:
        """The endpoint for a configuration."""
        return f"http://127.0.0.1:{self.port}/{{account_id}}/pixel.png"

    def accepted(self) -> int:
        """Events that it accepted so far."""
        return self._stats("accepted")

    def requests(self) -> int:
        """Requests that it read so far."""
        return self._stats("requests")

    def _stats(self, key: str) -> int:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/stats")
            return int(json.loads(connection.getresponse().read())[key])
        finally:
            connection.close()


@contextmanager
def endpoint(*options: str, port: int = 0) -> Iterator[Endpoint]:
    """Runs `hooktail collector` until the block ends."""
    listen = f"127.0.0.1:{port}"
    process = subprocess.Popen(
        [*HOOKTAIL, "collector", "--quiet", "--listen", listen, *options], stderr=subprocess.PIPE
    )
    try:
        assert process.stderr is not None
        said = process.stderr.readline().decode()
        found = re.search(r"listens on \S+:(\d+)", said)
        if found is None:
            raise BenchmarkError(f"the collector does not listen: {said.strip()}")
        yield Endpoint(int(found[1]), process)
    finally:
        end(process)


@dataclass(frozen=True, slots=True)
class Daemon:
    """A running `hooktail run`."""

    directory: Path
    process: subprocess.Popen[bytes]
    started_at: float
    """By `time.perf_counter`, before the process was made."""

    @property
    def pid(self) -> int:
        return self.process.pid

    def logged(self, event: str) -> int:
        """How often it logged that event."""
        text = (self.directory / "daemon.log").read_text(errors="replace")
        return text.count(f'"event":"{event}"') + text.count(f'"event": "{event}"')

    def books(self) -> dict[str, int]:
        """The counters in its checkpoint."""
        return dict(read_state(self.directory / "state").books.get(SOURCE, {}))

    def pending(self) -> int:
        """Lines in its checkpoint that wait for their outcome."""
        return sum(len(entry.pending) for entry in read_state(self._state_dir).files.values())

    def stop(self) -> None:
        """Stops it gently; raises BenchmarkError unless it ends well and its books balance."""
        self.process.send_signal(signal.SIGTERM)
        if self.process.wait(60) != 0:
            raise BenchmarkError(f"the daemon ended with {self.process.returncode}")
        books, pending = self.books(), self.pending()
        if books.pop("read", 0) != sum(books.values()) + pending:
            raise BenchmarkError(f"the books do not balance: {books}, pending {pending}")

    @property
    def _state_dir(self) -> Path:
        return self.directory / "state"


def configure(
    directory: Path,
    target: str,
    paths: str,
    *,
    start_at: str = "beginning",
    delivery: str = "",
    destination: str = "",
) -> Path:
    """Writes a configuration with one source of combined logs; returns its path."""
    config = directory / "hooktail.toml"
    config.write_text(
        f"""\
state_dir = "{directory}/state"
[destination.default]
account_id = "benchmark"
endpoint = "{target}"
{destination}
[delivery]
{delivery}
[status]
listen = ""
[[source]]
name = "{SOURCE}"
paths = ["{paths}"]
format = "combined"
site = "https://shop.example"
start_at = "{start_at}"
"""
    )
    return config


@contextmanager
def daemon(directory: Path, config: Path) -> Iterator[Daemon]:
    """Runs `hooktail run`, from its `started` to the end of the block."""
    with (directory / "daemon.log").open("wb") as log:
        started_at = time.perf_counter()
        process = subprocess.Popen([*HOOKTAIL, "run", "--config", str(config)], stderr=log)
    one = Daemon(directory, process, started_at)
    try:
        wait_for(
            lambda: one.logged("started") or process.poll() is not None,
            "the daemon to start",
            every_s=0.005,
        )
        if process.poll() is not None:
            raise BenchmarkError((directory / "daemon.log").read_text(errors="replace"))
        yield one
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process, if need be the hard way, and reads its last words."""
    if process.poll() is None:
        process.terminate()
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
