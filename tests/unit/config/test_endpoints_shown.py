"""A key in an endpoint's path, query, user or fragment is shown to nobody, right or wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail import config, endpoints
from hooktail.config.sections import DestinationSection, Secret
from hooktail.config.show import to_toml
from hooktail.delivery.outcome import Misconfigured
from hooktail.delivery.target import Target

KEY = "s3cr3t-Kq9"
REST = '\n[[source]]\nname = "shop"\npaths = ["/a"]\n'


@pytest.mark.parametrize(
    ("endpoint", "shown"),
    [
        ("https://listen.audiohook.com/{account_id}/pixel.png",) * 2,
        ("http://127.0.0.1:8080/{account_id}/pixel.png",) * 2,
        (
            "https://proxy.example/s3cr3t/{account_id}/pixel.png",
            "https://proxy.example/***/{account_id}/pixel.png",
        ),
        ("https://h.example/hooks/T0/B1?v=", "https://h.example/hooks/***/***?v="),
        ("https://h.example/v1/events/hunter", "https://h.example/v1/events/***"),
        ("https://h.example/?key=x&id={account_id}", "https://h.example/?key=***&id={account_id}"),
        ("https://h.example?x&a=b=c", "https://h.example?***&a=***"),
        ("https://h.example/?s3cr3t=&a_b=", "https://h.example/?***=&a_b="),
        ("https://h.example:s3cr3t/a", "***"),
        ("https://[::1]:8443/p", "https://[::1]:8443/p"),
        ("https://h.example:8443/{id}#part", "https://h.example:8443/{id}#***"),
        ("https://me:s3/cr?t@h.example/", "https://***"),
        ("https://h.example/a@b", "https://***"),
        ("h.example/s3cr3t", "***"),
        ("h.example", "h.example"),
        ("s3cr3t", "***"),
    ],
)
def test_what_is_shown(endpoint: str, shown: str) -> None:
    assert endpoints.shown(endpoint) == shown


PIECES = st.lists(
    st.sampled_from(["/", "?", "&", "a=", "=", "#", ":", "%2F", "//", "{account_id}", "x", KEY]),
    max_size=8,
).map("".join)


@given(
    st.sampled_from(["https://", "http://", "htps:/", "https:\\", ""]),
    st.sampled_from(["", "me@", f"me:{KEY}@", f"{KEY}@", f"a/{KEY}@"]),
    st.sampled_from(["/", "?", "#", "\\", " ", ":", f":{KEY}", f":1{KEY}"]),
    PIECES,
)
def test_no_key_is_shown_wherever_it_stands(scheme: str, user: str, behind: str, rest: str) -> None:
    shown = endpoints.shown(f"{scheme}{user}h.example{behind}{rest}")

    assert KEY not in shown


@pytest.mark.parametrize(
    "endpoint",
    [
        f"http://h.example/{KEY}/{{account_id}}",
        f"https://me:{KEY}@h.example/",
        f"https://h.example/{KEY}#x",
        f"https://h.example/{KEY}/{{id}}",
        f"h.example/{KEY}",
        f"https://h.example:port/{KEY}",
        f"https://h.example/?token={KEY} x",
        f"https://h.example/{KEY}/{'x' * 2048}",
        f"https://h.example\\\\{KEY}",
    ],
)
def test_no_problem_shows_the_key_of_a_wrong_endpoint(tmp_path: Path, endpoint: str) -> None:
    path = tmp_path / "hooktail.toml"
    path.write_text(f'[destination.default]\naccount_id = "a-1"\nendpoint = "{endpoint}"{REST}')

    _, problems = config.collect(path, environ={})

    assert [problem.key for problem in problems] == ["destination.default.endpoint"]
    assert KEY not in str(problems[0])


def test_the_effective_configuration_shows_none(tmp_path: Path) -> None:
    path = tmp_path / "hooktail.toml"
    endpoint = f"https://h.example/{KEY}/{{account_id}}/pixel.png?token={KEY}"
    path.write_text(f'[destination.default]\naccount_id = "a-1"\nendpoint = "{endpoint}"{REST}')

    shown = to_toml(config.describe(config.load(path, environ={})))

    assert KEY not in shown
    assert '"https://h.example/***/{account_id}/pixel.png?token=***"' in shown


def target(endpoint: str) -> Target:
    section = DestinationSection(name="x", account_id=Secret("acct-7f3a"), endpoint=endpoint)
    made = Target(section, user_agent="test")
    return Target.unpacked(made.packed())  # as another process has it


@pytest.mark.parametrize(
    ("endpoint", "body", "told"),
    [
        (f"https://h.example/{KEY}/x", f"Cannot POST /{KEY}/x", "Cannot POST /***/x"),
        (f"https://h.example/{KEY}", f"no such hook: {KEY}", "no such hook: ***"),
        ("https://h.example/hunter/in", "no in /hunter/in, hunter", "no in /***/in, hunter"),
        (f"https://h.example/?k={KEY}", f"wrong k={KEY}!", "wrong k=***!"),
        ("https://h.example/?k=hunter", "https%3A%2F%2Fh?k=hunter", "https%3A%2F%2Fh?k=***"),
        ("https://h.example/hunter", "%2Fhunter%2Fhunters", "%2F***%2Fhunters"),
        ("https://h.example/a%20key%21", "at /a key!/", "at /***/"),
        ("https://h.example/{account_id}/pixel.png", "/acct-7f3a/pixel.png", "/***/pixel.png"),
    ],
)
def test_an_answer_that_repeats_it_is_masked(endpoint: str, body: str, told: str) -> None:
    assert target(endpoint).judge(404, {}, body.encode()) == Misconfigured("http_404", 404, told)
    outcome = target(endpoint).judge(302, {"Location": f"https://h{body}"}, b"")
    assert outcome == Misconfigured("http_302", 302, f"https://h{told}")


def test_words_of_a_path_are_no_secrets_by_themselves() -> None:
    endpoint = "https://h.example/v1/collect/events.php/s3cr3t/{account_id}?q=abc"
    assert endpoints.secrets_of(endpoint) == {"s3cr3t"}
