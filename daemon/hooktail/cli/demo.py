"""`hooktail demo`: see it work, without any configuration."""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import random
import shutil
import signal
import sys
import tempfile
import textwrap
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hooktail.demo.script import Script
from hooktail.demo.view import ANSI, Colours, View
from hooktail.errors import CannotWriteError, UsageError

if TYPE_CHECKING:
    from hooktail.demo.balance import Balance

DESCRIPTION = """\
Runs the real daemon between a make-believe shop's growing access log and a stand-in endpoint on
loopback. The log rotates, the endpoint fails for a while, and at the end the books must balance.
Works in a temporary directory; nothing leaves this machine.
"""
EPILOG = """\
exit codes: 0 the books balance; 1 they do not, or the daemon failed; 64 usage; 73 cannot write;
130 left at once by a second Ctrl-C

examples:
  hooktail demo
  hooktail demo --duration 60 --rate 500
  hooktail demo --keep                       look at log, configuration and state afterwards
"""
_LEFT = 130
_LONGEST_S = 86_400.0
_HIGHEST_RATE = 5_000.0
_REASONS = {
    "delivered": "page views and purchases",
    "filtered.static_file": "images, styles, robots.txt",
    "filtered.bot": "crawlers and monitors",
    "filtered.status": "not found, or moved",
    "filtered.method": "POST, HEAD: no page views",
    "filtered.excluded_path": "health checks, API calls",
    "filtered.private_ip": "staff, inside the network",
    "filtered.no_user_agent": "nobody to tell apart",
    "filtered.once_per": "a success page, reloaded",
    "filtered.required_field_missing": "a success page, no order",
    "unparsable.not_a_request": "TLS bytes or silence; kept",
}


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "demo",
        help="see it work, without any configuration",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--duration",
        metavar="SECONDS",
        type=float,
        default=12.0,
        help="how long the shop writes (default %(default)g)",
    )
    parser.add_argument(
        "--rate",
        metavar="N",
        type=float,
        default=60.0,
        help="lines a second (default %(default)g)",
    )
    parser.add_argument("--seed", metavar="N", type=int, help="the same traffic again")
    parser.add_argument("--keep", action="store_true", help="keep the directory, and say where")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Plays the demo; returns 0 if everything balances.

    Raises:
        UsageError: an option is out of range.
        HooktailError: the daemon failed, or something cannot be written.
    """
    from hooktail import telemetry  # not for `--help` of every command

    _check_range("--duration", args.duration, 1.0, _LONGEST_S, "seconds")
    _check_range("--rate", args.rate, 1.0, _HIGHEST_RATE, "lines a second")
    seed = random.randrange(10_000) if args.seed is None else args.seed
    script = Script(duration_s=args.duration, rate=args.rate, seed=seed)
    # What the libraries here have to say is said on stderr, and only if it is an error.
    telemetry.configure("error", "auto")
    try:
        balance = asyncio.run(_main(script, keep=args.keep))
    except asyncio.CancelledError:
        _say("left at once; the daemon is gone, nothing was counted")
        return _LEFT
    return _close(balance, script)


def _check_range(option: str, found: float, least: float, most: float, unit: str) -> None:
    if not (math.isfinite(found) and least <= found <= most):
        raise UsageError(f"{option}: found {found:g}; allowed: {least:g} to {most:g} {unit}")


async def _main(script: Script, *, keep: bool) -> Balance:
    from hooktail.demo.play import play  # as above

    stop = asyncio.Event()
    _handle_signals(stop)
    directory = _make_directory()
    terminal = sys.stdout.isatty()
    colours = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    view = View(
        _say,
        intro=partial(_open, script),
        width=shutil.get_terminal_size().columns if terminal else None,
        colours=ANSI if colours else Colours(),
    )
    try:
        return await play(script, directory, view, stop)
    finally:
        if keep:
            _say(f"\nkept: {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)


def _handle_signals(stop: asyncio.Event) -> None:
    """The first Ctrl-C ends the play in good order, the second at once; so does a lost terminal."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    left = False

    def leave() -> None:
        nonlocal left
        if task is not None and not left:  # once: what cleans up must not be cut short
            left = True
            task.cancel()

    def end() -> None:
        if stop.is_set():
            leave()
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    loop.add_signal_handler(signal.SIGHUP, leave)


def _make_directory() -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix="hooktail-demo-"))
    except OSError as error:
        raise CannotWriteError(f"cannot make a temporary directory: {error}") from error


def _open(script: Script, address: str, config: str) -> None:
    _say(
        f"""\
Nothing to set up, and nothing leaves this machine. For {script.duration_s:g} seconds,
  a make-believe shop  writes {script.rate:g} lines a second into its access log,
  hooktail             the real daemon, follows it and sends each event by POST,
  an endpoint          stands in on {address}; what it gets is shown here.
On the way the log rotates twice, and the endpoint fails for {script.outage_s:g} s. At the end
the books must balance. Ctrl-C ends it early.

hooktail runs with this configuration:

{textwrap.indent(config, "    ")}"""
    )


def _close(balance: Balance, script: Script) -> int:
    settled = balance.settled()
    taken = balance.taken
    events = ", ".join(f"{number:,} {name}" for name, number in sorted(taken.events.items()))
    rows = [
        ("shop", balance.written.lines, "lines written into its log"),
        ("hooktail", balance.read, "lines read, and became"),
        *(("", number, _reason(key)) for key, number in settled.items()),
        ("endpoint", taken.accepted, f"events accepted: {events or 'none'}"),
        ("", len(taken.ids), "different event ids"),
        ("", taken.duplicates, "duplicates"),
        ("", taken.refused, "refused as malformed"),
        ("", taken.failed, "answered 503, and sent again"),
    ]
    _say("\nThe balance, counted on three sides:\n")
    for who, number, what in rows:
        _say(f"  {who:<8}  {number:>7,}  {what}".rstrip())
    problems = balance.problems()
    if problems:
        _say("\nIt does NOT balance:")
        for problem in problems:
            _say(f"  {problem}")
        _say(
            f"The same traffic again, with its files kept: hooktail demo --seed {script.seed} "
            f"--duration {script.duration_s:g} --rate {script.rate:g} --keep"
        )
        return 1
    states = {
        state: sum(balance.settled(state).values())
        for state in ("delivered", "filtered", "unparsable")
    }
    parts = " + ".join(f"{number:,} {state}" for state, number in states.items())
    _say(
        f"""
It balances:
  {balance.written.lines:,} written = {balance.read:,} read = {parts}
Every line ended as the shop meant, and every event arrived exactly once{_worth(balance)}.

What next: docs/start leads to your own logs; configs/ holds examples.
`hooktail run --config hooktail.toml` is the daemon you have just seen at work."""
    )
    return 0


def _reason(key: str) -> str:
    return f"{key:<31} {_REASONS.get(key, '')}".rstrip()


def _worth(balance: Balance) -> str:
    cents = balance.taken.cents
    return f",\npurchases worth {cents / 100:,.2f} USD among them" if cents else ""


def _say(text: str) -> None:
    """Writes to stdout at once: what is shown live must not wait in a buffer."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
