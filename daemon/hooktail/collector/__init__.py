"""The stand-in endpoint: it validates bodies, records them, and misbehaves on request."""

from __future__ import annotations

from hooktail.collector.misbehave import Plan, parse_plan
from hooktail.collector.record import Received
from hooktail.collector.server import Collector
from hooktail.collector.validate import validate

__all__ = ["Collector", "Plan", "Received", "parse_plan", "validate"]
