"""`hooktail run`: the daemon, in the foreground."""

from __future__ import annotations

import argparse
import os

EPILOG = """\
signals:
  SIGTERM, SIGINT   stop reading, send what is queued (delivery.drain_timeout_s), save, exit 0;
                    a second one stops at once
  SIGHUP            read the configuration again; a bad one is refused and the old one stays

exit codes: 0 stopped; 64 usage; 73 cannot write; 77 permission; 78 configuration

examples:
  hooktail run
  hooktail run --config /etc/hooktail/hooktail.toml
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "run",
        help="the daemon, in the foreground",
        description="Follows the configured logs and delivers their events until stopped.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Runs the daemon until it is told to stop."""
    import asyncio

    from hooktail import checked, event_loop, telemetry
    from hooktail.checkpoint.unwritable import FULL, refusal
    from hooktail.service import Service

    config = checked.load(arguments.config, os.environ)
    telemetry.configure(config.log.level, config.log.format, environ=os.environ)
    try:
        with asyncio.Runner(loop_factory=event_loop.factory(os.environ)) as runner:
            runner.run(Service(arguments.config, config, os.environ).run())
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise refusal(str(config.state_dir), error) from error  # the daemon writes nowhere else
    return 0
