"""How many files may be open."""

from __future__ import annotations

import resource

import pytest

from hooktail import descriptors


@pytest.fixture
def limit_of_1000(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _which: (1000, 4000))


@pytest.mark.usefixtures("limit_of_1000")
def test_connections_and_the_state_directory_keep_their_descriptors() -> None:
    most = 1000 - 100 - descriptors.SPARE

    assert descriptors.may_open(most - 1, connections=100)
    assert not descriptors.may_open(most, connections=100)


@pytest.mark.usefixtures("limit_of_1000")
def test_logs_keep_half_however_many_connections_there_may_be() -> None:
    assert descriptors.may_open(499, connections=10_000)
    assert not descriptors.may_open(500, connections=10_000)


@pytest.mark.usefixtures("limit_of_1000")
def test_the_limit_is_raised_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda which, limits: wanted.append((which, limits)))

    descriptors.raise_limit()

    assert wanted == [(resource.RLIMIT_NOFILE, (4000, 4000))]


def test_a_limit_that_cannot_be_raised_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_which: int, _limits: tuple[int, int]) -> None:
        raise ValueError("not allowed")

    monkeypatch.setattr(resource, "setrlimit", refuse)

    descriptors.raise_limit()
