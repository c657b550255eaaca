"""Records over several lines, and parsers that carry a state: nothing lost, nothing cut."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.joined_format import joined_format, registered
from support.life import Life
from support.lines import page_view

from hooktail.config.sections import MultilineSection
from hooktail.model import State

__all__ = ["joined_format"]


def life_of(path: Path, format: str) -> Life:  # noqa: A002 - the field's word
    return Life(path, format=format)


def urls(life: Life) -> list[str]:
    return [orjson.loads(body)["url"] for body in life.destination.bodies]


async def test_the_lines_of_a_record_wait_together_and_are_settled_together(
    tmp_path: Path, joined_format: str
) -> None:
    life = life_of(tmp_path, joined_format)
    life.write("begin a /one\n", "a more\n", "one /between\n", "end a\n")
    await life.read()

    assert urls(life) == ["https://shop.example/between", "https://shop.example/one"]
    assert life.balance() == {"pending": 4}

    life.destination.settle()
    await asyncio.sleep(0)
    assert life.balance() == {"delivered": 2, "filtered.part_of_record": 2, "pending": 0}


async def test_an_unfinished_record_is_put_together_after_a_restart(
    tmp_path: Path, joined_format: str
) -> None:
    before = life_of(tmp_path, joined_format)
    before.write("begin a /one\n", "a more\n", "one /between\n")
    await before.read()
    before.destination.settle()
    await asyncio.sleep(0)
    assert before.balance() == {"delivered": 1, "pending": 2}

    after = life_of(tmp_path, joined_format)
    after.write("end a\n")
    await after.read()

    assert urls(after) == ["https://shop.example/one"]
    after.destination.settle()
    await asyncio.sleep(0)
    assert after.balance() == {"delivered": 2, "filtered.part_of_record": 2, "pending": 0}


async def test_a_record_in_flight_at_a_kill_is_the_same_event_after_it(
    tmp_path: Path, joined_format: str
) -> None:
    before = life_of(tmp_path, joined_format)
    before.write("site a.example\n", "begin a /one\n", "a more\n", "end a\n", "site b.example\n")
    await before.read()
    sent = before.destination.bodies

    after = life_of(tmp_path, joined_format)
    await after.read()

    assert after.destination.bodies == sent
    assert sent


async def test_lines_are_read_again_with_the_state_that_held_for_them(
    tmp_path: Path, joined_format: str
) -> None:
    before = life_of(tmp_path, joined_format)
    before.write("site a.example\n", "one /1\n", "one /2\n", "site b.example\n", "one /3\n")
    await before.read()
    sent = before.destination.bodies
    before.destination.settle(0)
    await asyncio.sleep(0)

    after = life_of(tmp_path, joined_format)
    after.write("one /4\n")
    await after.read()

    assert after.destination.bodies[:2] == sent[1:]
    assert urls(after) == [
        "https://a.example/2",
        "https://b.example/3",
        "https://b.example/4",
    ]


async def test_states_that_no_waiting_line_needs_are_forgotten(
    tmp_path: Path, joined_format: str
) -> None:
    life = life_of(tmp_path, joined_format)
    for number in range(50):
        life.write(f"site s{number}.example\n", f"one /{number}\n")
    await life.read()
    life.destination.settle()
    await asyncio.sleep(0)
    life.write("site last.example\n", "one /last\n")
    await life.read()

    (entry,) = life.on_disk().files.values()
    assert [state for _, state in entry.carried] == ["last.example"]


async def test_a_record_whose_rest_never_comes_is_given_up_after_a_while(
    tmp_path: Path, joined_format: str
) -> None:
    life = life_of(tmp_path, joined_format)
    life.write("begin a /one\n", "a more\n")
    await life.read()

    async with asyncio.timeout(5):
        while not life.destination.bodies:  # noqa: ASYNC110  # a timer ends it
            await asyncio.sleep(0.02)

    assert urls(life) == ["https://shop.example/one/cut"]
    life.destination.settle()
    await asyncio.sleep(0)
    assert life.balance() == {"delivered": 1, "filtered.part_of_record": 1, "pending": 0}


async def test_each_file_has_its_own_state(tmp_path: Path, joined_format: str) -> None:
    life = life_of(tmp_path, joined_format)
    life.write("site a.example\n", "begin x /of-a\n")
    (tmp_path / "access.log.other").write_text("one /of-none\nend x\n")
    await life.read()
    life.write("end x\n")
    await life.read()

    assert sorted(urls(life)) == ["https://a.example/of-a", "https://shop.example/of-none"]


async def test_a_record_that_is_no_event_settles_all_its_lines(
    tmp_path: Path, joined_format: str
) -> None:
    life = life_of(tmp_path, joined_format)
    life.write("begin a /picture.png\n", "a more\n")
    await life.read()
    life.write("end a\n")
    await life.read()

    assert life.balance() == {
        "filtered.static_file": 1,
        "filtered.part_of_record": 2,
        "pending": 0,
    }


LINES = st.lists(
    st.one_of(
        st.sampled_from(["a", "b", "c"]).flatmap(
            lambda ident: st.sampled_from(
                [f"begin {ident} /{ident}", f"{ident} more", f"end {ident}"]
            )
        ),
        st.sampled_from(["one /x", "one /y.png", "site a.example", "site b.example", "junk"]),
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_lines_in_any_lives_are_each_settled_once(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Written in any pieces, with kills between: the books balance, and each event comes out."""
    with registered() as name:
        written, delivered, books = asyncio.run(
            any_lives(tmp_path_factory.mktemp("lives"), name, data)
        )

    assert books["pending"] == 0
    assert sum(books.values()) == written
    assert books.get(State.DELIVERED.value, 0) == delivered


