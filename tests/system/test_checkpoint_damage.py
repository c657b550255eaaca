"""The real daemon on a damaged checkpoint: what it sends, what it says, and when it refuses."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.lines import page_view
from support.processes import HOOKTAIL, Daemon, Endpoint, daemon, endpoint, wait_for

from hooktail.errors import CheckpointError

FIRST, SECOND, THIRD = range(40), range(40, 60), range(60, 70)


@contextmanager
def stopped(directory: Path) -> Iterator[tuple[Daemon, Endpoint]]:
    """A daemon that has sent FIRST in one life and SECOND in the next, and was stopped."""
    log = directory / "access.log"
    log.touch()
    with endpoint(directory) as pixel, daemon(directory) as hooktail:
        configure(hooktail, pixel)
        for numbers in (FIRST, SECOND):
            send(hooktail, log, numbers)
        yield hooktail, pixel


def send(hooktail: Daemon, log: Path, numbers: range) -> None:
    """One life; in steps, so that the journal has several records of it."""
    hooktail.start()
    for number in numbers[::5]:
        append(log, range(number, number + 5))
        wait_for(lambda end=number + 5: delivered(hooktail) == end, "the lines")  # type: ignore[misc]  # mypy infers no lambda with a default
    assert hooktail.stop() == 0


def configure(hooktail: Daemon, pixel: Endpoint, on_error: str = "previous") -> None:
    hooktail.configure(pixel.template, f"{hooktail.directory}/access.log*")
    rest = hooktail.config.read_text()
    hooktail.config.write_text(f'on_checkpoint_error = "{on_error}"\n{rest}')


def append(log: Path, numbers: range) -> None:
    with log.open("a") as file:
        file.writelines(page_view(number) for number in numbers)


def delivered(hooktail: Daemon) -> int:
    return hooktail.books().get("delivered", 0)


def times_sent(pixel: Endpoint) -> dict[int, int]:
    """How often each number was sent."""
    paths = (str(request["body"]["url"]) for request in pixel.requests())
    return dict(sorted(Counter(int(path.rpartition("/")[2]) for path in paths).items()))


def assert_ids_are_stable(pixel: Endpoint) -> None:
    assert len({request["body"]["event_id"] for request in pixel.requests()}) == len(
        times_sent(pixel)
    )


def newest(hooktail: Daemon, kind: str) -> Path:
    found = hooktail.state_dir.glob(f"checkpoint.[0-9]*.{kind}")
    return max(found, key=lambda path: int(path.name.split(".")[1]))


def damage_a_record(hooktail: Daemon) -> None:
    """Flips a bit in the middle of the newest journal."""
    journal = newest(hooktail, "journal")
    lines = journal.read_bytes().splitlines(keepends=True)
    assert len(lines) > 6
    hit = lines[len(lines) // 2]
    lines[len(lines) // 2] = hit[:20] + bytes([hit[20] ^ 1]) + hit[21:]
    journal.write_bytes(b"".join(lines))


def damage_everything(hooktail: Daemon) -> None:
    for snapshot in hooktail.state_dir.glob("checkpoint.*.snapshot"):
        snapshot.write_bytes(b"rubbish\n")
    (hooktail.state_dir / "checkpoint.1.journal").unlink(missing_ok=True)


def read_more(hooktail: Daemon, pixel: Endpoint) -> None:
    hooktail.start()
    wait_for(
        lambda: hooktail.logged("file_started") or hooktail.logged("file_resumed"), "the first look"
    )
    append(hooktail.directory / "access.log", THIRD)
    wait_for(lambda: set(THIRD) <= times_sent(pixel).keys(), "what was written afterwards")
    wait_for(lambda: hooktail.pending() == 0, "the answers")
    assert hooktail.stop() == 0
    hooktail.assert_balanced()


def refused(hooktail: Daemon) -> str:
    hooktail.start(wait=False)
    assert hooktail.running.wait(20) == CheckpointError.exit_code
    (line,) = [each for each in hooktail.log_text().splitlines() if each.startswith("hooktail: ")]
    return line


def test_a_damaged_snapshot_costs_nothing_but_a_line_in_the_log(tmp_path: Path) -> None:
    with stopped(tmp_path) as (hooktail, pixel):
        newest(hooktail, "snapshot").write_bytes(b"")

        read_more(hooktail, pixel)

        assert set(times_sent(pixel).values()) == {1}
        (told,) = hooktail.logged("checkpoint_damaged")
        assert told["level"] == "error"
        assert list(hooktail.state_dir.glob("checkpoint.damaged-1.*.snapshot"))


def test_previous_sends_again_what_the_damaged_records_knew_and_nothing_else(
    tmp_path: Path,
) -> None:
    with stopped(tmp_path) as (hooktail, pixel):
        damage_a_record(hooktail)

        read_more(hooktail, pixel)

        sent = times_sent(pixel)
        assert sent.keys() == set(range(THIRD.stop))
        assert all(sent[number] == 1 for number in [*FIRST, *THIRD])
        assert_ids_are_stable(pixel)
        (told,) = hooktail.logged("checkpoint_damaged")
        assert told["checkpoint_records_lost"] > 1
        assert max(sent.values()) == 2
        assert hooktail.logged("checkpoint_went_back")
        assert list(hooktail.state_dir.glob("checkpoint.damaged-1.*.journal"))


def test_fail_refuses_damage_and_not_what_a_crash_leaves(tmp_path: Path) -> None:
    with stopped(tmp_path) as (hooktail, pixel):
        configure(hooktail, pixel, "fail")
        with newest(hooktail, "journal").open("ab") as journal:
            journal.write(b'12345678 {"file":{"1":')
        read_more(hooktail, pixel)
        assert set(times_sent(pixel).values()) == {1}

        journal_path = newest(hooktail, "journal")
        journal_path.write_bytes(journal_path.read_bytes() + b"12345678 {}\n")
        line = refused(hooktail)

        assert journal_path.name in line
        assert "previous" in line
        assert set(times_sent(pixel).values()) == {1}


def test_where_nothing_can_be_trusted_previous_refuses_and_names_the_choices(
    tmp_path: Path,
) -> None:
    with stopped(tmp_path) as (hooktail, pixel):
        damage_everything(hooktail)
        line = refused(hooktail)

        assert "nothing is sent again without your word" in line
        assert '"end"' in line
        assert '"beginning"' in line
        assert set(times_sent(pixel).values()) == {1}


@pytest.mark.parametrize("damage", [damage_a_record, damage_everything])
def test_end_sends_nothing_again_and_goes_on_with_what_comes(
    tmp_path: Path, damage: object
) -> None:
    with stopped(tmp_path) as (hooktail, pixel):
        configure(hooktail, pixel, "end")
        assert callable(damage)
        damage(hooktail)

        read_more(hooktail, pixel)

        sent = times_sent(pixel)
        assert sent.keys() == set(range(THIRD.stop))
        # What waits in the state that can be proved still waits.
        assert all(sent[number] == 1 for number in [*FIRST, *THIRD])
        (skipped,) = hooktail.logged("checkpoint_skips")
        assert skipped["bytes_skipped"] > 0
        if damage is damage_everything:
            assert set(sent.values()) == {1}


def test_beginning_sends_everything_again_with_the_same_event_ids(tmp_path: Path) -> None:
    with stopped(tmp_path) as (hooktail, pixel):
        configure(hooktail, pixel, "beginning")
        text = hooktail.config.read_text().replace('start_at = "beginning"', 'start_at = "end"')
        hooktail.config.write_text(text)
        damage_everything(hooktail)

        read_more(hooktail, pixel)

        sent = times_sent(pixel)
        assert all(sent[number] == 2 for number in [*FIRST, *SECOND])
        assert all(sent[number] == 1 for number in THIRD)
        assert_ids_are_stable(pixel)


def test_a_file_that_cannot_be_read_is_named_and_nothing_is_sent(tmp_path: Path) -> None:
    """A directory stands in its place, which root cannot read either."""
    with stopped(tmp_path) as (hooktail, pixel):
        configure(hooktail, pixel, "fail")
        journal = newest(hooktail, "journal")
        journal.unlink()
        journal.mkdir()

        line = refused(hooktail)

        assert f"{journal.name} cannot be read" in line
        assert set(times_sent(pixel).values()) == {1}


def test_a_rewound_file_is_sent_again_from_there_with_the_same_event_ids(tmp_path: Path) -> None:
    with stopped(tmp_path) as (hooktail, pixel):
        log = tmp_path / "access.log"
        offset = sum(map(len, log.read_text().splitlines(keepends=True)[: SECOND.start]))
        arguments = ["checkpoint", "rewind", "--source", "shop", "--to-offset", str(offset + 3)]
        done = subprocess.run(
            [*HOOKTAIL, *arguments, "--json", "--config", str(hooktail.config)],
            capture_output=True,
            check=True,
        )
        assert json.loads(done.stdout)["to"] == offset

        read_more(hooktail, pixel)

        sent = times_sent(pixel)
        assert all(sent[number] == 1 for number in [*FIRST, *THIRD])
        assert all(sent[number] == 2 for number in SECOND)
        assert_ids_are_stable(pixel)
