"""The Session call: one stream per agent, commands down, numbered reports up."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import grpc
import structlog

from agents.contracts import runner_pb2
from agents.contracts.version import PROTOCOL
from agents.db_errors import DATABASE_AWAY
from agents.errors import AnotherMachine, Unauthenticated
from agents.hello import Greeting
from agents.services.greeting import greet
from agents.token_bucket import TokenBucket, TokenBuckets
from agents.transport.agent_session import AgentSession, Ending
from agents.transport.callers import Callers
from agents.transport.intake.job_run_intake import JobRunIntake, RunStops
from agents.transport.intake.observation_intake import ObservationIntake
from agents.transport.intake.report_intake import ReportApplier
from agents.transport.intake.sample_intake import SampleIntake
from agents.transport.intake.swarm_intake import SwarmIntake
from agents.transport.intake.tasks_intake import TasksIntake
from agents.transport.intake.update_intake import UpdateIntake, UpdateOrders
from agents.transport.intake.volume_intake import VolumeIntake
from agents.transport.liveness import Liveness
from agents.transport.ports import Bindings, GatewayConfig
from agents.transport.presented import presented_by
from agents.transport.retention_announcer import RetentionAnnouncer
from agents.transport.session_registry import SessionRegistry
from agents.transport.threads import DatabaseThreads
from agents.transport.trust.renewals import Renewal, end_with_certificate
from agents.transport.trust.standing import CertificateWatch
from agents.transport.wire import codec, hellos
from agents.transport.wire.conditions import condition_from_wire
from agents.types import AgentData

logger = structlog.get_logger(__name__)
Stream = grpc.aio.ServicerContext[Any, Any]
# Messages of one session: what an agent has kept while it was away, and then as much as reports need. One of so many
# bytes counts twice; a sender that is faster waits.
BURST, PER_SECOND, COSTLY_BYTES = 4000, 500, 2048
# Sessions of one agent, which looks for its commands each time.
OPENINGS, OPENINGS_PER_SECOND = 30, 0.5
Incoming = AsyncIterator[runner_pb2.FromAgent]
Taker = Callable[[Any], None]


class SessionCalls:
    def __init__(
        self,
        *,
        config: GatewayConfig,
        bindings: Bindings,
        callers: Callers,
        threads: DatabaseThreads,
        registry: SessionRegistry,
        liveness: Liveness,
        retentions: RetentionAnnouncer,
        samples: SampleIntake,
        stops: RunStops,
        updates: UpdateOrders,
        certificates: CertificateWatch,
    ) -> None:
        self._config = config
        self._bindings = bindings
        self._callers = callers
        self._threads = threads
        self._registry = registry
        self._liveness = liveness
        self._retentions = retentions
        self._samples = samples
        self._stops = stops
        self._updates = updates
        self._certificates = certificates
        self._openings = TokenBuckets(burst=OPENINGS, per_second=OPENINGS_PER_SECOND)

    async def serve(self, messages: Incoming, context: Stream) -> None:
        """Serve one agent until either side ends the stream.

        1. Authenticate, before anything of the agent's is read.
        2. Read Hello. A new version that is only tried is welcomed, and nothing else follows.
        3. Let this session speak for the agent and compare what both sides hold, in one transaction (`_open`).
        4. Queue Welcome before the registry knows the session, so that nothing is written before it.
        5. Register: from now on the agent is sent what is due; an older session of it ends.
        6. Read, write and apply side by side until the first of them ends.
        7. Unregister, unless a newer session took the place already.
        """
        agent, credential = await self._callers.agent(context)
        if wait := self._openings.take(agent.id):
            message = f"The agent opens its session too often. Try again in {math.ceil(wait)} s."
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, message)
        hello = await self._hello(messages, context, agent)
        if hello.trial:
            await context.write(_trial_welcome())
            return
        presented = presented_by(context)
        session = AgentSession(session_id=uuid.uuid4(), agent=agent, serial=presented.serial if presented else "")
        greeting = await self._open(context, session, hello, credential)
        session.offer(
            codec.welcome(
                heartbeat_seconds=self._config.heartbeat_seconds,
                lost_after_seconds=self._config.lost_after_seconds,
                ledger_incarnation=greeting.ledger_incarnation,
            )
        )
        self._registry.add(session)
        self._retentions.look_at(agent_id=agent.id)
        self._stops.look_at(agent_id=agent.id)
        self._updates.look_at(agent_id=agent.id)
        logger.info("agent connected", agent_id=str(agent.id), version=hello.version)
        timer = end_with_certificate(session=session, presented=presented)
        try:
            ending = await self._run(messages, context, session)
        finally:
            if timer is not None:
                timer.cancel()
            self._registry.remove(session)
            logger.info("agent disconnected", agent_id=str(agent.id))
        if ending is not None:
            await context.abort(ending.code, ending.sentence)

    async def _hello(self, messages: Incoming, context: Stream, agent: AgentData) -> runner_pb2.Hello:
        try:
            async with asyncio.timeout(self._config.hello_deadline):
                first = await anext(messages, None)
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, "No Hello came.")
        if first is None or first.WhichOneof("message") != "hello":
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "The first message of a session is Hello.")
        if first.hello.agent_id != str(agent.id):
            await context.abort(grpc.StatusCode.PERMISSION_DENIED, "The credential belongs to another agent.")
        return first.hello

    async def _open(
        self, context: Stream, session: AgentSession, message: runner_pb2.Hello, credential: str
    ) -> Greeting:
        """Compare what both sides hold, before a command or a report passes between them."""
        try:
            session.hello = hellos.hello_from_wire(message)
            greeting = await self._threads.run(
                greet,
                agent_id=session.agent_id,
                credential=credential,
                session_id=session.session_id,
                hello=session.hello,
                serial=session.serial,
            )
            if greeting.doubtful:
                await self._threads.run(self._bindings.unknown_fate, doubtful=greeting.doubtful)
            return greeting
        except AnotherMachine as error:
            logger.error("a second machine uses the credential of an agent", agent_id=str(session.agent_id))
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, error.message)
        except Unauthenticated:
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "Not authenticated.")
        except ValueError:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "Command ids are UUIDs.")
        except DATABASE_AWAY:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "The session cannot be opened now.")
        raise AssertionError("abort raises")

    async def _run(self, messages: Incoming, context: Stream, session: AgentSession) -> Ending | None:
        """Read, write and apply side by side; the first to end ends the others."""
        applier = ReportApplier(
            session=session,
            threads=self._threads,
            on_report=self._bindings.on_report,
            on_usual_reports=self._bindings.on_usual_reports,
            on_finished=lambda: self._retentions.look_at(agent_id=session.agent_id),
        )
        observations = ObservationIntake(session=session, threads=self._threads, on_observed=self._bindings.on_observed)
        volumes = VolumeIntake(session=session, threads=self._threads, on_volumes=self._bindings.on_volumes)
        swarm = SwarmIntake(session=session, threads=self._threads, on_swarm=self._bindings.on_swarm)
        tasks_seen = TasksIntake(session=session, threads=self._threads, on_tasks=self._bindings.on_tasks)
        renewal = Renewal(session=session, watch=self._certificates, threads=self._threads)
        updates = UpdateIntake(session=session, threads=self._threads)
        job_runs = JobRunIntake(session=session, threads=self._threads, on_job_runs=self._bindings.on_job_runs)
        takers: dict[str, Taker] = {
            "observation": observations.take,
            "volumes": volumes.take,
            "swarm": swarm.take,
            "tasks": tasks_seen.take,
            "certificate_request": renewal.take,
            "job_runs": job_runs.take,
            "update": updates.take,
            "samples": lambda message: self._samples.take(agent_id=session.agent_id, message=message),
        }
        tasks: list[asyncio.Future[Any]] = [
            asyncio.create_task(self._read(messages, session, takers)),
            asyncio.create_task(renewal.drain()),
            asyncio.create_task(_write(context, session)),
            asyncio.create_task(applier.drain()),
            asyncio.create_task(observations.drain()),
            asyncio.create_task(volumes.drain()),
            asyncio.create_task(swarm.drain()),
            asyncio.create_task(tasks_seen.drain()),
            asyncio.create_task(job_runs.drain()),
            asyncio.create_task(updates.drain()),
        ]
        try:
            await asyncio.wait([*tasks, session.ending], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                logger.warning("session ended by a fault", agent_id=str(session.agent_id), error=repr(result))
        return session.ending.result() if session.ending.done() else None

    async def _read(self, messages: Incoming, session: AgentSession, takers: Mapping[str, Taker]) -> None:
        pace = TokenBucket(burst=BURST, per_second=PER_SECOND)
        async for message in messages:
            await pace.spend(1 + message.ByteSize() / COSTLY_BYTES)
            kind = message.WhichOneof("message") or ""
            self._liveness.heard(
                agent_id=session.agent_id,
                session_id=session.session_id,
                health=codec.health_from_wire(message.heartbeat.health) if kind == "heartbeat" else None,
                missing_images=codec.missing_from_wire(message.inventory) if kind == "inventory" else None,
                condition=condition_from_wire(message.condition) if kind == "condition" else None,
            )
            if kind in takers:
                takers[kind](getattr(message, kind))
            if kind in ("report", "acknowledged"):
                await session.incoming.put(message)


def _trial_welcome() -> runner_pb2.ToAgent:
    """Return what a new version hears that is only being tried beside its agent."""
    return runner_pb2.ToAgent(welcome=runner_pb2.Welcome(protocol=PROTOCOL))


async def _write(context: Stream, session: AgentSession) -> None:
    while True:
        await context.write(await session.next_message())
