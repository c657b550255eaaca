"""`hooktail check`: whether the daemon would work here, and what to mend if not."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

import orjson

from hooktail.cli import output
from hooktail.errors import UsageError

if TYPE_CHECKING:
    from hooktail.checkup import Finding

_DESCRIPTION = """\
Looks at the configuration and names every mistake in it, then at the world around it: whether the
service's user can read the logs and write the state directory, whether the formats fit (a sample of
each file; where refused lines stop fitting, and which format would fit), what events would come of
it, and whether the endpoint can be reached. Changes nothing; without --send-test it sends nothing.
As root it looks with the rights of the user hooktail."""

_EPILOG = """\
examples:
  sudo hooktail check                            as the service will see it
  hooktail check --offline --config ./hooktail.toml
  sudo hooktail check --user www-data            for a service with another user
  sudo hooktail check --send-test                sends one event, which counts as one over there
  hooktail check --json | jq -r 'select(.level == "fail") | .message'

exit codes: 0 all is well, perhaps with warnings; else the first of these: 78 the configuration is
wrong; 77 something may not be read; 73 the state directory cannot be written; 69 the endpoint
cannot be reached, or does not accept the test event; 65 there is nothing to read, or a format fits
no line of a file, or never states what every event needs. 64 usage
"""
_NOUNS = ("warning", "failure")
_COLOURS = {"ok": "32", "warn": "33", "fail": "31"}


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "check",
        help="tell whether it would work here, and what to mend",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--user",
        metavar="NAME",
        help="look with this user's rights (default: hooktail, if root runs the command and there "
        "is that user; else your own)",
    )
    parser.add_argument("--offline", action="store_true", help="leave the network alone")
    parser.add_argument(
        "--send-test",
        action="store_true",
        help="send one event named hooktail_test to each destination; it counts as an event there",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a finding, on stdout")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Prints findings as they are made; returns the exit code of the worst."""
    from hooktail import telemetry
    from hooktail.checkup import Wishes, check, exit_code_of
    from hooktail.checkup.service_user import choose

    if args.offline and args.send_test:
        raise UsageError("--send-test: needs the network, which --offline leaves alone")
    # What the parts log belongs on stderr too: stdout is for machines.
    telemetry.configure("warning", "auto", environ=os.environ)
    wishes = Wishes(
        user=choose(args.user),
        asked_for_user=args.user is not None,
        offline=args.offline,
        send_test=args.send_test,
    )
    found: list[Finding] = []
    page = _Page(coloured=sys.stderr.isatty() and "NO_COLOR" not in os.environ)
    for finding in check(args.config, os.environ, wishes):
        found.append(finding)
        if args.json:
            output.write(orjson.dumps(finding.to_json(), option=orjson.OPT_APPEND_NEWLINE))
        else:
            page.show(finding)
    code = exit_code_of(found)
    if not args.json:
        page.end(found, code)
    return code


class _Page:
    """Findings for people, on stderr: a heading for what they are about, a line for each."""

    def __init__(self, *, coloured: bool) -> None:
        self._coloured = coloured
        self._heading = ""

    def show(self, finding: Finding) -> None:
        """Writes one finding, below its heading."""
        heading = _heading(finding)
        if heading != self._heading:
            self._heading = heading
            self._write(heading)
        told = finding.message + (f" -> {finding.hint}" if finding.hint else "")
        mark = f"{finding.level.value:<4}"
        if self._coloured:
            mark = f"\x1b[{_COLOURS[finding.level.value]}m{mark}\x1b[0m"
        self._write(f"  {mark}  {_one_line(told)}")

    def end(self, found: list[Finding], code: int) -> None:
        """Writes the sum."""
        counts = [sum(each.level.value == level for each in found) for level in _COLOURS]
        verdict = "mend what fails" if code else _verdict(found)
        nouns = [f"{n} {what}{'s' * (n != 1)}" for n, what in zip(counts[1:], _NOUNS, strict=True)]
        told = ", ".join([f"{counts[0]} ok", *nouns])
        self._write(f"{told}: {verdict}")

    def _write(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _verdict(found: list[Finding]) -> str:
    silent = [each.of for each in found if each.name == "no_events"]
    if not silent:
        return "hooktail would work here"
    return f"hooktail would run here, but no sampled line of {', '.join(silent)} would be an event"


def _heading(finding: Finding) -> str:
    area = finding.area.replace("_", " ")
    return f"{area} {finding.of}" if finding.of else area


def _one_line(text: str) -> str:
    """Leaves nothing that a terminal would obey: names and lines come from anywhere."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)
