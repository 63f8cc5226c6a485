"""An agent without its threads and its network: the real journal, releases and commands over an engine in memory.

The engine is the test's: containers and volumes that outlive the agent, its journal and the control plane.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

from agents.contracts import runner_pb2 as pb
from agents.runner.commands import deploy, restore
from agents.runner.commands.registry import COMMANDS
from agents.runner.control_plane import reports
from agents.runner.control_plane.identity import Identity
from agents.runner.control_plane.masker import Masker
from agents.runner.control_plane.reports import Reporter
from agents.runner.errors import InterruptedWorkError, StepFailedError
from agents.runner.hello_message import build_hello
from agents.runner.interrupt import REVERTED, Interrupt
from agents.runner.journal.command_journal import Entry, Journal
from agents.runner.journal.releases import Releases
from agents.runner.journal.store import Store
from agents.runner.planning.model import Container, Target

Picture = frozenset[tuple[str, str, str]]
DATABASE = "db"


class KilledError(BaseException):
    """The agent's process ends here."""


@dataclass
class Engine:
    """Docker as commands need it, for one stack. There is no way to delete a volume here, as there is none there."""

    running: dict[str, Container] = field(default_factory=dict)
    data: set[str] = field(default_factory=set)
    outages: int = 0

    def containers(self, **_: Any) -> tuple[Container, ...]:
        return tuple(sorted(self.running.values(), key=lambda each: each.service))

    settled_containers = containers

    def job_containers(self, **_: Any) -> tuple[Container, ...]:
        return ()

    def networks(self, _: str) -> dict[str, str]:
        return {}

    def remove_networks(self, _: tuple[str, ...]) -> None:
        pass

    def volumes(self, _: str) -> tuple[str, ...]:
        return tuple(sorted(self.data))

    def image_id(self, image: str) -> str:
        return image if image.startswith("sha256:") else f"sha256:{sha256(image.encode()).hexdigest()}"

    def remove_containers(self, ids: tuple[str, ...]) -> None:
        self.running = {name: each for name, each in self.running.items() if each.id not in ids}

    def was_away(self, *, since: int) -> bool:
        return self.outages > since

    def picture(self) -> Picture:
        return frozenset((each.service, each.deployment_id, each.image_id) for each in self.running.values())


@dataclass
class Machine:
    """`chance` decides what goes wrong: unhealthy services, and the moment at which the process is killed."""

    folder: Path
    chance: Callable[[str], bool]
    engine: Engine = field(default_factory=Engine)
    identity: Identity | None = None
    proven: set[Picture] = field(default_factory=set)
    found: dict[str, Picture] = field(default_factory=dict)
    undone: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.boot()

    def boot(self) -> None:
        self.store = Store(self.folder / "journal.sqlite3")
        self.journal = Journal(self.store)
        self.releases = Releases(store=self.store, folder=self.folder / "releases")
        self.instance_id = str(uuid4())

    def restart(self) -> None:
        self.store.close()
        self.boot()

    def copy_journal(self, copy: Path) -> None:
        self.store.close()
        shutil.copy(self.folder / "journal.sqlite3", copy)
        self.boot()

    def put_journal(self, copy: Path | None) -> None:
        """Another journal in place of the present one: an older copy, or none."""
        self.store.close()
        for each in self.folder.glob("journal.sqlite3*"):
            each.unlink()
        if copy is not None:
            shutil.copy(copy, self.folder / "journal.sqlite3")
        self.boot()

    def hello(self) -> pb.Hello:
        assert self.identity is not None
        return build_hello(journal=self.journal, identity=self.identity, instance_id=self.instance_id)

    def work(self) -> bool:
        """Do the next command, if there is one; a kill leaves it open."""
        lanes = {entry.lane for entry in self.journal.unfinished()}
        entry = next(filter(None, (self.journal.next_in_lane(lane) for lane in sorted(lanes))), None)
        if entry is None:
            return False
        before = self.engine.picture()
        self.found.setdefault(entry.id, before)
        try:
            self._do(entry)
        except KilledError:
            self.restart()
        self._judge(entry, before)
        return True

    def _do(self, entry: Entry) -> None:
        interrupt = Interrupt()
        if entry.kind == "deploy" and self.journal.reverted(entry.deployment_id):
            interrupt.set(REVERTED)
        work = self._work_for(entry, interrupt)
        try:
            interrupt.check()
            COMMANDS[entry.kind].handle(work)
        except InterruptedWorkError:
            ended = pb.CommandFinished(outcome=pb.FAILED, reason="cancelled", message="Stopped.")
            work.reporter.finished(ended, also=lambda: None)

    def _work_for(self, entry: Entry, interrupt: Interrupt) -> Any:
        masker = Masker()
        reporter = Reporter(
            journal=self.journal,
            command_id=entry.id,
            deployment_id=entry.deployment_id,
            masker=masker,
            now_ms=lambda: time.time_ns() // 1_000_000,
            wake=lambda: None,
        )
        return SimpleNamespace(
            command=entry.command(),
            reporter=reporter,
            interrupt=interrupt,
            host=self.engine,
            releases=self.releases,
            masker=masker,
            policy=None,
            seen=lambda _: None,
            machine=self,
        )

    def _final(self, entry: Entry) -> pb.CommandFinished | None:
        """How the command ended; None while it is open."""
        row = self.journal.store.row("SELECT final FROM commands WHERE id = ?", entry.id)
        return pb.Report.FromString(row["final"]).finished if row and row["final"] else None

    def _judge(self, entry: Entry, before: Picture) -> None:
        """What was proven is changed by what somebody asked for alone, and a deployment that fails puts it back.

        That it was put back is only said where what runs is what the deployment found, not some other proven stack.
        """
        after = self.engine.picture()
        if _is_put_back(self._final(entry)) and entry.kind == "deploy" and after != self.found[entry.id]:
            self.undone.append(f"{entry.kind} of {entry.deployment_id} put back {sorted(after)}")
        if before not in self.proven or after == before:
            return
        final = self._final(entry)
        killed, failed = final is None, final is not None and final.outcome == pb.FAILED
        if not _unasked(entry.command()) and (killed or failed or after in self.proven or not after):
            return
        self.undone.append(f"{entry.kind} of {entry.deployment_id}: {sorted(before)} became {sorted(after)}")


