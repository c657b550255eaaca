"""Real nginx, a real HTTP client, real logrotate: every page view exactly once."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import pytest
from support.lines import AGENT
from support.processes import daemon, endpoint, free_port, wait_for

NGINX = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
LOGROTATE = shutil.which("logrotate", path=os.environ["PATH"] + ":/usr/sbin")

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
    pytest.mark.skipif(LOGROTATE is None, reason="logrotate is not installed"),
]

REQUESTS = 6000
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


@contextmanager
def nginx(directory: Path) -> Iterator[int]:
    """Runs nginx with its built-in combined format; clients are told by X-Forwarded-For."""
    port = free_port()
    (directory / "html").mkdir()
    for name in ("index.html", "app.css"):
        (directory / "html" / name).write_text("hello\n")
    (directory / "nginx.conf").write_text(
        f"""
daemon off;
master_process on;
worker_processes 2;
user root;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log {directory}/access.log combined;
    client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fcgi; uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    set_real_ip_from 127.0.0.1;
    real_ip_header X-Forwarded-For;
    server {{
        listen 127.0.0.1:{port};
        root {directory}/html;
        location / {{ try_files $uri /index.html; }}
        location /moved {{ return 302 /; }}
    }}
}}
"""
    )
    text = (directory / "nginx.conf").read_text()
    if os.geteuid() != 0:
        (directory / "nginx.conf").write_text(text.replace("user root;\n", ""))
    process = subprocess.Popen(
        [str(NGINX), "-c", str(directory / "nginx.conf"), "-p", str(directory)],
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for((directory / "nginx.pid").exists, "nginx")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def rotate(directory: Path) -> None:
    """`logrotate -f` with nginx's USR1, as Debian's stanza does."""
    stanza = directory / "logrotate.conf"
    stanza.write_text(
        f"""
{directory}/access.log {{
    rotate 10
    missingok
    create 0644
    sharedscripts
    postrotate
        kill -USR1 $(cat {directory}/nginx.pid)
    endscript
}}
"""
    )
    stanza.chmod(0o644)
    directory.chmod(0o755)
    subprocess.run(
        [str(LOGROTATE), "-f", "-s", str(directory / "rotate.state"), str(stanza)],
        check=True,
        capture_output=True,
    )


async def browse(port: int, progress: list[int]) -> Counter[str]:
    """Sends the requests over keep-alive connections; returns how many of each kind."""
    kinds: Counter[str] = Counter()
    connector = aiohttp.TCPConnector(limit=8)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:

        async def one(number: int) -> None:
            kind = ("page", "page", "asset", "bot", "moved", "post")[number % 6]
            path = {
                "page": f"/article/{number}?from=%C3%A9&q=a+b",
                "asset": f"/app.css?v={number}",
                "bot": f"/article/{number}",
                "moved": "/moved",
                "post": f"/article/{number}",
            }[kind]
            headers = {
                "User-Agent": BOT if kind == "bot" else f'{AGENT} "quoted" é/{number}',
                "X-Forwarded-For": f"81.2.{number % 250}.{number % 199 + 1}"
                if number % 9
                else f"2a02:6b8:0:1::{number:x}",
                "Referer": 'https://www.example.org/search?q="x"',
            }
            url = f"http://127.0.0.1:{port}{path}"
            method = "POST" if kind == "post" else "GET"
            async with session.request(
                method, url, headers=headers, allow_redirects=False
            ) as answer:
                await answer.read()
            kinds[kind] += 1
            progress[0] += 1

        numbers = iter(range(REQUESTS))

        async def worker() -> None:
            for number in numbers:
                await one(number)

        await asyncio.gather(*(worker() for _ in range(8)))
    return kinds


def test_every_page_view_is_delivered_once_while_logrotate_rotates_twice(tmp_path: Path) -> None:
    with nginx(tmp_path) as port, endpoint(tmp_path) as pixel, daemon(tmp_path) as hooktail:
        hooktail.configure(pixel.template, f"{tmp_path}/access.log*")
        hooktail.start()
        progress = [0]

        async def scenario() -> Counter[str]:
            browsing = asyncio.create_task(browse(port, progress))
            for share in (0.3, 0.6):
                done = REQUESTS * share
                await asyncio.to_thread(
                    wait_for, lambda done=done: progress[0] >= done, "requests", 60
                )
                await asyncio.to_thread(rotate, tmp_path)
            return await browsing

        kinds = asyncio.run(scenario())
        wait_for(lambda: hooktail.books().get("read") == REQUESTS, "every line", 60)
        wait_for(lambda: hooktail.pending() == 0, "every answer")
        assert hooktail.stop() == 0

        books = hooktail.assert_balanced()
        assert (tmp_path / "access.log.2").exists()
        assert books == {
            "read": REQUESTS,
            "pending": 0,
            "delivered": kinds["page"],
            "filtered.static_file": kinds["asset"],
            "filtered.bot": kinds["bot"],
            "filtered.status": kinds["moved"],
            "filtered.method": kinds["post"],
        }
        accepted = pixel.accepted()
        assert not [request for request in pixel.requests() if request["problems"]]
        urls = Counter(request["body"]["url"] for request in accepted)
        assert set(urls.values()) == {1}
        assert urls.keys() == {
            f"https://shop.example/article/{number}?from=%C3%A9&q=a+b"
            for number in range(REQUESTS)
            if number % 6 in (0, 1)
        }
        some = accepted[0]["body"]
        assert '"quoted" é/' in some["user_agent"]
        assert some["referrer"].startswith("https://www.example.org/search?q=")
