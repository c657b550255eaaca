"""The example bodies of the endpoint's integration guide come out of log lines, key by key.

Where each value stands in the line is what an operator would do: the page view and the purchase are
lines of nginx, whose cookies name the visitor and the visit; the subscription is a line of an
application. The guide's addresses are private or for documentation, so `private_ips` lets them
pass; its bodies have no `event_id`, and call the visitor `visitor_id` alone. The angle brackets
around its addresses are typographic, but a log may have copied them: they are taken off.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hooktail.checked import load
from hooktail.collector.validate import validate
from hooktail.extract import build_extractor
from hooktail.extract.once import OnceBook
from hooktail.model import Lines

PAGEVIEW = {
    "event_name": "pageview",
    "timestamp": "2024-01-15T10:30:00.000Z",
    "visitor_id": "uuid-visitor-id",
    "session_id": "uuid-session-id",
    "url": "https://example.com/page",
    "referrer": "https://previous-page.com",
    "user_agent": "User-Agent-String",
    "ip_address": "192.168.1.100",
}
PURCHASE = {
    "event_name": "purchase",
    "timestamp": "2024-01-15T10:30:00.000Z",
    "visitor_id": "123e4567-e89b-12d3-a456-426614174000",
    "session_id": "987fcdeb-51a2-43d1-89ab-123456789012",
    "url": "https://example.com/checkout/success",
    "referrer": "https://example.com/checkout",
    "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36",
    "ip_address": "203.0.113.195",
    "order_id": "ORDER123",
    "value": 99.99,
    "currency": "USD",
    "items": [
        {
            "product_id": "123",
            "product_name": "Example Product",
            "price": 29.99,
            "quantity": 1,
        }
    ],
}
SUBSCRIPTION = {
    "event_name": "subscription_created",
    "timestamp": "2024-01-15T10:30:00.000Z",
    "visitor_id": "123e4567-e89b-12d3-a456-426614174000",
    "session_id": "987fcdeb-51a2-43d1-89ab-123456789012",
    "url": "https://example.com/subscription/success",
    "referrer": "https://example.com/pricing",
    "user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36",
    "ip_address": "198.51.100.42",
    "subscription_id": "sub_12345",
    "plan_name": "Premium Plan",
    "value": 29.99,
    "currency": "USD",
    "billing_cycle": "monthly",
}

CONFIG = """
[destination.default]
account_id = "guide-1"

[[source]]
name          = "nginx"
paths         = ["/var/log/nginx/access.log"]
format        = '''
nginx:log_format hooktail '$remote_addr - $remote_user [$time_local] "$request" $status '
                          '$body_bytes_sent "$http_referer" "$http_user_agent" "$host" '
                          '"$cookie_visitor" "$cookie_visit" "$upstream_http_x_order_id" '
                          '"$upstream_http_x_order_total" "$upstream_http_x_order_items"';
'''
private_ips   = "send"
send_event_id = false
max_event_age = "0"
[source.visitor]
cookie         = "visitor"
visitor_fields = ["visitor_id"]
[source.session]
cookie = "visit"

# The shop says the order in response headers, its items as JSON.
[[source.event]]
name     = "purchase"
when     = { path = "/checkout/success", status = "2xx" }
once_per = "order_id"
[source.event.fields]
order_id = { from = "fields.upstream_http_x_order_id", required = true }
value    = { from = "fields.upstream_http_x_order_total", type = "number" }
currency = "USD"
items    = { from = "fields.upstream_http_x_order_items", type = "json" }

[[source]]
name          = "app"
paths         = ["/var/log/app.log"]
format        = "json_app"
site          = "https://example.com"
private_ips   = "send"
send_event_id = false
max_event_age = "0"
[source.map]
event = "event"
[source.visitor]
field          = "fields.visitor"
visitor_fields = ["visitor_id"]
[source.session]
field = "fields.visit"

[[source.event]]
name     = "subscription_created"
when     = { field = { "fields.event" = "subscription_created" } }
once_per = "subscription_id"
[source.event.fields]
subscription_id = { from = "fields.subscription.id", required = true }
plan_name       = { from = "fields.subscription.plan" }
value           = { from = "fields.subscription.amount", type = "number" }
currency        = { from = "fields.subscription.currency" }
billing_cycle   = { from = "fields.subscription.cycle" }
"""


def nginx(body: dict[str, Any], *, marked: str = "") -> bytes:
    """A line as nginx writes it; what is not logged is `-`, a quote is `\\x22`."""
    items = json.dumps(body["items"]).replace('"', r"\x22") if "items" in body else "-"
    target = body["url"].removeprefix("https://example.com")
    before, behind = marked[:1], marked[1:]
    columns = (
        f"{before}{body['referrer']}{behind}", body["user_agent"], "example.com",
        body["visitor_id"], body["session_id"], body.get("order_id", "-"),
        body.get("value", "-"), items,
    )  # fmt: skip
    quoted = " ".join(f'"{column}"' for column in columns)
    address = body["ip_address"]
    request = f'"GET {target} HTTP/1.1" 200 512'
    return f"{address} - - [15/Jan/2024:11:30:00 +0100] {request} {quoted}".encode()


def app(body: dict[str, Any], *, marked: str = "") -> bytes:
    """A line as an application writes it."""
    before, behind = marked[:1], marked[1:]
    line = {
        "ts": "2024-01-15T10:30:00.000123Z",
        "event": body["event_name"],
        "ip": body["ip_address"],
        "user_agent": body["user_agent"],
        "url": f"{before}{body['url']}{behind}",
        "referrer": f"{before}{body['referrer']}{behind}",
        "visitor": body["visitor_id"],
        "visit": body["session_id"],
        "subscription": {
            "id": body["subscription_id"],
            "plan": body["plan_name"],
            "amount": body["value"],
            "currency": body["currency"],
            "cycle": body["billing_cycle"],
        },
    }
    return json.dumps(line).encode()


@pytest.mark.parametrize("marked", ["", "<>"])
@pytest.mark.parametrize(
    ("source", "write", "body"),
    [
        ("nginx", nginx, PAGEVIEW),
        ("nginx", nginx, PURCHASE),
        ("app", app, SUBSCRIPTION),
    ],
    ids=["pageview", "purchase", "subscription"],
)
def test_the_guides_example_comes_out_exactly(
    tmp_path: Path, source: str, write: Any, body: dict[str, Any], marked: str
) -> None:
    path = tmp_path / "hooktail.toml"
    path.write_text(CONFIG)
    (section,) = (each for each in load(path, {}).sources if each.name == source)
    extractor = build_extractor(
        section,
        payload="flat",
        visitor_secret=b"s" * 32,
        once=OnceBook(),
        now_ms=lambda: 1_705_314_660_000,
    )
    line = write(body, marked=marked)

    (event,) = extractor.extract(Lines([line], 0, len(line) + 1), b"generation").events

    # The order of the keys, at every level, and every value as it is written.
    assert event.body.decode() == json.dumps(body, separators=(",", ":"))
    assert validate(event.body) == []
