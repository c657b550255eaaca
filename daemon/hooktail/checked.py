"""The configuration with all of it checked: what `config` cannot know, the parsers and rules do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hooktail import config as configuration
from hooktail.errors import ConfigError
from hooktail.extract import check_source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hooktail.config import Config


def load(path: str | Path, environ: Mapping[str, str]) -> Config:
    """Reads a configuration and checks all of it, also formats, their options and the rules.

    Raises ConfigError with every problem at once, PermissionDeniedError for an unreadable file.
    """
    config, problems = configuration.collect(path, environ=environ)
    if config is not None:
        for source in config.sources:
            problems += check_source(source, config.file)
    if config is None or problems:
        raise ConfigError(problems)
    return config
