"""What is pasted behind a builder's colon and is not what it takes: told in one line each."""

from __future__ import annotations

import re

from hooktail_parsers._api import OptionError

_NAME = re.compile(r"\s*([A-Za-z_][\w.+-]*)\s*;?\s*").fullmatch
_ACCESS_LOG = re.compile(r"\s*access_log\s+\S+(?:\s+([\w-]+))?").match
_OF_NGINX = re.compile(r"\$\{?[a-z]").search
_OF_APACHE = re.compile(r"%[<>!0-9,]*(?:[a-zA-Z]|\{[^{}]+\})").search


def check_notation(definition: str, builder: str) -> None:
    """Raises OptionError if a definition is no layout of `nginx` or `apache` at first sight."""
    named = _NAME(definition)
    if named is not None:
        server, directive = _DIRECTIVES[builder]
        raise OptionError(
            "log_format",
            f"{named[1]!r} is a name, not a layout; allowed: the text of {directive} {named[1]} in "
            f"the configuration of {server}, or a format of that name without {builder}: before it",
        )
    if access := _ACCESS_LOG(definition):
        raise OptionError(
            "log_format",
            "access_log says where the log is; allowed: the directive log_format "
            f"{access[1] or 'combined'}, which says how its lines are written",
        )
    nginx, apache = _OF_NGINX(definition), _OF_APACHE(definition)
    if builder == "nginx" and apache and not nginx:
        raise OptionError(
            "log_format", f"{apache[0]!r} is in Apache's notation; allowed: apache: before it"
        )
    if builder == "apache" and nginx and not apache:
        raise OptionError(
            "log_format", f"{nginx[0]!r} is in nginx's notation; allowed: nginx: before it"
        )


_DIRECTIVES = {"nginx": ("nginx", "log_format"), "apache": ("Apache", "LogFormat")}


def without_quotes(definition: str) -> str:
    """Returns a definition without the quotes of the configuration that it was pasted from.

    A layout may itself begin and end with quotes: only a pair that encloses none is taken off.
    """
    text = definition.strip()
    quote = text[:1]
    inner = text[1:-1]
    if quote not in ("'", '"') or len(text) <= len("''") or text[-1] != quote:
        return definition
    return definition if re.search(rf"(?<!\\){quote}", inner) else inner
