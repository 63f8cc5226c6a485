"""In a cluster nothing hands over what an image keeps by itself, so a deployment says where that would be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from agents.runner.commands.swarm.stack_images import image_data, warn_of_data
from agents.runner.planning.codec import COMPOSE_FILE

FILE = """
services:
  db: {image: "db:1", volumes: ["data:/data"]}
  web: {image: "web:1"}
volumes: {data: {}}
"""


def test_paths_without_a_volume_are_told_by_service() -> None:
    told: list[tuple[str, str]] = []
    paths = {"db@1": ("/data",), "web@1": ("/cache", "/uploads")}
    work: Any = SimpleNamespace(
        host=SimpleNamespace(image_volumes=lambda image: paths.get(image, ())),
        reporter=SimpleNamespace(log=lambda *, source, service, text: told.append((service, text))),
    )
    release: Any = SimpleNamespace(
        files={COMPOSE_FILE: FILE}, services=(SimpleNamespace(name="db"), SimpleNamespace(name="web"))
    )
    images = {"db": "db@1", "web": "web@1"}
    assert image_data(work=work, release=release, images=images) == {"web": ("/cache", "/uploads")}
    warn_of_data(work=work, release=release, images=images)
    assert [service for service, _ in told] == ["web"]
    assert "/cache, /uploads" in told[0][1]
