"""What must be true when the weather is over, by what Docker and the database say."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deployments.states import Status
from tests.chaos.installation import Installation
from tests.chaos.traffic import Traffic

# Words with which a message says that nobody knows, or that it could not be put back: then a person has to look.
HONEST = ("could not be put back", "never confirmed", "nobody", "unknown", "left as it is", "No contact with the agent")
ENDED = {Status.SUCCESS, Status.FAILED, Status.ROLLED_BACK}
MARK = "kept"


@dataclass(frozen=True, kw_only=True)
class Newest:
    """The lane's newest deployment that ever started."""

    id: str
    status: str
    reason: str
    message: str
    kind: str


def mark_stores(plane: Installation, traffic: Traffic) -> dict[str, str]:
    """Write something into the volume of each project's store; returns the volume by project."""
    volumes = {}
    for project in traffic.projects.values():
        (container,) = [each for each in containers(plane, project) if service_of(each) == "store"]
        done = plane.engine.docker("exec", container["Id"], "sh", "-c", f"echo {MARK} > /data/{MARK}")
        assert done.returncode == 0, done.stderr
        volumes[project] = next(each["Name"] for each in container["Mounts"] if each["Destination"] == "/data")
    return volumes


def broken_promises(plane: Installation, traffic: Traffic, *, volumes: dict[str, str]) -> list[str]:
    """Each as a sentence; none when all is well."""
    return [
        *_lost_requests(plane, traffic),
        *_unended(plane),
        *_gaps_in_events(plane),
        *_ended_processes(plane),
        *(said for name, project in traffic.projects.items() for said in _about(plane, name, project)),
        *(said for project, volume in volumes.items() for said in _lost_data(plane, project, volume)),
    ]


def _lost_requests(plane: Installation, traffic: Traffic) -> Iterator[str]:
    stored = {str(row[0]) for row in plane.sql("SELECT id FROM deployments")}
    for deployment in set(traffic.accepted) - stored:
        yield f"{deployment} was accepted and is not stored"


def _unended(plane: Installation) -> Iterator[str]:
    for row in plane.sql("SELECT id, status, kind FROM deployments"):
        if row[1] not in ENDED:
            yield f"{row[2]} {row[0]} is still {row[1]}"


def _gaps_in_events(plane: Installation) -> Iterator[str]:
    rows = plane.sql(
        "SELECT deployment_id, count(*), min(sequence), max(sequence) FROM deployment_events GROUP BY deployment_id"
    )
    for deployment, count, first, last in rows:
        if (first, last) != (1, count):
            yield f"{deployment} has {count} events, numbered {first} to {last}"


def _ended_processes(plane: Installation) -> Iterator[str]:
    for name, child in plane.children.items():
        if not child.is_running():
            yield f"{name} ended by itself with {child.exit_code}:\n{child.tail(lines=8)}"


def _about(plane: Installation, name: str, project: str) -> Iterator[str]:
    """What is recorded as running is what Docker runs, unless the record says that nobody knows."""
    newest = newest_of(plane, project)
    found = containers(plane, project)
    for each in found:
        if each["State"]["Status"] not in ("running", "exited"):
            yield f"{name}: {each['Name']} is {each['State']['Status']}"
    if any(word in newest.message for word in HONEST):
        return
    recorded = _recorded(plane, project)
    running = Counter(service_of(each) for each in found if each["State"]["Running"])
    if running != recorded.copies:
        yield f"{name}: recorded {dict(recorded.copies)}, running {dict(running)} after {newest}"
    for each in found:
        if each["State"]["Running"] and each["Image"] != recorded.images.get(service_of(each)):
            yield f"{name}: {service_of(each)} runs {each['Image'][:19]}, not as recorded, after {newest}"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What history says runs: copies and image by service."""

    copies: Counter[str]
    images: dict[str, str]


def _recorded(plane: Installation, project: str) -> Recorded:
    rows = plane.sql(
        "SELECT h.deployment_snapshot FROM deployment_history h WHERE h.project_id = %s ORDER BY h.number DESC LIMIT 1",
        project,
    )
    snapshot = rows[0][0] if rows else {"config": {"services": []}, "images": {}}
    copies = Counter({each["name"]: int(each.get("replicas", 1)) for each in snapshot["config"]["services"]})
    return Recorded(copies=copies, images=dict(snapshot["images"]))


def newest_of(plane: Installation, project: str) -> Newest:
    rows = plane.sql(
        "SELECT id, status, reason, message, kind FROM deployments"
        " WHERE project_id = %s AND started_at IS NOT NULL ORDER BY started_at DESC LIMIT 1",
        project,
    )
    found, status, reason, message, kind = rows[0]
    return Newest(id=str(found), status=status, reason=reason, message=message, kind=kind)


def _lost_data(plane: Installation, project: str, volume: str) -> Iterator[str]:
    place = plane.engine.docker("volume", "inspect", volume, "--format", "{{.Mountpoint}}")
    if place.returncode != 0:
        yield f"the volume {volume} of {project} is gone"
        return
    with open(f"{place.stdout.strip()}/{MARK}") as file:
        if file.read().strip() != MARK:
            yield f"the volume {volume} of {project} holds other data"


def containers(plane: Installation, project: str) -> list[dict[str, Any]]:
    """As `docker inspect` describes them, stopped ones too."""
    ids = plane.engine.docker("ps", "-aq", "--filter", f"label=axion.project={project}").stdout.split()
    return list(json.loads(plane.engine.docker("inspect", *ids).stdout)) if ids else []


def service_of(container: dict[str, Any]) -> str:
    return str(container["Config"]["Labels"]["axion.service"])
