"""The bytes that go back to the client, and those that go into the record."""

from __future__ import annotations

import errno
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import orjson
import pytest

from hooktail.collector import answer
from hooktail.collector.record import Received, Recorder
from hooktail.errors import CannotWriteError


def received(body: bytes, **changes: Any) -> Received:
    try:
        value, is_json = orjson.loads(body), True
    except orjson.JSONDecodeError:
        value, is_json = None, False
    whole = Received(
        1, 1705314600.1234567, "/i/pixel.png", body, is_json, value, [], 200, None, True
    )
    return whole._replace(**changes)


def test_the_pixel_is_a_whole_png_of_one_transparent_pixel() -> None:
    assert answer.PIXEL.startswith(b"\x89PNG\r\n\x1a\n")
    at, chunks = 8, {}
    while at < len(answer.PIXEL):
        (size,) = struct.unpack_from(">I", answer.PIXEL, at)
        kind = answer.PIXEL[at + 4 : at + 8]
        chunks[kind] = answer.PIXEL[at + 8 : at + 8 + size]
        (crc,) = struct.unpack_from(">I", answer.PIXEL, at + 8 + size)
        assert crc == zlib.crc32(kind + chunks[kind])
        at += 12 + size

    assert chunks[b"IHDR"][:8] == struct.pack(">II", 1, 1)
    assert zlib.decompress(chunks[b"IDAT"]) == bytes(5)
    assert b"IEND" in chunks


def test_a_304_has_no_body() -> None:
    text = answer.error(304, "not modified", keep_alive=True)

    assert text.endswith(b"\r\n\r\n")
    assert b"Content-Length" not in text


def test_retry_after_is_seconds_or_an_http_date() -> None:
    assert answer.retry_after(5, None) == (("Retry-After", "5"),)
    assert answer.retry_after(5, 0.0) == (("Retry-After", "Thu, 01 Jan 1970 00:00:05 GMT"),)


def test_a_line_holds_the_very_bytes_of_the_body() -> None:
    line = received(b'{"a": 1.0}').line()

    assert b'"body":{"a": 1.0}' in line
    assert orjson.loads(line) == {
        "n": 1,
        "t": 1705314600.123457,
        "path": "/i/pixel.png",
        "answer": 200,
        "fault": None,
        "accepted": True,
        "problems": [],
        "body": {"a": 1.0},
    }


@pytest.mark.parametrize("body", [b'{\n"a": 1}', b'{\r"a": 1}', b"not json\n", b"\xff\n"])
def test_a_line_is_one_line_whatever_the_body(body: bytes) -> None:
    line = received(body).line()

    assert line.count(b"\n") == 1
    assert b"\r" not in line
    assert ("raw" in orjson.loads(line)) == (not body.startswith(b"{"))


def test_lines_are_appended_behind_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "received.ndjson"
    path.write_bytes(b'{"n":1}\n{"n":2,"t')

    recorder = Recorder(path)
    recorder.add(received(b"{}"))
    recorder.add(received(b"{}", n=2))
    recorder.flush()
    recorder.close()

    lines = path.read_bytes().splitlines()
    assert lines[:2] == [b'{"n":1}', b'{"n":2,"t']
    assert [orjson.loads(line)["n"] for line in lines[2:]] == [1, 2]


def test_a_new_record_is_for_its_owner_alone(tmp_path: Path) -> None:
    Recorder(tmp_path / "received.ndjson").close()

    assert (tmp_path / "received.ndjson").stat().st_mode & 0o777 == 0o600


def test_a_record_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotWriteError, match=r"missing/received\.ndjson"):
        Recorder(tmp_path / "missing" / "received.ndjson")


def test_a_full_disk_is_an_error_of_the_operator() -> None:
    recorder = Recorder(Path("/dev/full"))
    recorder.add(received(b"{}"))

    with pytest.raises(CannotWriteError, match=os.strerror(errno.ENOSPC)):
        recorder.flush()
    recorder.close()
