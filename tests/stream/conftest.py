"""Publishers as real processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from axion_deploy.demo.options import REPOSITORY
from axion_deploy.embedded.child import Child


class Programs:
    """Programs of this repository with some settings of their own; all are ended with the test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[Child] = []

    def start(self, *command: str, **settings: str) -> Child:
        name = f"{command[-1]}-{len(self.started)}"
        child = Child(
            name=name,
            command=[sys.executable, *command],
            log_file=self.folder / f"{name}.log",
            env={**os.environ, "PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "axion_deploy.settings", **settings},
            cwd=REPOSITORY,
        )
        child.start()
        self.started.append(child)
        return child

    def tails(self) -> str:
        return "\n".join(f"--- {child.name}\n{child.tail(lines=15)}" for child in self.started)


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    started = Programs(tmp_path)
    yield started
    for child in started.started:
        child.stop(grace=15)
