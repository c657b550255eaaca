"""Runs the benchmarks and prints their tables as Markdown.

python benchmarks/run.py                 all of them
python benchmarks/run.py lines events    these
python benchmarks/run.py --write         all, into benchmarks/README.md
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from importlib import import_module
from pathlib import Path

NAMES = (
    "lines",
    "speed",
    "events",
    "peers",
    "sending",
    "workers",
    "outage",
    "idle",
    "fairness",
    "latency",
    "visitors",
    "rules",
)
README = Path(__file__).with_name("README.md")
BUSY_CORES = 0.2
"""Others that keep more of the machine busy than this disturb the numbers."""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Runs the benchmarks; prints Markdown.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--quick", dest="size", action="store_const", const="quick", default="full")
    sizes.add_argument(
        "--tiny",
        dest="size",
        action="store_const",
        const="tiny",
        help="only whether the benchmarks work; the numbers mean nothing",
    )
    parser.add_argument("--write", action="store_true", help="put the tables into README.md")
    args = parser.parse_args(arguments)
    if unknown := set(args.names) - set(NAMES):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}: {', '.join(NAMES)}")
    # The folder above, so that the modules here are `benchmarks.x` for people and for mypy.
    sys.path[0] = str(README.parents[1])
    for name in args.names or NAMES:
        text = measure(name, args.size)
        sys.stdout.write(f"## {name}\n\n{text}\n")
        sys.stdout.flush()
        if args.write:
            README.write_text(inserted(README.read_text(), name, text))
    return 0


def measure(name: str, size: str) -> str:
    """Runs one benchmark in a directory of its own; returns its table and how it came about."""
    facts = import_module("benchmarks.measure")
    neighbours = facts.Neighbours()
    with tempfile.TemporaryDirectory(prefix="hooktail-bench-") as directory:
        table = import_module(f"benchmarks.{name}").run(size, Path(directory))
    command = f"python benchmarks/run.py {name}" + ("" if size == "full" else f" --{size}")
    others = neighbours.cores()
    disturbed = " **Disturbed: run again.**" if others > BUSY_CORES else ""
    return (
        f"{table.markdown()}\n"
        f"{facts.machine()}; other processes kept {others:.2f} cores busy.{disturbed} "
        f"`{command}`\n"
    )


def inserted(readme: str, name: str, text: str) -> str:
    """Puts a table between its markers, which must be there."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    if not pattern.search(readme):
        raise SystemExit(f"benchmarks/README.md: no markers for {name}")
    return pattern.sub(lambda _: f"{begin}\n{text}\n{end}", readme)


if __name__ == "__main__":
    raise SystemExit(main())
