"""What the daemon tells systemd, by sd_notify(3) and without a library.

Outside systemd, or with its socket out of order, nothing happens: a service that cannot report
that it works goes on working.
"""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_SEND_TIMEOUT_S = 0.2  # PID 1 is busy now and then; the loop cannot wait long for it
_MOST_STATUS_CHARS = 512


class Notifier:
    """Sends state changes to $NOTIFY_SOCKET, a path or an abstract name (`@...`).

    Every method may be called at any time, and raises nothing. Each message has a socket of its
    own, so that a restarted service manager is found again.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address: bytes | None = None
        if address.startswith("@"):
            self._address = b"\0" + os.fsencode(address[1:])
        elif address.startswith("/"):
            self._address = os.fsencode(address)

    def ready(self) -> None:
        """Says that the service has started, or that a reload has ended."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Says that a reload begins; `ready` must follow, whether the reload worked or not."""
        # The time and the state belong into one message; systemd compares it with the moment
        # of its own signal. It means CLOCK_MONOTONIC, whatever time.monotonic() is.
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send(f"RELOADING=1\nMONOTONIC_USEC={now_us}")

    def stopping(self) -> None:
        """Says that the service drains and will end."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Sets the one line that `systemctl status` shows."""
        # A line break would begin another assignment.
        self._send("STATUS=" + " ".join(text.split())[:_MOST_STATUS_CHARS])

    def watchdog(self) -> None:
        """Says that the service is alive; due every `watchdog_interval_s`."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if self._address is None:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
                sender.settimeout(_SEND_TIMEOUT_S)
                sender.sendto(message.encode("utf-8", "replace"), self._address)
        except (OSError, ValueError):  # gone, full, refused, or an impossible address
            pass


def watchdog_interval_s(environ: Mapping[str, str]) -> float | None:
    """Returns how often to call `Notifier.watchdog`: half of what systemd allows, in seconds.

    None if systemd expects no signs of life, or expects them of another process.
    """
    try:
        allowed_us = int(environ.get("WATCHDOG_USEC", ""))
        expected_pid = int(environ.get("WATCHDOG_PID") or os.getpid())
    except ValueError:
        return None
    if allowed_us <= 0 or expected_pid != os.getpid():
        return None
    return allowed_us / 2_000_000
