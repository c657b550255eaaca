"""Fixtures of tests with real servers."""

from __future__ import annotations

from pathlib import Path

import pytest
from component.scene import FakeSender
from component.workers import LANES
from support.certificates import make_certificates

from hooktail.delivery.sender import LANE_VARIABLE


@pytest.fixture(params=LANES)
def lane(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The lane that sends: whatever is claimed here holds for all."""
    name: str = request.param
    monkeypatch.setenv(LANE_VARIABLE, name)
    return name


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(params=["one by one", "in batches"])
def outcomes_come(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways in which a lane may hand its outcomes back."""
    monkeypatch.setattr(FakeSender, "batches", request.param == "in batches")
