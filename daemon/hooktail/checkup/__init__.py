"""Whether the daemon would work here: the configuration, then the world around it, as findings.

finding      what was found, and the exit code that it means
service_user, apart      whose eyes look, and a child process that has them
configured, patterns     the configuration, and expressions that could take long
files, access            which files a source has, what keeps them from being read, what mends it
sample, reading, lines   some lines of a file, what the format makes of them, how they are shown
fit, alike, lacks        whether the format fits, where it stops, what the log does not say
state_dir, host          the state directory and the limits of the kernel
endpoint, trial_event    the way to the endpoint, and one event on it
whole                    all of it, in order

Nothing here writes: a check leaves the state directory, the logs and their pipes as they are.
"""

from __future__ import annotations

from hooktail.checkup.finding import Finding, Level, exit_code_of
from hooktail.checkup.service_user import ServiceUser
from hooktail.checkup.whole import Wishes, check

__all__ = ["Finding", "Level", "ServiceUser", "Wishes", "check", "exit_code_of"]
