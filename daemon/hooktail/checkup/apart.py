"""Looking with another user's eyes: a child process that gives root's rights up for good.

Whether a file can be read is found out by reading it. Modes, access control lists, security modules
and network file systems all have a say, and only the kernel knows the sum.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import IO, TYPE_CHECKING

from hooktail.checkup.finding import PERMISSION, Finding, Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from hooktail.checkup.service_user import ServiceUser


def findings_as(user: ServiceUser, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Yields what `look` yields when it runs as that user, as it comes.

    Only root may look as another user; there must be no other thread. A bug in there is a
    traceback on stderr and a RuntimeError here.
    """
    if user.is_us:
        yield from look()
        return
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        os._exit(_look(user, look, writing))
    os.close(writing)
    try:
        with open(reading, encoding="utf-8") as told:
            for line in told:
                yield Finding.from_wire(json.loads(line))
    finally:
        _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"the check as {user.name} ended with status {status}")


def _look(user: ServiceUser, look: Callable[[], Iterable[Finding]], writing: int) -> int:
    """Runs in the child; returns its exit code."""
    try:
        with open(writing, "w", encoding="utf-8") as telling:
            try:
                _become(user)
            except OSError as error:  # a container's root may lack the right
                _tell(_refused(user, error), telling)
                return 0
            for finding in look():
                _tell(finding, telling)
    except BrokenPipeError:  # whoever asked has gone
        return 0
    except KeyboardInterrupt:
        return 130
    except BaseException:  # noqa: BLE001  # nothing may return into the parent's code
        traceback.print_exc()
        sys.stderr.flush()
        return 1
    return 0


def _become(user: ServiceUser) -> None:
    os.setgroups(sorted(user.groups))
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)


def _refused(user: ServiceUser, error: OSError) -> Finding:
    return Finding(
        name="service_user_refused",
        area="service",
        level=Level.FAIL,
        message=f"this root may not look as {user.name}: {error.strerror}",
        hint=f"run the command as {user.name} itself",
        code=PERMISSION,
    )


def _tell(finding: Finding, telling: IO[str]) -> None:
    telling.write(json.dumps(finding.to_wire()) + "\n")
    telling.flush()
