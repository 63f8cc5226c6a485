"""Cuts, kills, revokes, restores of database and journal, in any order: no volume is lost, no success is undone, and in
the end both sides agree on what runs or say that they do not know. PostgreSQL and the journal are real: the one is
restored by rolling back to a savepoint, the other copied and put back as a file.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from agents import gateway
from agents.contracts import runner_pb2 as pb
from agents.errors import CommandNotFound, Unauthenticated
from agents.models import Agent, CommandRecord
from agents.repositories import delivery as due
from agents.runner.control_plane.identity import Identity
from agents.runner.journal.command_journal import Receipt
from agents.services import command_delivery, enrolment
from agents.services.greeting import greet
from agents.transport.wire import codec
from agents.transport.wire.hellos import hello_from_wire
from agents.types import AgentInfo
from axion_deploy.gateway_bindings import unknown_fate
from deployments.errors import Conflict, DeployError
from deployments.models import Deployment
from deployments.repositories import history
from deployments.services.lifecycle import agent_reports, cancel, command_ids, reconcile, start
from deployments.states import ACTIVE, Status
from tests import factories
from tests.deployments.lane import Lane
from tests.deployments.machine import Machine, Picture, instead_of_docker

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
# Further ones by hand: AXION_TEST_SEEDS=200.
SEEDS = range(int(os.environ.get("AXION_TEST_SEEDS", "8")))
STEPS = 40
# How often each thing happens, against the others.
WEIGHTS = {
    "ask": 3,
    "start": 4,
    "meet": 6,
    "work": 6,
    "expire": 3,
    "cancel": 1,
    "roll_back": 1,
    "revoke": 1,
    "kill": 1,
    "save": 1,
    "restore": 1,
    "copy_journal": 1,
    "old_journal": 1,
    "lose_journal": 1,
}
A_SUCCESS = "ask start meet work meet"
A_FAILURE = "ask start meet sicken work meet"
# What chance brings about too seldom: what is written down no longer tells what runs when something goes wrong.
STORIES = {
    "an older journal": f"{A_SUCCESS} copy_journal {A_SUCCESS} old_journal {A_FAILURE}",
    "an older journal and a cancel": f"{A_SUCCESS} copy_journal {A_SUCCESS} old_journal ask start meet cancel meet",
    "an older journal after a kill": f"{A_SUCCESS} copy_journal {A_SUCCESS} ask start meet die work old_journal meet",
    "a lost journal": f"{A_SUCCESS} {A_SUCCESS} lose_journal {A_FAILURE}",
    "a failure": f"{A_SUCCESS} {A_SUCCESS} {A_FAILURE}",
}
# What a message says that does not claim to know.
HONEST = ("unknown", "could not be put back", "is not known")


class World:
    """One control plane, one machine, and chance."""

    def __init__(self, *, lane: Lane, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.lane = lane
        self.folder = folder
        self.calm = False
        self.due: set[str] = set()
        folder.mkdir()
        self.machine = Machine(folder=folder, chance=self.chance)
        self.pictures: dict[str, Picture] = {}
        self.saved: str | None = None
        self.copy: Path | None = None
        self.version = 0
        self.did: list[str] = []

    def chance(self, what: str) -> bool:
        if what in self.due:
            self.due.remove(what)
            return True
        return not self.calm and self.dice.random() < {"kill": 0.08, "sick": 0.12, "cut": 0.1}[what]

    def steps(self) -> list[str]:
        """What happens, by chance."""
        return self.dice.choices(list(WEIGHTS), weights=list(WEIGHTS.values()), k=STEPS)

    def step(self, name: str) -> None:
        self.did.append(name)
        getattr(self, name)()

    # ---- people ----

    def ask(self) -> None:
        self.version += 1
        self.lane.store_graph(web=f"web:{self.version}", db="db:1")
        self.lane.ask()

    def start(self) -> None:
        first = Deployment.objects.filter(status=Status.PENDING).order_by("created_at").first()
        if first is not None:
            start.run_deployment(deployment_id=first.pk, at=self.lane.now())

    def cancel(self) -> None:
        with suppress(DeployError):
            for pk in Deployment.objects.filter(status__in=sorted(ACTIVE)).values_list("pk", flat=True)[:1]:
                cancel.cancel_deployment(caller=self.lane.caller, deployment_id=pk, at=self.lane.now())

    def roll_back(self) -> None:
        last = Deployment.objects.filter(status=Status.SUCCESS).order_by("-created_at").first()
        if last is not None:
            with suppress(Conflict):
                self.lane.ask_rollback(factories.reload(last.pk))

    def expire(self) -> None:
        Deployment.objects.filter(status__in=sorted(ACTIVE)).update(deadline_at=LONG_AGO)
        reconcile.expire_active(at=self.lane.now())

    def revoke(self) -> None:
        for pk in Agent.objects.active().values_list("pk", flat=True):
            enrolment.revoke(agent_id=pk)

    # ---- the machines ----

    def kill(self) -> None:
        self.machine.restart()

    def work(self) -> None:
        self.machine.work()

    def save(self) -> None:
        self.saved = transaction.savepoint()

    def restore(self) -> None:
        if self.saved is not None:
            transaction.savepoint_rollback(self.saved)

    def copy_journal(self) -> None:
        self.copy = self.folder / "copy"
        self.machine.copy_journal(self.copy)

    def old_journal(self) -> None:
        if self.copy is not None:
            self.machine.put_journal(self.copy)

    def lose_journal(self) -> None:
        self.machine.put_journal(None)

    def sicken(self) -> None:
        """The next service that is started is sick."""
        self.due.add("sick")

    def die(self) -> None:
        """The agent is killed after the next service that it starts."""
        self.due.add("kill")

    # ---- the line ----

    def meet(self) -> None:
        """A session, until there is nothing to say or the line is cut."""
        session = self._welcomed()
        for _ in range(50):
            said = self._down(session) + self._up()
            if not said or self.chance("cut"):
                return

    def _welcomed(self) -> Any:
        session, machine = uuid4(), self.machine
        while True:
            if machine.identity is None:
                machine.identity = self._enrol()
            hello = hello_from_wire(machine.hello())
            agent_id = codec.id_from_wire(machine.identity.agent_id)
            try:
                credential = machine.identity.credential
                greeting = greet(agent_id=agent_id, credential=credential, session_id=session, hello=hello)
                break
            except Unauthenticated:
                machine.identity = None
        unknown_fate(doubtful=greeting.doubtful)
        machine.journal.record_control_plane(
            agent_id=machine.identity.agent_id, ledger=str(greeting.ledger_incarnation)
        )
        return session

    def _enrol(self) -> Identity:
        token = enrolment.create_token(server_id=self.lane.server.id, owner_id=self.lane.owner.id, replace=True)
        made = enrolment.register(token=token.token, server_id=None, info=AgentInfo(), new_id=uuid4())
        return Identity(agent_id=str(made.agent_id), server_id="s", credential=made.credential, token_hash="")

    def _down(self, session: Any) -> int:
        claimed = command_delivery.claim_due(session_ids=[session], limit=10).commands
        for command in claimed:
            if self.chance("cut"):
                continue
            agent_id = command.agent_id
            if self.machine.journal.receive(codec.command_to_wire(command).command) is not Receipt.STALE:
                command_delivery.acknowledge(command_id=command.id, agent_id=agent_id)
                continue
            report = command_delivery.refuse(
                command_id=command.id, agent_id=agent_id, refusal="stale_number", message="", at=self.lane.now()
            )
            if report is not None:
                agent_reports.apply_report(report=report, at=self.lane.now())
        return len(claimed)

    def _up(self) -> int:
        assert self.machine.identity is not None
        agent_id = codec.id_from_wire(self.machine.identity.agent_id)
        pending = self.machine.journal.pending_reports(after=0, limit=50)
        for each in pending:
            report = codec.report_from_wire(pb.Report.FromString(each.body), agent_id=agent_id)
            try:
                number = agent_reports.apply_report(report=report, at=self.lane.now())
            except (CommandNotFound, DeployError):
                number = report.number
            if not self.chance("cut"):
                self.machine.journal.acknowledge(command_id=each.command_id, number=number)
        return len(pending)

    # ---- the end ----

    def calm_down(self) -> None:
        """Nothing goes wrong any more: whatever is open comes to its end."""
        self.calm = True
        for _ in range(30):
            self.start()
            self.meet()
            while self.machine.work():
                pass
            self.meet()
            if not Deployment.objects.filter(status__in=sorted(ACTIVE | {Status.PENDING})).exists():
                return
        raise AssertionError("something never ended")

    def disagreement(self) -> str:
        """How what the control plane holds to run differs from what does; empty when both agree or do not claim to."""
        running = history.running(project_id=self.lane.project_id, target_id=self.lane.target.id)
        if any(trouble for trouble in Agent.objects.active().values_list("trouble", flat=True)):
            return ""
        held = {(name, image) for name, image in running.images.items()} if running else set()
        there = {(each.service, each.image_id) for each in self.machine.engine.containers()}
        if held == there:
            return ""
        later = CommandRecord.objects.filter(kind="deploy")
        if running is not None:
            after = gateway.ordered_after(command_id=command_ids.deploy_command_id(running.deployment_id))
            later = later.filter(deployment_id__in=after)
        said = Deployment.objects.filter(pk__in=later.values("deployment_id")).values_list("message", flat=True)
        if any(word in message for message in said for word in HONEST):
            return ""
        return f"held {sorted(held)}, but {sorted(there)} runs; said {list(said)}"


@pytest.fixture
def world(lane: Lane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], World]:
    instead_of_docker(monkeypatch)
    monkeypatch.setattr(due, "REPLACED_AGENT_RETURN", due.REPLACED_AGENT_RETURN * 0)
    return lambda seed: World(lane=lane, folder=tmp_path / str(seed), seed=seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_data_is_lost_no_success_undone_and_both_sides_agree(world: Callable[[int], World], seed: int) -> None:
    made = world(seed)
    check(made, made.steps())


@pytest.mark.parametrize("story", STORIES.values(), ids=list(STORIES))
def test_so_it_is_where_the_journal_no_longer_says_what_runs(world: Callable[[int], World], story: str) -> None:
    made = world(0)
    made.calm = True
    check(made, story.split())


def check(made: World, steps: list[str]) -> None:
    ever: set[str] = set()
    for name in steps:
        made.step(name)
        ever |= made.machine.engine.data
    made.calm_down()
    story = " ".join(made.did)
    assert made.machine.engine.data >= ever, story
    assert made.machine.undone == [], story
    assert made.disagreement() == "", story
