"""Writes an access log in nginx's combined format; the same arguments give the same bytes.

Of the lines about 80 % are for assets, 10 % are from bots and 12 % from IPv6 clients; with
`--pageviews` every line is a page view of a person. Nobody's traffic went into it.

    python benchmarks/generate.py access.log 500000 --until 2024-01-15T10:00:00Z
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

LINES_PER_S = 50
ASSETS, BOTS, IPV6 = 0.80, 0.10, 0.12
CLIENTS, PAGES, ASSET_FILES = 40_000, 1200, 1500
_NOT_PUBLIC = (10, 100, 127, 169, 172, 192, 198, 203)
_FIRST_OCTETS = [octet for octet in range(2, 224) if octet not in _NOT_PUBLIC]
_MOZILLA = (
    "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.{}.{} {}Safari/537.36"
)
_SYSTEMS = (
    ("Windows NT 10.0; Win64; x64", ""),
    ("Macintosh; Intel Mac OS X 10_15_7", ""),
    ("X11; Linux x86_64", ""),
    ("Linux; Android 13; SM-A546B", "Mobile "),
    ("Linux; Android 14; Pixel 7", "Mobile "),
)
_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS {0}_{1} like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/{0}.{1} Mobile/15E148 Safari/604.1"
)
_FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
_BOT_AGENTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "python-requests/2.32.3",
    "curl/8.5.0",
    "-",
)
_WORDS = "amber cello ember grove harbor kettle meadow night pebble river timber velvet".split()  # noqa: SIM905 - reads as a list
_EXTENSIONS = ("js",) * 5 + ("css",) * 3 + ("png", "jpg", "jpg", "webp", "svg", "woff2", "ico")
_SECTIONS = ("blog", "shop", "episodes", "guides", "topics")
_REFERRERS = (
    "-",
    "-",
    "https://www.google.com/",
    "https://duckduckgo.com/",
    "https://www.bing.com/search?q=small+shop",
    "https://www.facebook.com/",
    "android-app://com.google.android.gm/",
)
_QUERIES = (
    "utm_source=newsletter&utm_medium=email&utm_campaign={}",
    "utm_source=google&utm_medium=cpc&utm_campaign={}",
    "gclid={}",
    "q={}&page=2",
    "sort=price&color={}",
)


class _World:
    """The clients, agents, pages and files that the requests are drawn from."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.agents = [self._agent() for _ in range(300)]
        self.clients = [(self._address(), rng.choice(self.agents)) for _ in range(CLIENTS)]
        self.bots = [(self._address(), agent) for agent in _BOT_AGENTS for _ in range(40)]
        self.pages = ["/", "/about", "/prices", "/search", "/contact.html"] + [
            f"/{rng.choice(_SECTIONS)}/{self.slug(3)}-{rng.randrange(10_000)}" for _ in range(PAGES)
        ]
        self.assets = [
            f"/static/{rng.randrange(16**8):08x}/{self.slug(2)}.{rng.choice(_EXTENSIONS)}"
            for _ in range(ASSET_FILES)
        ]

    def slug(self, words: int) -> str:
        return "-".join(self.rng.choices(_WORDS, k=words))

    def _agent(self) -> str:
        rng = self.rng
        kind = rng.random()
        if kind < 0.25:
            return _IPHONE.format(rng.randint(15, 18), rng.randrange(7))
        if kind < 0.35:
            return _FIREFOX.format(rng.randint(115, 131))
        system, mobile = rng.choice(_SYSTEMS)
        build, patch = rng.randint(5000, 6800), rng.randint(20, 220)
        return _MOZILLA.format(system, rng.randint(112, 131), build, patch, mobile)

    def _address(self) -> str:
        rng = self.rng
        if rng.random() < IPV6:
            groups = ":".join(f"{rng.randint(1, 0xFFFF):x}" for _ in range(7))
            return f"2a{rng.randrange(256):02x}:{groups}"
        rest = ".".join(str(rng.randint(1, 254)) for _ in range(3))
        return f"{rng.choice(_FIRST_OCTETS)}.{rest}"

    def page(self) -> str:
        path = self.rng.choice(self.pages)
        if self.rng.random() < 0.3:
            path += "?" + self.rng.choice(_QUERIES).format(self.slug(2))
        return path

    def referrer(self) -> str:
        if self.rng.random() < 0.5:
            return self.rng.choice(_REFERRERS)
        return "https://shop.example" + self.rng.choice(self.pages)


def lines(number: int, *, until: datetime, pageviews: bool = False, seed: int = 1) -> Iterator[str]:
    """Yields `number` lines with their newlines, 50 for each second of the log.

    The last is logged at `until`. With `pageviews` every line makes an event.
    """
    rng = Random(seed)
    world = _World(rng)
    random, choice = rng.random, rng.choice
    begins_at = int(until.timestamp()) - (number - 1) // LINES_PER_S
    stamp = ""
    for index in range(number):
        if index % LINES_PER_S == 0:
            at = datetime.fromtimestamp(begins_at + index // LINES_PER_S, UTC)
            stamp = clf_time(at)
        bot = not pageviews and random() < BOTS
        ip, agent = choice(world.bots if bot else world.clients)
        referrer = "-" if bot else world.referrer()
        if not pageviews and random() < ASSETS:
            method, target = "GET", choice(world.assets)
            status = choice((200, 200, 200, 200, 304, 304, 404))
        else:
            method, target, status = "GET", world.page(), 200
            if not pageviews:
                method = choice(("GET",) * 16 + ("POST", "POST", "HEAD"))
                status = choice((200,) * 16 + (301, 302, 404, 500))
        size = 0 if status == 304 else int(200 + random() * 90_000)
        version = "2.0" if random() < 0.7 else "1.1"
        yield (
            f'{ip} - - [{stamp}] "{method} {target} HTTP/{version}" '
            f'{status} {size} "{referrer}" "{agent}"\n'
        )


def clf_time(at: datetime) -> str:
    """Writes a time as access logs do; `at` is in UTC."""
    return f"{at:%d/%b/%Y:%H:%M:%S} +0000"


def write_log(
    path: Path, number: int, *, until: datetime | None = None, pageviews: bool = False
) -> None:
    """Writes a log of `number` lines that ends now, or at `until`."""
    with path.open("w", encoding="ascii") as file:
        file.writelines(lines(number, until=until or datetime.now(UTC), pageviews=pageviews))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("file", type=Path)
    parser.add_argument("lines", type=int)
    parser.add_argument("--pageviews", action="store_true", help="every line makes an event")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--until",
        type=datetime.fromisoformat,
        default=datetime.now(UTC),
        help="time of the last line, such as 2024-01-15T10:00:00Z (default: now)",
    )
    args = parser.parse_args()
    until = args.until if args.until.tzinfo else args.until.replace(tzinfo=UTC)
    with args.file.open("w", encoding="ascii") as file:
        file.writelines(lines(args.lines, until=until, pageviews=args.pageviews, seed=args.seed))


if __name__ == "__main__":
    main()
