"""What is counted and timed of the API's own work, for Prometheus; and the line each call leaves in the log."""

from __future__ import annotations

import time

import structlog
from fastapi import Request
from fastapi.responses import Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)
CALLS = Counter("ods_http_requests_total", "Calls answered", ["method", "route", "status"], registry=REGISTRY)
TIMES = Histogram(
    "ods_http_request_seconds",
    "From the call's arrival to its answer",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
    registry=REGISTRY,
)
EVENTS = Gauge("ods_last_event_sequence", "The place of the last event in the log", registry=REGISTRY)
UP_SINCE = Gauge("ods_started_at_seconds", "When this server started, as a Unix time", registry=REGISTRY)
UP_SINCE.set(time.time())

_log = structlog.get_logger("ods.access")


def begin() -> float:
    """When a call began."""
    return time.perf_counter()


def note(began: float, request: Request, route: str, answer: Response, who: str) -> None:
    """Count a call by its route, never by its path, so that there are as many series as routes."""
    took = time.perf_counter() - began
    CALLS.labels(request.method, route, answer.status_code).inc()
    TIMES.labels(request.method, route).observe(took)
    _log.info(
        "call", method=request.method, route=route, status=answer.status_code, ms=round(took * 1000, 1), actor=who
    )
