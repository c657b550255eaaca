import pytest

from hooktail.checkpoint.resume import Look, Resumer
from hooktail.checkpoint.state import FileEntry
from hooktail.checkpoint.trail import Trail
from hooktail.fingerprint import HEAD_BYTES, before_of, head_of
from hooktail.model import FileId

CONTENT = b"first line\nsecond line\n"


SAME = before_of(CONTENT[-64:])


def unchanged(_offset: int) -> str:
    return SAME


def entry(inode: int, content: bytes = CONTENT, read: int | None = None) -> FileEntry:
    length, digest = head_of(content)
    return FileEntry(
        source="shop",
        path="/log",
        device=1,
        inode=inode,
        read=len(content) if read is None else read,
        head_length=length,
        head_digest=digest,
        before_digest=SAME if content else "",
    )


def test_the_same_inode_with_the_same_head_is_the_file() -> None:
    resumer = Resumer([(7, entry(10))])

    match = resumer.find(FileId(1, 10), Look(CONTENT + b"third\n", 99, unchanged))

    assert match.key == 7


def test_a_reused_inode_is_a_new_file_and_says_why() -> None:
    resumer = Resumer([(7, entry(10))])

    match = resumer.find(
        FileId(1, 10), Look(b"other content, long enough to be one\n", 99, unchanged)
    )

    assert match.key is None
    assert match.replaced == "another head"


def test_a_file_shorter_than_what_was_read_is_new() -> None:
    resumer = Resumer([(7, entry(10, read=1000))])

    match = resumer.find(FileId(1, 10), Look(CONTENT, 30, unchanged))

    assert match.key is None
    assert match.replaced == "shorter than what was read"


def test_a_copy_goes_on_where_the_original_stopped() -> None:
    resumer = Resumer([(7, entry(10))])

    assert resumer.find(FileId(1, 11), Look(CONTENT, len(CONTENT), unchanged)).key == 7


def test_an_entry_that_is_followed_is_not_given_to_another_file() -> None:
    resumer = Resumer([(7, entry(10))])

    resumer.hold(7)
    assert resumer.find(FileId(1, 11), Look(CONTENT, len(CONTENT), unchanged)).key is None
    resumer.put(7, head_of(CONTENT), (1, 10), len(CONTENT), SAME)
    assert resumer.find(FileId(1, 11), Look(CONTENT, len(CONTENT), unchanged)).key is None

    resumer.release(7)
    assert resumer.find(FileId(1, 11), Look(CONTENT, len(CONTENT), unchanged)).key == 7


def test_a_file_never_read_is_known_by_its_inode_alone() -> None:
    resumer = Resumer([(7, entry(10, content=b""))])

    assert resumer.find(FileId(1, 10), Look(CONTENT, len(CONTENT), unchanged)).key == 7
    assert resumer.find(FileId(1, 11), Look(CONTENT, len(CONTENT), unchanged)).key is None


def test_an_entry_put_again_is_found_under_its_new_head_only() -> None:
    resumer = Resumer([(7, entry(10, content=CONTENT[:5]))])
    resumer.put(7, head_of(CONTENT), (1, 10), len(CONTENT), SAME)

    assert resumer.find(FileId(1, 11), Look(CONTENT[:5] + b"other", 99, unchanged)).key is None
    assert resumer.find(FileId(1, 11), Look(CONTENT, 99, unchanged)).key == 7


def test_a_rewritten_middle_is_noticed() -> None:
    """The head is the same, and the file long enough, but not what was read of it."""
    resumer = Resumer([(7, entry(10))])

    match = resumer.find(FileId(1, 10), Look(CONTENT, 99, lambda _offset: "other"))

    assert match.key is None
    assert match.replaced == "other bytes before the offset"


@pytest.mark.parametrize(
    ("modified_s", "agrees", "is_unchanged"),
    [(99, True, True), (100, True, False), (0, True, False), (99, False, False)],
)
def test_an_older_copy_is_known_to_its_end_by_its_time_and_by_its_content(
    modified_s: int, agrees: bool, is_unchanged: bool
) -> None:
    content = b"x" * HEAD_BYTES
    known = entry(10, content=content, read=5000)
    known.modified_s = 100
    known.trail = Trail([(1500, SAME), (2500, SAME if agrees else "other"), (5000, SAME)])
    resumer = Resumer([(7, known)])

    for inode in (10, 11):
        match = resumer.find(FileId(1, inode), Look(content, 3000, unchanged, modified_s))
        assert match.key is None
        assert match.older is not None
        assert match.older.unchanged is is_unchanged
        assert match.older.known == (3000 if is_unchanged else 2500 if agrees else 1500)


def test_content_says_more_than_an_inode_whose_file_was_never_read() -> None:
    """The inode of a deleted empty file was given to the copy of another."""
    resumer = Resumer([(7, entry(10)), (8, entry(11, content=b""))])

    assert resumer.find(FileId(1, 11), Look(CONTENT, len(CONTENT), unchanged)).key == 7


def test_of_a_new_file_that_begins_like_a_known_one_it_is_said_why_it_is_new() -> None:
    """As `sed -i` leaves it: another inode, the same first lines, and the rest at other places."""
    content = b"x" * HEAD_BYTES
    known = entry(10, content=content, read=5000)
    known.trail = Trail([(1500, SAME), (5000, SAME)])
    resumer = Resumer([(7, known)])

    match = resumer.find(FileId(1, 11), Look(content, 4000, lambda _offset: "other"))

    assert (match.key, match.older) == (None, None)
    assert match.replaced == "begins like a known one, but: shorter than what was read"
