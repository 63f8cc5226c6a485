"""What machines and containers use: stored as agents tell it, kept for a while, read for charts."""

from __future__ import annotations

from collections.abc import Sequence

from agents.reports.samples import HostSamples
from deployments.repositories import clock
from deployments.repositories.observation import samples
from deployments.repositories.upkeep import partitions


def record_samples(*, hosts: Sequence[HostSamples]) -> None:
    """Store what many agents tell, in one statement; makes the part of the table for now where it is missing.

    Each agent is believed about its own machine and what was deployed there. Raises DatabaseError.
    """
    partitions.hold_for_now(samples.SAMPLES, at=clock.now())
    samples.store(hosts=hosts)


def keep_bounded() -> int:
    """Make parts of the tables ahead, drop old ones, sum up ended minutes; return how many rows that summed up."""
    now = clock.now()
    for parted in (samples.SAMPLES, samples.MINUTES):
        partitions.hold(parted, at=now)
    return samples.fold()
