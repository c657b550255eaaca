"""Finds the account id of a destination. The value goes nowhere but into a `Secret`.

It may stand in the configuration, in a file of its own, in a credential or in the environment.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hooktail.config import private_file
from hooktail.config.kinds import Refusal, absolute_path
from hooktail.config.sections import Secret
from hooktail.endpoints import MASK
from hooktail.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail.config.findings import Findings, KeyPath

PATTERN = r"[A-Za-z0-9._~-]{1,128}"
ALLOWED = "1 to 128 characters of A-Z a-z 0-9 . _ ~ -"
PLACEHOLDER = "YOUR_AUDIOHOOK_ID"
_EMPTY = Refusal("is empty", "put the account id into it")


class Account(NamedTuple):
    """An account id, and the file that holds it if one does."""

    account_id: Secret
    file: Path | None = None


def find(
    findings: Findings,
    path: KeyPath,
    table: Mapping[str, object],
    environ: Mapping[str, str],
) -> Account | None:
    """Returns the account of the destination at `path`, or None with a problem noted.

    The order: `account_id`, `account_id_file`, `$CREDENTIALS_DIRECTORY`, the environment. What is
    found is added to `findings.secrets`, right or wrong.
    """
    if "account_id" in table and "account_id_file" in table:
        inline = table["account_id"]
        if isinstance(inline, str) and inline:
            findings.secrets.add(inline)
        findings.add((*path, "account_id"), "given beside account_id_file", allowed="one of both")
        return None
    if "account_id" in table:
        key = (*path, "account_id")
        value = table["account_id"]
        if not isinstance(value, str):
            findings.add(key, "wrong type", found=f"{MASK} (not text)", allowed=f"text: {ALLOWED}")
            return None
        found = _checked(findings, value, findings.file_of(key), findings.key(key))
        return None if found is None else Account(found)
    if "account_id_file" in table:
        return _from_named_file(findings, (*path, "account_id_file"), table["account_id_file"])
    return _from_surroundings(findings, path, environ)


def _from_named_file(findings: Findings, key: KeyPath, value: object) -> Account | None:
    kind = absolute_path()
    parsed = kind.parse(value)
    if isinstance(parsed, Refusal):
        found = findings.shown(value)
        findings.add(key, parsed.message, found=found, allowed=kind.allowed, hint=parsed.hint)
        return None
    text = _content(str(value))
    if isinstance(text, Refusal):
        findings.add(key, f"{value} {text.message}", hint=text.hint)
        return None
    checked = _checked(findings, text, findings.file_of(key), findings.key(key))
    return None if checked is None else Account(checked, Path(str(value)))


def _from_surroundings(
    findings: Findings, path: KeyPath, environ: Mapping[str, str]
) -> Account | None:
    name = str(path[-1])
    is_default = name == "default"
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    credentials = [f"account_id.{name}", *(["account_id"] if is_default else [])]
    for credential in credentials if folder else []:
        file = os.path.join(folder, credential)
        if not os.path.exists(file):
            continue
        text = _content(file)
        if text == _EMPTY:
            continue  # the unit's SetCredential= stands in for a file that is not there
        if isinstance(text, Refusal):
            findings.problems.append(Problem(file, "", text.message, hint=text.hint))
            return None
        checked = _checked(findings, text, file, "")
        return None if checked is None else Account(checked, Path(file))
    variables = [
        "HOOKTAIL_ACCOUNT_ID_" + re.sub(r"[.-]", "_", name).upper(),
        *(["HOOKTAIL_ACCOUNT_ID"] if is_default else []),
    ]
    for variable in variables:
        if text := environ.get(variable, "").strip():
            checked = _checked(findings, text, "environment", variable)
            return None if checked is None else Account(checked)
    hint = (
        "write account_id or account_id_file, give the credential "
        f"{' or '.join(credentials)}, or set {' or '.join(variables)}"
    )
    findings.add((*path, "account_id"), "there is no account id", hint=hint)
    return None


def _checked(findings: Findings, text: str, file: str, key: str) -> Secret | None:
    if text:
        findings.secrets.add(text)
    if text == PLACEHOLDER:
        hint = "put the id there that Audiohook gave you"
        message = "the account id is still the placeholder"
        findings.problems.append(Problem(file, key, message, MASK, ALLOWED, hint))
        return None
    if not re.fullmatch(PATTERN, text):
        message = "not an account id" if text else "the account id is empty"
        findings.problems.append(Problem(file, key, message, MASK if text else "", ALLOWED))
        return None
    return Secret(text)


def read_again(file: Path) -> Secret | None:
    """Returns the account id that stands in a file now; None if there is none to be used."""
    text = _content(str(file))
    if isinstance(text, Refusal) or text == PLACEHOLDER or not re.fullmatch(PATTERN, text):
        return None
    return Secret(text)


def _content(path: str) -> str | Refusal:
    return private_file.content(path) or _EMPTY
