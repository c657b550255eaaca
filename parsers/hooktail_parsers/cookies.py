"""One cookie of a Cookie header."""

from __future__ import annotations

from hooktail_parsers.text import stated


def cookie_value(cookies: str, name: str) -> str | None:
    """Returns the value of the first cookie of that name, without its quotes; None without one."""
    for pair in cookies.split(";"):
        key, equals, value = pair.partition("=")
        if equals and key.strip() == name:
            return stated(value.strip().strip('"'))
    return None
