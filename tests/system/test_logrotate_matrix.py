"""Real logrotate in all its ways, several times a second, with the exact set of lines as oracle."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
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
    "dateext compressed": "create 0644\ndateext\ndateformat -%Y%m%d-%H-%s\ncompress",
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
        self._by_second = "dateext" in way
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
    for _ in range(3 if "dateext" in way else CYCLES):
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


# -- a writer that goes on while logrotate runs

WRITER = """
import itertools, os, signal, sys, time
sys.path.insert(0, sys.argv[2])
from support.lines import page_view

path, told, done = sys.argv[1], [False], [False]
user, group = map(int, sys.argv[3:5])
if user != os.geteuid():
    os.setgroups([])
    os.setgid(group)
    os.setuid(user)
signal.signal(signal.SIGUSR1, lambda *_: told.__setitem__(0, True))
signal.signal(signal.SIGTERM, lambda *_: done.__setitem__(0, True))
log = open(path, "a", buffering=1)
print("ready", flush=True)
for number in itertools.count():
    if done[0]:
        break
    if told[0]:
        told[0] = False
        log.close()
        log = open(path, "a", buffering=1)
    log.write(page_view(number))
    time.sleep(0.001)
print(number, flush=True)
"""
"""Writes to what it has open until it is told to reopen, as every server does."""
QUICK_CYCLES = 12


@contextmanager
def writer(log: Path, user: int, group: int) -> Iterator[subprocess.Popen[str]]:
    """A server that writes as this user."""
    tests = str(Path(__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(log), tests, str(user), str(group)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def end(process: subprocess.Popen[str]) -> int:
    """Has the writer stop; returns how many lines it wrote."""
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    return int(process.stdout.readline())


def own_name() -> str:
    """`su` with the user that runs the tests: another one may not read their directory."""
    return f"{pwd.getpwuid(os.geteuid()).pw_name} {grp.getgrgid(os.getegid()).gr_name}"


@pytest.mark.parametrize(
    ("way", "group_may_write"),
    [
        ("create 0640", False),
        ("create 0640\ncompress\ndelaycompress", False),
        ("create 0640\nsu OWN", True),  # without it logrotate refuses such a directory
    ],
    ids=["create", "delaycompress", "su"],
)
def test_several_cycles_a_second_under_a_writer_told_by_postrotate_keep_the_sequence(
    tmp_path: Path, way: str, group_may_write: bool
) -> None:
    """Nobody waits for anybody: each file is opened while the one before is still written to."""
    logs = tmp_path / "logs"
    logs.mkdir()
    logs.chmod(0o775 if group_may_write else 0o755)
    keep_the_sequence(tmp_path, logs, way.replace("OWN", own_name()))


@pytest.fixture
def others_logs() -> Iterator[tuple[Path, pwd.struct_passwd]]:
    """A directory of another user's, who can reach it."""
    if os.geteuid():
        pytest.skip("`su` to another user needs root: run the tests as root to see it")
    other = next((each for each in pwd.getpwall() if each.pw_uid and each.pw_gid), None)
    if other is None:
        pytest.skip("`su` to another user needs a user beside root in /etc/passwd")
    top = Path(tempfile.mkdtemp())  # pytest's own directories are closed to others
    try:
        top.chmod(0o755)
        logs = top / "logs"
        logs.mkdir()
        os.chown(logs, other.pw_uid, other.pw_gid)
        logs.chmod(0o775)
        yield logs, other
    finally:
        shutil.rmtree(top)


@pytest.mark.parametrize(
    "way", ["create 0640", "create 0640\ncompress\ndelaycompress"], ids=["create", "compress"]
)
def test_logs_of_another_user_that_root_rotates_as_that_user_keep_the_sequence(
    tmp_path: Path, others_logs: tuple[Path, pwd.struct_passwd], way: str
) -> None:
    logs, other = others_logs
    name = f"{other.pw_name} {grp.getgrgid(other.pw_gid).gr_name}"

    keep_the_sequence(tmp_path, logs, f"{way} {name}\nsu {name}", other.pw_uid, other.pw_gid)

    rotated = list(logs.iterdir())
    assert len(rotated) == QUICK_CYCLES + 1
    assert {path.stat().st_uid for path in rotated} == {other.pw_uid}


def keep_the_sequence(
    tmp_path: Path, logs: Path, way: str, user: int | None = None, group: int | None = None
) -> None:
    """Rotates several times a second, and compares what was sent with what was written."""
    user = os.geteuid() if user is None else user
    group = os.getegid() if group is None else group
    log, stanza = logs / "access.log", tmp_path / "logrotate.conf"
    with (
        endpoint(tmp_path) as pixel,
        daemon(tmp_path) as hooktail,
        writer(log, user, group) as process,
    ):
        stanza.write_text(
            f"{log} {{\nrotate 50\n{way}\nsharedscripts\n"
            f"postrotate\nkill -USR1 {process.pid}\nendscript\n}}\n"
        )
        stanza.chmod(0o644)
        hooktail.configure(pixel.template, f"{logs}/access.log*", delivery="concurrency = 1")
        hooktail.start()
        began_at = time.monotonic()
        for cycle in range(QUICK_CYCLES):
            time.sleep(max(began_at + cycle * 0.25 - time.monotonic(), 0))
            done = subprocess.run(
                [str(LOGROTATE), "-f", "-s", str(tmp_path / "rotate.state"), str(stanza)],
                check=False,
                capture_output=True,
                text=True,
            )
            assert done.returncode == 0, done.stderr
        cycles_a_second = QUICK_CYCLES / (time.monotonic() - began_at)
        time.sleep(0.2)
        written = end(process)
        wait_for(lambda: hooktail.books().get("delivered", 0) >= written, "every line", 60)
        assert hooktail.stop() == 0

    assert cycles_a_second > 2
    assert hooktail.assert_balanced() == {"read": written, "pending": 0, "delivered": written}
    numbers = [int(request["body"]["url"].rpartition("/")[2]) for request in pixel.accepted()]
    assert sorted(numbers) == list(range(written))
    places = {number: place for place, number in enumerate(numbers)}
    for path in logs.glob("access.log*"):
        assert_in_order(path, places)


def assert_in_order(path: Path, places: dict[int, int]) -> None:
    """The lines of one file are sent in its order, if one at a time is sent."""
    content = subprocess.run(
        ["gzip", "-cdf", str(path)], check=True, capture_output=True, text=True
    ).stdout
    sent = [
        places[int(line.partition("/p/")[2].partition(" ")[0])] for line in content.splitlines()
    ]
    assert sent == sorted(sent), path
