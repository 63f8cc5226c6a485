"""Importing a Compose file of many services, from its bytes to the graph and the report."""

from __future__ import annotations

import statistics
import time

from stackgen.compose_import.importer import import_compose
from stackgen.compose_import.notation.opened import UploadedFiles
from tests.bench.figures import Figure

SERVICES = 100
REPEATS = 5


def file_of(count: int) -> bytes:
    """Groups of ten: a database, and nine services that call it and one another, with most of what people write."""
    lines = ["x-common: &common {restart: always, logging: {driver: local}}", "services:"]
    for index in range(count):
        database = index - index % 10
        if index == database:
            lines.append(
                f"  db{index}: {{<<: *common, image: 'postgres:16', volumes: ['d{index}:/var/lib/postgresql/data'], "
                f"environment: {{POSTGRES_PASSWORD: pw{index}-word}}}}"
            )
            continue
        lines.append(
            f"  web{index}: {{<<: *common, image: 'a:${{T:-1}}', ports: ['{20_000 + index}:80', '{index + 1}:8/udp'], "
            f"environment: [A=1, B=2, 'DATABASE_URL=postgres://postgres:pw{database}-word@db{database}:5432/x', C=3], "
            f"volumes: ['shared:/s', 'v{index}:/v'], depends_on: {{db{database}: {{condition: service_healthy}}}}, "
            "healthcheck: {test: [CMD, a, b], interval: 5s}, labels: {l: m}, mem_limit: 1g}"
        )
    volumes = ", ".join(f"{'d' if index % 10 == 0 else 'v'}{index}: " for index in range(count))
    return "\n".join([*lines, f"volumes: {{shared: , {volumes}}}", ""]).encode()


def imported(count: int) -> float:
    """Processor seconds of one import."""
    files = UploadedFiles({"compose.yml": file_of(count)})
    began = time.process_time()
    import_compose(files=files, paths=["compose.yml"])
    return time.process_time() - began


def measure() -> list[Figure]:
    """Return the median of several imports."""
    seconds = statistics.median(imported(SERVICES) for _ in range(REPEATS))
    return [Figure(name=f"importing a Compose file of {SERVICES} services", value=seconds, unit="s", goal=1.0)]
