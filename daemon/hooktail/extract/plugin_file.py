"""Formats from a Python file that the configuration names: `parser_file`.

The file's code runs as the daemon. So it is taken only from a place that nobody but root or the
daemon's own user can write to: the file, and every directory above it.
"""

from __future__ import annotations

import importlib.util
import os
import stat
import sys
from typing import TYPE_CHECKING

from hooktail.errors import HooktailError
from hooktail.extract.blame import blame
from hooktail_parsers import Format

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class ParserFileError(HooktailError):
    """A parser file that cannot be used, or not be trusted."""

    exit_code = 78


def formats_of(path: Path) -> dict[str, Format]:
    """Runs the file and returns the formats that it defines, by name.

    A format is any module-level `Format`. Raises ParserFileError.
    """
    for problem in distrust(path):
        raise ParserFileError(f"{path}: {problem}")
    module = _run(path)
    formats = {each.name: each for each in vars(module).values() if isinstance(each, Format)}
    for each in vars(module).values():
        if isinstance(each, list | tuple):
            formats |= {known.name: known for known in each if isinstance(known, Format)}
    if not formats:
        raise ParserFileError(f"{path}: defines no hooktail_parsers.Format")
    return formats


def distrust(path: Path) -> Iterator[str]:
    """Yields why a file may not be run: who, beside root and this user, could change it."""
    try:
        real = path.resolve(strict=True)
        places = [real, *real.parents]
        if path.is_symlink() or real != path.absolute():
            places += [path.absolute(), *path.absolute().parents]
        for place in places:
            status = place.lstat()
            if stat.S_ISLNK(status.st_mode):
                if status.st_uid not in _trusted_users():
                    yield f"the link {place} belongs to user {status.st_uid}"
                continue
            if status.st_uid not in _trusted_users():
                yield (
                    f"{place} belongs to user {status.st_uid}; allowed: root, or the user that "
                    "hooktail runs as"
                )
            sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
            if status.st_mode & WRITABLE_BY_OTHERS and not sticky:
                yield f"others may write to {place}; run `chmod go-w {place}`"
        if not real.is_file():
            yield "is no regular file"
    except OSError as error:
        yield str(error.strerror or error)


def _trusted_users() -> tuple[int, int]:
    return 0, os.geteuid()


def _run(path: Path) -> ModuleType:
    # Under a name that no import statement can meet, so that two files do not share a module.
    name = f"hooktail parser file {path}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ParserFileError(f"{path}: is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    # Dataclasses and pickles of the file look their module up.
    sys.modules[name] = module
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ParserFileError(f"{path}: {blame(error)}") from error
    finally:
        sys.dont_write_bytecode = written
    return module
