"""manage.py enrol_kafka_agent: a credential for an agent that comes over the broker, and its topics."""

from __future__ import annotations

import stat
from pathlib import Path
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from kafka import KafkaAdminClient
from pytest_django import Settings

from agents.kafka_link.envelopes import commands_topic, events_topic
from agents.models import Agent, Server
from agents.runner.control_plane.identity import load_identity
from agents.services import enrolment
from tests import factories
from tests.servers.own_kafka import OwnKafka

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def over_the_broker(settings: Settings, own_kafka: OwnKafka) -> None:
    settings.KAFKA_BROKERS = [own_kafka.address]
    settings.AXION_KAFKA_AGENTS = True


def enrol(server: Server, out: Path, *more: str) -> None:
    call_command("enrol_kafka_agent", "--server", str(server.pk), "--out", str(out), *more)


def test_the_file_is_the_agents_identity_and_both_topics_are_there(
    server: Server, tmp_path: Path, own_kafka: OwnKafka
) -> None:
    out = tmp_path / "credential.json"
    enrol(server, out)
    identity = load_identity(out)
    assert identity is not None
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    agent = enrolment.authenticate(credential=identity.credential)
    assert (str(agent.id), str(agent.server_id)) == (identity.agent_id, str(server.pk))
    admin = KafkaAdminClient(bootstrap_servers=[own_kafka.address])
    try:
        topics = [commands_topic(agent.id), events_topic(agent.id)]
        described = {each["name"]: len(each["partitions"]) for each in admin.describe_topics(topics)}
    finally:
        admin.close()
    assert described == dict.fromkeys(topics, 1)


def test_a_file_that_is_there_is_not_written_over_and_ends_no_credential(server: Server, tmp_path: Path) -> None:
    out = tmp_path / "credential.json"
    enrol(server, out)
    before = Agent.objects.get(server_id=server.pk).credential_hash
    with pytest.raises(CommandError, match="cannot be written: File exists"):
        enrol(server, out)
    assert Agent.objects.get(server_id=server.pk).credential_hash == before


def test_an_agent_that_is_connected_is_replaced_only_when_told_to(server: Server, tmp_path: Path) -> None:
    factories.make_agent(server)
    out = tmp_path / "credential.json"
    with pytest.raises(CommandError, match="--replace"):
        enrol(server, out)
    assert not out.exists()
    enrol(server, out, "--replace")
    assert out.exists()


def test_what_cannot_be_is_said_and_leaves_no_file(server: Server, tmp_path: Path, settings: Settings) -> None:
    out = tmp_path / "credential.json"
    with pytest.raises(CommandError, match="no such server"):
        enrol(Server(pk=uuid4()), out)
    settings.AXION_KAFKA_AGENTS = False
    with pytest.raises(CommandError, match="AXION_KAFKA_AGENTS=on"):
        enrol(server, out)
    assert not out.exists()
