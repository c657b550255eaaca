"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

if not os.environ.get("CI"):  # there Hypothesis has a profile of its own
    # A busy machine makes an example slow, and says nothing of the claim.
    settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("busy")
if examples := os.environ.get("HOOKTAIL_TEST_EXAMPLES"):
    # Where all tests run twice, the second time is about what surrounds them.
    settings.register_profile("fewer", settings(), max_examples=int(examples))
    settings.load_profile("fewer")
