"""Which release of each stack runs, what ran before it, and the files each was started with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from agents.contracts import runner_pb2 as pb
from agents.runner.errors import StepFailedError
from agents.runner.journal.release_files import write_texts
from agents.runner.journal.store import Store
from agents.runner.planning.codec import COMPOSE_FILE, release_of
from agents.runner.planning.model import Container, Release, Target
from agents.runner.planning.overlay import FILE_NAME, overlay, services_to_check_early
from agents.runner.planning.stackfile import FILE_NAME as STACK_FILE
from agents.runner.planning.stackfile import read_stack, write_stack


class Phase(StrEnum):
    """How far a release came.

    preparing -> applying -> current; preparing | applying -> failing -> reverted | failed; current -> reverted.
    `preparing` has touched no container.
    """

    PREPARING = "preparing"
    APPLYING = "applying"
    CURRENT = "current"
    FAILING = "failing"
    FAILED = "failed"
    REVERTED = "reverted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What the stack had on the host when the release began: names of networks and volumes, ids of containers."""

    networks: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord:
    """A release as the journal holds it; `base` is the deployment that ran before it, empty for none."""

    release: Release
    base: str
    phase: Phase
    target: Target
    before: Before
    failure: Mapping[str, Any]

    @property
    def touched(self) -> bool:
        """Tell whether it may have got as far as touching containers; of a stop that leaves no other trace."""
        return bool(self.target.owners) or not self.release.services


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRelease:
    """A release as its row has it, whatever its command says: `owners` and `images` by service."""

    stack: str
    deployment_id: str
    base: str
    phase: Phase
    command: pb.Command
    owners: Mapping[str, str]
    images: Mapping[str, str]


