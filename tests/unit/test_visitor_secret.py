"""The secret behind visitor ids: where it comes from, and that it is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from hooktail import visitor_secret
from hooktail.errors import InputError, PermissionDeniedError

TEXT = b"0123456789abcdef" * 2


def test_one_is_made_once_and_kept_private(tmp_path: Path) -> None:
    made = visitor_secret.read_or_make(tmp_path, {})

    assert len(made) == visitor_secret.LENGTH
    assert visitor_secret.read_or_make(tmp_path, {}) == made
    assert (tmp_path / "visitor_secret").stat().st_mode & 0o777 == 0o600


def test_the_named_file_comes_first_then_the_credential_then_our_own(tmp_path: Path) -> None:
    credentials, named = tmp_path / "credentials", tmp_path / "fleet"
    credentials.mkdir()
    environ = {"CREDENTIALS_DIRECTORY": str(credentials)}
    own = visitor_secret.read_or_make(tmp_path, environ)
    (credentials / "visitor_secret").write_bytes(b"c" * 32)
    named.write_bytes(b"n" * 32)

    assert visitor_secret.read_or_make(tmp_path, {}) == own
    assert visitor_secret.read_or_make(tmp_path, environ) == b"c" * 32
    assert visitor_secret.read_or_make(tmp_path, environ, named) == b"n" * 32


def test_a_named_file_that_is_not_there_is_an_error_not_another_secret(tmp_path: Path) -> None:
    visitor_secret.read_or_make(tmp_path, {})

    with pytest.raises(InputError, match="visitor_secret_file"):
        visitor_secret.read_or_make(tmp_path, {}, tmp_path / "missing")


def test_one_that_cannot_be_read_is_the_operators_to_mend(tmp_path: Path) -> None:
    with pytest.raises(PermissionDeniedError):
        visitor_secret.read(tmp_path, {}, tmp_path)


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_text_counts_without_its_newline(tmp_path: Path, ending: bytes) -> None:
    named = tmp_path / "fleet"
    named.write_bytes(TEXT + ending)

    assert visitor_secret.read(tmp_path, {}, named) == TEXT


def test_bytes_count_as_they_are(tmp_path: Path) -> None:
    named = tmp_path / "fleet"
    named.write_bytes(b"\xff" * 31 + b"\n")

    assert visitor_secret.read(tmp_path, {}, named) == b"\xff" * 31 + b"\n"


@pytest.mark.parametrize("secret", [b"", b"x" * 31, b"x" * 31 + b"\n", b"x" * 4097])
def test_one_too_short_or_too_long_is_refused(tmp_path: Path, secret: bytes) -> None:
    named = tmp_path / "fleet"
    named.write_bytes(secret)

    with pytest.raises(InputError, match="are needed"):
        visitor_secret.read(tmp_path, {}, named)
