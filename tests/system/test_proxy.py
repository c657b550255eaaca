"""The daemon behind a proxy: it goes through it, and the password goes nowhere else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.connect_proxy import ConnectProxy
from support.lines import page_view
from support.processes import daemon, endpoint, wait_for

LOGIN = "bob:s3cret-word"


@contextmanager
def proxy(login: str) -> Iterator[ConnectProxy]:
    """A proxy in a thread of its own."""
    one, ready, done = ConnectProxy(login=login), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with one:
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(10)
        yield one
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(10)
        loop.close()


def test_a_wrong_password_holds_and_the_right_one_goes_on_after_a_reload(tmp_path: Path) -> None:
    log, file = tmp_path / "access.log", tmp_path / "proxy"
    log.write_text("".join(page_view(number) for number in range(20)))
    with endpoint(tmp_path) as pixel, proxy(LOGIN) as between, daemon(tmp_path) as hooktail:
        file.write_text(between.url("bob:wr0ng-word"))
        hooktail.configure(
            pixel.template,
            str(log),
            delivery="",
        )
        text = hooktail.config.read_text()
        hooktail.config.write_text(text.replace("[delivery]", f'proxy_file = "{file}"\n[delivery]'))
        hooktail.start()
        (held, *_) = wait_for(lambda: hooktail.logged("destination_held"), "the hold")
        assert held["reason"] == "http_407"
        assert not pixel.requests()

        file.write_text(between.url(LOGIN))
        hooktail.hang_up()
        wait_for(lambda: hooktail.books().get("delivered") == 20, "everything")
        assert hooktail.stop() == 0

        assert len(pixel.accepted()) == 20
        for word in ("wr0ng-word", "s3cret-word"):
            assert word not in hooktail.log_text()
