"""The configuration of the demo: what a web host would write, with the endpoint on loopback."""

from __future__ import annotations

import glob
import json
from typing import TYPE_CHECKING

from hooktail.demo.shop import SITE

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = "shop"
CONFIG_NAME = "hooktail.toml"
LOG_NAME = "access.log"
STATE_NAME = "state"

_TEXT = """\
state_dir = {state}

[destination.default]
account_id = "demo"
endpoint   = "http://{host}:{port}/{{account_id}}/pixel.png"

[delivery]
retry_max_s = 1                 # a demo is short: try again within a second

[status]
listen = ""                     # no status page

[[source]]
name     = "{source}"
paths    = [{paths}]
format   = "combined"
site     = "{site}"
start_at = "beginning"

[[source.event]]                # beside the page view, which is built in
name     = "purchase"
when     = {{ method = "GET", path = "/checkout/success", status = "2xx" }}
once_per = "order_id"           # a reloaded page is no second purchase
[source.event.fields]
order_id = {{ from = "query.order", required = true }}
value    = {{ from = "query.total", type = "number" }}
currency = "USD"
"""


def config_text(directory: Path, host: str, port: int) -> str:
    """Writes the configuration for a directory and the address of a collector."""
    return _TEXT.format(
        state=_quoted(f"{directory / STATE_NAME}"),
        paths=_quoted(f"{glob.escape(str(directory))}/{LOG_NAME}*"),
        host=host,
        port=port,
        source=SOURCE,
        site=SITE,
    )


def _quoted(text: str) -> str:
    """A TOML string; for what stands in a path, JSON's escapes are the same."""
    return json.dumps(text, ensure_ascii=False)
