from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hooktail.checkpoint.frames import decode, encode

RECORDS: list[dict[str, Any]] = [{"n": 1}, {"text": "a\nb"}, {"list": [1, 2, 3]}]
JOURNAL = b"".join(map(encode, RECORDS))


def test_records_come_back() -> None:
    assert decode(JOURNAL) == (RECORDS, len(JOURNAL))


def test_a_journal_cut_at_any_byte_gives_the_whole_records_before_the_cut() -> None:
    ends = [len(b"".join(map(encode, RECORDS[:n]))) for n in range(len(RECORDS) + 1)]
    for length in range(len(JOURNAL) + 1):
        frames = decode(JOURNAL[:length])
        whole = max(n for n, end in enumerate(ends) if end <= length)
        assert frames == (RECORDS[:whole], ends[whole])


@given(st.integers(0, len(JOURNAL) - 1), st.integers(0, 7))
def test_a_flipped_bit_ends_the_journal_before_its_record(byte: int, bit: int) -> None:
    damaged = bytearray(JOURNAL)
    damaged[byte] ^= 1 << bit

    frames = decode(bytes(damaged))

    whole = len(frames.records)
    assert frames.records == RECORDS[:whole]
    assert frames.length <= byte


@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    assert decode(data).length <= len(data)
