"""The configuration with all of it checked: what `config` cannot know, the parsers and rules do."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from hooktail import config as configuration
from hooktail.errors import ConfigError, Problem
from hooktail.extract import check_source, warnings_of
from hooktail.tail.pipe import STDIN, pipes_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from hooktail.config import Config
    from hooktail.config.sections import DestinationSection, SourceSection


def load(path: str | Path, environ: Mapping[str, str]) -> Config:
    """Reads a configuration and checks all of it, also formats, their options and the rules.

    Raises ConfigError with every problem at once, PermissionDeniedError for an unreadable file.
    """
    config, problems = configuration.collect(path, environ=environ)
    if config is not None:
        told = {(each.file, each.key) for each in problems}
        for source in config.sources:
            # A key whose value is wrong anyway is not told twice.
            found = check_source(source, config.file)
            problems += [each for each in found if (each.file, each.key) not in told]
            problems += _check_pipes(source, config.file)
        for destination in config.destinations.values():
            problems += _check_ca_file(destination, config.file)
    if config is None or problems:
        raise ConfigError(problems)
    return config


def warnings(config: Config) -> list[Problem]:
    """Returns what is allowed and most likely not meant, such as a rule that never matches."""
    return [each for source in config.sources for each in warnings_of(source, config.file)]


def _check_pipes(source: SourceSection, file: str) -> list[Problem]:
    """What is read out of a FIFO is not there for a second reading."""
    fifos = [path for path in pipes_in(source.paths) if path != STDIN]
    if len(source.destinations) == 1 or not fifos:
        return []
    return [
        Problem(
            file,
            f"source[{source.name}].destination",
            "of several destinations each reads the source by itself, and a FIFO can be read once",
            found=f"{len(source.destinations)} destinations, and the FIFO {fifos[0]}",
            allowed="one destination for a source that reads a FIFO",
        )
    ]


def _check_ca_file(destination: DestinationSection, file: str) -> list[Problem]:
    if destination.ca_file is None:
        return []
    try:
        ssl.create_default_context(cafile=destination.ca_file)
    except (OSError, ssl.SSLError) as error:
        key = f"destination.{destination.name}.ca_file"
        message = f"{destination.ca_file} cannot be used: {error.strerror or error}"
        return [Problem(file, key, message, allowed="a readable file of PEM certificates")]
    return []
