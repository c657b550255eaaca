"""Runs `answering.py`: an endpoint that does nothing but answer, plain or over TLS."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class QuickEndpoint(NamedTuple):
    port: int
    pid: int


@contextmanager
def quick_endpoint(answer_ms: int, *certificate: Path) -> Iterator[QuickEndpoint]:
    """Runs it until the block ends; with a certificate and its key it speaks TLS."""
    script = Path(__file__).with_name("answering.py")
    process = subprocess.Popen(
        [sys.executable, str(script), str(answer_ms), *map(str, certificate)],
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        yield QuickEndpoint(int(process.stdout.readline()), process.pid)
    finally:
        process.kill()
        process.communicate()


def make_certificate(directory: Path) -> tuple[Path, Path]:
    """Makes a certificate for 127.0.0.1 that signs itself, and its key."""
    certificate, key = directory / "endpoint.pem", directory / "endpoint.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=benchmark"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key
