"""`hooktail checkpoint show|rewind|forget`: where reading stands, and how to move it."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hooktail import checked
from hooktail.checkpoint.places import is_of
from hooktail.checkpoint.recovery import refusal
from hooktail.checkpoint.whereabouts import locate
from hooktail.cli import moments, positions, tables

if TYPE_CHECKING:
    from hooktail.checkpoint.state import FileEntry

_EPILOG = """\
examples:
  hooktail checkpoint show
  hooktail checkpoint show --json | jq 'select(.behind > 1000000)'
  hooktail checkpoint rewind --source shop --to-time 2h
  hooktail checkpoint rewind --source shop --file /var/log/nginx/access.log --to-offset 0
  hooktail checkpoint forget --source shop --file /var/log/nginx/access.log.1

`show` only reads, also beside the daemon; `rewind` and `forget` need it stopped.

exit codes: 0 done; 1 nothing, or not everything, could be moved; 64 usage; 65 there is no
checkpoint, or a file cannot be read; 73 the daemon runs, or cannot write; 77 permission;
78 configuration, or the checkpoint is damaged
"""
_COLUMNS = (
    *("source", "path", "now_at", "read", "mark", "pending", "size", "behind"),
    *("inode", "head_digest", "seen"),
)


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "checkpoint",
        help="show, rewind or forget where reading stands",
        description="Shows how far each file was read and settled, and moves it.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="show|rewind|forget", required=True)
    for name, run, words in (
        ("show", show, "each file's read offset, what waits, and how much is behind"),
        ("rewind", positions.rewind, "have lines that were read read again"),
        ("forget", positions.forget, "have a file, or a source, be new again"),
    ):
        action = actions.add_parser(
            name,
            help=words,
            description=f"{words[0].upper()}{words[1:]}.",
            epilog=_EPILOG,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        changes = name != "show"
        action.add_argument("--source", required=changes, metavar="NAME", help="a source's name")
        if changes:
            action.add_argument("--file", metavar="PATH", help="one of its files; without it all")
        action.add_argument("--json", action="store_true", help="one JSON object a line")
        action.set_defaults(run=run)
        if name == "rewind":
            to = action.add_mutually_exclusive_group(required=True)
            to.add_argument(
                "--to-offset", type=int, metavar="N", help="to the line with this byte, of one file"
            )
            to.add_argument(
                "--to-time", metavar="T", help=f"to the first line from then on: {moments.ALLOWED}"
            )


# -- show


def show(args: argparse.Namespace) -> int:
    """Writes where each file stands."""
    loaded = checked.load(args.config, os.environ)
    found = positions.read(loaded)
    if found.state is None:
        raise refusal(loaded.state_dir, found)
    for damage in found.damages:
        sys.stderr.write(
            f"hooktail: {damage}; the next start meets it with "
            f'on_checkpoint_error = "{loaded.on_checkpoint_error}"\n'
        )
    entries = [
        (key, entry)
        for key, entry in found.state.files.items()
        if args.source is None or is_of(entry.source, args.source)
    ]
    entries.sort(key=lambda each: (each[1].source, each[1].path, each[0]))
    rows = [_row(key, entry) for key, entry in entries]
    tables.write(rows, as_json=args.json, columns=_COLUMNS, cell=_cell)
    for source, where in sorted(found.state.begin_at.items()):
        sys.stderr.write(
            f"hooktail: source {source} will begin the files it finds at the {where}\n"
        )
    return 0


def _row(key: int, entry: FileEntry) -> dict[str, Any]:
    found = locate(entry)
    plain = found is not None and not found.compressed
    return {
        "source": entry.source,
        "path": entry.path,
        "now_at": None if found is None else str(found.path),
        "pipe": entry.is_pipe,
        "key": key,
        "device": entry.device,
        "inode": entry.inode,
        "read": entry.read,
        "mark": entry.mark,
        "pending": len(entry.pending),
        "size": None if found is None else found.size,
        "compressed": None if found is None else found.compressed,
        "behind": max(found.size - entry.read, 0) if found is not None and plain else None,
        "head_length": entry.head_length,
        "head_digest": entry.head_digest,
        "seen": moments.shown(entry.seen_s * 1000),
    }


def _cell(name: str, row: dict[str, Any]) -> str:
    value = row[name]
    if name == "now_at":
        if row["pipe"]:
            return "a pipe"
        # Said only where it is not what the path says.
        return "gone" if value is None else "" if value == row["path"] else Path(value).name
    if name == "head_digest":
        return f"{row['head_length']}:{value[:12]}"
    if value is None:
        return "?"
    if name == "size" and row["compressed"]:
        return f"{value:,} packed"  # `read` and `mark` count what it holds
    return f"{value:,}" if isinstance(value, int) and name != "inode" else str(value)
