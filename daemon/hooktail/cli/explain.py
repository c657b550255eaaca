"""`hooktail explain`: every step of one line, in words."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
from itertools import islice
from typing import TYPE_CHECKING

from hooktail.cli import logfiles, sources
from hooktail.cli.explanation import render
from hooktail.errors import HooktailError
from hooktail.extract import registry
from hooktail.extract.explain import explain_lines
from hooktail.extract.reading import HeldLine
from hooktail.extract.steps import EVENT
from hooktail.tail.discovery import scan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hooktail.config import SourceSection

_DESCRIPTION = """\
Tells what becomes of a log line and why: what the format reads in it, which rule or filter decides,
and the body that would be sent. Sends, counts and saves nothing. Without LINE, or with -, lines
come from stdin; ids of events and sessions are those of a file that holds these lines alone:
`preview` shows those of a whole file."""

_EPILOG = """\
examples:
  hooktail explain --source shop "$(tail -n 1 /var/log/nginx/access.log)"
  grep /checkout access.log | head -n 3 | hooktail explain --source shop

exit codes: 0 every line becomes an event; 1 a line does not; 64 usage; 78 configuration
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "explain",
        help="tell what becomes of a line, and why",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--source", metavar="NAME", help="a source of the config (default: the first)"
    )
    parser.add_argument("line", nargs="?", default="-", metavar="LINE", help="`-` is stdin")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Explains each line; returns 1 if one does not become an event."""
    loaded, source = sources.pick(args.config, args.source)
    extractor = sources.extractor_for(loaded, source, sources.secret_of(loaded), limit_age=True)
    code = 0
    lines = _lines(args.line, source.format_options.get("encoding"))
    for explanation in explain_lines(extractor, lines, _models(source)):
        sys.stdout.write(render(explanation) + "\n")
        sys.stdout.flush()
        if explanation.verdict != EVENT:
            code = 1
    return code


def _lines(argument: str, encoding: str | None) -> Iterator[tuple[HeldLine, bytes]]:
    """Yields lines with their offsets, and what is known of their file's generation."""
    with contextlib.ExitStack() as stack:
        stream: logfiles.Readable
        if argument == "-":
            stream = stack.enter_context(logfiles.opened("-"))
        else:
            # Typed or pasted: in the terminal's encoding, whatever the log's is.
            stream, encoding = io.BytesIO(os.fsencode(argument).rstrip(b"\r\n") + b"\n"), None
        for batch in logfiles.batches(stream, 1 << 20, encoding):
            if batch.lines is not None:
                for start, text in zip(batch.lines.starts, batch.lines.texts, strict=True):
                    yield HeldLine(start, text), batch.generation


_MOST_MODELS = 20


def _models(source: SourceSection) -> list[bytes]:
    """Finds lines that may be of the source's format: its example, and a few of its newest file."""
    models = []
    try:
        example = registry.find(source.format, source.parser_file).example
        models.append(example.partition("\n")[0].encode())
        files = [str(path) for path in scan(source.paths, source.exclude).files.values()]
        newest = max(files, key=lambda path: os.stat(path).st_mtime_ns, default=None)
        if newest is not None:
            with logfiles.opened(newest) as stream:
                encoding = source.format_options.get("encoding")
                batch = next(logfiles.batches(stream, source.max_line_bytes, encoding), None)
                if batch is not None and batch.lines is not None:
                    models += islice(batch.lines.texts, _MOST_MODELS)
    except (HooktailError, OSError):
        pass  # they only help to say more about a line that does not fit
    return models
