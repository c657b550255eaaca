"""From the merged tables to the frozen configuration, with every problem noted."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hooktail.config import account, keys, proxies, sources, tables
from hooktail.config.findings import Findings
from hooktail.config.kinds import WRONG_TYPE, Refusal, absolute_path
from hooktail.config.sections import (
    DEFAULT_STATE_DIR,
    Config,
    DeliverySection,
    DestinationSection,
    LogSection,
    Secret,
    StatusSection,
)
from hooktail.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hooktail.config.files import Document


def check(document: Document, environ: Mapping[str, str]) -> tuple[Config, list[Problem]]:
    """Returns what could be understood, and every problem. Reads the account ids' files."""
    findings = Findings(document.origins)
    root = document.tree
    # First of all, so that no account id can be shown by a problem with another key.
    accounts = _accounts(findings, root, environ)
    values = tables.check(findings, (), root, keys.ROOT)
    state_dir = values.pop("state_dir", None) or _state_dir(findings, environ)
    destinations = _destinations(findings, root, accounts, environ)
    config = Config(
        file=document.origins[()],
        state_dir=state_dir,
        **values,
        destinations=destinations,
        delivery=_delivery(findings, root),
        sources=sources.build(findings, root, list(accounts)),
        status=StatusSection(
            **tables.check(
                findings, ("status",), tables.table_at(findings, (), root, "status"), keys.STATUS
            )
        ),
        log=LogSection(
            **tables.check(findings, ("log",), tables.table_at(findings, (), root, "log"), keys.LOG)
        ),
    )
    return config, findings.problems


def _accounts(
    findings: Findings, root: dict[str, object], environ: Mapping[str, str]
) -> dict[str, account.Account | None]:
    """Returns the account of each destination that is a table; None where there is a problem."""
    accounts: dict[str, account.Account | None] = {}
    given = tables.table_at(findings, (), root, "destination", hint="write [destination.default]")
    for name, table in given.items():
        path = ("destination", name)
        refusal = keys.NAME_TEXT.parse(name)
        if isinstance(table, dict):
            proxies.hide(findings, table)
            accounts[name] = account.find(findings, path, table, environ)
        elif name in keys.DESTINATION.known:
            # account_id right under [destination]: the name is what is missing.
            hint = "write [destination.default] above it"
            findings.add(path, "belongs in a destination with a name", hint=hint)
            continue
        else:
            # The value is not shown: it may be an account id.
            findings.add(path, WRONG_TYPE, allowed="a table", hint=f"write [destination.{name}]")
        if isinstance(refusal, Refusal):
            findings.add(path, refusal.message, allowed=keys.NAME_TEXT.allowed)
    return accounts


def _destinations(
    findings: Findings,
    root: dict[str, object],
    accounts: Mapping[str, account.Account | None],
    environ: Mapping[str, str],
) -> dict[str, DestinationSection]:
    built: dict[str, DestinationSection] = {}
    given = root.get("destination")
    for name, found in accounts.items():
        path = ("destination", name)
        table = given.get(name) if isinstance(given, dict) else None
        if not isinstance(table, dict):
            continue
        values = tables.check(
            findings,
            path,
            table,
            keys.DESTINATION,
            skip=("account_id", "account_id_file"),
        )
        proxy = proxies.find(findings, path, table, values, environ)
        values = {key: value for key, value in values.items() if key not in proxies.KEYS}
        if found is None:
            continue
        if "endpoint" in values:
            values["endpoint"] = _template(values["endpoint"], found.account_id)
        built[name] = DestinationSection(
            name=name,
            account_id=found.account_id,
            account_file=found.file,
            proxy=proxy,
            **values,
        )
    return built


def _template(endpoint: str, account_id: Secret) -> str:
    """Puts the placeholder where the id itself was written, so that nothing prints it."""
    pieces = endpoint.split("{account_id}")
    return "{account_id}".join(
        piece.replace(account_id.reveal(), "{account_id}") for piece in pieces
    )


def _delivery(findings: Findings, root: dict[str, object]) -> DeliverySection:
    table = tables.table_at(findings, (), root, "delivery")
    delivery = DeliverySection(**tables.check(findings, ("delivery",), table, keys.DELIVERY))
    if delivery.retry_initial_s > delivery.retry_max_s:
        findings.add(
            ("delivery", "retry_initial_s"),
            "longer than retry_max_s",
            found=f"{delivery.retry_initial_s:g} s",
            allowed=f"at most retry_max_s, {delivery.retry_max_s:g} s",
        )
    return delivery


def _state_dir(findings: Findings, environ: Mapping[str, str]) -> Path:
    # systemd gives several directories joined by colons; the first is ours.
    candidates = {
        "HOOKTAIL_STATE_DIR": environ.get("HOOKTAIL_STATE_DIR", ""),
        "STATE_DIRECTORY": environ.get("STATE_DIRECTORY", "").split(":")[0],
    }
    kind = absolute_path()
    for variable, given in candidates.items():
        if not given:
            continue
        parsed = kind.parse(given)
        if isinstance(parsed, Path):
            return parsed
        if isinstance(parsed, Refusal):
            found = findings.shown(os.fsencode(given).decode(errors="replace"))
            problem = Problem("environment", variable, parsed.message, found, kind.allowed)
            findings.problems.append(problem)
            break
    return Path(DEFAULT_STATE_DIR)
