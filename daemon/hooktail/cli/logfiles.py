"""Log files for the commands that read them once: compressed or not, in batches of whole lines."""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import sys
import zlib
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from hooktail.errors import InputError, PermissionDeniedError
from hooktail.extract.identity import HEAD_BYTES, generation_of
from hooktail.fingerprint import compression_of
from hooktail.model import Lines

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

CHUNK_BYTES = 262_144


class Readable(Protocol):
    """A stream of decompressed bytes."""

    def read1(self, size: int = ..., /) -> bytes:
        """Returns up to `size` bytes as soon as there are any; none at the end."""


class Batch(NamedTuple):
    """What was read of a file; `lines` is None in the place of one line over the limit."""

    lines: Lines | None
    generation: bytes


@contextlib.contextmanager
def opened(path: str) -> Iterator[Readable]:
    """Opens a file, or stdin for `-`; what is compressed is told by its first bytes.

    Raises InputError and PermissionDeniedError, also for what goes wrong while it is read.
    """
    name = "stdin" if path == "-" else path
    try:
        with contextlib.ExitStack() as stack:
            raw = sys.stdin.buffer if path == "-" else stack.enter_context(open(path, "rb"))
            # Both are buffered readers, which typing calls BinaryIO.
            buffered = cast("io.BufferedReader", raw)
            yield _decompressed(buffered, name)
    except BrokenPipeError:
        raise
    except PermissionError as error:
        raise PermissionDeniedError(f"{name}: {error.strerror}") from error
    except OSError as error:
        raise InputError(f"{name}: {error.strerror or error}") from error
    except (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError) as error:
        raise InputError(f"{name}: the compressed data is damaged: {error}") from error


def _decompressed(raw: io.BufferedReader, name: str) -> Readable:
    match compression_of(raw.peek(6)):
        case None:
            return raw
        case "gzip":
            return gzip.GzipFile(fileobj=raw)
        case "bzip2":
            return bz2.BZ2File(raw)
        case "xz":
            return lzma.LZMAFile(raw)
        case "zstd":
            return cast("Readable", zstd.ZstdFile(raw))
        case other:
            raise InputError(f"{name}: {other} is not read here; decompress it into `-`")


def batches(stream: Readable, max_line_bytes: int) -> Iterator[Batch]:
    """Yields lines as they come, at the offsets where the daemon finds them.

    A last line may lack its newline.
    """
    generation, tail, offset, dropped = b"", b"", 0, 0
    ended = False
    while not ended:
        chunk = stream.read1(CHUNK_BYTES)
        if not chunk:
            ended = True
            if not tail and not dropped:
                return
            chunk = b"\n"  # as if the last line were whole
        tail += chunk
        generation = generation or generation_of(tail[:HEAD_BYTES])
        *texts, tail = tail.split(b"\n")
        for batch, length in _runs(texts, dropped, max_line_bytes):
            lines = None if batch is None else Lines(batch, offset, offset + length)
            yield Batch(lines, generation)
            offset += length
        if texts:
            dropped = 0
        if dropped or len(tail) > max_line_bytes:
            dropped, tail = dropped + len(tail), b""


def _runs(
    texts: list[bytes], dropped: int, max_line_bytes: int
) -> Iterator[tuple[list[bytes] | None, int]]:
    """Parts lines at those over the limit, each part with its length in bytes."""
    run: list[bytes] = []
    run_length = 0
    for text in texts:
        length = dropped + len(text)
        dropped = 0
        if length <= max_line_bytes:
            run.append(text)
            run_length += length + 1
            continue
        if run:
            yield run, run_length
            run, run_length = [], 0
        yield None, length + 1
    if run:
        yield run, run_length
