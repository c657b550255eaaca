"""The access log of a small shop, line by line, each with what must become of it.

Pure: the seed decides everything but the times. The fates are written down here from what the
configuration says in words, not asked from the extractor: that is what makes them a check.
"""

from __future__ import annotations

from collections import deque
from itertools import count
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from hooktail.demo import shop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

DELIVERED = "delivered"
STATIC = "filtered.static_file"
METHOD = "filtered.method"
STATUS = "filtered.status"
EXCLUDED = "filtered.excluded_path"
BOT = "filtered.bot"
PRIVATE = "filtered.private_ip"
NO_AGENT = "filtered.no_user_agent"
AGAIN = "filtered.once_per"
NO_ORDER = "filtered.required_field_missing"
NO_REQUEST = "unparsable.not_a_request"

VISITORS = 10
"""At a time."""
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905 - reads as a list


class LogLine(NamedTuple):
    """One line and what is expected of it."""

    text: bytes
    """Without its newline."""
    fate: str
    """The counter under which it must end."""
    event: str = ""
    """Name of the event, if it must be delivered."""
    cents: int = 0
    """Value of a purchase."""


class _Request(NamedTuple):
    line: str
    """The request line: `GET /path HTTP/1.1`."""
    status: int
    size: int
    fate: str
    referrer: str = "-"
    event: str = ""
    cents: int = 0


class _Visitor(NamedTuple):
    ip: str
    agent: str
    requests: deque[_Request]


