"""Options as given with `--set KEY=VALUE`: which a format takes, and the ones many share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail_parsers._api import OptionError
from hooktail_parsers.text import decoder
from hooktail_parsers.times import zone_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

COMMON_OPTIONS = ("encoding", "timezone", "year")
"""Options that every text format accepts, though a log that states its zone needs no timezone."""

_FIRST_YEAR, _LAST_YEAR = 1970, 9999


def check_options(options: Mapping[str, str], allowed: Collection[str] = COMMON_OPTIONS) -> None:
    """Raises OptionError for an option that is not allowed, an impossible year, an unknown zone."""
    for option in options:
        if option not in allowed:
            raise OptionError(option, f"not an option here; allowed: {', '.join(sorted(allowed))}")
    year = options.get("year")
    if year is not None and not (
        year.isascii()
        and year.isdigit()
        and len(year) == len(str(_LAST_YEAR))
        and int(year) >= _FIRST_YEAR
    ):
        raise OptionError("year", f"found {year!r}; allowed: {_FIRST_YEAR} to {_LAST_YEAR}")
    zone_of(options)


def text_decoder(options: Mapping[str, str]) -> Callable[[bytes], str]:
    """Returns the decoder that `encoding` names (default UTF-8); raises OptionError."""
    try:
        return decoder(options.get("encoding", "utf-8"))
    except ValueError as error:
        raise OptionError("encoding", str(error)) from error
