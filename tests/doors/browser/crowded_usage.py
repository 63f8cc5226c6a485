"""What the containers of a project used, near their limit and beyond it."""

from __future__ import annotations

from datetime import timedelta

from agents.reports.samples import HostSamples, Sample
from deployments.models import MemoryKill, ObservedStack
from deployments.repositories import clock
from deployments.services.observation import samples
from tests.deployments.lane import Lane

MEBIBYTE = 1024**2
MINUTES = 50


def some_usage(lane: Lane, *, names: list[str]) -> None:
    """Samples of the last hour for these services, and kills of the first one for lack of memory."""
    ObservedStack.objects.get_or_create(
        project_id=lane.project_id, server_id=lane.server.id, defaults={"changed_at": clock.now()}
    )
    for minute in range(MINUTES, 0, -1):
        used = tuple(_sample(lane, place, name, minute) for place, name in enumerate(names))
        machine = Sample(cpu_percent=100 + minute, memory_bytes=900 * MEBIBYTE, disk_bytes=MEBIBYTE)
        told = HostSamples(agent_id=lane.agent.id, age_seconds=60.0 * minute, samples=(*used, machine))
        samples.record_samples(hosts=[told])
    for minute in (40, 20, 5):
        MemoryKill.objects.create(
            project_id=lane.project_id, server_id=lane.server.id, container_id="c", host_ms=minute,
            service=names[0], container=f"{names[0]}-1", at=clock.now() - timedelta(minutes=minute),
        )  # fmt: skip


def _sample(lane: Lane, place: int, name: str, minute: int) -> Sample:
    """Return one that rises to its limit; every third service has none."""
    used = (100 - minute) * MEBIBYTE
    return Sample(
        container=f"{name}-1", project_id=lane.project_id, node_id=f"n-{place}", service=name,
        cpu_percent=5.0 + minute % 7, memory_bytes=used, memory_limit_bytes=0 if place % 3 == 2 else 104 * MEBIBYTE,
    )  # fmt: skip
