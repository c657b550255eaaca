"""Certificates of an authority of our own, for servers on loopback."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_certificates(home: Path) -> Path:
    """A CA, and certificates it signed: good, for another name, and expired."""
    if shutil.which("openssl") is None:
        pytest.fail("the openssl command is needed to make certificates")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        *("req", "-x509", *key, "-keyout", f"{home}/ca.key", "-out", f"{home}/ca.pem"),
        *("-days", "2", "-subj", "/CN=Test CA"),
        *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
    )
    for name, address, days in (
        ("good", "IP:127.0.0.1", "2"),
        ("other", "DNS:other.example", "2"),
        ("expired", "IP:127.0.0.1", "-1"),
    ):
        extensions = home / f"{name}.ext"
        extensions.write_text(
            f"subjectAltName={address}\nkeyUsage=critical,digitalSignature\n"
            "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
        )
        openssl(
            *("req", *key, "-keyout", f"{home}/{name}.key", "-out", f"{home}/{name}.csr"),
            *("-subj", f"/CN={name}"),
        )
        openssl(
            *("x509", "-req", "-in", f"{home}/{name}.csr", "-out", f"{home}/{name}.pem"),
            *("-CA", f"{home}/ca.pem", "-CAkey", f"{home}/ca.key", "-set_serial", "7"),
            *("-days", days, "-extfile", str(extensions)),
        )
    return home


def server_tls(certificates: Path, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
    return context
