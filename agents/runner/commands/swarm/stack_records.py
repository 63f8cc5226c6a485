"""What each release of a stack was made of, kept in the Swarm itself, so that any manager's agent can put it back.

No secret is in it: files name variables, and their values are fetched when they are needed.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import zlib
from collections.abc import Collection
from dataclasses import dataclass

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.swarm.manager_api import ManagerApi, Record
from agents.runner.commands.swarm.swarm_model import LABEL_RECORD, LABEL_STACK, StackTarget
from agents.runner.errors import StepFailedError
from agents.runner.planning.codec import release_of
from agents.runner.planning.model import LABEL_DEPLOYMENT, LABEL_LANE, LABEL_PROJECT, Release

KIND = "release"
# What a config may hold, in every version of Docker.
MAX_RECORD_BYTES = 500 * 1000
MAX_UNPACKED_BYTES = 64 * 1024 * 1024
GZIP = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRecord:
    release: Release
    target: StackTarget


class StackRecords:
    """The records of one stack."""

    def __init__(self, *, api: ManagerApi, stack: str) -> None:
        self._api = api
        self._stack = stack

    def find(self, deployment_id: str) -> StackRecord | None:
        record = self._api.record(record_name(deployment_id)) if deployment_id else None
        return unpacked(record) if record else None

    def keep(self, *, command: pb.Command, target: StackTarget) -> StackRecord:
        """Keep what a release is made of; a repeat returns what was kept first. Raises StepFailedError(invalid)."""
        data = _packed(command, target)
        if len(data) > MAX_RECORD_BYTES:
            message = (
                f"The stack's files are {len(data) // 1000} kB when packed; a Swarm keeps {MAX_RECORD_BYTES // 1000}."
            )
            raise StepFailedError("invalid", message)
        labels = {
            LABEL_RECORD: KIND,
            LABEL_STACK: self._stack,
            LABEL_PROJECT: command.project_id,
            LABEL_LANE: command.lane,
            LABEL_DEPLOYMENT: command.deployment_id,
        }
        self._api.create_record(name=record_name(command.deployment_id), labels=labels, data=data)
        kept = self.find(command.deployment_id)
        if kept is None:
            raise StepFailedError("internal", "The Swarm did not keep what the release is made of.")
        return kept

    def reference_of(self, digest: str) -> str:
        """Return the image reference with this digest that a release of the stack ran by; empty for none."""
        for record in self._api.records(kind=KIND, stack=self._stack):
            for reference in unpacked(record).target.images.values():
                if reference.endswith(digest):
                    return reference
        return ""

    def forget_all_but(self, deployment_ids: Collection[str]) -> None:
        for record in self._api.records(kind=KIND, stack=self._stack):
            if record.labels.get(LABEL_DEPLOYMENT) not in deployment_ids:
                self._api.remove_config(record.id)


def record_name(deployment_id: str) -> str:
    """Return the name of the config that holds what the deployment was made of."""
    return f"axion-release-{hashlib.sha256(deployment_id.encode()).hexdigest()[:32]}"


def _packed(command: pb.Command, target: StackTarget) -> bytes:
    kept = pb.Command()
    kept.CopyFrom(command)
    # Long, and true only while its own command is at work.
    kept.deploy.ClearField("registry_cleanup")
    whole = {
        "command": base64.b64encode(kept.SerializeToString()).decode(),
        "owners": dict(target.owners),
        "images": dict(target.images),
    }
    return gzip.compress(json.dumps(whole).encode(), mtime=0)


def unpacked(record: Record) -> StackRecord:
    """Return what was kept."""
    whole = json.loads(zlib.decompressobj(wbits=GZIP).decompress(record.data, MAX_UNPACKED_BYTES))
    release = release_of(pb.Command.FromString(base64.b64decode(whole["command"])))
    target = StackTarget(services=release.services, owners=whole["owners"], images=whole["images"])
    return StackRecord(release=release, target=target)
