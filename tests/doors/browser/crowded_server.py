"""Many containers that run on a server without us, with names that have no place to break."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.utils import timezone

from agents.models import Server
from deployments.models import Adoption, User
from deployments.services.secrets import sealing

CONTAINERS = 30
LONG = "-".join(["a-name-that-has-no-place-to-break-it"] * 3)[:100]


def some_containers(owner: User, server: Server) -> None:
    """A look at the server that its agent has answered."""
    adoption_id = uuid4()
    content = json.dumps({"containers": [_container(number) for number in range(CONTAINERS)], "left_out": 0})
    Adoption.objects.create(
        id=adoption_id,
        server_id=server.pk,
        server_name=server.name,
        state="described",
        message=f"{CONTAINERS} containers were described.",
        sealed=sealing.seal_told(told=content, adoption_id=adoption_id),
        requested_by_id=owner.pk,
        requested_by_name=owner.username,
        requested_at=timezone.now(),
        told_at=timezone.now(),
        deadline_at=timezone.now() + timedelta(days=1),
    )


def _container(number: int) -> dict[str, Any]:
    """Two in three belong to one Compose project, one cannot be taken over."""
    labels = {"com.docker.compose.project": LONG, "com.docker.compose.service": f"part-{number}"}
    volume = {"Type": "volume", "Name": f"{LONG}_data-{number}", "Destination": "/data", "RW": True}
    return {
        "id": f"{number:064x}",
        "name": f"{LONG}-{number}",
        "config": {"Image": f"registry.example.org:5000/{LONG}:1", "Labels": labels if number % 3 else {}},
        "host": {"AutoRemove": True} if number == 0 else {},
        "mounts": [volume],
    }
