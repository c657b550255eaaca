"""The one way from a file to a configuration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hooktail.config import checking, files
from hooktail.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hooktail.config.sections import Config
    from hooktail.errors import Problem


def load(path: str | Path, *, environ: Mapping[str, str]) -> Config:
    """Reads, merges and checks the configuration.

    Raises:
        ConfigError: Something is wrong; it holds every problem.
        PermissionDeniedError: The operating system refuses access to a file.
    """
    config, problems = collect(path, environ=environ)
    if config is None or problems:
        raise ConfigError(problems)
    return config


def collect(path: str | Path, *, environ: Mapping[str, str]) -> tuple[Config | None, list[Problem]]:
    """As `load`, for a caller that adds problems of its own.

    With problems, the configuration is what could be understood of the file, for looking at only;
    it is None if the file could not be read as a whole.

    Raises:
        PermissionDeniedError: The operating system refuses access to a file.
    """
    document = files.read(os.fspath(path))
    if document.problems:
        # What is half read would only bring problems that are none.
        return None, document.problems
    config, problems = checking.check(document, environ)
    return config, document.repeated + problems
