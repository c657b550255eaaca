"""`hooktail preview`: the exact bodies, the books, and nothing else touched."""

from __future__ import annotations

import argparse
import bz2
import gzip
import json
import lzma
import os
from typing import TYPE_CHECKING

import pytest

from hooktail.cli import logfiles
from hooktail.cli import preview as command
from hooktail.errors import InputError, UsageError
from hooktail.extract.identity import generation_of
from hooktail.extract.visitor import Mac, derive

if TYPE_CHECKING:
    from pathlib import Path

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
CONFIG = """
state_dir = "{directory}/state"
[destination.default]
account_id = "acc-4711"
[[source]]
name = "shop"
paths = ["{directory}/*.log*"]
site = "https://shop.example"
max_line_bytes = 1024
[[source.event]]
name = "purchase"
when = {{ path = "/thanks" }}
once_per = "order_id"
[source.event.fields]
order_id = {{ from = "query.order", required = true }}
"""


def line(target: str) -> bytes:
    request = f'"GET {target} HTTP/1.1" 200 5 "-" "{AGENT}"'
    return f"81.2.69.142 - - [15/Jan/2014:10:30:00 +0000] {request}\n".encode()


LOG = line("/a") + line("/a.css") + line("/thanks?order=1") + b"nonsense\n" + line("/b")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "hooktail.toml"
    path.write_text(CONFIG.format(directory=tmp_path))
    return path


class Preview:
    """Runs the command and holds what it printed."""

    def __init__(
        self, config: Path, capfdbinary: pytest.CaptureFixture[bytes], *files: str
    ) -> None:
        args = argparse.Namespace(config=str(config), source="shop", files=list(files))
        self.code = command.run(args)
        out, self.err = capfdbinary.readouterr()
        self.bodies = [json.loads(each) for each in out.splitlines()]
        self.out = out


