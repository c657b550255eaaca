"""`hooktail collector`: a stand-in endpoint for demos, staging and tests."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from ipaddress import ip_address
from pathlib import Path
from time import localtime, strftime
from typing import TYPE_CHECKING

from hooktail.collector import Collector, parse_plan
from hooktail.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from hooktail.collector import Received
    from hooktail.collector.server import Counts

DEFAULT_LISTEN = "127.0.0.1:8093"

_DESCRIPTION = """\
Stands in for the pixel endpoint: answers each POST to /ACCOUNT/pixel.png as the real one does,
refuses bodies that break the contract with 400 and the reason, records what came, and misbehaves
on request. GET /stats answers with the counts. It never sends anything anywhere.

faults (--fail), separated by commas: KIND[=ARGUMENT][@FROM-TO][:RATE]
  503, 429, 401, ...         any status from 300 to 599
  429=retry-after-2          with Retry-After in seconds
  503=retry-after-date-30    with Retry-After as a date
  redirect                   302 with a Location
  delay=50ms                 a good answer, later
  drip, drip=20ms            a good answer, byte by byte
  stall (or timeout)         reads, never answers
  close                      a good answer, then closes without having said so
  reset-before               resets the connection before the body is read
  reset-after                takes the event, then resets the connection
  garbage                    answers with bytes that are no HTTP
RATE is a share of all requests (default 1), taken in the order written, at most one fault a
request. FROM-TO is in seconds from the first request; 503@10- has no end."""

_EPILOG = """\
examples:
  hooktail collector
  hooktail collector --record received.ndjson
  hooktail collector --fail 503:0.2,reset-after:0.05,delay=50ms --seed 7
  hooktail collector --fail 503@10-20 --quiet
  hooktail collector --listen 127.0.0.1:0 --record - | jq .body.url

exit codes: 0 stopped by SIGINT or SIGTERM; 64 usage; 73 address in use, or cannot record
"""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command."""
    parser = commands.add_parser(
        "collector",
        help="a stand-in endpoint: validates, records, misbehaves on request",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--listen",
        metavar="ADDR",
        default=DEFAULT_LISTEN,
        help="HOST:PORT, [IPV6]:PORT or PORT; 0 takes any free port (default %(default)s)",
    )
    parser.add_argument(
        "--record", metavar="FILE", help="append an NDJSON line per POST; - is standard output"
    )
    parser.add_argument("--fail", metavar="SPEC", default="", help="how to misbehave; see above")
    parser.add_argument("--seed", metavar="N", type=int, help="the same faults in the same order")
    parser.add_argument(
        "--idle-close",
        metavar="SECONDS",
        type=float,
        help="close connections on which nothing came for so long",
    )
    parser.add_argument(
        "--account", metavar="ID", help="answer 404 to events for any other account"
    )
    parser.add_argument("--quiet", action="store_true", help="no line per event")
    parser.add_argument(
        "--allow-remote",
        action="store_true",
        help="allow an address that others can reach; what they send is recorded unencrypted",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serves until SIGINT or SIGTERM; returns 0.

    Raises:
        UsageError: an option is not understood, or the address is not loopback.
        CannotWriteError: the address is in use, or the record cannot be written.
    """
    host, port = parse_listen(args.listen)
    if not (args.allow_remote or _is_loopback(host)):
        raise UsageError(
            f"--listen: {args.listen!r} can be reached from other machines; allowed: a loopback "
            "address such as 127.0.0.1:8093, or add --allow-remote"
        )
    if args.idle_close is not None and not args.idle_close > 0:
        raise UsageError(f"--idle-close: found {args.idle_close:g}; allowed: more than 0 seconds")
    show = sys.stderr.isatty() and not args.quiet and args.record != "-"
    collector = Collector(
        plan=parse_plan(args.fail, args.seed),
        record=None if args.record is None else Path(args.record),
        on_event=_show(colour="NO_COLOR" not in os.environ) if show else None,
        idle_close_s=args.idle_close,
        account=args.account,
    )
    asyncio.run(_serve(collector, host, port))
    _say(_summary(collector.counts))
    return 0


async def _serve(collector: Collector, host: str, port: int) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    host, port = await collector.start(host, port)
    shown = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    _say(
        f"collector listens on {shown}; in hooktail.toml: "
        f'endpoint = "http://{shown}/{{account_id}}/pixel.png"'
    )
    serving = asyncio.create_task(collector.run(), name="collector")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving
    finally:
        serving.cancel()
        stopping.cancel()
        await collector.stop()


def parse_listen(text: str) -> tuple[str, int]:
    """Returns host and port of `HOST:PORT`, `[IPV6]:PORT` or `PORT`.

    Raises:
        UsageError: it is none of these.
    """
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        port = ""  # an IPv6 address without brackets does not say where it ends
    if not (port.isascii() and port.isdigit() and int(port) < 65_536):
        raise UsageError(
            f"--listen: {text!r} is no address; allowed: HOST:PORT, [IPV6]:PORT or PORT"
        )
    # localhost may be two addresses, and port 0 would give each its own port
    return ("127.0.0.1" if host in ("", "localhost") else host), int(port)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _show(*, colour: bool) -> Callable[[Received], None]:
    green, yellow, red, plain = (
        ("\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m") if colour else ("", "", "", "")
    )

    def show(received: Received) -> None:
        paint = green if received.answer == 200 else yellow if received.accepted else red
        event = received.json if isinstance(received.json, dict) else {}
        what = [str(event.get("event_name", "?")), str(event.get("url", ""))]
        if received.fault is not None:
            what.append(f"({received.fault})")
        what += received.problems
        clock = strftime("%H:%M:%S", localtime(received.time))
        _say(f"{clock} {paint}{received.answer!s:>11}{plain} {_printable('  '.join(what))}")

    return show


def _printable(text: str) -> str:
    """Leaves nothing that a terminal would obey: the text comes from the network."""
    text = text if len(text) <= 200 else text[:200] + "..."
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _summary(counts: Counts) -> str:
    failed = ", ".join(f"{label} {number:,}" for label, number in sorted(counts.failed.items()))
    return (
        f"collector: {counts.requests:,} requests on {counts.connections:,} connections: "
        f"{counts.accepted:,} accepted, {counts.refused:,} refused"
        + (f"; faults: {failed}" if failed else "")
    )


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
