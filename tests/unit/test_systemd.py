from __future__ import annotations

import os
import socket
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from hooktail.systemd import Notifier, watchdog_interval_s

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def service_manager(address: str) -> Iterator[socket.socket]:
    """A socket such as PID 1's, at a path or an abstract name."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(5)
        receiver.bind("\0" + address[1:] if address.startswith("@") else address)
        yield receiver


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "notify") if request.param == "path" else f"@hooktail-{os.getpid()}"


def test_each_state_is_one_message(address: str) -> None:
    with service_manager(address) as manager:
        notifier = Notifier({"NOTIFY_SOCKET": address})

        notifier.ready()
        notifier.status("2 sources, 0 bytes behind")
        notifier.watchdog()
        notifier.stopping()

        assert [manager.recv(4096) for _ in range(4)] == [
            b"READY=1",
            b"STATUS=2 sources, 0 bytes behind",
            b"WATCHDOG=1",
            b"STOPPING=1",
        ]


def test_a_reload_tells_the_monotonic_time_in_the_same_message(address: str) -> None:
    with service_manager(address) as manager:
        before_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        Notifier({"NOTIFY_SOCKET": address}).reloading()
        after_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000

        message = dict(line.split("=", 1) for line in manager.recv(4096).decode().split("\n"))

    assert message["RELOADING"] == "1"
    assert before_us <= int(message["MONOTONIC_USEC"]) <= after_us


def test_a_status_is_one_bounded_line_of_utf8(address: str) -> None:
    """A line break in it would be taken for another assignment."""
    with service_manager(address) as manager:
        notifier = Notifier({"NOTIFY_SOCKET": address})

        notifier.status("held:\n WATCHDOG=trigger\r\n ä \udcff")
        notifier.status("x" * 100_000)

        assert manager.recv(4096) == "STATUS=held: WATCHDOG=trigger ä ?".encode()
        assert len(manager.recv(1 << 20)) < 1000


def test_a_restarted_service_manager_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    notifier = Notifier({"NOTIFY_SOCKET": str(path)})
    for _ in range(2):
        with service_manager(str(path)) as manager:
            notifier.watchdog()
            assert manager.recv(4096) == b"WATCHDOG=1"
        path.unlink()
        notifier.watchdog()


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"NOTIFY_SOCKET": ""},
        {"NOTIFY_SOCKET": "vsock:2:1234"},
        {"NOTIFY_SOCKET": "relative/path"},
        {"NOTIFY_SOCKET": "/nowhere/notify"},
        {"NOTIFY_SOCKET": "@hooktail-nobody-listens"},
        {"NOTIFY_SOCKET": "/" + "long" * 100},
    ],
)
def test_without_a_working_socket_nothing_happens(environ: dict[str, str]) -> None:
    notifier = Notifier(environ)

    notifier.ready()
    notifier.reloading()
    notifier.status("on its own")
    notifier.watchdog()
    notifier.stopping()


def test_a_service_manager_that_does_not_read_is_not_waited_for(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with (
        service_manager(address),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as flood,
    ):
        flood.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                flood.sendto(b"x", address)
        started_s = time.monotonic()

        Notifier({"NOTIFY_SOCKET": address}).watchdog()

        assert time.monotonic() - started_s < 5


def test_the_interval_is_half_of_what_systemd_allows() -> None:
    assert watchdog_interval_s({"WATCHDOG_USEC": "60000000"}) == 30.0
    ours = {"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}
    assert watchdog_interval_s(ours) == 1.5


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"WATCHDOG_USEC": ""},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "-1"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "nobody"},
        {"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid() + 1)},
    ],
)
def test_without_a_watchdog_for_this_process_there_is_no_interval(environ: dict[str, str]) -> None:
    assert watchdog_interval_s(environ) is None
