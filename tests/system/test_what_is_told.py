"""Nobody has to guess how far behind the daemon is: systemd is told, and the log has the books."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from support.lines import asset, page_view
from support.processes import daemon, endpoint, wait_for

pytestmark = pytest.mark.system


def test_systemd_is_told_how_far_behind_and_the_books_are_logged_at_the_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = str(tmp_path / "notify")
    told: list[str] = []
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver,
        endpoint(tmp_path) as pixel,
        daemon(tmp_path) as hooktail,
    ):
        receiver.bind(address)
        receiver.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        (tmp_path / "access.log").write_text(page_view(1) + page_view(2) + asset(3) + "half a l")
        hooktail.configure(pixel.template, f"{tmp_path}/access.log*")
        hooktail.start()

        def told_all_is_sent() -> bool:
            try:
                told.append(receiver.recv(4096).decode())
            except BlockingIOError:
                return False
            return any("3 lines read, 2 events delivered, 8 bytes behind" in each for each in told)

        wait_for(told_all_is_sent, "the status")
        assert "WATCHDOG=1" in told
        assert hooktail.stop() == 0

    (books,) = hooktail.logged("books")
    assert {key: books[key] for key in ("source", "read", "delivered", "pending")} == {
        "source": "shop",
        "read": 3,
        "delivered": 2,
        "pending": 0,
    }
