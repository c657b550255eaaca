"""Lines a CPU second by format: parsing alone, and the whole way from the file to the event.

Every format reads the same requests, as its own server writes them (`writers`). Beside it, in the
same run and on the same file as `ncsa_combined`: syslog-ng's parser of access logs.
"""

from __future__ import annotations

import gc
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import syslog_ng
from benchmarks.lines import section_of, whole_way
from benchmarks.measure import Table
from benchmarks.processes import BenchmarkError
from benchmarks.writers import COMPOSED, FORMATS, Hit, Written, hits

from hooktail import garbage, telemetry
from hooktail.extract import registry
from hooktail_parsers import Record, StatefulParser
from hooktail_parsers.assembly import Assembler

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

BATCH_LINES = 1000
"""About what the daemon reads at once."""
PEER_FORMAT = "ncsa_combined"
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Size:
    requests: int
    rounds: int
    peer_requests: int


SIZES = {
    "full": Size(40_000, 3, 400_000),
    "quick": Size(5_000, 2, 100_000),
    "tiny": Size(300, 1, 300),
}


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU time of one turn, in seconds."""

    parse_s: float
    fields_s: float
    """Besides, for reading what is read only when it is asked for."""
    whole_s: float
    sifted_s: float | None
    """The whole way with the page view prefilter; None where the format has none."""


def run(size: str, directory: Path) -> Table:
    """Measures format by format, each several times."""
    telemetry.configure("warning", "json", environ={})
    garbage.settle()  # as the daemon does
    wanted = SIZES[size]
    requests = list(hits(wanted.requests, until=datetime.now(UTC)))
    rows: list[tuple[str, ...]] = []
    for number, written in enumerate((*FORMATS, *COMPOSED)):
        rows.append(_row(written, requests, wanted.rounds, directory / f"format-{number}"))
    rows += _peer(wanted, directory / "peer")
    note = (
        f"{wanted.requests:,} requests, each the median of {wanted.rounds} turns, in batches of "
        f"{BATCH_LINES:,} lines. *And all fields*: every record's `fields` and `headers` are asked "
        "for as well. *The whole way*: source, parser, page view filter, event, ledger and journal."
    )
    headers = (
        "format", "bytes a line", "parse, µs a line", "lines a CPU second", "and all fields, µs",
        "the whole way, lines a CPU second",
        "with the page view prefilter",
    )  # fmt: skip
    return Table(headers, rows, note)


def _row(
    written: Written, requests: Sequence[Hit], rounds: int, directory: Path
) -> tuple[str, ...]:
    directory.mkdir()
    lines = lines_of(written, requests)
    log = directory / "access.log"
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    costs = [
        _cost(written, lines, len(requests), log, directory / f"state-{number}")
        for number in range(rounds)
    ]
    number = len(lines)
    parse_s = median(cost.parse_s for cost in costs)
    fields_s = median(cost.fields_s for cost in costs)
    whole_s = median(cost.whole_s for cost in costs)
    sifted = [cost.sifted_s for cost in costs if cost.sifted_s is not None]
    name = written.format
    shown = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
    return (
        f"`{shown}`",
        f"{log.stat().st_size / number:.0f}",
        f"{parse_s / number * 1e6:.2f}",
        f"{number / parse_s:,.0f}",
        f"{(parse_s + fields_s) / number * 1e6:.2f}",
        f"{number / whole_s:,.0f}",
        f"{number / median(sifted):,.0f}" if sifted else "",
    )


def lines_of(written: Written, requests: Sequence[Hit]) -> list[bytes]:
    """Writes the requests as a format's server does, its header first."""
    header = [written.header.encode()] if written.header else []
    return header + [
        line for request in requests for line in written.write(request).encode().split(b"\n")
    ]


def _cost(
    written: Written, lines: Sequence[bytes], requests: int, log: Path, state_dir: Path
) -> Cost:
    parser = registry.find(written.format).make(dict(written.options))
    if isinstance(parser, StatefulParser):
        parser = parser.fork()
    assembler: Assembler[int] = Assembler(parser)
    gc.collect()
    parse_s = fields_s = 0.0
    records = 0
    for start in range(0, len(lines), BATCH_LINES):
        batch = lines[start : start + BATCH_LINES]
        began_s = time.process_time()
        results = parser.parse_batch(batch)
        parse_s += time.process_time() - began_s
        done = [
            each for number, result in enumerate(results) for each in assembler.take(number, result)
        ]
        found = [each.parsed for each in done if isinstance(each.parsed, Record)]
        records += len(found)
        began_s = time.process_time()
        for record in found:
            _ = record.fields, record.headers
        fields_s += time.process_time() - began_s
    records += sum(isinstance(each.parsed, Record) for each in assembler.give_up_all())
    if records != requests:
        raise BenchmarkError(f"{written.format}: {records} records of {requests} requests")
    section = replace(section_of(log), format=written.format, format_options=dict(written.options))
    spent: list[float] = []
    for prefilter in (False, True):
        if prefilter and getattr(parser, "shape", None) is None:
            break
        read, spent_s = whole_way(
            section, state_dir.with_name(f"{state_dir.name}-{prefilter}"), prefilter=prefilter
        )
        if read != len(lines):
            raise BenchmarkError(f"{written.format}: {read} of {len(lines)} lines were read")
        spent.append(spent_s)
    return Cost(parse_s, fields_s, spent[0], spent[1] if spent[1:] else None)


def _peer(size: Size, directory: Path) -> list[tuple[str, ...]]:
    """Measures syslog-ng and, on the same file, the whole way; says so where it is missing."""
    if not syslog_ng.is_there():
        return [(f"syslog-ng: {syslog_ng.MISSING}", *[""] * 6)]
    directory.mkdir()
    log = directory / "access.log"
    with log.open("w") as file:
        file.writelines(
            f"{hit.line}\n" for hit in hits(size.peer_requests, until=datetime.now(UTC))
        )
    rows: list[tuple[str, ...]] = []
    spent: dict[tuple[str, bool], list[float]] = {}
    for number in range(size.rounds):
        for prefilter in (False, True):
            outcome = syslog_ng.run(log, directory / f"{number}-{prefilter}", prefilter=prefilter)
            if not outcome.events:
                raise BenchmarkError("syslog-ng: not one line became an event")
            _, whole_s = whole_way(
                section_of(log), directory / f"state-{number}-{prefilter}", prefilter=prefilter
            )
            spent.setdefault(("syslog-ng", prefilter), []).append(outcome.cpu_s)
            spent.setdefault(("**hooktail**", prefilter), []).append(whole_s)
    for who in ("syslog-ng", "**hooktail**"):
        rates = [
            f"{size.peer_requests / max(median(spent[who, prefilter]), 1e-9):,.0f}"
            for prefilter in (False, True)
        ]
        length = f"{log.stat().st_size / size.peer_requests:.0f}"
        rows.append((f"{who}, one file, `{PEER_FORMAT}`", length, "", "", "", *rates))
    return rows
