"""`python -m hooktail` and the `hooktail` command.

Only what a signal needs is imported here: reading the rest takes a moment, and `hooktail run` may
be told to stop or to reload in it.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

INTERRUPTED = 130
"""What a shell says of a command that SIGINT has ended."""


def main() -> None:
    """Runs the command line and exits."""
    if _command(sys.argv[1:]) == "run":
        _expect_signals()
    try:
        from hooktail.cli.main import main as run_main  # noqa: PLC0415 - see above

        code = run_main()
    except KeyboardInterrupt:
        code = INTERRUPTED
    sys.exit(code)


def _command(words: Sequence[str]) -> str:
    """Returns the first word that is neither an option nor its value."""
    rest = iter(words)
    for word in rest:
        if word == "--config":
            next(rest, None)
        elif not word.startswith("-"):
            return word
    return ""


def _expect_signals() -> None:
    """Until the daemon has its own handlers: a stop ends the start, a reload waits.

    What the kernel holds back it delivers once the daemon lets it through: the configuration may
    have been changed after it was read.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _nothing_begun)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def _nothing_begun(_number: int, _frame: FrameType | None) -> None:
    os._exit(0)  # an exception could be swallowed by whatever is being imported


if __name__ == "__main__":
    main()
