"""The two sides of the gateway as tests play them: an agent on the wire, and the domain behind the callables."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import grpc
from django.db import transaction

from agents import gateway
from agents.contracts import runner_pb2, runner_pb2_grpc
from agents.contracts.version import MINIMUM_PROTOCOL
from agents.deployment_state import DeploymentState
from agents.errors import NotFound
from agents.hello import DoubtfulCommand
from agents.reports.job_runs import HostJobRuns
from agents.reports.log_lines import LogBatch, LogReader, LogRequest
from agents.reports.observation import HostObserved
from agents.reports.samples import HostSamples
from agents.reports.swarm_seen import SwarmTold, TasksTold
from agents.reports.update_rules import UpdateCheck
from agents.reports.volumes import HostVolumes
from agents.retention import Retention
from agents.services import clusters, directory
from agents.transport.ports import Bindings
from agents.types import (
    CommandData,
    CommandFinished,
    DeployCommand,
    Registration,
    RegistryLogin,
    Report,
    ServiceSpec,
    Verdict,
)

PATIENCE = 5.0


@dataclass
class Domain:
    """Applies reports the way the deployments do: one transaction around the number and its effect."""

    users: Mapping[str, UUID] = field(default_factory=dict)
    applied: list[Report] = field(default_factory=list)
    cancelled: list[tuple[UUID, UUID]] = field(default_factory=list)
    wishes: list[tuple[Any, ...]] = field(default_factory=list)
    enrolments: list[str] = field(default_factory=list)
    most_enrolments: int = 1000
    kept: Retention = field(default_factory=Retention)
    asked_retentions: list[tuple[UUID, ...]] = field(default_factory=list)
    unknown: list[DoubtfulCommand] = field(default_factory=list)
    observed: list[HostObserved] = field(default_factory=list)
    volumes: list[HostVolumes] = field(default_factory=list)
    samples: list[HostSamples] = field(default_factory=list)
    job_runs: list[HostJobRuns] = field(default_factory=list)
    unwanted_runs: dict[UUID, list[UUID]] = field(default_factory=dict)
    join_tokens: dict[UUID, str] = field(default_factory=dict)
    containers: dict[UUID, bytes] = field(default_factory=dict)
    log_requests: dict[UUID, LogRequest] = field(default_factory=dict)
    log_batches: list[LogBatch] = field(default_factory=list)
    log_reader: LogReader = LogReader.READS
    bundle: bytes = b""
    fails_on: type[Exception] | None = None
    takes_seconds: float = 0.0
    # How many reports came at once, each time; None where it stores none together.
    together: list[int] | None = field(default_factory=list)
    registries: list[RegistryLogin] = field(default_factory=list)
    tasks: list[TasksTold] = field(default_factory=list)

    def bindings(self) -> Bindings:
        return Bindings(
            enrolment_wait=self.enrolment_wait,
            on_report=self.on_report,
            on_usual_reports=self.on_usual_reports,
            on_observed=self.on_observed,
            on_volumes=self.on_volumes,
            on_swarm=self.on_swarm,
            on_tasks=self.on_tasks,
            on_join_token=self.on_join_token,
            on_containers=self.on_containers,
            on_samples=self.on_samples,
            on_job_runs=self.on_job_runs,
            runs_to_stop=self.runs_to_stop,
            log_request=self.log_request,
            on_log_batch=self.on_log_batch,
            unknown_fate=self.unknown_fate,
            secrets_of=self.secrets_of,
            registries_of=self.registries_of,
            bundle_of=self.bundle_of,
            user_of=self.user_of,
            deployment_state=self.deployment_state,
            cancel_deployment=self.cancel_deployment,
            stop_project=self.stop_project,
            scale_service=self.scale_service,
            check_update=self.check_update,
            update_agent=self.update_agent,
            retentions_of=self.retentions_of,
        )

    def registries_of(self, *, deployment_id: UUID, agent_id: UUID, opens_sealed: bool) -> list[RegistryLogin] | bytes:
        del deployment_id, agent_id, opens_sealed
        return self.registries

    def on_job_runs(self, *, told: HostJobRuns) -> None:
        if self.fails_on is not None:
            raise self.fails_on
        self.job_runs.append(told)

    def runs_to_stop(self, *, agent_ids: Collection[UUID]) -> dict[UUID, list[UUID]]:
        return {agent_id: runs for agent_id, runs in self.unwanted_runs.items() if agent_id in agent_ids}

    def check_update(self, *, agent_id: UUID, user_id: UUID) -> UpdateCheck:
        directory.own_agent(agent_id=agent_id, owner_id=user_id)
        return UpdateCheck(agent_id=agent_id, current_version="1", latest_version="2", available=True)

    def update_agent(self, *, agent_id: UUID, user_id: UUID) -> UUID:
        directory.own_agent(agent_id=agent_id, owner_id=user_id)
        self.wishes.append(("update", agent_id, user_id))
        return uuid4()

    def enrolment_wait(self, *, address: str) -> int:
        self.enrolments.append(address)
        return 0 if len(self.enrolments) <= self.most_enrolments else 12

    def log_request(self, *, request_id: UUID, agent_id: UUID) -> LogRequest | None:
        del agent_id
        return self.log_requests.get(request_id)

    def on_log_batch(self, *, request_id: UUID, agent_id: UUID, batch: LogBatch | None) -> LogReader:
        del agent_id
        if request_id not in self.log_requests:
            return LogReader.HAS_GONE
        if batch is not None:
            self.log_batches.append(batch)
        return self.log_reader

    def on_report(self, *, report: Report) -> int:
        if self.fails_on is not None:
            raise self.fails_on("not now")
        time.sleep(self.takes_seconds)
        with transaction.atomic():
            verdict = gateway.accept_report(command_id=report.command_id, number=report.number)
            if verdict.verdict is Verdict.FRESH and isinstance(report.body, CommandFinished):
                gateway.finish(command_id=report.command_id)
        if verdict.verdict is Verdict.FRESH:
            self.applied.append(report)
        return verdict.last_number

    def on_usual_reports(self, *, reports: Sequence[Report]) -> int:
        if self.together is None:
            raise ValueError("one of them cannot be stored")
        self.together.append(len(reports))
        with transaction.atomic():
            return [self.on_report(report=report) for report in reports][-1]

    def on_observed(self, *, observed: HostObserved) -> None:
        if self.fails_on is not None:
            raise self.fails_on("not now")
        self.observed.append(observed)

    def on_volumes(self, *, seen: HostVolumes) -> None:
        self.volumes.append(seen)

    def on_join_token(self, *, command_id: UUID, agent_id: UUID, token: str) -> None:
        del agent_id
        self.join_tokens[command_id] = token

    def on_containers(self, *, command_id: UUID, agent_id: UUID, containers: bytes) -> None:
        del agent_id
        self.containers[command_id] = containers

    def on_swarm(self, *, told: SwarmTold) -> None:
        clusters.record_swarm(told=told)

    def on_tasks(self, *, told: TasksTold) -> None:
        self.tasks.append(told)

    def on_samples(self, *, hosts: Sequence[HostSamples]) -> None:
        self.samples += hosts

    def unknown_fate(self, *, doubtful: Collection[DoubtfulCommand]) -> None:
        self.unknown += doubtful

    def secrets_of(self, *, deployment_id: UUID, agent_id: UUID) -> Mapping[str, str] | bytes:
        return {"PASSWORD": f"of {deployment_id}"}

    def bundle_of(self, *, digest: str, agent_id: UUID) -> bytes:
        if digest != "known":
            raise NotFound
        return self.bundle

    def user_of(self, *, token: str, acts: bool = False) -> UUID | None:
        return self.users.get(token)

    def deployment_state(self, *, deployment_id: UUID, user_id: UUID) -> DeploymentState:
        if user_id != self.users["alice-token"]:
            raise NotFound
        return DeploymentState(deployment_id=deployment_id, status=2, stage=1, percent=10)

    def cancel_deployment(self, *, deployment_id: UUID, user_id: UUID) -> None:
        if user_id != self.users["alice-token"]:
            raise NotFound
        self.cancelled.append((deployment_id, user_id))

    def stop_project(self, *, agent_id: UUID, project_id: UUID, user_id: UUID) -> None:
        if user_id != self.users["alice-token"]:
            raise NotFound
        self.wishes.append((agent_id, project_id))

    def scale_service(
        self, *, agent_id: UUID, project_id: UUID, service_name: str, replicas: int, user_id: UUID
    ) -> None:
        if user_id != self.users["alice-token"]:
            raise NotFound
        self.wishes.append((agent_id, project_id, service_name, replicas))

    def retentions_of(self, *, agent_ids: Collection[UUID]) -> Mapping[UUID, Retention]:
        self.asked_retentions.append(tuple(agent_ids))
        return dict.fromkeys(agent_ids, self.kept)


def deploy(**changes: Any) -> DeployCommand:
    service = ServiceSpec(node_id="n1", name="web", image="axion/web:1", depends_on=("db",), level=1)
    fields: dict[str, Any] = {
        "stack_name": "axion-test",
        "files": {"docker-compose.yml": "services: {}\n"},
        "services": (service,),
        "variable_names": ("PASSWORD",),
    }
    return DeployCommand(**{**fields, **changes})


def send(*, agent_id: UUID, lane: str = "lane", deployment_id: UUID | None = None) -> CommandData:
    """Queue a deploy command in a transaction of its own."""
    with transaction.atomic():
        return gateway.send(
            command_id=uuid4(),
            agent_id=agent_id,
            lane=lane,
            deployment_id=deployment_id or uuid4(),
            project_id=uuid4(),
            command=deploy(),
        )


class FakeAgent:
    """Speaks the session protocol by hand; `read` fails a test that waits for what never comes."""

    def __init__(self, *, channel: grpc.aio.Channel | None = None, registered: Registration, stub: Any = None) -> None:
        self.id = registered.agent_id
        self.registered = registered
        self.metadata = (("authorization", f"Bearer {registered.credential}"),)
        self._stub: Any = stub or runner_pb2_grpc.RunnerAgentServiceStub(channel)  # type: ignore[no-untyped-call]
        self._call: Any = None
        self._reading: asyncio.Future[Any] | None = None
        self.retentions: list[runner_pb2.Retention] = []
        self.why = ""
        # Which one it served last: what it holds of another one waits for the control plane's word.
        self.ledger = ""

    async def connect(self, *, unfinished: tuple[UUID, ...] = (), agent_id: UUID | None = None, **said: Any) -> Any:
        """Say Hello; returns the call for those who look at its status. `said` are further fields of Hello."""
        self._call, self._reading = self._stub.Session(metadata=self.metadata), None
        ids = [str(each) for each in unfinished]
        said = {"protocol": MINIMUM_PROTOCOL, "ledger_incarnation": self.ledger, **said}
        hello = runner_pb2.Hello(agent_id=str(agent_id or self.id), version="2", unfinished_command_ids=ids, **said)
        await self._call.write(runner_pb2.FromAgent(hello=hello))
        return self._call

    async def welcomed(self, *, unfinished: tuple[UUID, ...] = (), **said: Any) -> runner_pb2.Welcome:
        await self.connect(unfinished=unfinished, **said)
        welcome: runner_pb2.Welcome = (await self.read()).welcome
        self.ledger = welcome.ledger_incarnation
        return welcome

    async def read(self, *, within: float = PATIENCE) -> runner_pb2.ToAgent:
        """The next message; what history keeps is put aside for `retention`."""
        while (message := await self._read(within=within)).WhichOneof("message") == "retention":
            self.retentions.append(message.retention)
        return message

    async def retention(self, *, within: float = PATIENCE) -> runner_pb2.Retention:
        """The next word about what history keeps."""
        if self.retentions:
            return self.retentions.pop(0)
        message = await self._read(within=within)
        assert message.WhichOneof("message") == "retention", message
        return message.retention

    async def _read(self, *, within: float) -> runner_pb2.ToAgent:
        message = await self._next(within=within)
        assert isinstance(message, runner_pb2.ToAgent), "the gateway ended the stream"
        return message

    async def _next(self, *, within: float) -> Any:
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._call.read())
        # A cancelled read would end the whole call, so one that came too late is kept for the next time.
        done, _ = await asyncio.wait({self._reading}, timeout=within)
        if not done:
            raise TimeoutError
        reading, self._reading = self._reading, None
        return reading.result()

    async def command(self, *, within: float = PATIENCE) -> runner_pb2.Command:
        message = await self.read(within=within)
        assert message.WhichOneof("message") == "command", message
        return message.command

    async def stored(self, *, within: float = PATIENCE) -> int:
        """The number of the next acknowledgement of reports."""
        message = await self.read(within=within)
        assert message.WhichOneof("message") == "reports_acknowledged", message
        return message.reports_acknowledged.number

    async def acknowledge(self, command: runner_pb2.Command, *, refusal: str = "") -> None:
        answer = runner_pb2.CommandAcknowledged(
            command_id=command.command_id, accepted=not refusal, refusal=refusal, message=refusal
        )
        await self._call.write(runner_pb2.FromAgent(acknowledged=answer))

    async def report(self, *, command_id: Any, deployment_id: Any, number: int, text: str = "line\n") -> None:
        log = runner_pb2.LogWritten(source="build", text=text)
        await self._say(command_id, deployment_id, number, log=log)

    async def finish(self, *, command_id: Any, deployment_id: Any, number: int) -> None:
        done = runner_pb2.CommandFinished(outcome=runner_pb2.SUCCEEDED)
        await self._say(command_id, deployment_id, number, finished=done)

    async def say(self, report: runner_pb2.Report) -> None:
        await self._call.write(runner_pb2.FromAgent(report=report))

    async def write_raw(self, message: bytes) -> None:
        """A message of a newer version."""
        await self._call.write(runner_pb2.FromAgent.FromString(message))

    async def heartbeat(self, *, containers: int = 0) -> None:
        health = runner_pb2.AgentHealth(connected=True, active_containers=containers)
        beat = runner_pb2.HeartbeatRequest(agent_id=str(self.id), health=health)
        await self._call.write(runner_pb2.FromAgent(heartbeat=beat))

    async def fares(self, condition: runner_pb2.Condition) -> None:
        await self._call.write(runner_pb2.FromAgent(condition=condition))

    async def tell_runs(self, *runs: runner_pb2.JobRun) -> None:
        await self._call.write(runner_pb2.FromAgent(job_runs=runner_pb2.JobRuns(runs=runs)))

    async def tell_update(self, update_id: str, state: str) -> None:
        told = runner_pb2.UpdateState(update_id=update_id, state=state, message=state)
        await self._call.write(runner_pb2.FromAgent(update=told))

    async def observe(self, observation: runner_pb2.Observation) -> None:
        await self._call.write(runner_pb2.FromAgent(observation=observation))

    async def tell_swarm(self, seen: runner_pb2.SwarmSeen) -> None:
        await self._call.write(runner_pb2.FromAgent(swarm=seen))

    async def take_stock(self, *missing: str) -> None:
        inventory = runner_pb2.Inventory(missing_image_ids=missing, checked_at_ms=1)
        await self._call.write(runner_pb2.FromAgent(inventory=inventory))

    async def ended_with(self) -> grpc.StatusCode:
        """The status with which the gateway ends the stream; it comes after all that was said before."""
        try:
            while isinstance(await self._next(within=PATIENCE), runner_pb2.ToAgent):
                pass
        except grpc.aio.AioRpcError as error:
            self.why = error.details() or ""
        code: grpc.StatusCode = await asyncio.wait_for(self._call.code(), PATIENCE)
        return code

    async def leave(self) -> None:
        if self._call is not None:
            self._call.cancel()
        if self._reading is not None:
            await asyncio.wait({self._reading})
            self._reading.cancelled() or self._reading.exception()
            self._reading = None

    async def _say(self, command_id: Any, deployment_id: Any, number: int, **body: Any) -> None:
        await self.say(
            runner_pb2.Report(
                command_id=str(command_id), deployment_id=str(deployment_id), number=number, at_ms=1, **body
            )
        )


async def eventually(check: Any, *, within: float = PATIENCE) -> Any:
    """The first true answer of an asynchronous question, asked again until the deadline."""
    deadline = time.monotonic() + within
    while not (answer := await check()):
        assert time.monotonic() < deadline, "it did not become true in time"
        await asyncio.sleep(0.05)
    return answer
