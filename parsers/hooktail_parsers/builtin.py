"""The formats that come with hooktail, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail_parsers.ncsa import ncsa_format

if TYPE_CHECKING:
    from hooktail_parsers._api import Format

FORMATS: dict[str, Format] = {
    known.name: known
    for known in (
        ncsa_format(
            "ncsa_common",
            "Apache common (alias: common): no referrer, no user agent",
            vhost=False,
            agent=False,
        ),
        ncsa_format(
            "ncsa_combined",
            "Apache or nginx combined (alias: combined)",
            vhost=False,
            agent=True,
        ),
        ncsa_format(
            "vhost_common",
            "common behind the virtual host, %v or %v:%p",
            vhost=True,
            agent=False,
        ),
        ncsa_format(
            "vhost_combined",
            "combined behind the virtual host, %v or %v:%p (Debian's Apache)",
            vhost=True,
            agent=True,
        ),
        ncsa_format("nginx_combined", "nginx's predefined combined", vhost=False, agent=True),
    )
}

ALIASES: dict[str, str] = {"combined": "ncsa_combined", "common": "ncsa_common"}
"""Other names for built-in formats."""