def test_bodies_go_to_stdout_and_the_books_to_stderr(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """The age limit does not hold here: the lines are years old."""
    (tmp_path / "access.log").write_bytes(LOG)

    shown = Preview(config, capfdbinary)

    assert shown.code == 0
    assert [body["url"] for body in shown.bodies] == [
        "https://shop.example/a",
        "https://shop.example/thanks?order=1",
        "https://shop.example/b",
    ]
    assert b"filtered.static_file" in shown.err
    assert b"balances: 5 read = 3 events + 2 others" in shown.err
    assert not (tmp_path / "state").exists()


def test_a_session_goes_on_from_one_file_to_the_next(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """As in the daemon: a rotation in the middle of a visit is no second visit."""
    later = line("/b").replace(b"10:30:00", b"10:31:00")
    for name, content in (("access.log.1", line("/a")), ("access.log", later)):
        (tmp_path / name).write_bytes(content)
    files = [str(tmp_path / "access.log.1"), str(tmp_path / "access.log")]

    first, second = Preview(config, capfdbinary, *files).bodies

    assert first["session_id"] == second["session_id"]


def test_ids_are_the_same_in_every_container(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(LOG)
    expected = [body["event_id"] for body in Preview(config, capfdbinary, str(plain)).bodies]
    packed = {
        "a.gz": gzip.compress(LOG),
        "b.bz2": bz2.compress(LOG),
        "c.xz": lzma.compress(LOG),
        "renamed": LOG,
        "unfinished": LOG[:-1],
    }
    for name, content in packed.items():
        file = tmp_path / name
        file.write_bytes(content)
        ids = [body["event_id"] for body in Preview(config, capfdbinary, str(file)).bodies]
        assert ids == expected, name


def test_visitor_ids_are_the_daemons_where_its_secret_can_be_read(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "access.log").write_bytes(line("/a"))
    without = Preview(config, capfdbinary)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "visitor_secret").write_bytes(b"s" * 32)

    shown = Preview(config, capfdbinary)

    assert b"visitor ids will differ" in without.err
    assert b"visitor ids" not in shown.err
    expected = derive(Mac(b"s" * 32), "https://shop.example", "81.2.69.142", AGENT).id
    assert shown.bodies[0]["visitor_id"] == expected


def test_a_line_over_the_limit_is_counted_and_the_offsets_behind_it_hold(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    for length in (1025, 700_000):
        first, long = line("/a"), b"x" * length + b"\n"
        (tmp_path / "with").write_bytes(first + long + line("/b"))
        (tmp_path / "without").write_bytes(
            first + b"y" * 1000 + b"\n" * (length - 999) + line("/b")
        )

        shown = Preview(config, capfdbinary, str(tmp_path / "with"))
        other = Preview(config, capfdbinary, str(tmp_path / "without"))

        assert b"unparsable.line_too_long" in shown.err
        assert b"balances: 3 read" in shown.err
        assert shown.bodies[1]["event_id"] == other.bodies[1]["event_id"]


def test_an_order_in_two_files_is_one_purchase(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "a.log").write_bytes(line("/thanks?order=1"))
    (tmp_path / "b.log").write_bytes(line("/a") + line("/thanks?order=1"))
    os.utime(tmp_path / "a.log", (1, 1))

    shown = Preview(config, capfdbinary)

    assert [body["event_name"] for body in shown.bodies] == ["purchase", "pageview"]
    assert b"filtered.once_per" in shown.err


def test_the_wrong_format_is_an_exit_code(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "access.log").write_bytes(b"nonsense\nmore\n")
    assert Preview(config, capfdbinary).code == 1


def test_an_empty_file_is_none(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "access.log").touch()
    assert Preview(config, capfdbinary).code == 0


def test_what_cannot_be_done_is_said_in_one_line(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    damaged = tmp_path / "damaged.gz"
    damaged.write_bytes(gzip.compress(LOG)[:-10])
    with pytest.raises(InputError, match="damaged"):
        Preview(config, capfdbinary, str(damaged))
    with pytest.raises(InputError, match="No such file"):
        Preview(config, capfdbinary, str(tmp_path / "missing"))
    damaged.unlink()
    with pytest.raises(InputError, match="no file is at"):
        Preview(config, capfdbinary)
    with pytest.raises(UsageError, match="allowed: shop"):
        command.run(argparse.Namespace(config=str(config), source="shpo", files=[]))


def test_the_generation_is_the_files_own(tmp_path: Path) -> None:
    file = tmp_path / "access.log"
    file.write_bytes(LOG)
    with logfiles.opened(str(file)) as stream:
        (batch,) = logfiles.batches(stream, 1024)
    assert batch.generation == generation_of(LOG)
    assert batch.lines is not None
    assert batch.lines.end == len(LOG)


HEADER = b"#Version: 1.0\n#Software: Microsoft Internet Information Services 10.0\n"


def test_files_that_begin_with_the_same_header_are_no_copies(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Every CloudFront and every IIS file does: all but one were silently left out."""
    (tmp_path / "1.log.gz").write_bytes(gzip.compress(HEADER + line("/a")))
    (tmp_path / "2.log.gz").write_bytes(gzip.compress(HEADER + line("/b")))
    (tmp_path / "3.log").write_bytes(HEADER + line("/c"))

    shown = Preview(config, capfdbinary)

    assert sorted(body["url"][-2:] for body in shown.bodies) == ["/a", "/b", "/c"]
    assert b"left out" not in shown.err


def test_copies_are_left_out_and_named(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    log = HEADER + line("/a") + line("/b")
    (tmp_path / "access.log").write_bytes(log)
    (tmp_path / "access.log.bak").write_bytes(HEADER + line("/a"))
    (tmp_path / "access.log.gz").write_bytes(gzip.compress(log))
    # In parts, as from a compressor that flushes: the head comes piece by piece.
    parts = gzip.compress(HEADER) + gzip.compress(line("/a"))
    (tmp_path / "access.log.1.gz").write_bytes(parts)

    shown = Preview(config, capfdbinary)

    assert sorted(body["url"][-2:] for body in shown.bodies) == ["/a", "/b"]
    for name in ("access.log.bak", "access.log.gz", "access.log.1.gz"):
        left_out = f"left out: {tmp_path}/{name} holds nothing that {tmp_path}/access.log lacks\n"
        assert left_out.encode() in shown.err


def test_values_that_cannot_be_cast_are_counted(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Purchases went out without their value, and nobody was told."""
    config.write_text(
        config.read_text() + 'value = { from = "query.total", type = "number" }\n', "utf-8"
    )
    targets = ["/thanks?order=1&total=1.234,56", "/thanks?order=2&total=NaN", "/thanks?order=3"]
    (tmp_path / "access.log").write_bytes(b"".join(map(line, targets)))

    err = Preview(config, capfdbinary).err.decode()

    assert f"{'values that could not be cast':<40} {2:>12}\n" in err
    assert f"{'  purchase.value':<40} {2:>12}\n" in err
    assert "balances: 3 read = 3 events + 0 others" in err


def test_without_such_values_nothing_is_said_of_them(
    config: Path, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    (tmp_path / "access.log").write_bytes(LOG)
    assert b"cast" not in Preview(config, capfdbinary).err
