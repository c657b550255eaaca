"""What the make-believe shop sells, and who comes: browsers, crawlers, monitors. Constants only."""

from __future__ import annotations

from typing import NamedTuple

SITE = "https://shop.example"


class Product(NamedTuple):
    """Something to buy; the price is in cents."""

    path: str
    price: int


PRODUCTS = (
    Product("/shoes/trail-runner", 12990),
    Product("/shoes/city-sneaker", 8950),
    Product("/jackets/rain-shell", 17900),
    Product("/jackets/down-vest", 13900),
    Product("/bags/day-pack-20l", 7450),
    Product("/bags/travel-duffel", 9900),
    Product("/camping/steel-mug", 1499),
    Product("/camping/caf%C3%A9-press", 3495),
)
CATEGORIES = ("/shoes/", "/jackets/", "/bags/", "/camping/", "/sale", "/new-arrivals")
READING = ("/about", "/stores", "/guides/how-to-lace-a-boot.html", "/size-chart", "/returns")
# How servers log what browsers leave unescaped, beside addresses written properly.
SEARCHES = (
    "/search?q=rain+jacket",
    "/search?q=caf%C3%A9",
    r"/search?q=caf\xC3\xA9+press",
    "/search?q=trail&page=2",
)
LANDINGS = (
    "/",
    "/",
    "/?utm_source=newsletter&utm_medium=email&utm_campaign=spring",
    "/sale?utm_source=instagram&fbclid=IwAR2x9hQvZk",
    "/shoes/?gclid=Cj0KCQjwk4SFr",
    "/newsletter?utm_source=mail&email=jo.doe%40mail.example",
)
REFERRERS = (
    "-",
    "-",
    "https://www.google.com/",
    "https://www.google.com/",
    "https://www.bing.com/search?q=trail+shoes",
    "https://duckduckgo.com/",
    "https://www.instagram.com/",
    "https://blog.hiking.example/ten-best-trail-shoes",
)
PAGE_ASSETS = ("/static/site.css?v=41", "/static/site.js?v=41", "/static/logo.svg")
FONT = "/static/inter.woff2"

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"
_GALAXY = "Mozilla/5.0 (Linux; Android 14; SM-S921B)"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"
_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_CHROME = "Chrome/131.0.0.0"
BROWSERS = (
    f"{_WINDOWS}) {_BLINK} {_CHROME} Safari/537.36",
    f"{_MAC} {_BLINK} {_CHROME} Safari/537.36",
    f"{_IPHONE} {_WEBKIT} Version/18.1 Mobile/15E148 Safari/604.1",
    f"{_MAC} {_WEBKIT} Version/18.1 Safari/605.1.15",
    f"{_ANDROID} {_BLINK} {_CHROME} Mobile Safari/537.36",
    f"{_GALAXY} {_BLINK} SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36",
    f"{_WINDOWS}; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0",
    f"{_WINDOWS}) {_BLINK} {_CHROME} Safari/537.36 Edg/131.0.0.0",
)
CRAWLERS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "curl/8.5.0",
)
UPTIME_MONITOR = "Uptime-Kuma/1.23.15"
LOAD_BALANCER = "kube-probe/1.30"

# First bytes of networks that belong to access providers and hosters. What follows is random, so
# nobody in particular is meant, and nothing is ever sent there.
IPV4_HEADS = (24, 62, 73, 78, 81, 86, 91, 93, 109, 176, 188, 212)
IPV6_HEADS = ("2003:c8", "2600:1700", "2a02:8070", "2a01:e0a", "2804:14c")
CRAWLER_HEADS = ("66.249.66", "40.77.167", "54.36.148")
