"""`hooktail demo` as a person meets it: it balances, it can be interrupted, it leaves nothing."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE_S = 60.0
STARTED = "has started and follows the log"


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """The directory in which the demo makes its own."""
    directory = tmp_path / "tmp with [brackets]"
    directory.mkdir()
    return directory


@contextmanager
def demo(temporary: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "hooktail", "demo", *options],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_until(stream: IO[str] | None, words: str) -> str:
    """Reads lines up to one that holds the words."""
    assert stream is not None
    text = ""
    for line in stream:
        text += line
        if words in line:
            return text
    raise AssertionError(f"{words!r} was never said:\n{text}")


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def daemons(temporary: Path) -> list[int]:
    """Processes whose command line names something below the directory."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(temporary) in command:
                found.append(int(entry.name))
    return found


def assert_nothing_is_left(temporary: Path) -> None:
    assert list(temporary.iterdir()) == []
    assert daemons(temporary) == []


def assert_balances(text: str) -> None:
    """Checks the closing sum with a reader's eyes."""
    found = re.search(
        r"^It balances:\n"
        r"  ([\d,]+) written = ([\d,]+) read = ([\d,]+) delivered \+ "
        r"([\d,]+) filtered \+ ([\d,]+) unparsable$",
        text,
        re.MULTILINE,
    )
    assert found is not None, text
    written, read, *parts = (int(number.replace(",", "")) for number in found.groups())
    assert written == read == sum(parts)
    assert f"{parts[0]:>7,}  different event ids" in text
    assert "      0  duplicates" in text


def test_it_balances_and_leaves_nothing_behind(temporary: Path) -> None:
    with demo(temporary, "--duration", "3", "--seed", "5") as process:
        said, complained = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 0, said + complained
    assert_balances(said)
    assert complained == ""
    assert "\x1b" not in said
    for scene in ("rotation  a new access.log begins", "outage    the endpoint answers 503"):
        assert scene in said
    assert said.count("access.log is renamed") == 2
    assert_nothing_is_left(temporary)


def test_an_interrupt_ends_it_early_and_the_books_balance_all_the_same(temporary: Path) -> None:
    with demo(temporary, "--duration", "600") as process:
        said = read_until(process.stdout, STARTED)
        assert len(daemons(temporary)) == 1

        process.send_signal(signal.SIGINT)
        rest, complained = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 0, said + rest + complained
    assert_balances(rest)
    assert "stops as you asked" in rest
    assert_nothing_is_left(temporary)


def test_an_interrupt_in_the_outage_ends_the_outage_too(temporary: Path) -> None:
    with demo(temporary, "--duration", "6") as process:
        read_until(process.stdout, "503, to be sent again")

        process.send_signal(signal.SIGINT)
        rest, complained = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 0, rest + complained
    assert_balances(rest)
    assert_nothing_is_left(temporary)


def test_a_second_interrupt_leaves_at_once(temporary: Path) -> None:
    """The daemon is stopped dead while it has work left, so that only force can end it."""
    with demo(temporary, "--duration", "600") as process:
        read_until(process.stdout, STARTED)
        (daemon,) = daemons(temporary)
        os.kill(daemon, signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        read_until(process.stdout, "stops as you asked")

        process.send_signal(signal.SIGINT)
        rest, complained = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 130, rest + complained
    assert complained == ""
    assert_nothing_is_left(temporary)


def test_the_daemon_dies_with_a_demo_that_is_killed(temporary: Path) -> None:
    with demo(temporary, "--duration", "600") as process:
        read_until(process.stdout, STARTED)
        assert len(daemons(temporary)) == 1

        process.kill()
        process.wait(DEADLINE_S)

        wait_until(lambda: daemons(temporary) == [])


def test_a_daemon_that_dies_is_told_with_its_last_words(temporary: Path) -> None:
    with demo(temporary, "--duration", "600") as process:
        read_until(process.stdout, STARTED)
        (daemon,) = daemons(temporary)

        os.kill(daemon, signal.SIGKILL)
        _, complained = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 1
    assert "the daemon ended by itself with exit code -9" in complained
    assert "Traceback" not in complained
    assert_nothing_is_left(temporary)


def test_a_reader_who_leaves_ends_it_in_silence(temporary: Path) -> None:
    """As in `hooktail demo | head`."""
    with demo(temporary, "--duration", "600") as process:
        read_until(process.stdout, STARTED)
        assert process.stdout is not None
        process.stdout.close()

        assert process.wait(DEADLINE_S) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""

    assert_nothing_is_left(temporary)


def test_keep_keeps_the_directory_and_says_where(temporary: Path) -> None:
    with demo(temporary, "--duration", "1", "--keep") as process:
        said, complained = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 0, said + complained
    (kept,) = temporary.iterdir()
    assert f"kept: {kept}" in said
    names = {file.name for file in kept.iterdir()}
    assert names >= {"hooktail.toml", "hooktail.log", "access.log", "access.log.1", "state"}


@pytest.mark.parametrize(("no_color", "coloured"), [("", True), ("1", False)])
def test_colours_are_for_terminals_that_want_them(
    temporary: Path, no_color: str, coloured: bool
) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "hooktail", "demo", "--duration", "1"],
        env={**os.environ, "TMPDIR": str(temporary), "TERM": "xterm", "NO_COLOR": no_color},
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    try:
        while chunk := os.read(ours, 65_536):
            said += chunk
    except OSError:  # how a terminal says that nobody writes any more
        pass
    finally:
        os.close(ours)

    assert process.wait(DEADLINE_S) == 0
    assert (b"\x1b[" in said) == coloured
    assert b"It balances" in said


@pytest.mark.parametrize("option", ["--duration", "--rate"])
@pytest.mark.parametrize("value", ["0", "nan", "1e9"])
def test_an_option_out_of_range_is_a_usage_error(temporary: Path, option: str, value: str) -> None:
    with demo(temporary, f"{option}={value}") as process:
        said, complained = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 64
    assert said == ""
    assert complained.startswith(f"hooktail: {option}: found")
    assert_nothing_is_left(temporary)
