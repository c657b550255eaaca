"""`hooktail checkpoint`: what it shows, what it moves, and what it refuses."""

from __future__ import annotations

import asyncio
import bz2
import gzip
import json
import lzma
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.life import Life
from support.lines import AGENT, clf_time

from hooktail import telemetry
from hooktail.checkpoint.lock import StateLock, prepare_state_dir
from hooktail.checkpoint.state import State
from hooktail.checkpoint.store import Store, read_state
from hooktail.cli.main import main
from hooktail.errors import CheckpointError
from hooktail.fingerprint import head_of

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CODECS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd.compress,
}
MINUTE = timedelta(minutes=1)
NOW = datetime.now(UTC).replace(microsecond=0)


def line(number: int, at: datetime) -> bytes:
    request = f"GET /p/{number} HTTP/1.1"
    return f'81.2.69.142 - - [{clf_time(at)}] "{request}" 200 5 "-" "{AGENT}"\n'.encode()


class Host:
    """A state directory and logs of ten lines each, one a minute, the newest now."""

    def __init__(self, directory: Path) -> None:
        self.state_dir = directory / "state"
        self.directory = directory
        self.config = directory / "hooktail.toml"
        self.config.write_text(
            f'''
state_dir = "{self.state_dir}"
[destination.default]
account_id = "a-1"
endpoint = "http://127.0.0.1:9/x"
[[source]]
name = "shop"
paths = ["{directory}/access.log*"]
'''
        )
        prepare_state_dir(self.state_dir)
        self.lines = [line(number, NOW - (9 - number) * MINUTE) for number in range(10)]
        self.starts = [sum(map(len, self.lines[:number])) for number in range(11)]
        self.log = self.add("access.log", b"".join(self.lines))

    def add(self, name: str, content: bytes) -> Path:
        path = self.directory / name
        path.write_bytes(content)
        return path

    def remember(
        self,
        path: Path,
        read: int,
        pending: list[int],
        key: int = 1,
        content: bytes | None = None,
    ) -> None:
        """`content` is what a compressed file holds."""
        status = path.stat()
        entry = {
            "source": "shop",
            "path": str(path),
            "id": [status.st_dev, status.st_ino],
            "read": read,
            "pending": pending,
            "head": list(head_of((content or path.read_bytes())[: min(read, 1024)])),
            "before": "",
            "seen": 1_700_000_000,
        }
        store = Store.open(self.state_dir)
        books = {"read": 8, "delivered": 8 - len(pending)} if key == 1 else {}
        store.append({"open": {str(key): entry}, "start": ["shop"], "books": {"shop": books}})
        store.close()

    def run(self, *arguments: str) -> int:
        return main(["checkpoint", *arguments, "--config", str(self.config)])

    @property
    def state(self) -> State:
        return read_state(self.state_dir)

    def assert_balanced(self) -> None:
        books = dict(self.state.books["shop"])
        pending = sum(len(entry.pending) for entry in self.state.files.values())
        assert books.pop("read") == sum(books.values()) + pending


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    # Its loggers keep the set-up that they spoke with first, also for the tests that come after.
    monkeypatch.setattr(telemetry, "configure", lambda *_args, **_named: None)
    made = Host(tmp_path)
    made.remember(made.log, made.starts[8], [made.starts[3], made.starts[7]])
    return made


