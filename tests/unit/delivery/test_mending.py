from __future__ import annotations

from pathlib import Path

from hooktail.delivery.mending import Mending


def test_a_file_that_stays_as_it_is_is_no_change(tmp_path: Path) -> None:
    account = tmp_path / "account_id"
    account.write_text("wrong")

    mending = Mending([account])

    assert not mending.changed()


def test_each_change_is_told_once(tmp_path: Path) -> None:
    account = tmp_path / "account_id"
    account.write_text("wrong")
    mending = Mending([account])

    account.write_text("right one")

    assert mending.changed()
    assert not mending.changed()


def test_a_file_put_in_the_place_of_another_is_a_change(tmp_path: Path) -> None:
    account, mended = tmp_path / "account_id", tmp_path / "new"
    account.write_text("wrong")
    mending = Mending([account])

    mended.write_text("right")
    mended.rename(account)

    assert mending.changed()


def test_other_rights_are_a_change(tmp_path: Path) -> None:
    account = tmp_path / "account_id"
    account.write_text("right")
    account.chmod(0o666)  # which is refused
    mending = Mending([account])

    account.chmod(0o600)

    assert mending.changed()


def test_a_file_that_is_gone_for_a_moment_is_a_change_when_it_is_back(tmp_path: Path) -> None:
    account = tmp_path / "account_id"
    account.write_text("wrong")
    mending = Mending([account])

    account.unlink()
    assert not mending.changed()
    account.write_text("right")

    assert mending.changed()


def test_a_link_turned_to_another_file_is_a_change(tmp_path: Path) -> None:
    """So a secret of Kubernetes is changed."""
    for name in ("old", "new"):
        (tmp_path / name).write_text(name)
    account = tmp_path / "account_id"
    account.symlink_to("old")
    mending = Mending([account])

    account.unlink()
    account.symlink_to("new")

    assert mending.changed()
