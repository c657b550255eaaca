"""Any endpoint accepts the test event, and its answer means what it means to the daemon."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from hooktail.checkup import trial_event
from hooktail.checkup.finding import Level
from hooktail.collector.validate import validate
from hooktail.delivery.outcome import Delivered, Misconfigured, Outcome, Rejected, Retry

NOW = datetime(2025, 3, 14, 8, 26, 53, 123_456, UTC)


def test_the_body_keeps_the_contract_and_says_that_it_is_a_test() -> None:
    body = trial_event.body("6e0d", NOW)

    assert validate(body) == []
    assert json.loads(body) == {
        "event_name": "hooktail_test",
        "event_id": "6e0d",
        "timestamp": "2025-03-14T08:26:53.123Z",
        "user_agent": trial_event.USER_AGENT,
        "ip_address": "192.0.2.1",
    }
    assert list(json.loads(body))[:3] == ["event_name", "event_id", "timestamp"]


def test_an_accepted_event_is_said_to_count_over_there() -> None:
    found = trial_event.judge("default", "6e0d", Delivered())

    assert (found.level, found.code) == (Level.OK, 0)
    assert "counts there as an event named hooktail_test" in found.message


@pytest.mark.parametrize(
    ("outcome", "meaning", "hint"),
    [
        (
            Rejected("http_400", 400, "no url"),
            "dead letters (http_400: no url)",
            "ask its operator",
        ),
        (Misconfigured("http_401", 401, ""), "hold the destination (http_401)", "account id"),
        (Misconfigured("http_404", 404, ""), "hold the destination", "path of `endpoint`"),
        (Misconfigured("http_302", 302, "/new"), "(http_302: /new)", "redirects are not followed"),
        (Misconfigured("tls", None, "expired"), "(tls: expired)", "correct the destination"),
        (Retry("http_503", 30.0), "again until it is (http_503: asks to wait 30 s)", "later"),
        (Retry("timeout"), "again until it is (timeout)", "later"),
    ],
)
def test_any_other_answer_is_a_failure_with_its_meaning(
    outcome: Outcome, meaning: str, hint: str
) -> None:
    found = trial_event.judge("default", "6e0d", outcome)

    assert (found.level, found.code) == (Level.FAIL, 69)
    assert meaning in found.message
    assert hint in found.hint
