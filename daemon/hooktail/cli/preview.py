"""`hooktail preview`: the bodies that would be sent, and why the other lines would not."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hooktail.cli import logfiles, output, sources
from hooktail.cli.current_files import current_files
from hooktail.extract.choice import MOST_LINES, choice_of, told_choice
from hooktail.extract.extractor import PART
from hooktail.model import Books
from hooktail.paths import shown

if TYPE_CHECKING:
    from hooktail.extract import Extractor
    from hooktail.model import Extraction

_DESCRIPTION = """\
Prints the exact bodies that the daemon would send for these files, one a line, with the same event
ids, and on stderr what became of the lines. Sends and saves nothing; max_event_age is ignored.
Without FILE: the files that the source has now, without copies of others, which stderr names.
Files may be compressed (gzip, bzip2, xz, zstd)."""

_EPILOG = """\
examples:
  hooktail preview --source shop
  hooktail preview --source shop access.log access.log.2.gz > bodies.ndjson
  hooktail preview --source shop access.log | jq -r .url | sort | uniq -c | sort -rn
  tail -f access.log | hooktail preview --source shop -

exit codes: 0 done; 1 there were lines and the format fits none of them; 64 usage; 65 a file cannot
be read; 77 it may not be read; 78 configuration
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "preview",
        help="show the bodies that would be sent",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--source", required=True, metavar="NAME", help="a source of the config")
    parser.add_argument("files", nargs="*", metavar="FILE", help="`-` is stdin")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the bodies, and the books on stderr."""
    loaded, source = sources.pick(args.config, args.source)
    files, left_out = (args.files, {}) if args.files else current_files(source)
    for copy, original in left_out.items():
        sys.stderr.write(
            f"left out: {shown(Path(copy))} holds nothing that {shown(Path(original))} lacks\n"
        )
    books = Books()
    # One for all files, as in the daemon: a session goes on from one file to the next.
    extractor = sources.extractor_for(loaded, source, sources.secret_of(loaded), limit_age=False)
    for file in files:
        _preview(file, extractor, books)
    sys.stderr.write(summary(source.name, len(files), books.totals, extractor.uncast))
    unparsable = sum(n for key, n in books.totals.items() if key.startswith("unparsable."))
    read = books.totals.get("read", 0)
    return 1 if read and unparsable == read else 0


def _preview(file: str, extractor: Extractor, books: Books) -> None:
    reader = extractor.reader()
    generation, end = b"", 0
    first: list[bytes] = []
    with logfiles.opened(file) as stream:
        source = extractor.source
        encoding = source.format_options.get("encoding")
        for batch in logfiles.batches(stream, source.max_line_bytes, encoding):
            generation = batch.generation
            if batch.lines is None:
                books.add("read")
                books.add("unparsable.line_too_long")
                continue
            books.add("read", len(batch.lines))
            end = batch.lines.end
            first += batch.lines.texts[: MOST_LINES - len(first)]
            _show(extractor.extract(batch.lines, generation, reader), books)
    _show(extractor.give_up(reader, generation, end, list(reader.assembler.open)), books)
    chosen = choice_of(source.format, reader.chosen, first, source.format_options)
    sys.stderr.write(told_choice(file, chosen))


def _show(taken: Extraction, books: Books) -> None:
    for event in taken.events:
        books.add(f"event.{event.name}")
    for key, lines in taken.settled.items():
        books.add(key, lines)
    for others in taken.parts.values():
        books.add(PART, len(others))
    if taken.events:
        output.write(b"\n".join(event.body for event in taken.events) + b"\n")


def summary(source: str, files: int, totals: dict[str, int], uncast: dict[str, int]) -> str:
    """Writes the books: what was read, what came of it, and that nothing is missing.

    `uncast` are values that were found and could not be cast, by `EVENT.FIELD`.
    """
    reasons = {key: lines for key, lines in totals.items() if key != "read"}
    events = {key: lines for key, lines in reasons.items() if key.startswith("event.")}
    read, made = totals.get("read", 0), sum(events.values())
    left = sum(reasons.values()) - made
    rows: list[tuple[str, int]] = [
        ("read", read),
        ("events", made),
        *((f"  {key.removeprefix('event.')}", lines) for key, lines in _most(events)),
        ("no event", left),
        *((f"  {key}", lines) for key, lines in _most(reasons) if key not in events),
    ]
    if uncast:
        rows.append(("values that could not be cast", sum(uncast.values())))
        rows += ((f"  {key}", values) for key, values in _most(uncast))
    table = "".join(f"{label:<40} {lines:>12,}\n" for label, lines in rows)
    verdict = "balances" if read == made + left else "DOES NOT BALANCE"
    plural = "file" if files == 1 else "files"
    return (
        f"preview of {source}, {files} {plural}; nothing was sent\n{table}"
        f"{verdict}: {read:,} read = {made:,} events + {left:,} others\n"
    )


def _most(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
