"""The event of a line is the same however its file is cut, packed, called, and over restarts."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

from hypothesis import given, settings
from hypothesis import strategies as st

from hooktail.cli import logfiles
from hooktail.config.sections import FieldSection, RuleSection, SourceSection
from hooktail.extract import build_extractor
from hooktail.extract.once import OnceBook
from hooktail.model import Claim, Lines

SHOP = SourceSection(
    name="shop",
    paths=("/var/log/access.log",),
    site="https://shop.example",
    max_event_age_s=None,
    rules=(
        RuleSection(
            name="purchase",
            when={"path": "/thanks"},
            once_per="order_id",
            fields=(FieldSection(name="order_id", source="query.order", required=True),),
        ),
    ),
)
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
PACKED: dict[str, Callable[[bytes], bytes]] = {
    "access.log": bytes,
    "access.log.1": bytes,
    "shop-20240115.gz": gzip.compress,
    "a.bz2": bz2.compress,
    "b.xz": lzma.compress,
    "c.zst": zstd.compress,
    "no name that says so": gzip.compress,
}


def line(minute: int, client: int, target: str) -> bytes:
    time = f"15/Jan/2024:{minute // 60:02}:{minute % 60:02}:00 +0000"
    request = f'"GET {target} HTTP/1.1" 200 5 "-" "{AGENT}"'
    return f"81.2.69.{client} - - [{time}] {request}\n".encode()


LINES = st.lists(
    st.builds(
        line,
        st.integers(0, 300),
        st.integers(1, 3),
        st.sampled_from(["/", "/shoes", "/a.css", "/thanks?order=1", "/thanks?order=2", "/thanks"]),
    )
    | st.sampled_from([b"\n", b"nonsense\n", b"# header\n"]),
    min_size=1,
    max_size=25,
)


class Daemon:
    """Extracts as the daemon does; what it keeps over a restart is what the checkpoint keeps."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._claims: list[Claim] = []
        self._sessions: dict[int, int] = {}
        self.restart()

    def restart(self) -> None:
        self._extractor = build_extractor(
            SHOP,
            payload="flat",
            visitor_secret=b"s" * 32,
            once=OnceBook(self._claims),
            now_ms=lambda: 1_705_363_200_000,
            sessions=dict(self._sessions),
        )

    def read(self, lines: Lines, generation: bytes) -> None:
        taken = self._extractor.extract(lines, generation)
        self._claims += taken.claims
        self._sessions.update(taken.sessions)
        self.bodies += [event.body for event in taken.events]


def part_of(lines: Lines, first: int, last: int) -> Lines:
    """Some lines of a batch, at their own offsets."""
    end = lines.starts[last] if last < len(lines.texts) else lines.end
    return Lines(lines.texts[first:last], lines.starts[first], end)


@settings(max_examples=60, deadline=None)
@given(LINES, st.sampled_from(sorted(PACKED)), st.data())
def test_a_line_makes_one_event_whatever_happens_to_its_file(
    texts: list[bytes], name: str, data: st.DataObject
) -> None:
    whole = Daemon()
    cut = Daemon()
    with TemporaryDirectory() as directory:
        plain, packed = Path(directory) / "plain", Path(directory) / name
        plain.write_bytes(b"".join(texts))
        packed.write_bytes(PACKED[name](b"".join(texts)))

        with logfiles.opened(str(plain)) as stream:
            for batch in logfiles.batches(stream, 4096):
                assert batch.lines is not None
                whole.read(batch.lines, batch.generation)
        with logfiles.opened(str(packed)) as stream:
            for batch in logfiles.batches(stream, 4096):
                assert batch.lines is not None
                count = len(batch.lines.texts)
                cuts = data.draw(st.sets(st.integers(1, count)), label="cuts")
                first = 0
                for last in sorted(cuts | {count}):
                    cut.read(part_of(batch.lines, first, last), batch.generation)
                    first = last
                    if data.draw(st.booleans(), label="restart"):
                        cut.restart()

    assert cut.bodies == whole.bodies
