"""`hooktail config show|schema`: the configuration in force, and what may stand in the file."""

from __future__ import annotations

import argparse
import json
import os
import sys

from hooktail import checked, config
from hooktail.config.show import to_toml

_EXAMPLES = """\
examples:
  hooktail config show
  hooktail config show --json --config ./hooktail.toml
  hooktail config schema > hooktail.schema.json

The account id is shown as *** everywhere. Exit code 78 if the configuration is wrong.
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to the parser of `hooktail`."""
    parser = commands.add_parser(
        "config",
        help="show the effective configuration, or its JSON Schema",
        description="Shows the configuration in force, or the JSON Schema of the file.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="show|schema", required=True)
    shown = actions.add_parser(
        "show",
        help="the effective configuration, secrets masked",
        description="Writes every key with the value in force, conf.d and defaults included.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    shown.add_argument("--json", action="store_true", help="one JSON object instead of TOML")
    shown.set_defaults(run=show)
    described = actions.add_parser(
        "schema",
        help="the JSON Schema of the file",
        description="Writes the JSON Schema (draft 2020-12) of the file, for editors.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    described.set_defaults(run=schema)


def show(args: argparse.Namespace) -> int:
    """Writes the effective configuration."""
    loaded = checked.load(args.config, os.environ)
    for each in checked.warnings(loaded):
        found = f"; found {each.found}" if each.found else ""
        hint = f" ({each.hint})" if each.hint else ""
        sys.stderr.write(f"hooktail: warning: {each.key}: {each.message}{found}{hint}\n")
    described = config.describe(loaded)
    if args.json:
        _write_json(described)
    else:
        sys.stdout.write(f"# in force, from {loaded.file}; secrets masked\n{to_toml(described)}")
    return 0


def schema(args: argparse.Namespace) -> int:  # noqa: ARG001  # every command takes the arguments
    """Writes the JSON Schema."""
    _write_json(config.schema())
    return 0


def _write_json(value: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
