"""`hooktail formats`: the names that `format` and `--format` take."""

from __future__ import annotations

import argparse
import sys

import orjson

from hooktail.extract.registry import usable_formats

_EXAMPLES = """\
examples:
  hooktail formats
  hooktail formats --json

exit codes: 0 done; 1 a plugin could not be loaded, and is named on stderr
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "formats",
        help="list the log formats",
        description="Lists the log formats that hooktail reads, one a line.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--json", action="store_true", help="a JSON list of objects: name, kind, fields, summary"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints the formats; returns 1 if an installed plugin could not be used."""
    formats, problems = usable_formats()
    if args.json:
        listing = [
            {
                "name": known.name,
                "kind": known.kind,
                "fields": known.fields,
                "summary": known.summary,
            }
            for known in formats
        ]
        text = orjson.dumps(listing, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    else:
        width = max(len(known.name) for known in formats)
        text = "".join(f"{known.name:<{width}}  {known.summary}\n" for known in formats).encode()
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()
    for problem in problems:
        sys.stderr.write(f"hooktail: {problem}\n")
    return 1 if problems else 0
