import os
from pathlib import Path

import pytest

from hooktail.checkpoint.lock import StateLock, prepare_state_dir
from hooktail.errors import LockedError


def test_the_second_is_refused_and_names_the_first(tmp_path: Path) -> None:
    with (
        StateLock(tmp_path),
        pytest.raises(LockedError, match=str(os.getpid())),
        StateLock(tmp_path),
    ):
        pass


def test_a_freed_lock_can_be_taken_again(tmp_path: Path) -> None:
    with StateLock(tmp_path):
        pass
    with StateLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_the_state_dir_is_private(tmp_path: Path) -> None:
    prepare_state_dir(tmp_path / "a" / "state")

    assert (tmp_path / "a" / "state").stat().st_mode & 0o777 == 0o700
