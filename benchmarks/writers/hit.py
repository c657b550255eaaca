"""One request with all that some server writes of it, and the ways in which many write its parts.

The requests are those of `generate`; what its format has not (fractions of a second, durations,
ports, ids, upstreams) is drawn from a generator with a seed, so that the same arguments give the
same bytes and nearly every line is another one. Host names and addresses of servers are made up.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.generate import lines as combined_lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST = "shop.example"
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905 - reads as a list
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPES = {"js": "text/javascript", "css": "text/css", "png": "image/png", "svg": "image/svg+xml"}


class Hit(NamedTuple):
    """One request, with all that some server writes of it."""

    line: str
    """As nginx's combined format has it."""
    ip: str
    clf: str
    day: str
    clock: str
    us: int
    epoch_s: int
    method: str
    target: str
    path: str
    query: str
    protocol: str
    status: int
    size: int
    referrer: str
    agent: str
    port: int
    taken_ms: int
    upstream: str
    id: str
    number: int

    @property
    def common(self) -> str:
        """The line up to its size."""
        return self.line[: self.line.index('"', self.line.index('"') + 1) + 1] + (
            f" {self.status} {self.size}"
        )

    @property
    def agents(self) -> str:
        """Referrer and agent in quotes."""
        return f'"{self.referrer}" "{self.agent}"'

    @property
    def ms(self) -> str:
        """Milliseconds of the second."""
        return f"{self.us // 1000:03}"

    @property
    def iso(self) -> str:
        """ISO 8601 in UTC, to the microsecond, without a zone."""
        return f"{self.day}T{self.clock}.{self.us:06}"

    @property
    def iso_ms(self) -> str:
        """The same to the millisecond."""
        return f"{self.day}T{self.clock}.{self.ms}"

    @property
    def url(self) -> str:
        """The absolute URL."""
        return f"https://{HOST}{self.target}"

    @property
    def taken_s(self) -> str:
        """How long it took, in seconds."""
        return f"{self.taken_ms / 1000:.3f}"

    @property
    def referrer_if_any(self) -> str:
        """Without the `-` for none."""
        return "" if self.referrer == "-" else self.referrer


def hits(number: int, *, until: datetime, seed: int = 1) -> Iterator[Hit]:
    """Yields requests, most of them for assets, as in `generate`."""
    rng = Random(seed)
    upstreams = [f"10.4.{rng.randrange(8)}.{rng.randrange(2, 250)}:8080" for _ in range(12)]
    last, at = "", _EPOCH
    for count, line in enumerate(combined_lines(number, until=until, seed=seed), 1):
        lead, request, numbers, referrer, _, agent, _ = line.split('"')
        clf = lead[lead.index("[") + 1 : -2]
        if clf != last:
            last, at = clf, _time_of(clf)
        method, target, protocol = request.split(" ")
        path, _, query = target.partition("?")
        status, size = numbers.split()
        yield Hit(
            line.rstrip("\n"),
            lead[: lead.index(" ")],
            clf,
            f"{at:%Y-%m-%d}",
            f"{at:%H:%M:%S}",
            rng.randrange(1_000_000),
            (at - _EPOCH) // timedelta(seconds=1),
            method,
            target,
            path,
            query,
            protocol,
            int(status),
            int(size),
            referrer,
            agent,
            rng.randrange(1024, 65_536),
            1 + int(rng.expovariate(1 / 40)),
            rng.choice(upstreams),
            f"{rng.getrandbits(128):032x}",
            count,
        )


def _time_of(clf: str) -> datetime:
    return datetime(
        int(clf[7:11]), _MONTHS.index(clf[3:6]) + 1, int(clf[:2]),
        int(clf[12:14]), int(clf[15:17]), int(clf[18:20]), tzinfo=UTC,
    )  # fmt: skip


def as_json(found: object) -> str:
    return json.dumps(found, separators=(",", ":"))


def with_plus(text: str) -> str:
    """As IIS writes headers: a `+` for a space."""
    return text.replace(" ", "+")


def with_percent(text: str) -> str:
    """As CloudFront and others write headers."""
    return text.replace("%", "%25").replace(" ", "%20").replace('"', "%22")


def content_type(hit: Hit) -> str:
    return _TYPES.get(hit.path.rpartition(".")[2], "text/html")


def syslog_time(hit: Hit) -> str:
    return f"{hit.clf[3:6]} {int(hit.clf[:2]):2} {hit.clock}"


class Written(NamedTuple):
    """A format as the benchmark reads it: the name to ask for, and how its lines are written."""

    format: str
    write: Callable[[Hit], str]
    header: str = ""
    options: tuple[tuple[str, str], ...] = ()