class Releases:
    """Rows in the journal's file, and one folder of files per release. No secret in either."""

    def __init__(self, *, store: Store, folder: Path) -> None:
        self.store = store
        self._folder = folder

    def begin(self, *, command: pb.Command, before: Before, base: str) -> ReleaseRecord:
        """Write down that a release begins and what it replaces; a repeat returns what was written first.

        `base`: the deployment to go back to; empty for none.
        """
        with self.store.transaction():
            record = self.find(command.deployment_id)
            if record is None:
                self.store.write(
                    "INSERT INTO releases (deployment, stack, base, payload, phase, before) VALUES (?, ?, ?, ?, ?, ?)",
                    command.deployment_id,
                    command.deploy.stack_name,
                    base,
                    command.SerializeToString(),
                    Phase.PREPARING,
                    json.dumps([before.networks, before.volumes, before.containers]),
                )
        record = self.find(command.deployment_id)
        if record is None:
            raise StepFailedError("internal", "The release was not kept.")
        return record

    def find(self, deployment_id: str) -> ReleaseRecord | None:
        row = self.store.row("SELECT * FROM releases WHERE deployment = ?", deployment_id)
        if row is None:
            return None
        release = release_of(pb.Command.FromString(row["payload"]))
        networks, volumes, containers = json.loads(row["before"])
        target = Target(
            services=release.services,
            owners=json.loads(row["owners"]),
            images=json.loads(row["images"]),
            has_jobs=bool(release.jobs),
        )
        return ReleaseRecord(
            release=release,
            base=row["base"],
            phase=Phase(row["phase"]),
            target=target,
            before=Before(networks=tuple(networks), volumes=tuple(volumes), containers=tuple(containers)),
            failure=json.loads(row["failure"] or "{}"),
        )

    def recorded(self, observed: Iterable[Container]) -> dict[str, ReleaseRecord]:
        """Return the releases by whose files these containers run, by deployment, as far as they are recorded here."""
        found = {each.deployment_id for each in observed} - {""}
        return {name: record for name in found if (record := self.find(name)) is not None}

    def unknown_deployments(self, observed: Collection[Container]) -> list[str]:
        """Return the deployments of these containers that the journal, newer or older than they, has not recorded."""
        return sorted({each.deployment_id for each in observed} - {""} - self.recorded(observed).keys())

    def all(self) -> list[StoredRelease]:
        """Return every release, by stack, the oldest first."""
        rows = self.store.rows("SELECT * FROM releases ORDER BY stack, position")
        return [
            StoredRelease(
                stack=row["stack"],
                deployment_id=row["deployment"],
                base=row["base"],
                phase=Phase(row["phase"]),
                command=pb.Command.FromString(row["payload"]),
                owners=json.loads(row["owners"]),
                images=json.loads(row["images"]),
            )
            for row in rows
        ]

    def currents(self) -> dict[str, str]:
        """Return by stack the deployment that runs; empty for none."""
        return {row["stack"]: row["current"] for row in self.store.rows("SELECT stack, current FROM stacks")}

    def current(self, stack: str) -> str:
        """Return the deployment that runs; empty for none."""
        row = self.store.row("SELECT current FROM stacks WHERE stack = ?", stack)
        return row["current"] if row else ""

    def job_image(self, *, stack: str, job: str, content_hash: str) -> str:
        """Return the image that a job of this very definition had in the newest release; empty where none knows it."""
        rows = self.store.rows("SELECT payload, images FROM releases WHERE stack = ? ORDER BY position DESC", stack)
        for row in rows:
            image = json.loads(row["images"]).get(job, "")
            jobs = pb.Command.FromString(row["payload"]).deploy.jobs if image else ()
            if any((each.service.name, each.service.content_hash) == (job, content_hash) for each in jobs):
                return str(image)
        return ""

    def apply(self, *, deployment_id: str, target: Target) -> None:
        """Note that containers may be touched from now on, and the target."""
        self.store.write(
            "UPDATE releases SET phase = ?, owners = ?, images = ? WHERE deployment = ?",
            Phase.APPLYING,
            json.dumps(dict(target.owners)),
            json.dumps(dict(target.images)),
            deployment_id,
        )

    def fail(self, *, deployment_id: str, failure: Mapping[str, object]) -> None:
        """Note the failure: from now on the way back is due, also after a restart."""
        self.store.write(
            "UPDATE releases SET phase = ?, failure = ? WHERE deployment = ?",
            Phase.FAILING,
            json.dumps(dict(failure)),
            deployment_id,
        )

    def finish(self, *, record: ReleaseRecord, phase: Phase, runs: str) -> None:
        """Store the release's end and `runs`, the deployment that runs now; empty for nothing."""
        with self.store.transaction():
            deployment_id, stack = record.release.deployment_id, record.release.stack
            self.store.write("UPDATE releases SET phase = ? WHERE deployment = ?", phase, deployment_id)
            self.store.write(
                "INSERT INTO stacks VALUES (?, ?) ON CONFLICT (stack) DO UPDATE SET current = excluded.current",
                stack,
                runs,
            )

    def record_routed_gateway(self, *, stack: str, container_id: str) -> None:
        """Note that this gateway may go by other than its own file from now on."""
        self.store.write("INSERT OR REPLACE INTO led VALUES (?, ?)", container_id, stack)

    def routed_gateways(self, stack: str) -> list[str]:
        """Return the containers of the stack's gateways that may go by other than their own file."""
        return [row["container"] for row in self.store.rows("SELECT container FROM led WHERE stack = ?", stack)]

    def all_routed_gateways(self) -> dict[str, str]:
        """Return the containers of all gateways that may go by other than their own file, each with its stack."""
        return {row["container"]: row["stack"] for row in self.store.rows("SELECT container, stack FROM led")}

    def forget_routed_gateway(self, container_id: str) -> None:
        self.store.write("DELETE FROM led WHERE container = ?", container_id)

    def record_volume(self, *, stack: str, node_id: str, path: str, volume: str) -> None:
        """Note that the node's image keeps its data in this volume from now on, until another is named."""
        self.store.write("INSERT OR REPLACE INTO image_volumes VALUES (?, ?, ?, ?)", stack, node_id, path, volume)

    def recorded_volumes(self, *, stack: str, node_id: str) -> dict[str, str]:
        """Return the path to the volume in which the node's images kept their data, also while none of it runs."""
        rows = self.store.rows("SELECT path, volume FROM image_volumes WHERE stack = ? AND node = ?", stack, node_id)
        return {row["path"]: row["volume"] for row in rows}

    def write_files(
        self,
        *,
        release: Release,
        pinned: Mapping[str, str],
        volumes: Mapping[str, Mapping[str, str]] | None = None,
        start_interval: bool = False,
    ) -> Path:
        """Return the folder Compose runs in, with the release's files, the stack as it was judged and our overlay.

        `start_interval`: Docker here understands it, so it looks sooner at what has a health check.
        The same call again changes nothing. Raises StepFailedError for a compose file that cannot be read.
        """
        folder = self._folder / release.stack / release.deployment_id
        document = read_stack(release.files[COMPOSE_FILE])
        early = services_to_check_early(document) if start_interval else frozenset()
        laid_over = overlay(release=release, pinned=pinned, volumes=volumes or {}, checked_early=early)
        return write_texts(folder, {**release.files, STACK_FILE: write_stack(document), FILE_NAME: laid_over})

    @contextmanager
    def stack_files(self, *, release: Release, document: Mapping[str, Any]) -> Iterator[Path]:
        """Give a folder with a release's files and the stack as a Swarm is given it, for as long as that takes."""
        folder = self._folder / release.stack / release.deployment_id
        try:
            yield write_texts(folder, {**release.files, STACK_FILE: write_stack(document)})
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def forget(self, *, stack: str, deployment_ids: Collection[str]) -> None:
        """Drop these releases and their files; the caller knows that nothing needs them."""
        for deployment_id in deployment_ids:
            # The row last: if we die in between, the next round finds it again.
            shutil.rmtree(self._folder / stack / deployment_id, ignore_errors=True)
            self.store.write("DELETE FROM job_runs WHERE deployment = ?", deployment_id)
            self.store.write("DELETE FROM releases WHERE deployment = ?", deployment_id)

    def retain(self, retention: pb.Retention) -> None:
        """Keep what history needs, in place of what was kept before."""
        self.store.write(
            "INSERT INTO retention VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET payload = excluded.payload",
            retention.SerializeToString(),
        )

    def retention(self) -> pb.Retention | None:
        """Return what history needs; None until the control plane said so once."""
        row = self.store.row("SELECT payload FROM retention")
        return pb.Retention.FromString(row["payload"]) if row else None


def stack_states(store: Store, *, limit: int) -> list[pb.StackState]:
    """Return what runs of each stack, those with the newest release first."""
    rows = store.rows(
        "SELECT stacks.stack, stacks.current, newest.payload FROM stacks JOIN releases AS newest"
        " ON newest.position = (SELECT max(position) FROM releases WHERE releases.stack = stacks.stack)"
        " ORDER BY newest.position DESC LIMIT ?",
        limit,
    )
    states = []
    for row in rows:
        command = pb.Command.FromString(row["payload"])
        states.append(
            pb.StackState(
                stack_name=row["stack"],
                project_id=command.project_id,
                lane=command.lane,
                current_deployment_id=row["current"],
            )
        )
    return states
