"""The figures of the installation and of this process as Prometheus reads them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence

import structlog
from django.db import DatabaseError
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from agents import isolation
from agents.reports.skipped_reports import SKIPPED
from deployments import queue
from deployments.services.upkeep.figures import Figure, read_figures

# However many scrape: the database is asked once in so many seconds per process.
CACHE_SECONDS = 5.0

logger = structlog.get_logger(__name__)


class Figures(Collector):
    """Asks the database at most once in CACHE_SECONDS. One that does not answer yields `axion_database_up 0` and no
    figure of before.
    """

    def __init__(self, *, process: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._process = process
        self._clock = clock
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self._families: Sequence[Metric] = ()

    def describe(self) -> Iterable[Metric]:
        """Name nothing beforehand: registering must not ask the database."""
        return ()

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            if self._asked_at is None or self._clock() - self._asked_at >= CACHE_SECONDS:
                self._families = (*_of_installation(), *_of_queue())
                self._asked_at = self._clock()
            families = self._families
        yield from families
        yield from _of_process(self._process)


def _of_installation() -> list[Metric]:
    try:
        figures = read_figures()
    except DatabaseError as error:
        logger.warning("no figures for monitoring", error=str(error).strip())
        return [_one("axion_database_up", "Whether the database answered.", 0)]
    return [
        _one("axion_database_up", "Whether the database answered.", 1),
        _by("axion_deployments", "Deployments by status.", figures, "deployments", ("status",)),
        _ages("axion_deployments_oldest_waiting_seconds", "Age of the oldest pending one.", figures, "oldest"),
        _by("axion_outbox_waiting", "What waits to go out; counts to 10,000.", figures, "outbox", ("outbox",)),
        _ages("axion_outbox_lag_seconds", "How long the oldest of it waits.", figures, "outbox", ("outbox",)),
        _by(
            "axion_notifications_retrying", "Messages that were not taken and are tried again.", figures, "retries", ()
        ),
        _by("axion_commands", "Commands to agents that are not finished.", figures, "commands", ("status",)),
        _ages("axion_commands_oldest_seconds", "Age of the oldest of these.", figures, "commands", ("status",)),
        _by("axion_agents", "Agents by presence.", figures, "agents", ("presence",)),
        _by("axion_stacks", "Stacks by state; unknown where nobody can tell.", figures, "stacks", ("state",)),
        _by("axion_incidents_open", "Open incidents.", figures, "incidents", ("cause", "severity")),
    ]


def _of_queue() -> list[Metric]:
    length = queue.length()
    up = _one("axion_redis_up", "Whether Redis answered.", 0 if length is None else 1)
    if length is None:
        return [up]
    family = GaugeMetricFamily("axion_queue_jobs", "Jobs that wait for a worker.", labels=("queue",))
    family.add_metric([queue.QUEUE], length)
    return [up, family]


def _of_process(process: str) -> list[Metric]:
    info = GaugeMetricFamily("axion_process", "1, with what the process is.", labels=("process",))
    info.add_metric([process], 1)
    resting = GaugeMetricFamily("axion_left_for_later", "What a loop of this process failed on.", labels=("loop",))
    for loop, count in isolation.failing().items():
        resting.add_metric([loop], count)
    skipped = GaugeMetricFamily(
        "axion_reports_skipped", "What agents said lately that this process could not read.", labels=("what",)
    )
    for what, count in SKIPPED.recent().items():
        skipped.add_metric([what], count)
    return [info, resting, skipped]


def _one(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _by(name: str, text: str, figures: Sequence[Figure], of: str, labels: tuple[str, ...]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for figure in figures:
        if figure.name == of:
            family.add_metric([figure.first, figure.second][: len(labels)], figure.count)
    return family


def _ages(name: str, text: str, figures: Sequence[Figure], of: str, labels: tuple[str, ...] = ()) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for figure in figures:
        if figure.name == of:
            family.add_metric([figure.first][: len(labels)], figure.seconds)
    return family