def rows(capture: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    found = capture.readouterr().out.splitlines()
    return [json.loads(row) for row in found if row.startswith("{")]


def test_show_says_where_each_file_stands(host: Host, capfd: pytest.CaptureFixture[str]) -> None:
    assert host.run("show", "--json") == 0

    (row,) = rows(capfd)
    assert row["source"] == "shop"
    assert row["path"] == row["now_at"] == str(host.log)
    assert (row["read"], row["mark"], row["pending"]) == (host.starts[8], host.starts[3], 2)
    assert row["behind"] == row["size"] - row["read"] == host.starts[10] - host.starts[8]
    assert row["inode"] == host.log.stat().st_ino
    assert row["seen"] == "2023-11-14T22:13:20Z"


def test_show_finds_a_renamed_file_and_says_which_is_gone(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    other = host.add("access.log.2", b"x\n" * 30)
    host.remember(other, 60, [], key=2)
    other.unlink()
    host.log.rename(host.directory / "access.log.1")

    assert host.run("show") == 0
    text = capfd.readouterr().out

    heading, first, second = [each for each in text.splitlines() if "checkpoint_" not in each]
    assert heading.split()[:3] == ["source", "path", "now"]
    assert "access.log.1" in first
    assert "gone" in second


def test_a_pipe_is_not_gone_and_cannot_be_read_again(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    entry = {"source": "shop", "path": "-", "id": [0, 0], "read": 60, "pending": [], "seen": 1}
    store = Store.open(host.state_dir)
    store.append({"open": {"2": {**entry, "head": [0, ""]}}})
    store.close()

    assert host.run("show") == 0
    (pipe,) = [each for each in capfd.readouterr().out.splitlines() if " a pipe " in each]
    assert "gone" not in pipe
    assert host.run("rewind", "--source", "shop", "--to-time", "1h") == 1
    assert "-: a pipe: what came through it cannot be read again" in capfd.readouterr().err


def test_show_says_which_sizes_are_of_compressed_bytes(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    """Beside `read`, which counts what they hold."""
    packed = host.add("access.log.1.gz", gzip.compress(b"x\n" * 999))
    host.remember(packed, 60, [], key=2, content=b"x\n" * 999)

    assert host.run("show", "--json") == 0
    assert [row["compressed"] for row in rows(capfd)] == [False, True]

    assert host.run("show") == 0
    text = capfd.readouterr().out
    assert f"{packed.stat().st_size:,} packed" in text
    assert text.count("packed") == 1


@pytest.mark.parametrize("made", [True, False])
def test_show_before_the_first_start_says_that_there_was_none(
    host: Host, capfd: pytest.CaptureFixture[str], made: bool
) -> None:
    for path in host.state_dir.iterdir():
        path.unlink()
    if not made:
        host.state_dir.rmdir()

    assert host.run("show") == 65
    said = f"hooktail: {host.state_dir}: no checkpoint yet: the daemon has not run\n"
    assert capfd.readouterr().err == said


def test_show_only_reads_and_works_beside_a_daemon(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    with StateLock(host.state_dir):
        before = {path.name: path.read_bytes() for path in host.state_dir.iterdir()}
        assert host.run("show", "--json") == 0
        after = {path.name: path.read_bytes() for path in host.state_dir.iterdir()}
    assert before == after


@pytest.mark.parametrize(
    "arguments",
    [("rewind", "--source", "shop", "--to-offset", "0"), ("forget", "--source", "shop")],
)
def test_a_running_daemon_is_named_and_nothing_is_moved(
    host: Host, capfd: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    with StateLock(host.state_dir):
        pid = (host.state_dir / "lock").read_text().strip()
        assert host.run(*arguments) == 73

    error = capfd.readouterr().err
    assert f"process id {pid}" in error
    assert error.count("\n") == 1
    assert host.state.files[1].read == host.starts[8]


def test_an_offset_inside_a_line_is_moved_back_to_its_start(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    assert host.run("rewind", "--source", "shop", "--to-offset", str(host.starts[5] + 7)) == 0

    captured = capfd.readouterr()
    assert host.state.files[1].read == host.starts[5]
    assert host.state.files[1].pending == {host.starts[3]}
    assert f"moved back to the line's first byte, {host.starts[5]}" in captured.err
    assert "same ids" in captured.err
    assert "max_event_age" in captured.err
    host.assert_balanced()
    assert host.state.books["shop"] == {"read": 7, "delivered": 6}


def test_an_offset_at_a_line_is_kept(host: Host, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = ("rewind", "--source", "shop", "--file", str(host.log), "--json")
    assert host.run(*arguments, "--to-offset", str(host.starts[5])) == 0

    row = rows(capfd)[-1]
    assert (row["from"], row["to"]) == (host.starts[8], host.starts[5])
    assert row["pending_uncounted"] == 1
    assert row["bytes_to_read_again"] == host.starts[8] - host.starts[5]


@pytest.mark.parametrize("offset", ["-1", "99999999"])
def test_an_offset_that_was_not_read_is_refused(
    host: Host, capfd: pytest.CaptureFixture[str], offset: str
) -> None:
    assert host.run("rewind", "--source", "shop", f"--to-offset={offset}") == 64
    assert f"allowed: 0 to {host.starts[8]}" in capfd.readouterr().err


@pytest.mark.parametrize("written", ["iso", "ago"])
def test_a_time_is_the_first_line_from_then_on(
    host: Host, capfd: pytest.CaptureFixture[str], written: str
) -> None:
    line_5 = NOW - 4 * MINUTE
    passed_s = (datetime.now(UTC) - line_5).total_seconds()
    moment = line_5.isoformat() if written == "iso" else f"{int(passed_s) + 20}s ago"

    assert host.run("rewind", "--source", "shop", "--to-time", moment) == 0
    assert host.state.files[1].read == host.starts[5]


def test_the_first_line_from_a_time_is_found_in_a_log_out_of_order(host: Host) -> None:
    disordered = [host.lines[number] for number in (0, 7, 1, 2, 3, 8, 4, 9)]
    other = host.add("access.log.1", b"".join(disordered))
    host.remember(other, len(b"".join(disordered)), [], key=2)
    moment = (NOW - 2 * MINUTE).isoformat()

    arguments = ("rewind", "--source", "shop", "--file", str(other))
    assert host.run(*arguments, "--to-time", moment) == 0

    assert host.state.files[2].read == len(host.lines[0])
    assert host.state.files[1].read == host.starts[8]


def test_a_time_is_looked_for_in_every_file_and_what_cannot_be_is_told(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    old = host.add("access.log.1", line(1, NOW - 99 * MINUTE))
    host.remember(old, old.stat().st_size, [], key=2)
    gone = host.add("access.log.2", line(1, NOW))
    host.remember(gone, gone.stat().st_size, [], key=3)
    gone.unlink()

    assert host.run("rewind", "--source", "shop", "--to-time", "60m") == 1

    errors = capfd.readouterr().err
    assert host.state.files[1].read == 0
    assert host.state.files[2].read == old.stat().st_size
    assert f"{old}: nothing to read again" in errors
    assert f"{gone}: the file is gone" in errors


async def read_all(host: Host) -> Counter[bytes]:
    """One life of the daemon over the host's files; returns the paths it sent."""
    life = Life(host.directory)
    await life.read()
    await life.read()
    sent = Counter(body.split(b"/p/")[1].split(b'"')[0] for body in life.destination.bodies)
    life.destination.settle()
    await asyncio.sleep(0)
    await life.read()  # archives are done when nothing of them waits
    life.source.close()
    life.store.close()
    return sent


@pytest.mark.parametrize("codec", sorted(CODECS))
@pytest.mark.parametrize("way", ["offset", "time"])
async def test_an_archive_that_was_read_is_read_again_from_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], codec: str, way: str
) -> None:
    host = Host(tmp_path)
    host.log.unlink()
    archive = host.add(f"access.log.1.{codec}", CODECS[codec](b"".join(host.lines)))
    assert len(await read_all(host)) == 10
    assert await read_all(host) == {}

    to = {
        "offset": ("--to-offset", str(host.starts[7] + 5)),
        "time": ("--to-time", (NOW - 2 * MINUTE).isoformat()),
    }[way]
    assert host.run("rewind", "--source", "shop", "--file", str(archive), *to) == 0

    (entry,) = host.state.files.values()
    assert (entry.read, entry.archive_bytes) == (host.starts[7], 0)
    assert await read_all(host) == {b"7": 1, b"8": 1, b"9": 1}
    host.assert_balanced()
    assert host.state.books["shop"] == {"read": 13, "delivered": 13}
    assert await read_all(host) == {}


def test_a_long_line_of_an_archive_is_gone_back_to(host: Host) -> None:
    long = line(3, NOW).replace(b"/p/3", b"/" + b"x" * 300_000)
    content = host.lines[0] + long + host.lines[1]
    archive = host.add("access.log.1.gz", gzip.compress(content))
    host.remember(archive, len(content), [], key=2, content=content)

    arguments = ("rewind", "--source", "shop", "--file", str(archive), "--to-offset")
    assert host.run(*arguments, str(len(content) - len(host.lines[1]) - 2)) == 0
    assert host.state.files[2].read == len(host.lines[0])


def test_an_archive_that_is_damaged_or_another_is_refused(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    archive = host.add("access.log.1.gz", gzip.compress(b"".join(host.lines)))
    host.remember(archive, host.starts[10], [], key=2, content=b"".join(host.lines))
    arguments = ("rewind", "--source", "shop", "--file", str(archive), "--to-offset", "0")

    archive.write_bytes(gzip.compress(b"another\n" * 300))
    assert host.run(*arguments) == 1
    assert "another content stands in its place" in capfd.readouterr().err
    archive.write_bytes(b"\x1f\x8b" + bytes(60))
    assert host.run(*arguments) == 1
    error = capfd.readouterr().err
    assert f"{archive}: " in error
    assert error.count("\n") == 1
    assert host.state.files[2].read == host.starts[10]


def test_an_offset_in_a_utf_16_log_is_moved_back_to_the_first_byte_of_a_character(
    host: Host,
) -> None:
    host.config.write_text(host.config.read_text() + 'encoding = "utf-16-le"\n')
    lines = [each.decode().encode("utf-16-le") for each in host.lines]
    other = host.add("access.log.1", b"".join(lines))
    host.remember(other, len(b"".join(lines)), [], key=2)

    arguments = ("rewind", "--source", "shop", "--file", str(other), "--to-offset")
    assert host.run(*arguments, str(len(lines[0]) + 31)) == 0
    assert host.state.files[2].read == len(lines[0])


def test_another_file_in_the_place_of_the_one_known_is_not_rewound(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    host.log.write_bytes(b"other content\n" * 200)

    assert host.run("rewind", "--source", "shop", "--to-offset", "0") == 1
    assert "another one stands in its place" in capfd.readouterr().err
    assert host.state.files[1].read == host.starts[8]


def test_a_forgotten_file_is_new_and_the_books_balance(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    assert host.run("forget", "--source", "shop", "--file", str(host.log)) == 0

    assert host.state.files == {}
    assert host.state.started == {"shop"}
    host.assert_balanced()
    assert f"from its beginning: {host.log}, {host.starts[10]} bytes" in capfd.readouterr().err


def test_a_forgotten_source_starts_as_on_its_first_day(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    assert host.run("forget", "--source", "shop", "--json") == 0

    assert host.state.files == {}
    assert host.state.started == set()
    host.assert_balanced()
    assert "start_at" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("rewind", "--source", "shop"), 64, "--to-offset --to-time is required"),
        (("rewind", "--source", "shop", "--to-time", "soon"), 64, "which is no time; allowed:"),
        (("rewind", "--source", "shap", "--to-time", "2h"), 64, "allowed: shop"),
        (("forget", "--source", "blog"), 64, "knows no file; allowed: shop"),
        (("forget", "--source", "shop", "--file", "/no"), 64, "found '/no'; allowed: "),
        (("forget",), 64, "--source"),
    ],
)
def test_a_refusal_is_one_line_that_says_what_is_allowed(
    host: Host,
    capfd: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    assert host.run(*arguments) == code

    error = capfd.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_without_a_checkpoint_there_is_nothing_to_show(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    for path in host.state_dir.iterdir():
        path.unlink()

    for action in (("show",), ("forget", "--source", "shop")):
        assert host.run(*action) == 65
        assert "no checkpoint yet: the daemon has not run" in capfd.readouterr().err
        assert not list(host.state_dir.iterdir())


def test_a_damaged_checkpoint_is_shown_as_far_as_it_goes_and_not_changed(
    host: Host, capfd: pytest.CaptureFixture[str]
) -> None:
    newest = max(host.state_dir.glob("*.snapshot"))
    newest.write_bytes(b"rubbish")

    assert host.run("show", "--json") == 0
    error = capfd.readouterr().err
    assert f"{newest.name} is damaged; the next start" in error
    assert 'on_checkpoint_error = "previous"' in error
    assert host.run("forget", "--source", "shop") == CheckpointError.exit_code
    assert newest.read_bytes() == b"rubbish"
