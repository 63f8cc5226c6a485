"""Consumers as real processes on the tests' database."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.db import connection

from axion_deploy.demo.options import REPOSITORY
from axion_deploy.embedded.child import Child
from deployments import process_status
from deployments.services.upkeep import health
from tests.e2e.control_plane import wait_for
from tests.kafka_api.groups import new_group

START_SECONDS = 90.0


def database_url() -> str:
    """Of the database that the tests use now."""
    given: dict[str, Any] = connection.settings_dict
    user, password = quote(given["USER"]), quote(given["PASSWORD"])
    return f"postgres://{user}:{password}@{given['HOST']}:{given['PORT']}/{given['NAME']}"


class Consumers:
    """Processes of one group; `stop` ends them all."""

    def __init__(self, *, folder: Path, broker: str, group: str = "", **settings: str) -> None:
        self.folder = folder
        self.group = group or new_group(broker)
        self.children: list[Child] = []
        self.environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "KAFKA_BROKERS": broker,
            "AXION_KAFKA_IDENTITY": "trust",
            "AXION_KAFKA_GROUP": self.group,
            "AXION_LOG_LEVEL": "WARNING",
            **settings,
        }

    def start(self, *, wait: bool = True) -> Child:
        """One more; returns when it holds partitions."""
        name = f"consumer-{len(self.children)}"
        child = Child(
            name=name,
            command=[sys.executable, "manage.py", "consume_patterns"],
            log_file=self.folder / f"{name}.log",
            env=self.environment,
            cwd=REPOSITORY,
        )
        child.start()
        self.children.append(child)
        if wait:
            self.wait_serving(child)
        return child

    def wait_serving(self, child: Child) -> None:
        wait_for(lambda: state_of(child) == health.SERVING, seconds=START_SECONDS, what=child.name, details=self.tails)

    def stop(self) -> None:
        for child in self.children:
            child.request_stop()
        for child in self.children:
            child.stop(grace=25)

    def tails(self) -> str:
        return "\n".join(f"--- {child.name}\n{child.tail(lines=40)}" for child in self.children)

    def logs(self) -> str:
        return "\n".join(child.log_file.read_text() for child in self.children)


def state_of(child: Child) -> str:
    said = process_status.read_all(kind=health.CONSUMER) or {}
    return next((each["state"] for name, each in said.items() if name.endswith(f"-{child.pid}")), "nothing")
