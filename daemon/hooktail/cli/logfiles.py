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

from hooktail.errors import InputError, PermissionDeniedError, UsageError
from hooktail.extract.identity import HEAD_BYTES, generation_of
from hooktail.fingerprint import compression_of
from hooktail.model import Lines
from hooktail.tail.encoding import Encoding
from hooktail.tail.framing import LineBuffer

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from hooktail.tail.framing import LongLine

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


def batches(stream: Readable, max_line_bytes: int, encoding: str | None = None) -> Iterator[Batch]:
    """Yields lines as they come, at the offsets where the daemon finds them.

    A last line may lack its newline. Raises UsageError for an encoding that cannot be read.
    """
    try:
        declared = Encoding.named(encoding)
    except ValueError as error:
        raise UsageError(str(error)) from error
    buffer = LineBuffer(declared, max_line_bytes)
    head, generation = b"", b""
    while chunk := stream.read1(CHUNK_BYTES):
        if not generation:
            head = (head + chunk)[:HEAD_BYTES]
            generation = generation_of(head)
        buffer.put(chunk)
        while (taken := buffer.take()) is not None:
            yield _batch(taken, generation)
    last = buffer.finish()
    if last is not None:
        yield _batch(last, generation or generation_of(head + b"\n"))  # as if it were whole


def _batch(taken: Lines | LongLine, generation: bytes) -> Batch:
    return Batch(taken if isinstance(taken, Lines) else None, generation)
