"""What a request costs in the sender alone: each lane, on each event loop, plain and over TLS.

Ready-made bodies, no logs and no books; the endpoint (`answering.py`) is another process. Beside
the lanes stands aiohttp's `ClientSession` as people use it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from statistics import median

from benchmarks.measure import Table
from benchmarks.quick_endpoint import make_certificate, quick_endpoint
from benchmarks.senders import BODY
from benchmarks.settings import Setting, Size

SENDERS = Path(__file__).with_name("senders.py")
WHO = (
    ("ClientSession", "asyncio"),
    ("ClientSession", "uvloop"),
    ("plain", "asyncio"),
    ("fast", "asyncio"),
    ("fast", "uvloop"),
)
"""Clients and event loops."""
SIZES = {
    "full": Size(
        (
            Setting("http", 0, 64, 20_000),
            Setting("http", 50, 1000, 20_000),
            Setting("https", 0, 64, 20_000),
            Setting("https", 50, 1000, 20_000),
        ),
        3,
    ),
    "quick": Size((Setting("http", 0, 64, 20_000), Setting("https", 0, 64, 20_000)), 1),
    "tiny": Size((Setting("http", 0, 8, 200),), 1),
}


def run(size: str, directory: Path) -> Table:
    """Measures every client, in turn, at each setting."""
    wanted = SIZES[size]
    who = [each for each in WHO if each[1] == "asyncio" or find_spec("uvloop")]
    certificate = make_certificate(directory)
    rows = []
    for setting in wanted.settings:
        seen: dict[tuple[str, str], list[dict[str, float]]] = {each: [] for each in who}
        for _ in range(wanted.rounds):
            for client, loop in who:
                seen[client, loop].append(_measure(client, loop, setting, certificate))
        bare_us = median(turn["cpu_us"] for turn in seen["ClientSession", "asyncio"])
        for (client, loop), turns in seen.items():
            cpu_us = median(turn["cpu_us"] for turn in turns)
            name = "`ClientSession`" if client == "ClientSession" else f"the {client} lane"
            rows.append(
                (
                    f"{setting}: {name}, {loop}",
                    f"{median(turn['rate'] for turn in turns):,.0f}",
                    f"{cpu_us:.1f}",
                    f"{cpu_us / bare_us:.2f}",
                    f"{median(turn['peak_mib'] for turn in turns):.0f}",
                )
            )
    note = (
        f"Each the median of {wanted.rounds} turns; bodies of {len(BODY)} bytes. At 0 ms the "
        "endpoint, in Python too, may be what limits the rate."
    )
    headers = ("how", "requests/s", "CPU µs a request", "to `ClientSession`", "peak RSS, MiB")
    return Table(headers, rows, note)


def _measure(
    client: str, loop: str, setting: Setting, certificate: tuple[Path, Path]
) -> dict[str, float]:
    tls = certificate if setting.scheme == "https" else ()
    with quick_endpoint(setting.answer_ms, *tls) as endpoint:
        said = subprocess.run(
            [
                *(sys.executable, SENDERS, client, loop, setting.scheme, str(endpoint.port)),
                *(str(setting.concurrency), str(setting.events), str(certificate[0])),
            ],
            check=True,
            capture_output=True,
        )
    measured: dict[str, float] = json.loads(said.stdout)
    return measured
