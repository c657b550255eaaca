"""The real daemon and the real collector, as processes, with what they leave behind."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from hooktail.checkpoint.store import read_state

T = TypeVar("T")
HOOKTAIL = [sys.executable, "-m", "hooktail"]


def wait_for(condition: Callable[[], T], what: str, timeout_s: float = 30.0) -> T:
    """Waits until a condition is true and returns its value."""
    ends_at = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > ends_at:
            raise AssertionError(f"waited {timeout_s} s in vain for: {what}")
        time.sleep(0.02)
    return value


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_alive(pid: int) -> bool:
    """Whether a process lives; one that nobody has waited for yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


@dataclass
class Endpoint:
    """A collector process with its record."""

    port: int
    record: Path
    process: subprocess.Popen[bytes]
    _read_to: int = 0
    _seen: list[dict[str, Any]] = field(default_factory=list)

    @property
    def template(self) -> str:
        return f"http://127.0.0.1:{self.port}/{{account_id}}/pixel.png"

    def requests(self) -> list[dict[str, Any]]:
        """Everything that was read whole, in order; reads only what is new."""
        if self.record.exists():
            with self.record.open("rb") as file:
                file.seek(self._read_to)
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            self._read_to += len(whole)
            self._seen += [json.loads(line) for line in whole.splitlines()]
        return self._seen

    def accepted(self) -> list[dict[str, Any]]:
        return [request for request in self.requests() if request["accepted"]]


@contextmanager
def endpoint(
    directory: Path, *options: str, port: int | None = None, name: str = "record.ndjson"
) -> Iterator[Endpoint]:
    """Runs `hooktail collector` until the block ends."""
    chosen = port or free_port()
    record = directory / name
    with (directory / "collector.err").open("ab") as errors:
        process = subprocess.Popen(
            [
                *(*HOOKTAIL, "collector", "--quiet"),
                *("--listen", f"127.0.0.1:{chosen}"),
                *("--record", str(record)),
                *options,
            ],
            stdout=subprocess.DEVNULL,
            stderr=errors,
        )
    try:
        wait_for(lambda: _listens(chosen) or process.poll() is not None, "the collector to listen")
        yield Endpoint(chosen, record, process)
    finally:
        process.terminate()
        process.wait(10)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@dataclass
class Daemon:
    """`hooktail run` on a configuration in a directory of its own."""

    directory: Path
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    own_group: bool = False
    """Whether it leads a process group, as a service does."""

    @property
    def config(self) -> Path:
        return self.directory / "hooktail.toml"

    @property
    def state_dir(self) -> Path:
        return self.directory / "state"

    def configure(
        self, target: str, paths: str, *, source: str = "", delivery: str = "", more: str = ""
    ) -> None:
        self.config.write_text(
            f"""
state_dir = "{self.state_dir}"
[destination.default]
account_id = "acct-1"
endpoint = "{target}"
[delivery]
{delivery}
[status]
listen = ""
[[source]]
name = "shop"
paths = ["{paths}"]
format = "combined"
site = "https://shop.example"
start_at = "beginning"
max_event_age = "0"
{source}
{more}
"""
        )

    def start(self, *, wait: bool = True) -> None:
        self.starts += 1
        log = self.directory / f"daemon.{self.starts}.log"
        with log.open("wb") as errors:
            self.process = subprocess.Popen(
                [*HOOKTAIL, "run", "--config", str(self.config)],
                stderr=errors,
                start_new_session=self.own_group,
            )
        if wait:
            wait_for(
                lambda: self.logged("started") or self.running.poll() is not None, "the daemon"
            )
            assert self.running.poll() is None, self.log_text()

    @property
    def running(self) -> subprocess.Popen[bytes]:
        assert self.process is not None
        return self.process

    def log_text(self) -> str:
        return (self.directory / f"daemon.{self.starts}.log").read_text(errors="replace")

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Log lines of this start with that event name."""
        lines = [json.loads(line) for line in self.log_text().splitlines() if line.endswith("}")]
        return [line for line in lines if line.get("event") == event]

    def kill(self) -> None:
        self.running.kill()
        self.running.wait(10)

    def workers(self) -> list[int]:
        """Process ids of the workers that live."""
        pid = self.running.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [int(child) for child in children if is_alive(int(child))]

    def stop(self, timeout_s: float = 40.0) -> int:
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(timeout_s)

    def hang_up(self) -> None:
        os.kill(self.running.pid, signal.SIGHUP)

    def books(self, source: str = "shop") -> dict[str, int]:
        """The counters on disk, also beside the running daemon."""
        return read_state(self.state_dir).books.get(source, {})

    def pending(self) -> int:
        files = read_state(self.state_dir).files.values()
        return sum(len(entry.pending) for entry in files)

    def assert_balanced(self, source: str = "shop") -> dict[str, int]:
        """Read is the sum of the states and what is pending."""
        state = read_state(self.state_dir)
        books = dict(state.books.get(source, {}))
        read = books.pop("read", 0)
        pending = sum(len(e.pending) for e in state.files.values() if e.source == source)
        assert read == sum(books.values()) + pending, (read, pending, books)
        return {"read": read, "pending": pending, **books}


@contextmanager
def daemon(directory: Path) -> Iterator[Daemon]:
    """A daemon that does not outlive the block."""
    one = Daemon(directory)
    try:
        yield one
    finally:
        if one.process is not None and one.process.poll() is None:
            one.process.kill()
            one.process.wait(10)
