"""The formats that come with hooktail, by name, in the order in which `auto` tries them.

Of two formats that say equally much about a sample, the first is chosen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hooktail_parsers import auto
from hooktail_parsers._api import Format
from hooktail_parsers.apps import laravel, logfmt, rails, spring
from hooktail_parsers.builders import apache, goaccess, grok, nginx, regex
from hooktail_parsers.clouds import aws, json_clouds
from hooktail_parsers.consoles import morgan, python, rack_werkzeug, uwsgi
from hooktail_parsers.json_logs import apps as json_apps
from hooktail_parsers.json_logs import servers as json_servers
from hooktail_parsers.ncsa import formats as ncsa
from hooktail_parsers.ncsa import partial, relatives
from hooktail_parsers.proxies import envoy, haproxy, nginx_proxy_manager, squid, zoraxy
from hooktail_parsers.w3c import parser as w3c
from hooktail_parsers.w3c import zeek
from hooktail_parsers.wrappers import formats as wrappers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail_parsers._api import Parser


def _auto(options: Mapping[str, str]) -> Parser:
    return auto.auto_parser(lambda: FORMATS, options)


def _around_auto(wrapper: Format) -> Format:
    """Lets a wrapper that stands alone find out what is inside."""
    wrap = wrapper.wrap
    assert wrap is not None  # noqa: S101 - it is a wrapper
    return replace(wrapper, make=lambda options: wrap(_auto(options), options))


_AUTO = Format(
    "auto",
    "finds the format on the first lines of each file, and keeps to it",
    auto.FIELDS,
    _auto,
)

FORMATS: dict[str, Format] = {
    known.name: known
    for known in (
        *ncsa.FORMATS,
        *relatives.FORMATS,
        *nginx_proxy_manager.FORMATS,
        *partial.FORMATS,
        *json_servers.FORMATS,
        *json_clouds.FORMATS,
        *w3c.FORMATS,
        *zeek.FORMATS,
        *aws.FORMATS,
        *haproxy.FORMATS,
        *envoy.FORMATS,
        *squid.FORMATS,
        *rack_werkzeug.FORMATS,
        *python.FORMATS,
        *uwsgi.FORMATS,
        *zoraxy.FORMATS,
        *morgan.FORMATS,
        *json_apps.FORMATS,
        *logfmt.FORMATS,
        *rails.FORMATS,
        *laravel.FORMATS,
        *spring.FORMATS,
        *map(_around_auto, wrappers.FORMATS),
        *nginx.FORMATS,
        *apache.FORMATS,
        *goaccess.FORMATS,
        *grok.FORMATS,
        *regex.FORMATS,
        _AUTO,
    )
}

ALIASES: dict[str, str] = {
    "combined": "ncsa_combined",
    "common": "ncsa_common",
    "nginx_log_format": "nginx",
    "apache_log_format": "apache",
    **json_servers.ALIASES,
    **json_apps.ALIASES,
    **w3c.ALIASES,
}
"""Other names for built-in formats."""
