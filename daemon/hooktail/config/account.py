"""Finds the account id of a destination. The value goes nowhere but into a `Secret`.

It may stand in the configuration, in a file of its own, in a credential or in the environment.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING

from hooktail.config.findings import MASK
from hooktail.config.kinds import Refusal, absolute_path
from hooktail.config.sections import Secret
from hooktail.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail.config.findings import Findings, KeyPath

PATTERN = r"[A-Za-z0-9._~-]{1,128}"
ALLOWED = "1 to 128 characters of A-Z a-z 0-9 . _ ~ -"
PLACEHOLDER = "YOUR_AUDIOHOOK_ID"
_MOST_BYTES = 4096
_EMPTY = Refusal("is empty", "put the account id into it")


def find(
    findings: Findings,
    path: KeyPath,
    table: Mapping[str, object],
    environ: Mapping[str, str],
) -> Secret | None:
    """Returns the account id of the destination at `path`, or None with a problem noted.

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
        return _checked(findings, value, findings.file_of(key), findings.key(key))
    if "account_id_file" in table:
        return _from_named_file(findings, (*path, "account_id_file"), table["account_id_file"])
    return _from_surroundings(findings, path, environ)


def _from_named_file(findings: Findings, key: KeyPath, value: object) -> Secret | None:
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
    return _checked(findings, text, findings.file_of(key), findings.key(key))


def _from_surroundings(
    findings: Findings, path: KeyPath, environ: Mapping[str, str]
) -> Secret | None:
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
        return _checked(findings, text, file, "")
    variables = [
        "HOOKTAIL_ACCOUNT_ID_" + re.sub(r"[.-]", "_", name).upper(),
        *(["HOOKTAIL_ACCOUNT_ID"] if is_default else []),
    ]
    for variable in variables:
        if text := environ.get(variable, "").strip():
            return _checked(findings, text, "environment", variable)
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


def _content(path: str) -> str | Refusal:
    """Reads a file that only its owner may write; white space around the content is left out."""
    try:
        # Not blocking: a pipe in the file's place must not hold up the start.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        return Refusal("cannot be read: permission denied", "let the user of the service read it")
    except OSError as error:
        return Refusal(f"cannot be read: {(error.strerror or 'error').lower()}")
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            return Refusal("is not a regular file")
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            found = f"is writable by group or others (mode {stat.S_IMODE(mode):04o})"
            return Refusal(found, f"chmod go-w {path}")
        content = os.read(descriptor, _MOST_BYTES).decode()
    except UnicodeDecodeError:
        return Refusal("is not text")
    except OSError as error:
        return Refusal(f"cannot be read: {(error.strerror or 'error').lower()}")
    finally:
        os.close(descriptor)
    return content.strip() or _EMPTY
