"""How to get into a log what its lines do not say, in the words of what writes it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail_parsers import OptionError

if TYPE_CHECKING:
    from hooktail_parsers import Format

_NGINX_APACHE = {
    "user_agent": ('"$http_user_agent"', '"%{User-Agent}i"'),
    "ip": ("$remote_addr", "%h"),
    "time": ("[$time_local]", "%t"),
    "host": ("$host", "%{Host}i"),
    "cookies": ('"$http_cookie"', '"%{Cookie}i"'),
}
_CAPTURED = {"user_agent": "user-agent", "host": "host"}
_W3C = {
    "user_agent": "cs(User-Agent)",
    "ip": "c-ip",
    "time": "date and time",
    "host": "cs-host",
    "cookies": "cs(Cookie)",
}
_OF_NGINX_OR_APACHE = frozenset((
    "ncsa_common", "ncsa_combined", "vhost_common", "vhost_combined", "nginx_combined",
    "nginx_main", "clf_no_time", "vhost_combined_plus", "nginx_with_time", "nginx_xff_first",
    "nginx_vhost_xff_first", "nginx", "apache", "goaccess", "grok", "regex",
))  # fmt: skip
_OTHERWISE = "have what writes the log state it, and take a format that reads it"
_INSTEAD = {"ncsa_common": "combined", "vhost_common": "vhost_combined"}
"""Formats with a user agent for those without."""


def how_to_log(log_format: Format, key: str) -> str:
    """Says what to log or set so that lines of this format state a key of the record."""
    name = log_format.name.rpartition("+")[2]
    if _takes(log_format, "no_such_option", "x"):
        return _OTHERWISE  # what a format of somebody's own takes tells nothing
    captured = _CAPTURED.get(key)
    if captured and _takes(log_format, "request_captures", captured):
        return (
            f"have HAProxy capture the header (capture request header {captured} len 512) and name "
            f'the captures in their order: request_captures = "{captured}"'
        )
    if name.endswith("w3c") and key in _W3C:
        return f"add the column {_W3C[key]} to the log"
    if _takes(log_format, f"map.{key}", "x"):
        return f'log it with the request, or name its key: [source.map] {key} = "..."'
    if name in _OF_NGINX_OR_APACHE:
        nginx, apache = _NGINX_APACHE[key]
        instead = _INSTEAD.get(name) if key == "user_agent" else None
        then = f' and set format = "{instead}"' if instead else ""
        return f"log it (nginx: {nginx}; Apache: {apache}){then}"
    return _OTHERWISE


def _takes(log_format: Format, option: str, text: str) -> bool:
    try:
        log_format.make({option: text})
    except OptionError:
        return False
    return True
