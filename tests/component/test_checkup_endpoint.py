"""The way to an endpoint, against servers on loopback: each step that can fail, by its name."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from component.endpoint import OK, Endpoint, answering, raw_server, status
from support.certificates import server_tls
from support.connect_proxy import ConnectProxy

from hooktail.checkup import endpoint as way
from hooktail.checkup import trial_event
from hooktail.checkup.finding import Finding, Level
from hooktail.config.sections import DestinationSection, Secret

ACCOUNT = "acct-7f3a"


def section(
    port: int, *, scheme: str = "http", host: str = "127.0.0.1", ca_file: Path | None = None
) -> DestinationSection:
    return DestinationSection(
        name="default",
        account_id=Secret(ACCOUNT),
        endpoint=f"{scheme}://{host}:{port}/{{account_id}}/pixel.png",
        connect_timeout_s=2.0,
        ca_file=ca_file,
    )


async def look(destination: DestinationSection) -> list[Finding]:
    found = [each async for each in way.look(destination)]
    assert all(ACCOUNT not in each.message + each.hint for each in found)
    return found


def last_failure(found: list[Finding]) -> Finding:
    failures = [each for each in found if each.level is Level.FAIL]
    assert failures == found[-1:]
    assert failures[0].code == 69
    return failures[0]


async def test_a_good_way_is_told_step_by_step(certificates: Path) -> None:
    async with Endpoint(answering(OK), server_tls(certificates, "good")) as server:
        found = await look(section(server.port, scheme="https", ca_file=certificates / "ca.pem"))

    assert [each.name for each in found] == ["endpoint_dns", "endpoint_connect", "endpoint_tls"]
    assert [each.level for each in found[:2]] == [Level.OK, Level.OK]
    assert found[2].level is Level.WARN  # it ends within two days
    assert "valid for 1 more days" in found[2].message
    assert server.requests == []


@pytest.mark.parametrize(
    ("name", "trusted", "words"),
    [
        ("other", True, "mismatch"),
        ("expired", True, "expired"),
        ("good", False, "issuer"),
    ],
)
async def test_a_wrong_certificate_is_named(
    certificates: Path, name: str, trusted: bool, words: str
) -> None:
    ca_file = certificates / "ca.pem" if trusted else None
    async with Endpoint(answering(OK), server_tls(certificates, name)) as server:
        found = await look(section(server.port, scheme="https", ca_file=ca_file))

    failure = last_failure(found)
    assert failure.name == "endpoint_tls"
    assert words in failure.message
    assert "hold the destination" in failure.hint


async def test_a_port_without_tls_is_told() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with raw_server(plain) as port:
        failure = last_failure(await look(section(port, scheme="https")))

    assert failure.name == "endpoint_tls"
    assert "TLS" in failure.hint


async def test_a_port_that_says_nothing_is_not_waited_for_longer_than_configured() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with raw_server(silent) as port:
        failure = last_failure(await look(section(port, scheme="https")))

    assert "no TLS handshake within 2 s" in failure.message


async def test_a_refused_port_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        failure = last_failure(await look(section(taken.getsockname()[1])))

    assert failure.name == "endpoint_connect"
    assert "Connection refused" in failure.message


PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY")


@pytest.mark.parametrize(
    ("variable", "told"),
    [
        ("HTTPS_PROXY", "HTTPS_PROXY is set here, and hooktail uses no proxy but one that [destin"),
        ("all_proxy", 'set `proxy`, or proxy_env = "all_proxy" and give the service that variable'),
        ("", "if only a proxy leads out, set `proxy` in [destination.default]"),
    ],
)
async def test_where_there_is_no_way_a_proxy_of_the_environment_is_named(
    variable: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    if variable:
        monkeypatch.setenv(variable, "http://user:secret@proxy.example:3128")

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        refused = last_failure(await look(section(taken.getsockname()[1], scheme="https")))
    unknown = last_failure(await look(section(443, scheme="https", host="no-such-host.invalid")))

    for failure in (refused, unknown):
        assert told in failure.hint
        assert "secret" not in failure.hint


async def test_the_way_through_a_proxy_is_the_way_that_is_gone(certificates: Path) -> None:
    """The endpoint's name is for the proxy to look up: here it has none."""
    async with (
        Endpoint(answering(OK), server_tls(certificates, "good")) as server,
        ConnectProxy(login="us%er:pa:ss") as proxy,
    ):
        direct = section(server.port, scheme="https", ca_file=certificates / "ca.pem")
        found = await look(replace(direct, proxy=Secret(proxy.url("us%25er:pa%3Ass"))))

    assert [each.name for each in found] == ["endpoint_dns", "endpoint_connect", "endpoint_tls"]
    assert all(each.level is not Level.FAIL for each in found)
    assert f"the proxy 127.0.0.1:{proxy.port} takes connections" in found[1].message
    assert "its certificate is valid" in found[2].message
    assert all("pa" not in each.message.replace("takes", "") for each in found[:2])
    assert server.requests == []


