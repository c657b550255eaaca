"""The daemon itself: what stands before the first table, `[status]` and `[log]`."""

from __future__ import annotations

from hooktail.config import addresses
from hooktail.config.keys.words import Key, Section
from hooktail.config.kinds import Choice, Text, absolute_path
from hooktail.config.sections import DEFAULT_STATE_DIR, Config, LogSection, StatusSection

ROOT = Section(
    title="top level",
    about="What stands before the first table.",
    cls=Config,
    keys=(
        Key(
            "state_dir",
            absolute_path(),
            "Directory of checkpoint, dead letters and lock; without it $HOOKTAIL_STATE_DIR, "
            "then systemd's $STATE_DIRECTORY, then the default.",
            default=DEFAULT_STATE_DIR,
        ),
        Key(
            "on_checkpoint_error",
            Choice(("previous", "fail", "end", "beginning")),
            "What to do at the start with a damaged checkpoint: go back to the newest state "
            "that can be proved, do not start, skip to the ends of the files, or send everything "
            "again.",
        ),
        Key(
            "visitor_secret_file",
            absolute_path(),
            "File that holds the secret from which visitor ids derive, where several hosts "
            "should agree; without it the credential visitor_secret, then one made at the first "
            "start.",
        ),
    ),
    tables=("destination", "delivery", "source", "status", "log"),
)

STATUS = Section(
    title="[status]",
    about="Where the status page, /metrics and /healthz will be served; this version serves none.",
    cls=StatusSection,
    keys=(
        Key(
            "listen",
            Text(
                allowed='"host:port", "[v6]:port", "unix:/path", or "" for off',
                pattern=r"[^\x00-\x1f\x7f]*",
                max_length=512,
                rule=addresses.listen,
            ),
            'Address to listen on; "" turns the page off.',
        ),
    ),
)

LOG = Section(
    title="[log]",
    about="What the daemon says about itself on stderr.",
    cls=LogSection,
    keys=(
        Key(
            "level",
            Choice(("debug", "info", "warning", "error")),
            "The least serious messages that are written.",
        ),
        Key(
            "format",
            Choice(("auto", "json", "console")),
            "One JSON object a line, or text for people; auto looks where stderr goes.",
        ),
    ),
)
