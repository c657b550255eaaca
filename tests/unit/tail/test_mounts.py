"""Which file system a path lies on."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooktail.tail import mounts

TABLE = """\
21 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
30 21 0:40 / /srv/logs rw,relatime shared:2 - nfs4 files.example:/logs rw,vers=4.2
31 30 0:41 / /srv/logs/local rw - tmpfs tmpfs rw
32 21 0:42 / /mnt/with\\040space rw - fuse.sshfs web@one.example: rw
33 21 0:43 / /home rw - overlay overlay rw,lowerdir=/a,upperdir=/b
34 21 0:44 / /home rw master:3 propagate_from:2 - cifs //nas/home rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/log/nginx", "ext4"),
        ("/", "ext4"),
        ("/srv/logs", "nfs4"),
        ("/srv/logs/shop/today", "nfs4"),
        ("/srv/logs-not-there", "ext4"),
        ("/srv/logs/local/shop", "tmpfs"),
        ("/mnt/with space/shop", "fuse.sshfs"),
        ("/home/shop", "cifs"),  # mounted over the overlay
    ],
)
def test_a_path_lies_on_the_last_mount_on_the_way_to_it(path: str, kind: str) -> None:
    assert mounts.parse(TABLE).file_system(path) == kind


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "lustre", "afs"])
def test_of_network_file_systems_the_kernel_does_not_tell(kind: str) -> None:
    assert mounts.why_deaf(kind).startswith("network")


@pytest.mark.parametrize("kind", ["fuse", "fuse.sshfs", "fuse.glusterfs"])
def test_of_what_happens_behind_fuse_the_kernel_does_not_tell(kind: str) -> None:
    assert mounts.why_deaf(kind).startswith("FUSE")


@pytest.mark.parametrize("kind", ["", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "fuseblk", "zfs"])
def test_of_local_file_systems_it_does(kind: str) -> None:
    assert mounts.why_deaf(kind) == ""


@given(st.text(), st.text(min_size=1).map(lambda text: f"/{text}"))
def test_whatever_the_table_says_a_kind_is_one_of_its_words(text: str, path: str) -> None:
    assert mounts.parse(text).file_system(path) in {"", *text.split()}


def test_where_there_is_no_table_nothing_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mounts, "MOUNTINFO", tmp_path / "absent")

    assert mounts.read().file_system("/var/log") == ""


def test_this_machine_has_a_root() -> None:
    assert mounts.read().file_system("/")
