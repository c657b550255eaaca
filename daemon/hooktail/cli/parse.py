"""`hooktail parse`: what a format makes of the lines of a file, as NDJSON."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from hooktail.cli import output
from hooktail.cli.logfiles import Batch, batches, opened
from hooktail.config.sections import DEFAULT_MAX_LINE_BYTES
from hooktail.errors import UsageError
from hooktail.extract.choice import MOST_LINES, choice_of, told_choice
from hooktail.extract.normal import record_json
from hooktail.extract.reading import HeldLine, Reader, failure_of
from hooktail.extract.registry import find, parser_options, wrong_options
from hooktail_parsers import OptionError, ParseError, Record, Skip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hooktail_parsers import Parser, Result
    from hooktail_parsers.assembly import Assembled

_EXAMPLES = """\
examples:
  hooktail parse --format combined /var/log/nginx/access.log
  hooktail parse --format vhost_combined --set encoding=big5 other_vhosts_access.log.2.gz
  tail -f access.log | hooktail parse --format combined
  hooktail parse --format ours --parser-file ./ours.py ours.log

One JSON object a line on stdout: {"line": 7, "status": "record", "record": {...}}, or "rejected"
or "skipped" with a "reason". A record over several lines has its first line's number and
"lines": [first, last]; the others are "skipped" as "part_of_record". With --format auto, stderr
says which format was chosen. What a parser of your own raises, and where, is on stderr too.

exit codes: 0 a record came out; 1 none did; 64 unknown format or option; 65 the file cannot be
read; 77 it may not be read; 78 the parser file cannot be used
"""
_TOO_LONG: Sequence[Result] = [ParseError("line_too_long")]


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "parse",
        help="show what a format makes of log lines",
        description="Parses a log file (plain, gzip, bzip2, xz or zstd) and prints each record.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--format", required=True, metavar="NAME", help="see `hooktail formats`")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="options",
        metavar="KEY=VALUE",
        help="an option of the format, such as timezone=Europe/Berlin; may be repeated",
    )
    parser.add_argument(
        "--parser-file",
        type=Path,
        metavar="PATH",
        help="a Python file that defines the format; only root or you may be able to write it",
    )
    parser.add_argument(
        "file", nargs="?", default="-", metavar="FILE", help="`-`, the default, is stdin"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints a JSON object per line; returns 0 if there was a record, else 1."""
    options = options_of(args.options)
    parser = make_parser(args.format, options, args.parser_file)
    reader = Reader(parser)
    with opened(args.file) as stream:
        read = batches(stream, DEFAULT_MAX_LINE_BYTES, options.get("encoding"))
        printed = _print_all(reader, read)
    chosen = choice_of(args.format, reader.chosen, printed.first, options)
    sys.stderr.write(told_choice(args.file, chosen))
    for failure, number in printed.failures.items():
        sys.stderr.write(f"{args.file}: the parser fails on line {number}: {failure}\n")
    return 0 if printed.records else 1


def options_of(settings: list[str]) -> dict[str, str]:
    """Reads `KEY=VALUE` texts; raises UsageError."""
    options: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise UsageError(f"--set: found {setting!r}; allowed: KEY=VALUE")
        options[key] = value
    return options


def make_parser(name: str, options: dict[str, str], parser_file: Path | None = None) -> Parser:
    """Makes a parser from a format's name and its options.

    Raises UsageError with all mistakes, ParserFileError for a file that cannot be used.
    """
    known, taken = find(name, parser_file), parser_options(options)
    try:
        return known.make(taken)
    except OptionError as error:
        wrong = wrong_options(known.make, taken)
        told = (f"{_typed(name, each.option, options)}: {each.message}" for each in wrong)
        raise UsageError("\n".join(told)) from error


def _typed(name: str, option: str, options: dict[str, str]) -> str:
    """Names what a mistake is in, as it was typed."""
    if option in options:
        return f"--set {option}"
    return f"--format {name if len(name) <= _MOST_SHOWN else f'{name[: _MOST_SHOWN - 3]}...'}"


_MOST_SHOWN = 60
_MOST_FAILURES = 3


class _Printed:
    """What was seen on the way."""

    def __init__(self) -> None:
        self.records = 0
        self.first: list[bytes] = []
        """The first lines."""
        self.failures: dict[str, int] = {}
        """In which ways the parser itself failed, and on which line first."""

    def saw(self, assembled: Assembled[HeldLine]) -> None:
        parsed = assembled.parsed
        self.records += isinstance(parsed, Record)
        failure = failure_of(parsed) if isinstance(parsed, ParseError) else ""
        if failure and len(self.failures) < _MOST_FAILURES:
            self.failures.setdefault(failure, assembled.keys[0].start)


def _print_all(reader: Reader, read: Iterator[Batch]) -> _Printed:
    """Prints what comes of each line."""
    number = 0
    printed = _Printed()
    for batch in read:
        texts = [b""] if batch.lines is None else batch.lines.texts
        results = _TOO_LONG if batch.lines is None else reader.parse_batch(texts)
        printed.first += texts[: MOST_LINES - len(printed.first)]
        shown: list[bytes] = []
        for result in results:
            number += 1
            for assembled in reader.assembler.take(HeldLine(number, b""), result):
                printed.saw(assembled)
                shown += _shown(assembled)
        output.write(b"".join(shown))
    for assembled in reader.assembler.give_up_all():
        printed.saw(assembled)
        output.write(b"".join(_shown(assembled)))
    return printed


def _shown(assembled: Assembled[HeldLine]) -> Iterator[bytes]:
    """Writes a record, then a line for each of its other lines."""
    (number, _), *others = assembled.keys
    parsed = assembled.parsed
    shown: dict[str, object] = {"line": number}
    if others:
        shown["lines"] = [number, others[-1].start]
    if isinstance(parsed, Record):
        shown |= {"status": "record", "record": record_json(parsed)}
    else:
        status = "skipped" if isinstance(parsed, Skip) else "rejected"
        shown |= {"status": status, "reason": parsed.reason}
    yield orjson.dumps(shown, option=orjson.OPT_APPEND_NEWLINE)
    for other in others:
        part = {"line": other.start, "status": "skipped", "reason": "part_of_record"}
        yield orjson.dumps(part, option=orjson.OPT_APPEND_NEWLINE)
