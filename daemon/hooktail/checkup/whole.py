"""The whole check, in order: who looks, the configuration, then the world around it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from hooktail import endpoints
from hooktail.checkup import (
    apart,
    configured,
    endpoint,
    files,
    fit,
    host,
    patterns,
    service_user,
    state_dir,
    trial_event,
)
from hooktail.checkup.finding import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hooktail.checkup.service_user import ServiceUser
    from hooktail.config import Config
    from hooktail.config.sections import DestinationSection


class Wishes(NamedTuple):
    """What the command line asks for."""

    user: ServiceUser
    asked_for_user: bool = False
    """Whether the command line names the user."""
    offline: bool = False
    """Whether to leave the network alone."""
    send_test: bool = False
    """Whether to send one event to each destination."""


def check(path: str, environ: Mapping[str, str], wishes: Wishes) -> Iterator[Finding]:
    """Yields findings as they are made.

    Everything is looked at as the service user, in a child process where that is another one; also
    the formats of the configuration's plugins run there.
    """
    user = wishes.user
    yield _who(user, asked=wishes.asked_for_user)
    if not user.is_us:
        environ = configured.with_credentials(path, environ)
    glanced = None if user.is_us else configured.glance(path, environ)

    def look() -> Iterator[Finding]:
        found = configured.look(path, environ, user, glanced)
        yield from found.findings
        if found.config is None:
            yield Finding(
                name="not_looked_further",
                area="config",
                level=Level.WARN,
                message="logs, state directory and endpoint were not looked at",
                hint="mend the configuration first",
            )
            return
        yield from _world(found.config, wishes)

    yield from apart.findings_as(user, look)


def _who(user: ServiceUser, *, asked: bool) -> Finding:
    groups = f"groups {user.group_names}" if len(user.groups) > 1 else f"group {user.group_names}"
    message = f"looking as the user {user.name}, {groups}"
    level, hint = Level.OK, ""
    if user.is_root and not asked:
        level = Level.WARN
        message += ": root may read everything, which says nothing of the service"
        hint = "name the service's user with --user"
    elif user.is_us and user.name != service_user.NAME and service_user.exists():
        hint = f"run the command with sudo to look as {service_user.NAME}"
    return Finding(name="service_user", area="service", level=level, message=message, hint=hint)


def _world(config: Config, wishes: Wishes) -> Iterator[Finding]:
    yield from patterns.look(config)
    directories: set[str] = set()
    opened = 0
    for source in config.sources:
        place = files.look(source, wishes.user)
        yield from place.findings
        directories |= place.directories
        opened += len(place.readable)
        if place.readable:
            payload = config.destinations[source.destinations[0]].payload
            yield from fit.look(source, place.readable, payload)
    yield from state_dir.look(config, wishes.user)
    used = sorted({name for source in config.sources for name in source.destinations})
    connections = config.delivery.concurrency * len(used)
    yield from host.look(len(directories), opened, connections)
    for name in used:
        section = config.destinations[name]
        if wishes.offline:
            message = f"{endpoints.shown(section.endpoint)} was not looked at (--offline)"
            yield Finding(name="endpoint_skipped", area="destination", of=name, message=message)
        else:
            yield from asyncio.run(_endpoint(section, send_test=wishes.send_test))


async def _endpoint(section: DestinationSection, *, send_test: bool) -> list[Finding]:
    findings = [finding async for finding in endpoint.look(section)]
    if send_test and all(finding.level is not Level.FAIL for finding in findings):
        findings.append(await trial_event.send(section))
    elif send_test:
        findings.append(trial_event.not_sent(section))
    return findings
