"""What holds of a session over gRPC holds of one over the broker: the same tests, with an agent that comes that way."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from agents.contracts import runner_pb2
from agents.kafka_link.envelopes import SIGNATURE, commands_topic, event_envelope, events_topic
from agents.kafka_link.frames import Frame
from agents.runner.kafka_way import link
from agents.runner.kafka_way.settings import KafkaSettings
from agents.services import authority, enrolment
from agents.states import CommandStatus
from agents.transport.threads import DatabaseThreads
from tests.agents.doubles import Domain, FakeAgent, eventually, send
from tests.agents.gateway.test_gateway_session import (
    has_status,
    test_a_burst_of_reports_is_answered_cumulatively,
    test_a_credential_speaks_for_its_own_agent_only,
    test_a_gap_is_answered_with_the_last_stored_number,
    test_a_malformed_report_is_dropped_and_the_session_goes_on,
    test_a_queued_command_reaches_the_agent_and_is_acknowledged,
    test_a_refused_command_is_reported_as_failed_and_closed,
    test_after_a_reconnect_only_what_the_agent_lacks_is_sent,
    test_reports_are_applied_once_in_order_and_acknowledged_after_the_commit,
)
from tests.agents.test_restored_ledger import test_the_newer_of_two_machines_is_served_and_the_older_is_told_why
from tests.servers.own_kafka import OwnKafka

__all__ = [
    "test_a_burst_of_reports_is_answered_cumulatively",
    "test_a_credential_speaks_for_its_own_agent_only",
    "test_a_gap_is_answered_with_the_last_stored_number",
    "test_a_malformed_report_is_dropped_and_the_session_goes_on",
    "test_a_queued_command_reaches_the_agent_and_is_acknowledged",
    "test_a_refused_command_is_reported_as_failed_and_closed",
    "test_after_a_reconnect_only_what_the_agent_lacks_is_sent",
    "test_reports_are_applied_once_in_order_and_acknowledged_after_the_commit",
    "test_the_newer_of_two_machines_is_served_and_the_older_is_told_why",
]
pytestmark = pytest.mark.django_db(transaction=True)


async def test_secrets_and_bundles_come_over_the_link(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    domain.bundle = bytes(range(256)) * 6000
    sent = await database.run(send, agent_id=agent.id)
    await agent.welcomed()
    await agent.command()
    stub: Any = agent._stub
    request = runner_pb2.FetchSecretsRequest(deployment_id=str(sent.deployment_id))
    answer = await stub.FetchSecrets(request, metadata=agent.metadata, timeout=20)
    assert dict(answer.values) == {"PASSWORD": f"of {sent.deployment_id}"}
    bundle = stub.FetchBundle(runner_pb2.FetchBundleRequest(digest="known"), metadata=agent.metadata, timeout=60)
    assert b"".join([chunk.data async for chunk in bundle]) == domain.bundle


async def test_a_revoked_agent_is_dropped_and_told_why(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain, kafka_settings: KafkaSettings
) -> None:
    """At once, without having said anything, what it fetches too; and again whenever it knocks. Whoever has not its
    credential hears nothing.
    """
    await agent.welcomed()
    await database.run(enrolment.revoke, agent_id=agent.id, why="Its server was deleted.")
    assert await agent.ended_with() in (grpc.StatusCode.ABORTED, grpc.StatusCode.UNAUTHENTICATED)
    with pytest.raises(grpc.aio.AioRpcError, match="Its server was deleted") as refused:
        await agent.connect()
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_an_authority_that_ends_is_none_of_an_agent_without_a_certificate(
    agent: FakeAgent, database: DatabaseThreads
) -> None:
    await agent.welcomed()
    await database.run(authority.rotate, now=datetime.now(UTC))
    assert await database.run(authority.not_renewed) == ((), 0)
    await database.run(authority.finish_rotation)
    sent = await database.run(send, agent_id=agent.id)
    assert (await agent.command()).command_id == str(sent.id)


async def test_whoever_has_not_its_credential_is_told_nothing_of_an_agent_that_has_ended(
    agent: FakeAgent, database: DatabaseThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "MAX_KNOCKS", 1)
    await database.run(enrolment.revoke, agent_id=agent.id, why="Its server was deleted.")
    agent.metadata = (("authorization", "Bearer axa_guessed"),)
    with pytest.raises(grpc.aio.AioRpcError, match="No gateway answers"):
        await agent.connect()


async def test_what_is_read_again_or_made_up_has_no_effect(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain, kafka_settings: KafkaSettings
) -> None:
    """All that the agent ever wrote comes again, twice, while its next link is open; and somebody writes of his own."""
    sent = await database.run(send, agent_id=agent.id)
    ids: dict[str, Any] = {"command_id": sent.id, "deployment_id": sent.deployment_id}
    await agent.welcomed()
    await agent.acknowledge(await agent.command())
    await agent.report(**ids, number=1)
    assert await agent.stored() == 1
    await agent.leave()
    await agent.welcomed(unfinished=(sent.id,))
    topic = events_topic(agent.id)
    written = await asyncio.to_thread(read_all, kafka_settings, topic)
    assert len(written) >= 8
    await asyncio.to_thread(write_all, kafka_settings, topic, [*written, *written])
    present = agent._stub._link
    (call,) = present._calls
    end = Frame(link=present.name, number=present._sent + 1, call=call, end=True)
    forged = event_envelope(end, agent_id=str(agent.id))
    await asyncio.to_thread(write_all, kafka_settings, topic, [(forged, [(SIGNATURE, b"x" * 32)]), (b"{", [])])
    await agent.report(**ids, number=2)
    assert await agent.stored() == 2
    assert [report.number for report in domain.applied] == [1, 2]


async def test_frames_that_are_missing_end_the_link_and_nothing_is_lost(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    ids: dict[str, Any] = {"command_id": sent.id, "deployment_id": sent.deployment_id}
    await agent.welcomed()
    await agent.acknowledge(await agent.command())
    agent._stub._link._sent += 1
    await agent.report(**ids, number=1)
    assert await agent.ended_with() is grpc.StatusCode.UNAVAILABLE
    await agent.welcomed(unfinished=(sent.id,))
    await agent.report(**ids, number=1)
    assert await agent.stored() == 1
    assert len(domain.applied) == 1


async def test_what_the_broker_holds_has_the_platforms_envelopes_and_no_secret(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain, kafka_settings: KafkaSettings
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    await agent.welcomed()
    await agent.acknowledge(await agent.command())
    request = runner_pb2.FetchSecretsRequest(deployment_id=str(sent.deployment_id))
    await agent._stub.FetchSecrets(request, metadata=agent.metadata, timeout=20)
    await agent.finish(command_id=sent.id, deployment_id=sent.deployment_id, number=1)
    assert await agent.stored() == 1
    down = await asyncio.to_thread(read_all, kafka_settings, commands_topic(agent.id))
    up = await asyncio.to_thread(read_all, kafka_settings, events_topic(agent.id))
    everything = b"".join(value for value, _ in [*down, *up])
    assert agent.registered.credential.encode() not in everything
    assert f"of {sent.deployment_id}".encode() not in everything
    commands, events = [json.loads(value) for value, _ in down], [json.loads(value) for value, _ in up]
    (deploy,) = [each for each in commands if each["command_type"] == "Deploy"]
    assert deploy["command_id"] == str(sent.id)
    assert deploy["correlation_id"] == str(sent.deployment_id)
    assert deploy["payload"]["message"]["command"]["deploy"]["stack_name"] == "axion-test"
    assert set(deploy["metadata"]) == {"user_id", "project_id", "retry_attempt"}
    assert {each["command_type"] for each in commands} <= {"Deploy", "GetStatus", "HealthCheck"}
    assert [each["event_type"] for each in events][-1] == "DeployCompleted"
    assert "DeployStarted" in {each["event_type"] for each in events}
    assert all(each["agent_id"] == str(agent.id) for each in events)
    assert all(datetime.fromisoformat(each["timestamp"]).tzinfo is UTC for each in [*commands, *events])


async def test_a_broker_that_dies_and_comes_back_costs_no_report(
    agent: FakeAgent, database: DatabaseThreads, domain: Domain, own_kafka: OwnKafka
) -> None:
    sent = await database.run(send, agent_id=agent.id)
    ids: dict[str, Any] = {"command_id": sent.id, "deployment_id": sent.deployment_id}
    await agent.welcomed()
    await agent.acknowledge(await agent.command())
    # What the gateway had not read yet would be sent again, in between what is waited for below.
    await has_status(database, sent, CommandStatus.ACKNOWLEDGED)
    await asyncio.to_thread(own_kafka.kill)
    with pytest.raises(grpc.aio.AioRpcError):
        await agent.report(**ids, number=1)
    await agent.leave()
    await asyncio.to_thread(own_kafka.start)

    async def is_back() -> bool:
        try:
            await agent.welcomed(unfinished=(sent.id,))
        except grpc.aio.AioRpcError:
            await agent.leave()
            return False
        return True

    await eventually(is_back, within=90)
    await agent.report(**ids, number=1)
    assert await agent.stored(within=30) == 1
    assert len(domain.applied) == 1


def read_all(kafka_settings: KafkaSettings, topic: str) -> list[tuple[bytes, list[tuple[str, bytes]]]]:
    consumer = KafkaConsumer(**kafka_settings.connection("test-reader"), auto_offset_reset="earliest")
    try:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        consumer.seek_to_beginning(partition)
        end = consumer.end_offsets([partition])[partition]
        found: list[tuple[bytes, list[tuple[str, bytes]]]] = []
        while consumer.position(partition) < end:
            for records in consumer.poll(timeout_ms=500).values():
                found += [(record.value, list(record.headers)) for record in records]
        return found
    finally:
        consumer.close()


def write_all(kafka_settings: KafkaSettings, topic: str, messages: list[tuple[bytes, list[tuple[str, bytes]]]]) -> None:
    producer = KafkaProducer(**kafka_settings.connection("test-writer"))
    try:
        for value, headers in messages:
            producer.send(topic, value=value, headers=headers)
        producer.flush()
    finally:
        producer.close()
