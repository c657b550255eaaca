"""`hooktail parse`: what a format makes of the lines of a file, as NDJSON."""

from __future__ import annotations

import argparse
import bz2
import contextlib
import gzip
import lzma
import sys
import zlib
from typing import TYPE_CHECKING, Protocol, cast

import orjson

from hooktail.errors import InputError, PermissionDeniedError, UsageError
from hooktail.extract.normal import record_json
from hooktail.extract.registry import find
from hooktail_parsers import OptionError, Record, Skip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader

    from hooktail_parsers import Parsed, Parser

_EXAMPLES = """\
examples:
  hooktail parse --format combined /var/log/nginx/access.log
  hooktail parse --format vhost_combined --set encoding=big5 other_vhosts_access.log.2.gz
  tail -f access.log | hooktail parse --format combined

One JSON object a line on stdout: {"line": 7, "status": "record", "record": {...}}, or "rejected"
or "skipped" with a "reason".

exit codes: 0 a record came out; 1 none did; 64 unknown format or option; 65 the file cannot be
read; 77 it may not be read
"""
_CHUNK_BYTES = 262_144
_LONGEST_MAGIC_BYTES = 6


class _Readable(Protocol):
    def read1(self, size: int = ..., /) -> bytes: ...


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "parse",
        help="show what a format makes of log lines",
        description="Parses a log file (plain, gzip, bzip2 or xz) and prints each record.",
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
        "file", nargs="?", default="-", metavar="FILE", help="`-`, the default, is stdin"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints a JSON object per line; returns 0 if there was a record, else 1."""
    parser = make_parser(args.format, args.options)
    return _print_all(parser, _batches(args.file))


def make_parser(name: str, settings: list[str]) -> Parser:
    """Makes a parser from a format's name and `KEY=VALUE` texts; raises UsageError."""
    options: dict[str, str] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise UsageError(f"--set: found {setting!r}; allowed: KEY=VALUE")
        options[key] = value
    try:
        return find(name).make(options)
    except OptionError as error:
        raise UsageError(f"--set {error.option}: {error.message}") from error


def _batches(path: str) -> Iterator[list[bytes]]:
    """Yields the lines as they come, without their newlines; a last line may lack its own."""
    tail = b""
    for chunk in _chunks(path):
        *lines, tail = (tail + chunk).split(b"\n")
        if lines:
            yield lines
    if tail:
        yield [tail]


def _chunks(path: str) -> Iterator[bytes]:
    """Yields what a file or stdin (`-`) holds, decompressed; raises the errors of the command."""
    name = "stdin" if path == "-" else path
    with contextlib.ExitStack() as stack:
        with _readable(name):
            raw = sys.stdin.buffer if path == "-" else stack.enter_context(open(path, "rb"))
            stream = _decompressed(cast("BufferedReader", raw))
        while True:
            with _readable(name):
                chunk = stream.read1(_CHUNK_BYTES)
            if not chunk:
                return
            yield chunk


def _decompressed(raw: BufferedReader) -> _Readable:
    """Looks at the first bytes, not at the name: rotation renames what it compresses."""
    magic = raw.peek(_LONGEST_MAGIC_BYTES)
    if magic.startswith(b"\x1f\x8b"):
        return gzip.GzipFile(fileobj=raw)
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(raw)
    if magic.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(raw)
    return raw


@contextlib.contextmanager
def _readable(name: str) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise PermissionDeniedError(f"{name}: {error.strerror}") from error
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or error}") from error
    except (EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"{name}: {error}") from error


def _print_all(parser: Parser, batches: Iterator[list[bytes]]) -> int:
    out = sys.stdout.buffer
    number = 0
    records = 0
    for lines in batches:
        objects = []
        for parsed in parser.parse_batch(lines):
            number += 1
            records += isinstance(parsed, Record)
            objects.append(orjson.dumps(_shown(number, parsed), option=orjson.OPT_APPEND_NEWLINE))
        out.write(b"".join(objects))
        out.flush()
    return 0 if records else 1


def _shown(number: int, parsed: Parsed) -> dict[str, object]:
    if isinstance(parsed, Record):
        return {"line": number, "status": "record", "record": record_json(parsed)}
    status = "skipped" if isinstance(parsed, Skip) else "rejected"
    return {"line": number, "status": status, "reason": parsed.reason}