def _is_put_back(final: pb.CommandFinished | None) -> bool:
    return final is not None and final.outcome == pb.RESTORED and final.previous_stack_running


def _unasked(command: pb.Command) -> bool:
    return command.HasField("revert") and command.revert.keep_proven


class Applier:
    """In place of Compose and the watch on health: one container after the other, and any of them may be the last."""

    def __init__(self, *, work: Any, goal: Any) -> None:
        self._machine: Machine = work.machine
        self._goal = goal

    def apply_plan(self, plan: Any, *, observed: tuple[Container, ...]) -> tuple[Container, ...]:
        del plan, observed
        machine, target = self._machine, self._goal.target
        wanted = {each.name for each in target.services}
        for service in target.services:
            self._start(service)
            if machine.chance("kill"):
                raise KilledError
            if self._goal.strict and machine.chance("sick"):
                raise StepFailedError("unhealthy", f"{service.name} is sick", service=service.name)
        gone = [each.id for name, each in machine.engine.running.items() if name not in wanted]
        machine.engine.remove_containers(tuple(gone))
        if self._goal.strict:
            machine.proven.add(machine.engine.picture())
        return machine.engine.containers()

    def _start(self, service: Any) -> None:
        machine, target = self._machine, self._goal.target
        made = Container(
            id=uuid4().hex,
            service=service.name,
            state="running",
            health="healthy",
            image_id=target.images.get(service.name, "") or machine.engine.image_id(service.image),
            started_at=1.0,
            content_hash=service.content_hash,
            deployment_id=target.owners[service.name],
            volumes={"/data": f"{service.name}-data"} if service.name == DATABASE else {},
        )
        present = machine.engine.running.get(service.name)
        if present is None or replace(present, id=made.id, volumes=made.volumes) != made:
            machine.engine.running[service.name] = made
        machine.engine.data |= set(made.volumes.values())


def instead_of_docker(patch: Any) -> None:
    """Commands work on the engine above from now on."""

    def images(*, work: Any, release: Any) -> dict[str, str]:
        return {each.name: release.pinned.get(each.name) or work.host.image_id(each.image) for each in release.services}

    for module in (deploy, restore):
        patch.setattr(module, "Applier", Applier)
    patch.setattr(restore, "with_image_volumes", lambda *, release, **_: release.services)
    patch.setattr(deploy, "provide_images", images)
    # What others own on the host is judged elsewhere: here is one lane.
    patch.setattr(deploy, "check_stack", lambda **_: None)
    patch.setattr(deploy, "_check_claims", lambda *_: None)
    patch.setattr(deploy, "_target", _plain_target)
    patch.setattr(reports, "BATCH_SECONDS", 3600.0)


def _plain_target(work: Any, release: Any, owners: Any, images: Any, observed: Any) -> Any:
    del work, observed
    return Target(services=release.services, owners=owners, images=images)
