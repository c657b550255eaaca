"""Lines that frameworks write to the console."""

from __future__ import annotations

from datetime import UTC, datetime

from benchmarks.writers.hit import Hit, Written


def _ctime(hit: Hit) -> str:
    return datetime.fromtimestamp(hit.epoch_s, UTC).ctime()


def _console(hit: Hit) -> str:
    return hit.clf[:20].replace(":", " ", 1)


def _uwsgi(hit: Hit) -> str:
    return (
        f"[pid: {1 + hit.number % 8}|app: 0|req: {hit.number}/{hit.number}] {hit.ip} () "
        f"{{{30 + hit.number % 9} vars in {600 + hit.port % 500} bytes}} [{_ctime(hit)}] "
        f"{hit.method} {hit.target} => generated {hit.size} bytes in {hit.taken_ms} msecs "
        f"({hit.protocol} {hit.status}) 9 headers in 378 bytes (1 switches on core 0)"
    )


def _console_line(hit: Hit) -> str:
    return f'{hit.ip} - - [{_console(hit)}] "{hit.method} {hit.target} HTTP/1.1" {hit.status} '


FORMATS: tuple[Written, ...] = (
    Written(
        "rack_common_logger",
        lambda hit: f"{_console_line(hit)}{hit.size} {hit.taken_ms / 1000:.4f}",
    ),
    Written("werkzeug", lambda hit: f"{_console_line(hit)}-"),
    Written(
        "django_runserver",
        lambda hit: (
            f'[{_console(hit)}] "{hit.method} {hit.target} HTTP/1.1" {hit.status} {hit.size}'
        ),
    ),
    Written(
        "uvicorn",
        lambda hit: (
            f'INFO:     {hit.ip}:{hit.port} - "{hit.method} {hit.target} HTTP/1.1" {hit.status} OK'
        ),
    ),
    Written("uwsgi", _uwsgi),
    Written(
        "morgan_dev",
        lambda hit: (
            f"\x1b[0m{hit.method} {hit.target} \x1b[32m{hit.status}\x1b[0m "
            f"{hit.taken_ms + hit.us % 1000 / 1000:.3f} ms - {hit.size}\x1b[0m"
        ),
    ),
)