class Traffic:
    """Makes lines without end; the same ones, but for their times, for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._orders = count(self._random.randrange(10_000, 90_000))
        self._visitors = [self._visitor(on_the_way=True) for _ in range(VISITORS)]
        self._loading: _Visitor | None = None
        self._others: tuple[Callable[[str], LogLine], ...] = (
            self._crawler, self._monitor, self._probe, self._oddity,
        )  # fmt: skip

    def next(self, at: datetime) -> LogLine:
        """Returns the next line, logged at `at`, which knows its time zone."""
        time = f"{at.day:02d}/{_MONTHS[at.month - 1]}/{at:%Y:%H:%M:%S %z}"
        if self._loading is None and self._random.random() < 0.24:
            other = self._random.choices(self._others, weights=(9, 6, 4, 5))[0]
            return other(time)
        return self._visit(time)

    # -- people

    def _visit(self, time: str) -> LogLine:
        visitor = self._loading or self._random.choice(self._visitors)
        request = visitor.requests.popleft()
        loads = bool(visitor.requests) and visitor.requests[0].fate == STATIC
        # A page's files follow it closely; now and then somebody else comes between.
        self._loading = visitor if loads and self._random.random() < 0.8 else None
        if not visitor.requests:
            self._visitors[self._visitors.index(visitor)] = self._visitor(on_the_way=False)
        return _line(visitor.ip, time, request, visitor.agent)

    def _visitor(self, *, on_the_way: bool) -> _Visitor:
        chance = self._random
        if chance.random() < 0.25:
            groups = ":".join(f"{chance.randrange(1, 65_536):x}" for _ in range(5))
            ip = f"{chance.choice(shop.IPV6_HEADS)}:{groups}:1"
        else:
            ip = self._ipv4()
        agent = chance.choice(shop.BROWSERS)
        requests = deque(self._requests())
        if on_the_way:
            paid = next((i for i, each in enumerate(requests) if each.cents), len(requests) - 1)
            for _ in range(chance.randrange(paid + 1)):
                requests.popleft()
        return _Visitor(ip, agent, requests)

    def _requests(self) -> Iterator[_Request]:
        """One visit, from the landing page to its end."""
        chance = self._random
        here = chance.choice(shop.LANDINGS)
        yield _get(here, chance.randrange(9_000, 30_000), referrer=chance.choice(shop.REFERRERS))
        returning = chance.random() < 0.3
        for asset in (*shop.PAGE_ASSETS, shop.FONT):
            yield _asset(asset, here, status=304 if returning else 200)
        for _ in range(chance.randrange(3)):
            target = chance.choice(shop.CATEGORIES + shop.SEARCHES + shop.READING)
            yield _get(target, chance.randrange(6_000, 20_000), referrer=_page(here))
            here = target
        if chance.random() < 0.1:
            yield _refused("GET /shoes/summer-2019 HTTP/1.1", 404, STATUS)
        if chance.random() < 0.1:
            yield _refused("GET /shop HTTP/1.1", 301, STATUS)
        product = chance.choice(shop.PRODUCTS)
        status = 304 if returning and chance.random() < 0.3 else 200
        yield _get(product.path, 18_211, referrer=_page(here), status=status)
        for number in range(1, chance.randrange(2, 4)):
            yield _asset(f"/images{product.path}-{number}.webp", product.path)
        if chance.random() < 0.35:
            yield from self._purchase(product)

    def _purchase(self, product: shop.Product) -> Iterator[_Request]:
        chance = self._random
        yield _refused("POST /cart/add HTTP/1.1", 302, METHOD, referrer=_page(product.path))
        yield _get("/cart", 7_120, referrer=_page(product.path))
        yield _refused("GET /api/cart/shipping?country=US HTTP/1.1", 200, EXCLUDED)
        yield _get("/checkout", 8_804, referrer=_page("/cart"))
        yield _refused("POST /checkout HTTP/1.1", 302, METHOD, referrer=_page("/checkout"))
        cents = product.price * chance.choice((1, 1, 1, 2))
        line = f"GET /checkout/success?order={next(self._orders)}&total={cents / 100:.2f} HTTP/1.1"
        bought = _Request(
            line, 200, 5_310, DELIVERED, _page("/checkout"), event="purchase", cents=cents
        )
        yield bought
        yield _asset("/images/thank-you.webp", "/checkout/success")
        if chance.random() < 0.3:
            yield bought._replace(fate=AGAIN, event="", cents=0)

    # -- all others

    def _crawler(self, time: str) -> LogLine:
        chance = self._random
        agent = chance.choice(shop.CRAWLERS)
        ip = f"{chance.choice(shop.CRAWLER_HEADS)}.{chance.randrange(1, 255)}"
        if chance.random() < 0.15:
            return _line(ip, time, _refused("GET /robots.txt HTTP/1.1", 200, STATIC), agent)
        target = chance.choice([product.path for product in shop.PRODUCTS])
        return _line(ip, time, _refused(f"GET {target} HTTP/1.1", 200, BOT), agent)

    def _monitor(self, time: str) -> LogLine:
        if self._random.random() < 0.6:
            request = _refused("GET /healthz HTTP/1.1", 200, EXCLUDED)
            return _line("10.0.3.1", time, request, shop.LOAD_BALANCER)
        request = _refused("GET / HTTP/1.1", 200, BOT)
        return _line("78.46.12.9", time, request, shop.UPTIME_MONITOR)

    def _probe(self, time: str) -> LogLine:
        """Those who try every host on the internet."""
        target, agent = self._random.choice(
            (
                ("/wp-login.php", shop.BROWSERS[0]),
                ("/.env", "-"),
                ("/phpmyadmin/index.php?lang=en", "Mozilla/5.0 zgrab/0.x"),
            )
        )
        return _line(self._ipv4(), time, _refused(f"GET {target} HTTP/1.1", 404, STATUS), agent)

    def _oddity(self, time: str) -> LogLine:
        chance = self._random
        agent = chance.choice(shop.BROWSERS)
        match chance.randrange(6):
            case 0:  # TLS on the port that speaks none, as nginx logs it
                hello = r"\x16\x03\x01\x00\xEE\x01\x00\x00\xEA\x03\x03"
                return _line(self._ipv4(), time, _refused(hello, 400, NO_REQUEST), "-")
            case 1:  # connected, and said nothing
                return _line(self._ipv4(), time, _refused("", 400, NO_REQUEST), "-")
            case 2:  # somebody of the shop, from inside
                request = _get("/new-arrivals", 9_322)._replace(fate=PRIVATE, event="")
                return _line("192.168.7.21", time, request, agent)
            case 3:
                request = _refused("GET / HTTP/1.0", 200, NO_AGENT)
                return _line(self._ipv4(), time, request, "-")
            case 4:
                return _line(self._ipv4(), time, _refused("HEAD / HTTP/1.1", 200, METHOD), agent)
            case _:  # a bookmark of the page behind a purchase
                request = _refused("GET /checkout/success HTTP/1.1", 200, NO_ORDER)
                return _line(self._ipv4(), time, request, agent)

    def _ipv4(self) -> str:
        last = (self._random.randrange(1, 255) for _ in range(3))
        return ".".join(map(str, (self._random.choice(shop.IPV4_HEADS), *last)))


def _get(target: str, size: int, *, referrer: str = "-", status: int = 200) -> _Request:
    size = 0 if status == 304 else size
    return _Request(f"GET {target} HTTP/1.1", status, size, DELIVERED, referrer, "pageview")


def _asset(target: str, page: str, *, status: int = 200) -> _Request:
    size = 0 if status == 304 else 1_000 + len(target) * 97
    return _Request(f"GET {target} HTTP/1.1", status, size, STATIC, _page(page))


def _refused(line: str, status: int, fate: str, *, referrer: str = "-") -> _Request:
    return _Request(line, status, 548 if status == 200 else 162, fate, referrer)


def _page(target: str) -> str:
    return f"{shop.SITE}{target}"


def _line(ip: str, time: str, request: _Request, agent: str) -> LogLine:
    text = (
        f'{ip} - - [{time}] "{request.line}" {request.status} {request.size} '
        f'"{request.referrer}" "{agent}"'
    )
    return LogLine(text.encode("ascii"), request.fate, request.event, request.cents)
