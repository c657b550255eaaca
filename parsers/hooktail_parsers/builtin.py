"""The formats that come with hooktail, by name, in the order in which `auto` tries them.

Of two formats that say equally much about a sample, the first is chosen.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hooktail_parsers import (
    apache_builder,
    auto,
    aws,
    clf_partial,
    clf_relatives,
    envoy,
    goaccess_builder,
    grok_builder,
    haproxy,
    json_apps,
    json_clouds,
    json_servers,
    laravel,
    logfmt,
    morgan,
    ncsa_formats,
    nginx_builder,
    nginx_proxy_manager,
    python_consoles,
    rack_werkzeug,
    rails,
    regex_builder,
    spring,
    squid,
    uwsgi,
    w3c,
    wrappers,
    zeek,
    zoraxy,
)
from hooktail_parsers._api import Format

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
        *ncsa_formats.FORMATS,
        *clf_relatives.FORMATS,
        *nginx_proxy_manager.FORMATS,
        *clf_partial.FORMATS,
        *json_servers.FORMATS,
        *json_clouds.FORMATS,
        *w3c.FORMATS,
        *zeek.FORMATS,
        *aws.FORMATS,
        *haproxy.FORMATS,
        *envoy.FORMATS,
        *squid.FORMATS,
        *rack_werkzeug.FORMATS,
        *python_consoles.FORMATS,
        *uwsgi.FORMATS,
        *zoraxy.FORMATS,
        *morgan.FORMATS,
        *json_apps.FORMATS,
        *logfmt.FORMATS,
        *rails.FORMATS,
        *laravel.FORMATS,
        *spring.FORMATS,
        *map(_around_auto, wrappers.FORMATS),
        *nginx_builder.FORMATS,
        *apache_builder.FORMATS,
        *goaccess_builder.FORMATS,
        *grok_builder.FORMATS,
        *regex_builder.FORMATS,
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
