"""Nobody has to guess how far behind the daemon is: systemd is told, and the log has the books."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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


KEY = "s3cr3t-Kq9"


class Echo(BaseHTTPRequestHandler):
    """Refuses every event, and repeats in its answer what it was asked for, as servers do."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        answer = f"Cannot POST {self.path}".encode()
        self.send_response(404)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Says nothing."""


def test_a_key_in_the_endpoint_is_never_told(tmp_path: Path) -> None:
    """Not in the log, the checkpoint or a dead letter, though the endpoint repeats it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    where = f"http://127.0.0.1:{server.server_port}/{KEY}/{{account_id}}/in?token={KEY}"
    with daemon(tmp_path) as hooktail:
        (tmp_path / "access.log").write_text(page_view(1))
        hooktail.configure(where, f"{tmp_path}/access.log*", delivery="drain_timeout_s = 0.1")
        hooktail.start()
        wait_for(lambda: hooktail.logged("destination_held"), "the answer")
        assert hooktail.stop() == 0
        (held,) = hooktail.logged("destination_held")
        assert held["answer"] == "Cannot POST /***/***/in?token=***"
        written = [path for path in tmp_path.rglob("*") if path.is_file()]
        told = [path.name for path in written if KEY.encode() in path.read_bytes()]
    server.shutdown()
    server.server_close()

    assert told == [hooktail.config.name]
