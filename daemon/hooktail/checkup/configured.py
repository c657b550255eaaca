"""The configuration as findings, and the configuration to look at the world with."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from hooktail import checked
from hooktail import config as configuration
from hooktail.checkup import access
from hooktail.checkup.finding import CONFIGURATION, PERMISSION, Finding, Level
from hooktail.errors import ConfigError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hooktail.checkup.service_user import ServiceUser
    from hooktail.config import Config
    from hooktail.errors import Problem


class Configured(NamedTuple):
    """What was found, and the configuration if the world can be looked at with it."""

    findings: list[Finding]
    config: Config | None


def with_credentials(path: str, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Puts the files beside the configuration in the place of the credentials that a unit loads.

    `LoadCredential=account_id:/etc/hooktail/account_id` hands the service a file that it may not
    read itself; whoever types a command has no credentials.
    """
    folder = os.path.dirname(os.path.abspath(path))
    if "CREDENTIALS_DIRECTORY" in environ or not os.path.exists(f"{folder}/account_id"):
        return environ
    return {**environ, "CREDENTIALS_DIRECTORY": folder}


def glance(path: str, environ: Mapping[str, str]) -> Config | None:
    """Reads the configuration with our own rights and without its plugins; None if it is wrong.

    For the case that the service user may not read the file: the rest can still be looked at.
    """
    try:
        config, problems = configuration.collect(path, environ=environ)
    except PermissionDeniedError:
        return None
    return None if problems else config


def look(
    path: str, environ: Mapping[str, str], user: ServiceUser, glanced: Config | None
) -> Configured:
    """Loads the configuration with all of it checked, as the service would.

    `glanced` takes its place where the service user may not read it.
    """
    try:
        config = checked.load(path, environ)
    except PermissionDeniedError as error:
        return Configured([_unreadable(path, error, user)], glanced)
    except ConfigError as error:
        denied = all("denied" in each.message for each in error.problems)
        usable = glanced if denied else None
        # What systemd hands over as a credential, the service need not be able to read in its file.
        mistakes = [each for each in error.problems if not _of_a_credential(each, environ)]
        if mistakes or usable is None:
            return Configured([_problem(each) for each in mistakes or error.problems], usable)
        config = usable
    warnings = [
        _finding(each, "config_warning", Level.WARN, 0) for each in checked.warnings(config)
    ]
    return Configured([*_good(config, warnings), *warnings], config)


def _good(config: Config, warnings: list[Finding]) -> Iterator[Finding]:
    counts = (
        _counted(len(config.sources), "source"),
        _counted(len(config.destinations), "destination"),
        *([_counted(len(warnings), "warning")] if warnings else []),
    )
    message = f"{config.file}: no mistakes; {', '.join(counts)}"
    yield Finding(name="config_valid", area="config", message=message)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _problem(problem: Problem) -> Finding:
    return _finding(problem, "config_invalid", Level.FAIL, CONFIGURATION)


def _finding(problem: Problem, name: str, level: Level, code: int) -> Finding:
    return Finding(name=name, area="config", level=level, message=str(problem), code=code)


def _unreadable(path: str, error: PermissionDeniedError, user: ServiceUser) -> Finding:
    obstacle = access.obstacle(path) or access.obstacle(
        os.path.join(os.path.dirname(path), "conf.d")
    )
    return Finding(
        name="config_unreadable",
        area="config",
        level=Level.FAIL,
        message=f"{user.name} may not read the configuration: {error}",
        hint=access.mend(obstacle, user) if obstacle else "",
        code=PERMISSION,
    )


def _of_a_credential(problem: Problem, environ: Mapping[str, str]) -> bool:
    """Tells whether it is about a file that systemd gives to the service, and to it alone."""
    folder = environ.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and problem.file.startswith(f"{folder}/") and "denied" in problem.message
