"""Reads the main file and `conf.d/*.toml` beside it, and merges them, remembering who said what."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hooktail.config.findings import Findings
from hooktail.errors import PermissionDeniedError, Problem

if TYPE_CHECKING:
    from hooktail.config.findings import KeyPath

MOST_BYTES = 4 * 1024 * 1024
_MERGED_DEPTH = 3
"""`destination.NAME` is the deepest table that two files may share."""


@dataclass(slots=True)
class Document:
    """The merged tables; `origins` as `Findings` wants them, `problems` of reading."""

    tree: dict[str, object] = field(default_factory=dict)
    origins: dict[KeyPath, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    repeated: list[Problem] = field(default_factory=list)
    """Keys given in two files: the first one stands, and the rest can be judged."""


def read(main: str) -> Document:
    """Reads and merges; what cannot be read is in `problems`.

    Raises:
        PermissionDeniedError: The operating system refuses access to a file or to `conf.d`.
    """
    document = Document(origins={(): main})
    for path in [main, *_drop_ins(main, document.problems)]:
        tree = _tables(path)
        if isinstance(tree, Problem):
            document.problems.append(tree)
        else:
            _merge(document, document.tree, tree, path, ())
    return document


def _drop_ins(main: str, problems: list[Problem]) -> list[str]:
    folder = os.path.join(os.path.dirname(main), "conf.d")
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    except PermissionError as error:
        raise _denied(folder) from error
    except (OSError, ValueError) as error:
        if os.path.isdir(os.path.dirname(main) or "."):
            problems.append(Problem(folder, "", f"cannot be listed: {_why(error)}"))
        return []
    # Editors leave hidden copies beside the file that is being edited.
    chosen = [name for name in names if name.endswith(".toml") and not name.startswith(".")]
    return [os.path.join(folder, name) for name in sorted(chosen)]


def _tables(path: str) -> dict[str, object] | Problem:
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        hint = "name the file with --config, or try `hooktail demo`, which needs none"
        return Problem(path, "", "there is no such file", hint=hint)
    except IsADirectoryError:
        return Problem(path, "", "is a directory", allowed="a TOML file")
    except PermissionError as error:
        raise _denied(path) from error
    except (OSError, ValueError) as error:
        return Problem(path, "", f"cannot be read: {_why(error)}")
    if len(content) > MOST_BYTES:
        return Problem(path, "", "too large", allowed=f"at most {MOST_BYTES} bytes")
    return _parsed(path, content)


def _parsed(path: str, content: bytes) -> dict[str, object] | Problem:
    try:
        # With or without the mark that some editors put at the beginning.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{content[error.start]:02x}"
        return Problem(path, "", f"line {line}: not UTF-8", found, "TOML in UTF-8")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        return Problem(path, "", _syntax(str(error), text))
    except (ValueError, RecursionError):
        # A number of thousands of digits, brackets nested thousands deep.
        return Problem(path, "", "not valid TOML: a number too long or tables nested too deep")


def _syntax(message: str, text: str) -> str:
    place = re.search(r" \(at line ([0-9]+), column ([0-9]+)\)$", message)
    if place is not None:
        line, column = int(place[1]), int(place[2])
    else:
        message = message.replace(" (at end of document)", " at the end of the file")
        line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
    what = message[: place.start()] if place else message
    return f"line {line}, column {column}: not valid TOML: {what}"


def _merge(
    document: Document, into: dict[str, object], tree: dict[str, object], file: str, path: KeyPath
) -> None:
    """Merges tables, joins the lists of sources; any other key may be given once.

    A key that is new here is noted with its file; all that lies below it came from the same.
    """
    for name, value in tree.items():
        here = (*path, name)
        standing = into.get(name)
        if name not in into:
            into[name] = value
            document.origins[here] = file
        elif isinstance(standing, dict) and isinstance(value, dict) and len(here) < _MERGED_DEPTH:
            _merge(document, standing, value, file, here)
        elif here == ("source",) and isinstance(standing, list) and isinstance(value, list):
            for position in range(len(standing), len(standing) + len(value)):
                document.origins[*here, position] = file
            standing.extend(value)
        else:
            findings = Findings(document.origins)
            message = f"given twice: here and in {findings.file_of(here)}"
            hint = "keep it in one of the two files"
            document.repeated.append(Problem(file, findings.key(here), message, hint=hint))


def _denied(path: str) -> PermissionDeniedError:
    return PermissionDeniedError(
        f"{path}: permission denied; run as root or as the user of the service, or change its mode"
    )


def _why(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "not a usable path"
