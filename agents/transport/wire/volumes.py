"""The volumes that an agent tells of, from the wire and within bounds."""

from __future__ import annotations

import contextlib
from uuid import UUID

from agents.contracts import runner_pb2
from agents.limits import MAX_HOST_VOLUMES, MAX_NAME_BYTES, MAX_VOLUME_USERS
from agents.reports.report_bounds import cut
from agents.reports.volumes import VolumeSeen


def volumes_from_wire(message: runner_pb2.VolumesSeen) -> tuple[VolumeSeen, ...]:
    """Cut what the agent says to what a page can show and the database can keep. Those without a name are left out."""
    named = [each for each in message.volumes[:MAX_HOST_VOLUMES] if each.name]
    return tuple(_volume(each) for each in named)


def _volume(message: runner_pb2.VolumeSeen) -> VolumeSeen:
    project_id = None
    with contextlib.suppress(ValueError):
        project_id = UUID(message.project_id)
    return VolumeSeen(
        name=cut(message.name, MAX_NAME_BYTES),
        project_id=project_id,
        created_at_ms=max(0, message.created_at_ms),
        size_bytes=message.size_bytes if message.size_bytes >= 0 else None,
        used_by=tuple(cut(each, MAX_NAME_BYTES) for each in message.used_by[:MAX_VOLUME_USERS]),
    )
