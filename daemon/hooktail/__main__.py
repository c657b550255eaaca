"""`python -m hooktail` and the `hooktail` command."""

from __future__ import annotations

import sys

from hooktail.cli.main import main as run_main


def main() -> None:
    """Runs the command line and exits."""
    sys.exit(run_main())


if __name__ == "__main__":
    main()
