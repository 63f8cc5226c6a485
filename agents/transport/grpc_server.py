"""The gateway: a gRPC server for agents and the loops beside it, in one event loop."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import grpc
import structlog

from agents.cancellation import cancel_until_ended
from agents.contracts import runner_pb2_grpc
from agents.db_errors import DATABASE_AWAY
from agents.limits import KIB, MAX_RECEIVED_BYTES, MAX_SENT_BYTES
from agents.services import command_delivery
from agents.transport import commit_listener
from agents.transport.admission import Admission
from agents.transport.agent_calls import AgentCalls
from agents.transport.agent_session import OVER, STOPPING, AgentSession
from agents.transport.callers import Callers
from agents.transport.intake.job_run_intake import RunStops
from agents.transport.intake.log_intake import LogIntake
from agents.transport.intake.sample_intake import SampleIntake
from agents.transport.intake.update_intake import UpdateOrders
from agents.transport.liveness import Liveness
from agents.transport.ports import Bindings, GatewayConfig
from agents.transport.retention_announcer import RetentionAnnouncer
from agents.transport.servicer import RunnerAgentService
from agents.transport.session_registry import SessionRegistry
from agents.transport.stream import SessionCalls
from agents.transport.threads import DatabaseThreads
from agents.transport.trust.listeners import OwnTrust
from agents.transport.trust.open_calls import OpenCalls
from agents.transport.trust.standing import CertificateWatch
from agents.transport.undeliverable import UndeliverableCommands
from agents.transport.user_calls import UserCalls

if TYPE_CHECKING:
    from agents.transport.kafka_way.agents_over_kafka import AgentsOverKafka

logger = structlog.get_logger(__name__)

# The gateway's own loops: commands and heartbeats, never behind reports.
LOOP_THREADS = 2
# For what is only handed on from agents to who looks: it waits for Redis, and nobody else waits for it.
LOG_THREADS = 2
PAUSE_AFTER_FAULT = 1.0
# Of one connection: an agent needs a handful, a service that asks for many users some more.
MAX_STREAMS_PER_CONNECTION = 256
MAX_METADATA_BYTES = 16 * KIB
MAX_UNASKED_BYTES = 16 * KIB
CHANNEL_OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.max_send_message_length", MAX_SENT_BYTES),
    ("grpc.max_receive_message_length", MAX_RECEIVED_BYTES),
    ("grpc.max_concurrent_streams", MAX_STREAMS_PER_CONNECTION),
    # A stream is sent no more than this before its message is asked for, however fast the line is.
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", MAX_UNASKED_BYTES),
    # What somebody may say before a message of theirs is asked for.
    ("grpc.max_metadata_size", MAX_METADATA_BYTES),
    # A dead line is noticed within 30 s in both directions; agents may ping as often as every 5 s.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ("grpc.so_reuseport", 0),
)


class Gateway:
    """One gateway process. `start` and `stop` are called once each, on the event loop."""

    def __init__(self, *, config: GatewayConfig, bindings: Bindings) -> None:
        self._config = config
        self._loop_threads = DatabaseThreads(count=LOOP_THREADS, name="gateway-loops")
        self._threads = DatabaseThreads(count=config.report_threads, name="gateway-reports")
        self._log_threads = DatabaseThreads(count=LOG_THREADS, name="gateway-logs")
        undeliverable = UndeliverableCommands(threads=self._loop_threads, on_report=bindings.on_report)
        self._registry = SessionRegistry(
            threads=self._loop_threads, poll_seconds=config.poll_seconds, undeliverable=undeliverable
        )
        self._liveness = Liveness(gateway_id=uuid.uuid4(), registry=self._registry, threads=self._loop_threads)
        self._retentions = RetentionAnnouncer(
            registry=self._registry,
            threads=self._loop_threads,
            retentions_of=bindings.retentions_of,
            round_seconds=config.retention_seconds,
        )
        self._samples = SampleIntake(threads=self._loop_threads, on_samples=bindings.on_samples)
        self._callers = callers = Callers(threads=self._threads, user_of=bindings.user_of)
        self._trust = OwnTrust(config=config, threads=self._loop_threads)
        self._stops = RunStops(registry=self._registry, threads=self._loop_threads, runs_to_stop=bindings.runs_to_stop)
        self._updates = UpdateOrders(registry=self._registry, threads=self._loop_threads)
        self._logs = LogIntake(bindings=bindings, callers=callers, registry=self._registry, threads=self._log_threads)
        self._open_calls = OpenCalls()
        self._certificates = CertificateWatch(
            registry=self._registry, open_calls=self._open_calls, callers=callers, threads=self._loop_threads
        )
        admission = Admission(
            callers=callers,
            threads=self._threads,
            enrolment_wait=bindings.enrolment_wait,
            open_calls=self._open_calls,
        )
        self._server = grpc.aio.server(
            options=CHANNEL_OPTIONS, interceptors=[admission], maximum_concurrent_rpcs=config.max_calls
        )
        self._loops: list[asyncio.Task[None]] = []
        self._ending: set[asyncio.Task[None]] = set()
        agents, sessions = self._agent_calls(bindings, callers), self._session_calls(bindings, callers)
        users = UserCalls(bindings=bindings, callers=callers, threads=self._threads)
        add_service: Any = runner_pb2_grpc.add_RunnerAgentServiceServicer_to_server
        add_service(RunnerAgentService(agents=agents, users=users, sessions=sessions, logs=self._logs), self._server)
        self._over_kafka = self._kafka_way(agents, sessions)

    async def start(self) -> int:
        """Listen and serve; returns the first port. Raises RuntimeError when an address cannot be bound.

        Where our own authority is needed it waits for the database.
        """
        port = await self._bind()
        await self._server.start()
        self._loops = [
            asyncio.create_task(_for_ever("deliver", self._registry.deliver_when_due)),
            asyncio.create_task(_for_ever("liveness", self._write_heartbeats)),
            asyncio.create_task(_for_ever("samples", self._samples.store_when_due)),
            asyncio.create_task(_for_ever("listen", self._listen)),
            asyncio.create_task(_for_ever("retention", self._retentions.tell_when_due)),
            asyncio.create_task(_for_ever("certificates", self._trust.refresh_when_due)),
            asyncio.create_task(_for_ever("sessions' certificates", self._certificates.look_when_due)),
            asyncio.create_task(_for_ever("runs to stop", self._stops.tell_when_due)),
            asyncio.create_task(_for_ever("updates", self._updates.tell_when_due)),
        ]
        if self._over_kafka is not None:
            self._over_kafka.start()
        return port

    async def stop(self) -> None:
        """End the sessions so that agents go elsewhere, finish what runs, write the last heartbeats."""
        self._registry.end_all(STOPPING)
        if self._over_kafka is not None:
            await self._over_kafka.stop()
        await self._server.stop(self._config.stop_grace)
        await self._end_loops()
        await self._liveness.flush()
        for pool in (self._threads, self._loop_threads, self._log_threads):
            await asyncio.to_thread(pool.close)

    async def _end_loops(self) -> None:
        if pending := await cancel_until_ended(self._loops):
            logger.error("gateway loops did not end", count=len(pending))

    def _agent_calls(self, bindings: Bindings, callers: Callers) -> AgentCalls:
        return AgentCalls(
            bindings=bindings,
            callers=callers,
            threads=self._threads,
            liveness=self._liveness,
            samples=self._samples,
            trust=self._trust,
        )

    def _session_calls(self, bindings: Bindings, callers: Callers) -> SessionCalls:
        return SessionCalls(
            config=self._config,
            bindings=bindings,
            callers=callers,
            threads=self._threads,
            registry=self._registry,
            liveness=self._liveness,
            retentions=self._retentions,
            samples=self._samples,
            stops=self._stops,
            updates=self._updates,
            certificates=self._certificates,
        )

    def _kafka_way(self, agents: AgentCalls, sessions: SessionCalls) -> AgentsOverKafka | None:
        """Return what serves agents over the broker, by the same methods; its library is loaded only then."""
        if self._config.kafka is None:
            return None
        from agents.transport.kafka_way.agents_over_kafka import AgentsOverKafka
        from agents.transport.kafka_way.methods import Methods

        return AgentsOverKafka(
            connection=self._config.kafka,
            group=self._config.kafka_group,
            methods=Methods(agents=agents, sessions=sessions, logs=self._logs),
            threads=self._threads,
        )

    async def _bind(self) -> int:
        if self._trust.is_needed:
            await self._trust.load()
        port = self._bind_first()
        if self._trust.is_mutual:
            credentials = self._trust.credentials(mutual=True)
            self._trust.serves_at(self._server.add_secure_port(self._config.mutual_bind, credentials))
        return port

    def _bind_first(self) -> int:
        if self._config.authority_tls:
            return self._server.add_secure_port(self._config.bind, self._trust.credentials(mutual=False))
        if not self._config.tls_cert:
            return self._server.add_insecure_port(self._config.bind)
        pair = (Path(self._config.tls_key).read_bytes(), Path(self._config.tls_cert).read_bytes())
        return self._server.add_secure_port(self._config.bind, grpc.ssl_server_credentials([pair]))

    async def _write_heartbeats(self) -> None:
        await asyncio.sleep(self._config.liveness_seconds)
        await self._liveness.flush()

    async def _listen(self) -> None:
        listeners = commit_listener.Listeners(
            registry=self._registry,
            retentions=self._retentions,
            logs=self._logs,
            ended=self._let_go,
            trust=self._trust_changed,
            stops=self._stops,
            updates=self._updates,
        )
        await commit_listener.listen(conninfo=self._config.conninfo, listeners=listeners)

    def _let_go(self, agent_id: UUID) -> None:
        """End what is open of an agent that was revoked or enrolled anew."""
        self._callers.forget(agent_id=agent_id)
        self._open_calls.cut(agent_id=agent_id)
        if self._over_kafka is not None:
            self._over_kafka.let_go(agent_id)
        if session := self._registry.session_of(agent_id=agent_id):
            task = asyncio.create_task(self._end_unless_newer(session))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def _end_unless_newer(self, session: AgentSession) -> None:
        """End the session, unless it was opened with what came after the end."""
        speaks = partial(command_delivery.speaks, agent_id=session.agent_id, session_id=session.session_id)
        with suppress(*DATABASE_AWAY):
            if await self._loop_threads.run(speaks):
                return
        logger.info("session ended: revoked or enrolled anew", agent_id=str(session.agent_id))
        session.end(OVER)

    def _trust_changed(self) -> None:
        self._trust.look()
        self._certificates.look()


async def _for_ever(name: str, step: Callable[[], Awaitable[None]]) -> None:
    """Repeat a step; a fault in it is logged and never ends the process."""
    while True:
        try:
            await step()
        except Exception:
            logger.exception("gateway loop failed, retrying", loop=name)
            await asyncio.sleep(PAUSE_AFTER_FAULT)
