"""Finds the command, runs it, and turns errors into one line and an exit code."""

from __future__ import annotations

import argparse
import errno
import os
import re
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING

from hooktail import __version__
from hooktail.cli import output
from hooktail.config.sections import DEFAULT_PATH
from hooktail.errors import HooktailError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (
    "run",
    "demo",
    "check",
    "formats",
    "parse",
    "explain",
    "preview",
    "collector",
    "config",
    "checkpoint",
)

EPILOG = """\
examples:
  hooktail demo                              see it work, without any configuration
  hooktail check                             would it work here, and what to mend
  hooktail run --config hooktail.toml        the daemon, in the foreground
  hooktail parse --format combined access.log
  hooktail preview --source shop access.log  what would be sent

HOOKTAIL_CONFIG names the configuration where --config does not.
"""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are the program's errors."""

    def error(self, message: str) -> None:  # type: ignore[override]  # it raises, like the original
        choice = re.search(r"invalid choice: '([^']+)' \(choose from (.+)\)", message)
        if choice:
            names = re.findall(r"'?([\w-]+)'?", choice[2])
            near = get_close_matches(choice[1], names, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"allowed: {', '.join(names)}"
            message = f"no command is called '{choice[1]}'; {hint}"
        raise UsageError(f"{message}; see '{self.prog} --help'")


def build_parser() -> argparse.ArgumentParser:
    """Builds the command line."""
    parser = _Parser(
        prog="hooktail",
        description="Tails access and application logs and delivers each event as one POST, "
        "losing nothing.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"hooktail {__version__}")
    default = os.environ.get("HOOKTAIL_CONFIG", DEFAULT_PATH)
    parser.add_argument(
        "--config",
        metavar="PATH",
        default=default,
        help="configuration file (default: %(default)s)",
    )
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", parser_class=_Parser
    )
    for name in COMMANDS:
        import_module(f"hooktail.cli.{name}").register(commands)
    for command in commands.choices.values():
        _accept_config(command)
    return parser


def _accept_config(command: argparse.ArgumentParser) -> None:
    """Takes --config behind a command too, and behind a command's own commands.

    Without a default there, which would undo what was given before the command.
    """
    for action in command._actions:  # noqa: SLF001  # argparse has no public way to them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001  # nor to their type
            for nested in action.choices.values():
                _accept_config(nested)
    command.add_argument(
        "--config", metavar="PATH", default=argparse.SUPPRESS, help=argparse.SUPPRESS
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code."""
    try:
        parser = build_parser()
        chosen = parser.parse_args(arguments)
        if chosen.command is None:
            parser.print_help(sys.stderr)
            return UsageError.exit_code
        code = int(chosen.run(chosen))
        sys.stdout.flush()
    except HooktailError as error:
        return _fail(error)
    except BrokenPipeError:
        _leave_stdout()
        return 0
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        if error.errno not in _DEVICE_ERRORS:
            raise
        _leave_stdout()
        return _fail(output.cannot_write(error))
    return code


_DEVICE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
"""What stdout says when it is a file that cannot take more."""


def _fail(error: HooktailError) -> int:
    for line in str(error).splitlines():
        print(f"hooktail: {line}", file=sys.stderr)  # noqa: T201 - the command line's voice
    return error.exit_code


def _leave_stdout() -> None:
    """Keeps the interpreter from complaining when it flushes, at exit, what nobody takes.

    The reader has gone, as `| head` does, or the disk is full.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
