"""Which user agents are machines: the crawler-user-agents list and monitors that it misses."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Health checks, monitors and automated browsers. Case does not matter in these.
_MONITORS = re.compile(
    r"kube-probe|ELB-HealthChecker|GoogleHC|Prometheus|HAProxy|Zabbix|Nagios|check_http"
    r"|Uptime-Kuma|StatusCake|Site24x7|Datadog|HeadlessChrome|Lighthouse|\bPTST\b",
    re.IGNORECASE,
)
# Phones of the brand Cubot ("CUBOT X19", "CUBOT_NOTE_S"): any pattern ending in "bot" could
# take them for machines.
_PHONES = re.compile(r"\bCUBOT(?=[ _-])", re.IGNORECASE)


def is_bot(user_agent: str) -> bool:
    """Whether the agent names itself a machine. Costs about 30 µs: ask through a cache."""
    text = _PHONES.sub("", user_agent)
    return _MONITORS.search(text) is not None or _crawlers().search(text) is not None


@cache
def _crawlers() -> re.Pattern[str]:
    # Imported on first use: the package reads a megabyte of JSON when imported.
    from crawleruseragents import CRAWLER_USER_AGENTS_DATA  # noqa: PLC0415  # see above

    return re.compile(one_pattern(entry["pattern"] for entry in CRAWLER_USER_AGENTS_DATA))


_PLAIN_HEAD = re.compile(r"[A-Za-z0-9 ]{2}(?![?*+{])")


def one_pattern(patterns: Iterable[str]) -> str:
    """Joins patterns into one alternation, grouped by their first two characters.

    `re` tries the branches of an alternation one by one at each position of the text; grouping
    leaves it a tenth of them.
    """
    groups: dict[str, dict[str, list[str]]] = {}
    others: list[str] = []
    for pattern in dict.fromkeys(patterns):
        if "|" not in pattern and _PLAIN_HEAD.match(pattern):
            groups.setdefault(pattern[0], {}).setdefault(pattern[1], []).append(pattern[2:])
        else:
            others.append(f"(?:{pattern})")
    grouped = [
        f"{first}(?:{'|'.join(_branch(second, rests) for second, rests in seconds.items())})"
        for first, seconds in groups.items()
    ]
    return "|".join(grouped + others)


def _branch(head: str, rests: list[str]) -> str:
    return f"{head}(?:{'|'.join(rests)})"