async def any_lives(path: Path, name: str, data: st.DataObject) -> tuple[int, int, dict[str, int]]:
    """Returns how many lines were written, how many events came out, and the books."""
    life = life_of(path, name)
    delivered: dict[str, bytes] = {}
    written = 0
    for _ in range(data.draw(st.integers(1, 4))):
        lines = data.draw(LINES)
        written += len(lines)
        life.write(*(f"{line}\n" for line in lines))
        await life.read()
        waiting = len(life.destination.waiting)
        numbers = st.integers(0, waiting - 1) if waiting else st.nothing()
        chosen = data.draw(st.lists(numbers, unique=True))
        for event, _ in (life.destination.waiting[each] for each in chosen):
            delivered[event.event_id] = event.body
        if chosen:
            life.destination.settle(*chosen)
        await asyncio.sleep(0)
        assert sum(life.balance().values()) == written
        if data.draw(st.booleans()):
            life.feed.close()
            life = life_of(path, name)
            await life.read()
    life.feed.give_up_old(0)
    life.feed.give_up_old(10)
    for event, _ in life.destination.waiting:
        delivered[event.event_id] = event.body
    life.destination.settle()
    life.feed.close()
    await asyncio.sleep(0)
    return written, len(delivered), life.balance()


async def test_a_file_that_is_read_from_its_end_has_its_header_behind_it(
    tmp_path: Path, joined_format: str
) -> None:
    log = tmp_path / "access.log"
    log.write_text("site a.example\none /old\n" + "one /filling\n" * 50_000)
    life = Life(tmp_path, format=joined_format, start_at="end")
    await life.read()
    life.write("one /new\n")
    await life.read()

    assert urls(life) == ["https://a.example/new"]

    again = Life(tmp_path, format=joined_format, start_at="end")
    await again.read()
    assert again.destination.bodies == life.destination.bodies


async def test_iis_lines_are_read_by_the_fields_that_held_for_them(tmp_path: Path) -> None:
    fields = "#Fields: date time c-ip cs-method cs-uri-stem sc-status cs(User-Agent) cs-host\n"
    other = "#Fields: date time cs-host c-ip cs-method cs-uri-stem sc-status cs(User-Agent)\n"
    now = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
    before = Life(tmp_path, format="iis_w3c")
    before.write(
        "#Software: Microsoft Internet Information Services 10.0\n",
        fields,
        f"{now} 81.2.69.142 GET /1 200 Mozilla/5.0+(X11;+Linux) shop.example\n",
        f"{now} 81.2.69.142 GET /2 200 Mozilla/5.0+(X11;+Linux) shop.example\n",
        other,
        f"{now} other.example 81.2.69.142 GET /3 200 Mozilla/5.0+(X11;+Linux)\n",
    )
    await before.read()
    sent = before.destination.bodies
    assert urls(before) == [
        "https://shop.example/1",
        "https://shop.example/2",
        "https://other.example/3",
    ]
    before.destination.settle(0)
    await asyncio.sleep(0)

    after = Life(tmp_path, format="iis_w3c")
    await after.read()
    assert after.destination.bodies == sent[1:]


async def test_a_stack_trace_is_one_record_and_the_request_inside_it_another(
    tmp_path: Path,
) -> None:
    life = Life(tmp_path, multiline=MultilineSection(start=r"^\d\d:\d\d:\d\d", hold_s=0.1))
    request = page_view(1)
    life.write(
        "08:26:53,100 ERROR [http-nio-8080-exec-3] Svc - NPE\n",
        "java.lang.NullPointerException: null\n",
        request,
        "\tat c.e.Svc.run(Svc.java:5)\n",
        "08:26:54,100 INFO [main] Svc - up\n",
        "08:26:55,100 INFO [main] Svc - idle\n",
    )
    await life.read()

    assert len(life.destination.bodies) == 1
    async with asyncio.timeout(5):
        while life.balance()["pending"] > 1:  # noqa: ASYNC110  # a timer ends it
            await asyncio.sleep(0.02)
    assert life.balance() == {
        "unparsable.syntax": 3,
        "filtered.part_of_record": 2,
        "pending": 1,
    }


async def test_a_log_in_utf_16_is_read_at_its_own_offsets(tmp_path: Path) -> None:
    before = Life(tmp_path, options={"encoding": "utf-16"})
    text = "".join(page_view(number) for number in range(20))
    before.log.write_bytes(text.encode("utf-16"))
    await before.read()
    sent = before.destination.bodies
    assert len(sent) == 20
    before.destination.settle(*range(7))
    await asyncio.sleep(0)

    after = Life(tmp_path, options={"encoding": "utf-16"})
    with after.log.open("ab") as log:
        log.write(page_view(20).encode("utf-16-le"))
    await after.read()

    assert after.destination.bodies[:13] == sent[7:]
    assert len(after.destination.bodies) == 14
