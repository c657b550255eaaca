"""What keeps a user out, found by trying; as root, with the rights of nobody."""

from __future__ import annotations

import grp
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hooktail.checkup import access, apart, files, service_user
from hooktail.checkup.finding import Finding, Level
from hooktail.checkup.service_user import ServiceUser
from hooktail.config.sections import SourceSection
from hooktail.errors import UsageError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can look as another user")


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody may enter: pytest's own is closed to others."""
    directory = Path(tempfile.mkdtemp(prefix="hooktail-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def nobody() -> ServiceUser:
    return service_user.choose("nobody")


def told(user: ServiceUser, look: Callable[[], str]) -> str:
    """What a function returns that runs as a user."""
    [found] = apart.findings_as(user, lambda: [Finding(name="told", area="host", message=look())])
    return found.message


def hint(user: ServiceUser, path: Path) -> str:
    def look() -> str:
        found = access.obstacle(str(path))
        return "" if found is None else f"{found.told} -> {access.mend(found, user)}"

    return told(user, look)


@as_root
def test_the_child_has_the_users_rights_and_no_others(nobody: ServiceUser) -> None:
    def look() -> str:
        with pytest.raises(PermissionError):
            os.setuid(0)
        return repr((os.getresuid(), os.getresgid(), sorted(os.getgroups())))

    expected = ((nobody.uid,) * 3, (nobody.gid,) * 3, sorted(nobody.groups))

    assert told(nobody, look) == repr(expected)
    assert os.geteuid() == 0


@as_root
def test_findings_come_one_by_one_and_a_bug_in_there_is_no_silence(nobody: ServiceUser) -> None:
    def look() -> Iterator[Finding]:
        yield Finding(name="first", area="host", message="m")
        raise ZeroDivisionError

    findings = apart.findings_as(nobody, look)

    assert next(findings).name == "first"
    with pytest.raises(RuntimeError, match="nobody"):
        next(findings)


@as_root
def test_a_root_without_the_right_to_change_users_says_so_and_looks_no_further(
    nobody: ServiceUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    def look() -> Iterator[Finding]:
        yield Finding(name="looked", area="host", message="as root")

    monkeypatch.setattr(os, "setresuid", refuse)

    [found] = apart.findings_as(nobody, look)

    assert (found.name, found.code) == ("service_user_refused", 77)


@as_root
def test_a_readable_file_has_no_obstacle(place: Path, nobody: ServiceUser) -> None:
    log = place / "access.log"
    log.write_text("x\n")

    assert hint(nobody, log) == ""
    assert hint(nobody, place / "absent.log") == ""


@as_root
def test_the_group_that_may_read_is_the_remedy(place: Path, nobody: ServiceUser) -> None:
    log = place / "access.log"
    log.write_text("x\n")
    log.chmod(0o640)
    os.chown(log, 0, grp.getgrnam("adm").gr_gid)

    found = hint(nobody, log)

    assert f"{log} may not be opened" in found
    assert "mode 0640, root:adm" in found
    assert "run `usermod -aG adm nobody`" in found


@as_root
def test_without_such_a_group_an_access_list_is_the_remedy(
    place: Path, nobody: ServiceUser
) -> None:
    log = place / "access.log"
    log.write_text("x\n")
    log.chmod(0o600)

    found = hint(nobody, log)

    assert f"`setfacl -m u:nobody:r {log}`" in found
    assert f"`setfacl -d -m u:nobody:r {place}`" in found


@as_root
def test_the_first_directory_that_refuses_is_named(place: Path, nobody: ServiceUser) -> None:
    closed = place / "nginx"
    (closed / "deeper").mkdir(parents=True)
    log = closed / "deeper" / "access.log"
    log.write_text("x\n")
    closed.chmod(0o750)
    os.chown(closed, 0, grp.getgrnam("adm").gr_gid)

    found = hint(nobody, log)

    assert f"the directory {closed} may not be entered" in found
    assert "usermod -aG adm nobody" in found


@as_root
def test_a_directory_that_may_be_entered_and_not_listed_is_told_apart(
    place: Path, nobody: ServiceUser
) -> None:
    closed = place / "nginx"
    closed.mkdir()
    closed.chmod(0o711)

    assert f"the directory {closed} may not be listed" in hint(nobody, closed)


@as_root
def test_files_that_refuse_alike_are_one_finding(place: Path, nobody: ServiceUser) -> None:
    for number in range(30):
        log = place / f"access.log.{number}"
        log.write_text("x\n")
        log.chmod(0o600)
    (place / "access.log").write_text("x\n")
    source = SourceSection(name="shop", paths=(f"{place}/access.log*",))

    def look() -> Iterator[Finding]:
        yield from files.look(source, nobody).findings

    found = list(apart.findings_as(nobody, look))

    [failure] = [each for each in found if each.level is Level.FAIL]
    assert failure.code == 77
    assert "29 more files like it" in failure.message
    assert [each.name for each in found if each.level is Level.OK] == ["files_readable"]


@as_root
def test_a_glob_in_a_closed_directory_says_so_instead_of_nothing_found(
    place: Path, nobody: ServiceUser
) -> None:
    closed = place / "nginx"
    closed.mkdir()
    (closed / "access.log").write_text("x\n")
    closed.chmod(0o700)
    source = SourceSection(name="shop", paths=(f"{closed}/*.log",))

    found = list(apart.findings_as(nobody, lambda: files.look(source, nobody).findings))

    assert [(each.name, each.code) for each in found] == [("directory_unreadable", 77)]
    assert str(closed) in found[0].message


def test_an_unknown_user_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no user 'nosuchuser'"):
        service_user.choose("nosuchuser")


def test_root_looks_as_hooktail_where_there_is_that_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(service_user, "NAME", "nobody")
    assert service_user.choose(None).name == "nobody"

    monkeypatch.setattr(service_user, "NAME", "nosuchuser")
    assert service_user.choose(None).uid == 0


def test_others_look_as_themselves_and_as_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 12_345)
    monkeypatch.setattr(service_user, "NAME", "nobody")

    assert service_user.choose(None).uid == 12_345
    with pytest.raises(UsageError, match="only root"):
        service_user.choose("nobody")
