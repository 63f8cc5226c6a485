"""What this process measured of deployments, for Prometheus: counts that begin anew with the process."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from prometheus_client import CollectorRegistry, Histogram

MEASURED = CollectorRegistry()
BUCKETS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)

_deployments = Histogram(
    "axion_deployment_seconds",
    "From a deployment's start to its success or failure; counted by the process that stored the end.",
    ("kind", "outcome"),
    buckets=BUCKETS,
    registry=MEASURED,
)
_stages = Histogram(
    "axion_deployment_stage_seconds",
    "Time in a stage; `waiting` is the time before the start. Stages that were left count as success.",
    ("stage", "outcome"),
    buckets=BUCKETS,
    registry=MEASURED,
)


class Outcome(StrEnum):
    """How a deployment, or one of its stages, ended."""

    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


def count_deployment(*, kind: str, outcome: Outcome, lasted: timedelta) -> None:
    """Count a deployment that ended. Safe across threads."""
    _deployments.labels(kind=kind, outcome=outcome.value).observe(max(0.0, lasted.total_seconds()))


def count_stage(*, stage: str, outcome: Outcome, lasted: timedelta) -> None:
    """Count a stage that ended. Safe across threads."""
    _stages.labels(stage=stage, outcome=outcome.value).observe(max(0.0, lasted.total_seconds()))