@pytest.mark.parametrize(
    ("login", "refuse", "told", "hint"),
    [
        ("u:p", "", "wants a user and a password (407)", "put user:password@ before its host"),
        ("", "403 Forbidden", "opens no tunnel (403)", "have it let 127.0.0.1:443 thr"),
        ("", "no status", "answers something else than HTTP", "is that an HTTP proxy?"),
    ],
)
async def test_a_proxy_that_opens_no_tunnel_is_told(
    login: str, refuse: str, told: str, hint: str
) -> None:
    async with ConnectProxy(login=login, refuse=refuse) as proxy:
        url = Secret(proxy.url("x:y" if login else ""))
        failure = last_failure(await look(replace(section(443, scheme="https"), proxy=url)))

    assert failure.name == "endpoint_tls"
    assert f"the proxy 127.0.0.1:{proxy.port} {told}" in failure.message
    assert failure.hint.startswith(hint)


async def test_a_proxy_that_is_not_there_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        port = taken.getsockname()[1]
        url = Secret(f"http://user:hidden@127.0.0.1:{port}")
        failure = last_failure(await look(replace(section(443, scheme="https"), proxy=url)))

    assert failure.name == "endpoint_connect"
    assert f"no connection to the proxy 127.0.0.1:{port}: Connection refused" in failure.message
    assert "hidden" not in failure.message + failure.hint


async def test_a_name_that_does_not_resolve_is_told() -> None:
    failure = last_failure(await look(section(443, scheme="https", host="no-such-host.invalid")))

    assert failure.name == "endpoint_dns"
    assert failure.message.startswith("no-such-host.invalid:443: ")


async def test_an_account_in_the_name_of_the_host_is_never_shown() -> None:
    found = await look(section(443, scheme="https", host="{account_id}.invalid"))

    assert "{account_id}.invalid:443" in found[0].message


@pytest.mark.parametrize(
    ("answer", "level", "words"),
    [
        (OK, Level.OK, "was accepted"),
        (status(400, b"no such thing"), Level.FAIL, "dead letters (http_400: no such thing)"),
        (status(403, ACCOUNT.encode()), Level.FAIL, "(http_403: ***)"),
        (status(301, b"", "Location: /elsewhere"), Level.FAIL, "(http_301: /elsewhere)"),
        (status(503, b"", "Retry-After: 7"), Level.FAIL, "asks to wait 7 s"),
    ],
)
async def test_the_test_event_is_sent_once_and_its_answer_explained(
    answer: bytes, level: Level, words: str
) -> None:
    async with Endpoint(answering(answer)) as server:
        found = await trial_event.send(section(server.port))

    assert len(server.requests) == 1
    assert b'"event_name":"hooktail_test"' in server.requests[0].body
    assert found.level is level
    assert words in found.message
    assert ACCOUNT not in found.message + found.hint
