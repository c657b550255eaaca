"""Access-log lines with a number in them, so that each can be found again."""

from __future__ import annotations

import random
from datetime import UTC, datetime

AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)


def clf_time(at: datetime | None = None) -> str:
    return (at or datetime.now(UTC)).strftime("%d/%b/%Y:%H:%M:%S +0000")


def page_view(number: int, *, ip: str = "81.2.69.142", path: str = "/p/{}") -> str:
    target = path.format(number)
    return f'{ip} - - [{clf_time()}] "GET {target} HTTP/1.1" 200 512 "-" "{AGENT}"\n'


def asset(number: int) -> str:
    request = f"GET /assets/{number}.css HTTP/1.1"
    return f'81.2.69.142 - - [{clf_time()}] "{request}" 200 99 "-" "{AGENT}"\n'


def mixed(number: int, rng: random.Random) -> str:
    """A page view in one case of three; else an asset."""
    return page_view(number) if rng.random() < 1 / 3 else asset(number)
