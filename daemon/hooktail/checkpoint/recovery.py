"""What to do with a damaged checkpoint: the operator's word, `on_checkpoint_error`.

    previous     go on from the newest state that can be proved; if that is none, do not start
    fail         do not start
    end          what cannot be trusted is forgotten, and files go on at their ends
    beginning    what cannot be trusted is forgotten, and files are read from their beginnings

What a crash leaves is no damage and needs no word. Damage that loses nothing (a snapshot whose
predecessor and journals are whole) is told, and but for `fail` changes nothing.
"""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING

import structlog

from hooktail.checkpoint import edits
from hooktail.checkpoint.chain import NAME
from hooktail.checkpoint.state import State
from hooktail.checkpoint.whereabouts import line_start, locate
from hooktail.errors import CheckpointError, HooktailError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from hooktail.checkpoint.chain import Damage, Loaded
    from hooktail.checkpoint.disk import Disk
    from hooktail.config.sections import OnCheckpointError

KEEP_DAMAGED = 2
_KEPT = re.compile(r"checkpoint\.damaged-(\d{1,9})\.")

log = structlog.get_logger()


def decide(
    directory: Path, loaded: Loaded, on_error: OnCheckpointError, sources: Iterable[str]
) -> State:
    """Returns the state to go on with; raises CheckpointError or PermissionDeniedError."""
    state = loaded.state
    if not loaded.damages and state is not None:
        _tell_of_a_crash(directory, loaded)
        return state
    if refuses(loaded, on_error):
        raise refusal(directory, loaded)
    if not loaded.lossy and state is not None:
        _tell(loaded, on_error, hint="nothing is lost: the other files prove the same")
        return state
    if on_error == "previous" and state is not None:
        return _previous(state, loaded)
    _tell(loaded, on_error, hint="what these files said is forgotten")
    state = state or State()
    _salvage(state, loaded)
    if on_error == "end":
        _skip_to_the_ends(state, sources)
    else:
        state.apply(edits.begin_again(state, sources))
        log.error("checkpoint_begins_again", sources=sorted(state.begin_at))
    return state


def refuses(loaded: Loaded, on_error: OnCheckpointError) -> bool:
    """Tells whether the daemon would not start with what the files say."""
    if loaded.state is not None and not loaded.damages:
        return False
    if on_error == "previous":
        return loaded.state is None or (loaded.lossy and _cannot_go_back(loaded))
    return on_error == "fail"


def refusal(directory: Path, loaded: Loaded) -> HooktailError:
    """Says in one line what is wrong and what the operator can choose."""
    denied = [damage for damage in loaded.damages if damage.denied]
    if denied:
        return PermissionDeniedError(
            f"{denied[0].path}: {denied[0].what}; give the checkpoint's files to the service user "
            f"(chown --reference={directory} {directory}/checkpoint.*)"
        )
    newer = [damage for damage in loaded.damages if damage.newer]
    way = "install the version that wrote it" if newer else "restore the files"
    shown = newer or loaded.damages
    told = "; ".join(map(str, shown[:3])) + ("; and more" if len(shown) > 3 else "")
    return CheckpointError(
        f"{directory}: the checkpoint cannot be trusted: {told}; nothing is sent again without "
        f"your word: {way}, or set on_checkpoint_error to "
        + ("" if newer or not _can_go_back(loaded) else '"previous" (go back to what is whole), ')
        + '"end" (skip to the ends of the files) or "beginning" (send everything again)'
    )


def _can_go_back(loaded: Loaded) -> bool:
    """Tells whether the provable state is more than that of the very first start."""
    return loaded.state is not None and (not loaded.lossy or bool(loaded.state.started))


def _cannot_go_back(loaded: Loaded) -> bool:
    # What is whole but not ours to read knows more than its predecessor, and what proves
    # only the very first start would send everything again, or skip it.
    unreadable = any(damage.newer or damage.denied for damage in loaded.damages)
    return unreadable or not _can_go_back(loaded)


