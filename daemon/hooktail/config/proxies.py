"""Finds the proxy of a destination. The value goes nowhere but into a `Secret`."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from hooktail.config import addresses, private_file
from hooktail.config.kinds import Refusal
from hooktail.config.sections import Secret
from hooktail.endpoints import MASK
from hooktail.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail.config.findings import Findings, KeyPath

KEYS = ("proxy", "proxy_file", "proxy_env")
ALLOWED = "http://host:port, with user:password@ before the host if need be"


def find(
    findings: Findings,
    path: KeyPath,
    table: Mapping[str, object],
    values: Mapping[str, object],
    environ: Mapping[str, str],
) -> Secret | None:
    """Returns the proxy of the destination at `path`; None without one, or with a problem noted.

    `values` are the keys of `table` that were right by themselves.
    """
    given = [key for key in KEYS if key in table]
    if len(given) > 1:
        findings.add(
            (*path, given[1]), f"given beside {given[0]}", allowed=f"one of {', '.join(KEYS)}"
        )
        return None
    if not given or given[0] not in values:
        return None
    value = str(values[given[0]])
    match given[0]:
        case "proxy":
            return Secret(value)
        case "proxy_file":
            text = private_file.content(value)
            file, key = findings.file_of((*path, "proxy_file")), findings.key((*path, "proxy_file"))
            if isinstance(text, Refusal):
                problem = Problem(file, key, f"{value} {text.message}", hint=text.hint)
                findings.problems.append(problem)
                return None
        case _:
            text = environ.get(value, "").strip()
            file, key = "environment", value
    refusal = addresses.proxy(text) if text else Refusal("is empty or not set")
    if isinstance(refusal, Refusal):
        shown = MASK if text else ""
        findings.problems.append(Problem(file, key, refusal.message, shown, ALLOWED, refusal.hint))
        return None
    return Secret(text)


def hide(findings: Findings, table: Mapping[str, object]) -> None:
    """Has no problem show a name or a password in `proxy`, however wrong the value is."""
    value = table.get("proxy")
    if isinstance(value, str) and "@" in value:
        login = (value.partition("//")[2] or value).rpartition("@")[0]
        findings.secrets |= {login, login.partition(":")[2]} - {""}


def secrets_of(proxy: Secret) -> set[str]:
    """Returns what nobody may see of a proxy's URL: the password, as written and as meant."""
    password = urlsplit(proxy.reveal()).password or ""
    return {password, unquote(password)} - {""}
