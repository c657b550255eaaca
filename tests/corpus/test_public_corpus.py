"""Every expectation of a corpus of log samples, for the formats that there are.

`HOOKTAIL_CORPUS` names a folder with `expect_public.jsonl`: one JSON object per line with `file`,
`line_no`, `format`, `expected` (the record's keys, or null for a line to reject) and perhaps
`assume` (options), `alt` (other values that are right too) and `alt_null` (rejecting is, too).
"""

from __future__ import annotations

import bz2
import gzip
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from hooktail.extract.normal import record_json
from hooktail.extract.reading import HeldLine, Reader
from hooktail.extract.registry import UnknownFormatError, find
from hooktail_parsers import Parser, Record
from hooktail_parsers.assembly import Assembled

FOLDER = os.environ.get("HOOKTAIL_CORPUS", "")
OPTIONS = {
    "tz": "timezone",
    "encoding": "encoding",
    "year": "year",
    "date_format": "date_format",
    "session_cookie": "session_cookie",
    "haproxy_request_captures": "request_captures",
    "nginx_log_format": "log_format",
    "apache_log_format": "log_format",
}
# Labels of the corpus that are no format of ours, with the one that reads such a file.
FORMATS = {"apache_mixed_auto": "auto", "nginx_mixed_auto": "auto", "litespeed_mixed": "auto"}
FORMATS["rfc5424+nginx_error"] = "rfc5424+nginx_combined"
UNPACK = {"gzip": gzip.decompress, "bzip2": bz2.decompress}


def expectations() -> dict[str, list[dict[str, Any]]]:
    """Expectations by file, format and assumptions, of the formats that the registry has."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    if FOLDER:
        for line in Path(FOLDER, "expect_public.jsonl").read_bytes().splitlines():
            expectation = orjson.loads(line)
            expectation["format"] = FORMATS.get(expectation["format"], expectation["format"])
            try:
                find(expectation["format"])
            except UnknownFormatError:
                continue
            assumed = " ".join(map(str, expectation.get("assume", {}).values()))
            place = f"{expectation['format']} {expectation['file']} {assumed}"
            grouped.setdefault(place, []).append(expectation)
    return grouped


def mismatches(expectation: dict[str, Any], record: dict[str, Any] | None) -> list[str]:
    expected = expectation["expected"]
    if record is None or expected is None:
        right = record is expected or (record is None and expectation.get("alt_null", False))
        return [] if right else [f"expected {expected}, found {record}"]
    found = []
    for key, value in expected.items():
        allowed = [value, *expectation.get("alt", {}).get(key, [])]
        if not any(same(key, each, record.get(key)) for each in allowed):
            found.append(f"{key}: expected one of {allowed!r}, found {record.get(key)!r}")
    return found


def same(key: str, expected: object, found: object) -> bool:
    if key == "time" and isinstance(expected, str) and isinstance(found, str):
        apart = datetime.fromisoformat(expected) - datetime.fromisoformat(found)
        return abs(apart.total_seconds()) <= 0.001
    return expected == found


@pytest.mark.skipif(not FOLDER, reason="HOOKTAIL_CORPUS names no folder")
@pytest.mark.parametrize("expected", expectations().values(), ids=expectations().keys())
def test_the_corpus_gives_what_is_expected(expected: list[dict[str, Any]]) -> None:
    assert wrong_of(expected, expected[0]["format"]) == []


@pytest.mark.skipif(not FOLDER, reason="HOOKTAIL_CORPUS names no folder")
@pytest.mark.parametrize("expected", expectations().values(), ids=expectations().keys())
def test_auto_finds_what_is_expected_without_being_told_the_format(
    expected: list[dict[str, Any]],
) -> None:
    spec = expected[0]["format"]
    if ":" in spec or find(spec).kind == "builder":
        pytest.skip("a definition of the user's own, which nobody can guess")

    assert wrong_of(expected, "auto") == []


def wrong_of(expected: list[dict[str, Any]], spec: str) -> list[str]:
    """Reads a file by a format; returns what is not as expected."""
    assume: dict[str, Any] = expected[0].get("assume", {})
    data = Path(FOLDER, expected[0]["file"]).read_bytes()
    lines = UNPACK.get(assume.get("compressed", ""), bytes)(data).split(b"\n")
    options = {OPTIONS[key]: str(value) for key, value in assume.items() if key in OPTIONS}
    records = records_of(find(spec).make(options), lines)
    wrong = []
    for expectation in expected:
        first, last = expectation.get("joins", [expectation["line_no"]] * 2)
        if expectation["line_no"] != last:
            continue  # a part; the record is expected with its last line
        record = records.get(last, records.get(first))
        wrong += [
            f"line {expectation['line_no']}: {each}" for each in mismatches(expectation, record)
        ]
    return wrong


def records_of(parser: Parser, lines: list[bytes]) -> dict[int, dict[str, Any]]:
    """Returns the records by the numbers of their first lines and of their last."""
    reader = Reader(parser)
    assembled: list[Assembled[HeldLine]] = []
    for number, result in enumerate(reader.parse_batch(lines), 1):
        assembled += reader.assembler.take(HeldLine(number, b""), result)
    assembled += reader.assembler.give_up_all()
    return {
        number: record_json(each.parsed)
        for each in assembled
        if isinstance(each.parsed, Record)
        for number in (each.keys[0].start, each.keys[-1].start)
    }