def _previous(state: State, loaded: Loaded) -> State:
    _tell(loaded, "previous", hint="what is lost is sent again, with the same event ids")
    _salvage(state, loaded)
    log.error(
        "checkpoint_went_back",
        generation=loaded.base,
        checkpoint_records_lost=sum(damage.records for damage in loaded.damages),
        checkpoint_bytes_lost=sum(damage.size for damage in loaded.damages if damage.lossy),
        checkpoint_files=len(state.files),
    )
    return state


def _salvage(state: State, loaded: Loaded) -> None:
    """Takes from whole records behind the damage what is true without those before them.

    A file that was begun at an offset is not ours below it, and a source that has started has
    started: without this, a file begun at its end would be sent from its beginning.
    """
    first_unknown = state.next_key
    for record in loaded.lost:
        with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):
            opened = {
                key: entry
                for key, entry in record.get("open", {}).items()
                if int(key) >= first_unknown and int(key) not in state.files
            }
            state.apply({"open": opened, "start": record.get("start", ())})


def _skip_to_the_ends(state: State, sources: Iterable[str]) -> None:
    ends: dict[int, int | None] = {}
    for key, entry in state.files.items():
        found = locate(entry)
        ends[key] = None
        if found is not None and not found.compressed and found.size >= entry.read:
            end = max(line_start(found.path, found.size), entry.read)
            ends[key] = end
            if end > entry.read:
                log.error(
                    "checkpoint_skips",
                    path=str(found.path),
                    source=entry.source,
                    begin=entry.read,
                    end=end,
                    bytes_skipped=end - entry.read,
                    hint="of these, lines that were not delivered before the damage are lost",
                )
                # What was read behind the state that is left cannot be told from what was not.
                state.apply({"lost": {entry.source: end - entry.read}})
    dropped = {key: state.files[key] for key, end in ends.items() if end is None}
    for entry in dropped.values():
        log.error(
            "checkpoint_forgets",
            path=entry.path,
            source=entry.source,
            read=entry.read,
            lines_lost=len(entry.pending),
        )
    for record in edits.skip(state, ends, sources):
        state.apply(record)


def _tell_of_a_crash(directory: Path, loaded: Loaded) -> None:
    if loaded.torn_bytes or loaded.ignored_records:
        log.warning(
            "checkpoint_journal_torn",
            path=str(loaded.journal or directory),
            bytes_ignored=loaded.torn_bytes,
            records_ignored=loaded.ignored_records,
            hint="a crash while writing: what it said is sent again",
        )


def _tell(loaded: Loaded, on_error: OnCheckpointError, *, hint: str) -> None:
    for damage in loaded.damages:
        log.error(
            "checkpoint_damaged",
            path=str(damage.path),
            what=damage.what,
            checkpoint_records_lost=damage.records,
            checkpoint_bytes_lost=damage.size if damage.lossy else 0,
            on_checkpoint_error=on_error,
            hint=hint,
        )


def keep_aside(directory: Path, damages: list[Damage], disk: Disk) -> None:
    """Keeps every file of a damaged checkpoint as `checkpoint.damaged-N.*`, the last two N."""
    if not damages:
        return
    names = disk.names(directory)
    kept = {int(match[1]) for name in names if (match := _KEPT.match(name))}
    number = max(kept, default=0) + 1
    for name in names:
        match = NAME.match(name)
        if match is None or match[3]:
            continue
        aside = f"checkpoint.damaged-{number}.{match[1]}.{match[2]}"
        try:
            disk.keep_as(directory / name, directory / aside)
        except OSError as error:
            log.error(  # noqa: TRY400  # its words are enough: going on is what matters
                "checkpoint_not_kept", path=name, reason=error.strerror or str(error)
            )
    disk.sync_directory(directory)
    log.error("checkpoint_kept_aside", files=f"{directory}/checkpoint.damaged-{number}.*")
    for name in names:
        if (match := _KEPT.match(name)) and int(match[1]) <= number - KEEP_DAMAGED:
            disk.unlink(directory / name)
