"""What a graph may ask and an engine does not have: refused by name, never left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stackgen.errors import Problem
from stackgen.nodes import APART
from stackgen.parts.types import Part

# A variable that Compose fills in, once what it takes for a plain sign is left out.
INTERPOLATED = re.compile(r"\$\{")


def beyond_swarm(part: Part) -> Iterator[Problem]:
    """Yield a problem for each setting of a node that Swarm would ignore or refuse."""
    settings = part.node.settings
    for port in part.ports:
        if port.address:
            where = f"{port.address}:{port.outside or ''}:{port.inside}"
            yield _at(part, "config.ports", f"{where} asks for one address, and Swarm publishes on all of a host")
    given = {
        "shmSize": settings.shm_size,
        "platform": settings.platform,
        "privileged": settings.privileged,
        "pid": settings.pid,
        "ipc": settings.ipc,
        "devices": settings.devices,
        "gpus": settings.gpus,
        "securityOpt": settings.security_opt,
        "network": settings.network in APART,
    }
    yield from _jobs(part)
    for path in sorted(settings.secret_files):
        yield _at(
            part, f"config.secretFile.{path}", "cannot be made of a variable in a stack of Swarm: use secret.NAME"
        )
    for file in part.files:
        if file.content is not None and INTERPOLATED.search(file.content.replace("$$", "")):
            message = "holds a sealed value, and Swarm takes the texts of files as they are: use secret.NAME"
            yield _at(part, f"config.file.{file.target}", message)
    for path, mount in sorted(settings.tmpfs.items()):
        if mount.mode is not None:
            yield _at(part, f"config.tmpfs.{path}", "has a mode, which Swarm does not know for memory")
    for key, value in given.items():
        if value:
            yield _at(part, f"config.{key}", "is not known to Swarm; only Compose has it")


def _jobs(part: Part) -> Iterator[Problem]:
    if part.is_job:
        message = (
            f"makes a job of {part.name}, and jobs run on single servers only, not in a cluster: deploy to a server, "
            "or take the job out of the graph"
        )
        yield _at(part, "config.run", message)


def beyond_compose(part: Part) -> Iterator[Problem]:
    """Yield a problem for each setting of a node that Compose cannot carry out."""
    put = [*(file.target for file in part.files), *(file.target for file in part.secret_files)]
    if part.node.settings.read_only and put:
        path = put[0]
        message = f"cannot be given: {path} is put into the container when it starts, and nothing could write there"
        yield _at(part, "config.readOnly", message)


def _at(part: Part, field: str, message: str) -> Problem:
    return Problem(node_id=part.node.id, node_name=part.node.label, field=field, message=message)
