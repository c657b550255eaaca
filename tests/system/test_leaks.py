"""The real daemon says nothing of the secrets that people leave in logs, to nobody."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from support.processes import daemon, endpoint, wait_for
from support.secrets import CARD, EMAIL, ENCODINGS, NAMED, PASSWORD, PHONE, SESSION, TELLING, leaks

from hooktail.checkpoint.store import read_state

RULES = """
[[source.event]]
name = "thanks_{query.kind}"
when = { path = "/kind" }
[[source.event]]
name = "thanks"
when = { path = "prefix:/thanks" }
[source.event.fields]
q = { from = "query.q" }
who = { from = "user" }
from = { from = "referrer" }
whole = { template = "{path}?{query}" }
"""
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def line(
    target: str = "/",
    *,
    user: str = "-",
    referrer: str = "-",
    agent: str = AGENT,
    status: int = 200,
) -> str:
    request = f"GET {target} HTTP/1.1"
    return (
        f'81.2.69.142 - {user} [15/Jan/2024:10:30:00 +0000] "{request}" {status} 512 "{referrer}" '
        f'"{agent}"\n'
    )


def planted() -> list[str]:
    """Every secret at every place that a line of a combined log has for it."""
    lines = [line("/good")]
    for secret in TELLING:
        for encode in ENCODINGS:
            text = encode(secret)
            targets = [
                f"/{text}/page", f"/thanks/{text}", f"/thanks?q={text}", f"/a?b=1&{text}",
                f"/a?{text}=1", f"/thanks?q=1&next={quote('/x?y=', safe='')}{text}",
                f"/kind?kind={text}", f"/a.css?q={text}", f"/admin/{text}",
            ]  # fmt: skip
            lines += [line(target) for target in targets]
            lines += [
                line("/thanks?q=1", referrer=f"https://a.example{target}") for target in targets
            ]
        plain = secret.replace(" ", "")
        lines += [
            line("/thanks?q=1", user=plain),
            line(agent=f"{AGENT} {secret}"),
            line(agent=secret),
            line("/thanks?q=1", referrer=secret),
            line(f"/{plain}", status=404),
            f"no line of a log: {secret} password={PASSWORD}\n",
        ]
    hidden = [
        f"/reset-password/{PASSWORD}", f"/a/token/{SESSION}/b", f"/sid/{SESSION}",
        "/(S(planted5t21z5v55vlm25s55))/a", f"/a?data={quote(json.dumps(NAMED), safe='')}",
        "/a?to=https://planted:x@intranet/", f"/a?next=/token/{SESSION}", f"/a#email={EMAIL}",
        f"/thanks?q={quote(json.dumps({'password': PASSWORD}), safe='')}",
    ]  # fmt: skip
    for target in hidden:
        lines += [line(target), line("/thanks?q=1", referrer=f"https://a.example{target}")]
    absolute = f"http://planted:{PASSWORD}@shop.example/absolute"
    for target in (absolute, f"http://{EMAIL}/", f"http://{CARD.replace(' ', '')}.example/"):
        lines.append(line(target))
    lines += [line(agent=f"ShopApp/4.1 (iPhone; {name}={NAMED[name]})") for name in NAMED]
    for name, value in NAMED.items():
        pair = f"{quote(name)}={value}"
        for target in (f"/a?{pair}&b=1", f"/thanks?q=1&{pair}", f"/a;{pair}/b", f"/thanks/{pair}"):
            lines += [line(target), line("/thanks?q=1", referrer=f"https://a.example{target}")]
        nested = f"/a?next={quote(f'/login?{pair}', safe='')}"
        lines += [line(nested), line(referrer=f"https://a.example{nested}")]
    lines += [
        line(referrer=f"https://planted:{PASSWORD}@a.example/x#password={PASSWORD}"),
        line(f"/a;jsessionid={SESSION}?b=1"),
        line("/" + "x" * 2048 + EMAIL),
        line("/thanks?q=" + "x" * 2048 + quote(CARD)),
        line(f"/a/\\x16{PHONE.replace(' ', '')}"),
    ]
    return lines


@pytest.mark.parametrize("fail", ["", "400:0.5"])
def test_no_secret_of_a_log_comes_out_anywhere(tmp_path: Path, fail: str) -> None:
    options = ("--fail", fail, "--seed", "1") if fail else ()
    lines = planted()
    log_file = tmp_path / "access.log"
    log_file.write_text("".join(lines))

    with endpoint(tmp_path, *options) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, str(log_file), more=RULES)
        hooktail.start()
        wait_for(
            lambda: hooktail.books().get("read") == len(lines) and not hooktail.pending(),
            "all lines",
            90,
        )
        assert hooktail.stop() == 0
        books = hooktail.assert_balanced()
        bodies = [json.dumps(request, ensure_ascii=False) for request in pixel.requests()]

        assert books["delivered"] > len(lines) / 4
        assert bool(books.get("dead_lettered.http_400")) is bool(fail)
        assert "unparsable.internal_error" not in books
        assert any("good" in body for body in bodies) or fail
        assert [leaks(body) for body in bodies if leaks(body)] == []
        assert leaks(hooktail.log_text()) == []
        assert leaks(json.dumps(books)) == []
        letters = [
            json.loads(text)
            for path in (hooktail.state_dir / "deadletter").glob("*.ndjson")
            for text in path.read_text().splitlines()
        ]
        assert bool(letters) is bool(fail)
        assert leaks(json.dumps(letters, ensure_ascii=False)) == []
        state = read_state(hooktail.state_dir)
        assert leaks(repr(state)) == []
