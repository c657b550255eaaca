"""Real logrotate in all its ways, several times a second, with the exact set of lines as oracle."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.lines import page_view
from support.processes import Daemon, Endpoint, daemon, endpoint, wait_for

LOGROTATE = shutil.which("logrotate", path=os.environ["PATH"] + ":/usr/sbin")
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(LOGROTATE is None, reason="logrotate is not installed"),
]

WAYS = {
    "create": "create 0644",
    "dateext": "create 0644\ndateext\ndateformat -%Y%m%d-%s",
    "copytruncate": "copytruncate",
    "delaycompress": "create 0644\ncompress\ndelaycompress",
    "compress": "create 0644\ncompress",
    "copytruncate compressed": "copytruncate\ncompress",
}
CYCLES = 8
LINES = 150


class Host:
    """A log that is written to and rotated, with nobody writing while logrotate runs."""

    def __init__(self, directory: Path, way: str) -> None:
        self.directory = directory
        self.log = directory / "access.log"
        self.written = 0
        self._by_second = way == "dateext"
        self._rotated_at = 0.0
        self._stanza = directory / "logrotate.conf"
        self._stanza.write_text(f"{self.log} {{\nrotate 20\nmissingok\n{WAYS[way]}\n}}\n")
        self._stanza.chmod(0o644)
        directory.chmod(0o755)

    def write(self, lines: int = LINES) -> None:
        with self.log.open("a") as file:
            for _ in range(lines):
                file.write(page_view(self.written))
                self.written += 1

    def rotate(self) -> None:
        # dateext names by the second: a second rotation within it would be refused. The clock of
        # time(2) lags some milliseconds behind.
        later = self._rotated_at + 1.1
        wait_for(lambda: not self._by_second or time.time() > later, "the next second")
        state = self.directory / "rotate.state"
        done = subprocess.run(
            [str(LOGROTATE), "-f", "-s", str(state), str(self._stanza)],
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        self._rotated_at = time.time()


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[tuple[Endpoint, Daemon]]:
    with endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, f"{tmp_path}/access.log*")
        yield pixel, hooktail


def assert_exactly_once(host: Host, pixel: Endpoint, hooktail: Daemon) -> None:
    wait_for(lambda: hooktail.books().get("delivered", 0) >= host.written, "every line", 40)
    assert hooktail.stop() == 0
    assert hooktail.assert_balanced() == {
        "read": host.written,
        "pending": 0,
        "delivered": host.written,
    }
    count = Counter(request["body"]["url"] for request in pixel.accepted())
    assert set(count.values()) == {1}
    assert len(count) == host.written


@pytest.mark.parametrize("way", WAYS)
def test_while_running_every_line_is_delivered_once(
    tmp_path: Path, parts: tuple[Endpoint, Daemon], way: str
) -> None:
    pixel, hooktail = parts
    host = Host(tmp_path, way)
    host.write()
    hooktail.start()
    for _ in range(3 if way == "dateext" else CYCLES):
        host.write()
        if "copytruncate" in way:
            # Truncated faster than anyone looks, lines can be seen twice: with the same event ids.
            wait_for(lambda: hooktail.books().get("read", 0) >= host.written, "the reader")
        host.rotate()
    host.write()

    assert_exactly_once(host, pixel, hooktail)


@pytest.mark.parametrize("way", WAYS)
def test_while_stopped_every_line_is_delivered_once(
    tmp_path: Path, parts: tuple[Endpoint, Daemon], way: str
) -> None:
    pixel, hooktail = parts
    host = Host(tmp_path, way)
    for _ in range(3):
        host.write()
        hooktail.start()
        wait_for(lambda: hooktail.books().get("delivered", 0) > host.written - 100, "some")
        assert hooktail.stop() == 0
        host.write()
        host.rotate()
        host.write()
    hooktail.start()

    assert_exactly_once(host, pixel, hooktail)


@pytest.mark.parametrize("way", ["create", "delaycompress", "compress"])
def test_while_the_endpoint_is_down_nothing_is_lost(tmp_path: Path, way: str) -> None:
    host = Host(tmp_path, way)
    with daemon(tmp_path) as hooktail:
        with endpoint(tmp_path, "--fail", "503", name="down.ndjson") as down:
            port = down.port
            hooktail.configure(
                down.template,
                f"{tmp_path}/access.log*",
                delivery="queue_events = 50\nretry_max_s = 1",
            )
            hooktail.start()
            for _ in range(4):
                host.write()
                wait_for(
                    lambda: len(hooktail.logged("file_started")) > host.written // LINES - 1,
                    "the new file to be opened",
                )
                host.rotate()
        with endpoint(tmp_path, port=port) as pixel:
            assert_exactly_once(host, pixel, hooktail)
