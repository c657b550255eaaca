"""Which file system a path lies on, and whether inotify tells of all changes there.

On a network file system the kernel knows only of what this machine does; under FUSE only of what
goes through this mount. Such directories are looked at instead. An overlay is told of: its changes
go through the mount itself.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

MOUNTINFO = Path("/proc/self/mountinfo")
# fmt: off
NETWORK = frozenset({
    "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fhgfs", "gfs2", "glusterfs",
    "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "pvfs2", "smb2", "smb3",
    "smbfs", "vboxsf", "virtiofs",
})
# fmt: on
_ESCAPED = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """One line of the mount table."""

    place: str
    kind: str
    """The file system as the kernel calls it: `ext4`, `nfs4`, `fuse.sshfs`."""


class MountTable:
    """The mounts, for asking on which of them a real path lies."""

    def __init__(self, mounts: list[Mount]) -> None:
        # Of two mounts on one place the later one hides the other.
        self._kinds = {mount.place: mount.kind for mount in mounts}

    def file_system(self, real_path: str) -> str:
        """Returns the kind of file system under an absolute real path; "" if that is unknown."""
        place = real_path
        while place not in self._kinds:
            if place in ("/", ""):
                return ""
            place = place.rpartition("/")[0] or "/"
        return self._kinds[place]


def parse(text: str) -> MountTable:
    """Reads a mount table in the form of proc(5) mountinfo; lines it cannot read are left out."""
    mounts = []
    for line in text.splitlines():
        before, separator, after = line.partition(" - ")
        fields, kind = before.split(" "), after.partition(" ")[0]
        if separator and len(fields) > 4 and kind:
            place = _ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[4])
            mounts.append(Mount(place, kind))
    return MountTable(mounts)


def read() -> MountTable:
    """Reads the mounts that this process sees; none where there is no such table."""
    try:
        # Names in it are bytes, as in every path.
        return parse(MOUNTINFO.read_text(errors="surrogateescape"))
    except OSError:
        return MountTable([])


def why_deaf(kind: str) -> str:
    """Says why inotify does not tell of all changes on a file system; "" if it does."""
    if kind in NETWORK:
        return "network file system: other machines' changes are not told"
    if kind == "fuse" or kind.startswith("fuse."):
        return "FUSE: changes behind the mount are not told"
    return ""
