"""Each pair of bounds that the same bytes meet, held against each other: what one lets through, the next one takes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import limits
from agents.contracts import runner_pb2 as pb
from agents.limits import KIB, MIB, wire_bytes
from agents.pki.agent_keys import make_agent_keys, sealing_public_key
from agents.pki.sealed_values import seal_logins
from agents.reports.report_bounds import bound_report
from agents.repositories.commands import checked_size
from agents.retention import KeptStack, Retention
from agents.runner import hello_message
from agents.runner.commands.starting import compose_calls
from agents.runner.config import GIBIBYTE
from agents.runner.control_plane import channel, reports
from agents.runner.docker import cli
from agents.states import CommandKind, CommandStatus
from agents.transport import grpc_server
from agents.transport.agent_calls import CHUNK_BYTES
from agents.transport.agent_session import MAX_OUTGOING
from agents.transport.session_registry import MAX_CLAIMED_COMMANDS
from agents.transport.wire import codec, hellos
from agents.types import CommandData, DeployCommand, ServiceSpec
from axion_deploy import body_limits
from deployments import live_updates
from deployments.api import parsers
from deployments.event_types import EventType
from deployments.kafka import event_stream
from deployments.repositories import events
from deployments.rules import registry_rules
from deployments.services.lifecycle import agent_reports
from deployments.services.registries import registries
from deployments.services.secrets import variable_bounds
from deployments.services.stacks import stack_size
from deployments.types import EventRecord
from stackgen.code import bundle
from stackgen.keys.basics import MAX_REPLICAS
from tests.agents.doubles import deploy as small_command

# Linux: one string of a program's environment, and all of it with the arguments for a stack of 8 MiB.
MAX_ARG_STRLEN, MAX_ARGS = 128 * KIB, 2 * MIB
IMAGE = "sha256:" + "a" * 64
SOMEBODY = UUID(int=2**128 - 1)
OPTIONS = dict(grpc_server.CHANNEL_OPTIONS)


def sent(command: DeployCommand) -> int:
    """Bytes of the message that carries it."""
    data = CommandData(
        id=SOMEBODY, agent_id=SOMEBODY, lane=f"{SOMEBODY}@{SOMEBODY}", number=2**62, deployment_id=SOMEBODY,
        project_id=SOMEBODY, kind=CommandKind.DEPLOY, command=command, status=CommandStatus.QUEUED, attempts=0,
        queued_at=datetime.now(UTC), last_report_number=2**62,
    )  # fmt: skip
    return codec.command_to_wire(data).ByteSize()


texts = st.text(max_size=300)
specs = st.builds(
    ServiceSpec, node_id=texts, name=texts, image=texts, bundle_digest=texts, dockerfile=texts,
    depends_on=st.lists(texts, max_size=20).map(tuple), replicas=st.integers(0, 2**31 - 1), content_hash=texts,
    level=st.integers(0, 2**31 - 1),
)  # fmt: skip
commands = st.builds(
    DeployCommand, stack_name=texts, files=st.dictionaries(texts, texts, max_size=5),
    services=st.lists(specs, max_size=5).map(tuple), variable_names=st.lists(texts, max_size=20).map(tuple),
    pinned_images=st.dictionaries(texts, texts, max_size=5),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(commands)
def test_a_command_is_never_larger_on_the_wire_than_it_was_counted(command: DeployCommand) -> None:
    assert sent(command) <= wire_bytes(command) + KIB


def test_the_door_the_command_the_gateway_and_the_agent() -> None:
    # A graph may double when it is written: then the size is checked before anything is stored, not by the transport.
    assert parsers.MAX_JSON_BYTES * 2 > limits.MAX_COMMAND_BYTES
    room = limits.MAX_COMMAND_BYTES - wire_bytes(small_command(files={"docker-compose.yml": ""}))
    largest = small_command(files={"docker-compose.yml": "$" * room})
    assert checked_size(largest) == limits.MAX_COMMAND_BYTES
    stack_size.check_command(largest)
    assert sent(largest) < limits.MAX_SENT_BYTES
    assert OPTIONS["grpc.max_send_message_length"] == limits.MAX_SENT_BYTES
    assert dict(channel.OPTIONS)["grpc.max_receive_message_length"] > limits.MAX_SENT_BYTES
    assert limits.MAX_COMMAND_BYTES < limits.MAX_QUEUED_BYTES
    assert 2 * limits.MAX_COMMAND_BYTES < limits.MAX_CLAIMED_BYTES
    assert MAX_CLAIMED_COMMANDS <= MAX_OUTGOING // 2


def test_the_variables_of_a_request_the_secrets_of_a_stack_and_a_programs_environment() -> None:
    names = variable_bounds.MAX_ENV_VARS * (200 + len("SECRET_") + 3 * limits.ENVELOPE_BYTES)
    assert variable_bounds.MAX_ENV_BYTES + names < limits.MAX_VALUES_BYTES
    assert limits.MAX_VALUE_BYTES + 512 < MAX_ARG_STRLEN
    assert limits.MAX_VALUES_BYTES + MIB // 4 < MAX_ARGS
    values = {f"V{number}": "x" * 1000 for number in range(limits.MAX_VALUES_BYTES // 1100)}
    stack_size.check_values(values)
    everything = registry_rules.MAX_CERTIFICATE + registry_rules.MAX_PASSWORD + 1000
    logins = [pb.RegistryLogin(ca_certificate="x" * everything)] * 3 * registries.MAX_REGISTRIES
    assert pb.FetchSecretsResponse(values=values, registries=logins).ByteSize() < limits.MAX_SENT_BYTES
    # Sealed as JSON, in which each line end takes two bytes.
    plain = [{"ca_certificate": ("x" * 63 + "\n") * (everything // 64)}] * len(logins)
    sealed = seal_logins(logins=plain, public_key=sealing_public_key(make_agent_keys().sealing_key), deployment_id="d")
    assert pb.FetchSecretsResponse(values=values, sealed_registries=sealed).ByteSize() < limits.MAX_SENT_BYTES


def test_what_an_agent_writes_down_and_what_the_gateway_takes() -> None:
    assert OPTIONS["grpc.max_receive_message_length"] == limits.MAX_RECEIVED_BYTES
    assert limits.MAX_REPORT_BYTES < limits.MAX_RECEIVED_BYTES
    # A batch of log lines is told whole, and so is a tail.
    assert reports.BATCH_BYTES + reports.MAX_LINE + KIB < limits.MAX_LOG_BYTES
    assert reports.MAX_LINE <= limits.MAX_LINE_BYTES
    assert reports.MAX_MESSAGE <= limits.MAX_MESSAGE_BYTES
    assert reports.MAX_TAIL_LINES <= limits.MAX_TAIL_LINES
    assert MAX_REPLICAS <= limits.MAX_CONTAINERS
    assert reports.MAX_LOG_BYTES <= agent_reports.MAX_LOG_BYTES
    # Batches of the largest size and of a quarter of them, and what else a deployment of many services tells.
    assert 4 * agent_reports.MAX_LOG_BYTES // reports.BATCH_BYTES + 8 * limits.MAX_SERVICES < limits.MAX_EVENTS


def test_the_first_message_of_a_session_and_what_a_host_lacks() -> None:
    stack = pb.StackState(
        stack_name="s" * 63,
        project_id=str(SOMEBODY),
        lane=f"{SOMEBODY}@{SOMEBODY}",
        current_deployment_id=str(SOMEBODY),
    )
    told = pb.Hello(
        stacks=[stack] * hello_message.MAX_ENTRIES,
        highest_numbers={f"{UUID(int=number)}@{SOMEBODY}": 2**62 for number in range(hello_message.MAX_ENTRIES)},
        unfinished_command_ids=[str(SOMEBODY)] * 1000,
    )
    assert pb.FromAgent(hello=told).ByteSize() < limits.MAX_RECEIVED_BYTES
    assert min(hellos.MAX_STACKS, hellos.MAX_LANES) >= hello_message.MAX_ENTRIES
    inventory = pb.Inventory(missing_image_ids=[IMAGE] * limits.MAX_IMAGES)
    assert pb.FromAgent(inventory=inventory).ByteSize() < limits.MAX_RECEIVED_BYTES


def test_what_agents_call_besides() -> None:
    name = "n" * limits.MAX_NAME_BYTES
    info = pb.AgentInfo(
        version=name, os=name, architecture=name, server_info=pb.ServerInfo(os=name, docker_version=name)
    )
    request = pb.RegisterAgentRequest(server_id=name, agent_token=name, agent_info=info)
    assert request.ByteSize() * 10 < limits.MAX_CALL_BYTES < limits.MAX_RECEIVED_BYTES
    assert CHUNK_BYTES * 2 < limits.MAX_SENT_BYTES


def test_what_history_keeps_and_what_can_be_sent() -> None:
    """A thousand projects of ten services with twenty versions each still fit."""
    stacks = tuple(
        KeptStack(
            stack_name="s" * 63,
            project_id=uuid4(),
            image_ids=tuple(f"sha256:{number:064x}" for number in range(200)),
            deployment_ids=tuple(UUID(int=number) for number in range(20)),
        )
        for _ in range(1000)
    )
    assert codec.retention_to_wire(Retention(stacks=stacks)).ByteSize() < limits.MAX_SENT_BYTES


def event(payload: dict[str, Any]) -> EventRecord:
    return EventRecord(
        id=uuid4(), deployment_id=uuid4(), project_id=uuid4(), sequence=1, type=EventType.LOG_WRITTEN, payload=payload,
        created_at=datetime.now(UTC),
    )  # fmt: skip


@pytest.mark.parametrize("sign", ["a", "ä", "\x1b", "😀"])
def test_the_largest_event_and_the_ways_it_goes(sign: str) -> None:
    log = pb.Report(log=pb.LogWritten(text=sign * (2 * limits.MAX_LOG_BYTES)))
    bound_report(log)
    ended = pb.Report(finished=pb.CommandFinished(message=sign * 9000, log_tail=[sign * 9000] * 40))
    bound_report(ended)
    for payload in ({"text": log.log.text}, {"logTail": list(ended.finished.log_tail)}):
        told = event(payload)
        # One that is larger than a page is still answered, by itself.
        assert len(json.dumps(payload)) < 2 * events.MAX_READ_BYTES
        assert len(event_stream.value_of(told, stream=event_stream.DEPLOYMENTS)) <= event_stream.MAX_EVENT_BYTES
        for _, message in live_updates.messages_of([told]):
            assert len(json.dumps(message)) < live_updates.MAX_MESSAGE_BYTES + KIB


def test_code_from_the_door_to_the_agents_cache(tmp_path: Path) -> None:
    assert bundle.MAX_BYTES < parsers.MAX_TAR_BYTES < bundle.MAX_TAR_BYTES
    assert body_limits.MAX_BODY < parsers.MAX_JSON_BYTES < parsers.MAX_TAR_BYTES
    # The largest bundle is read back by whoever wrote it: as many files, names as long.
    folder = tmp_path / ("d" * 200)
    folder.mkdir()
    for number in range(200):
        (folder / f"{number:0200d}").write_bytes(b"x")
    _, content = bundle.bundle_tar(tmp_path)
    headers = (len(content) - 200) / 200
    assert bundle.MAX_BYTES + headers * bundle.MAX_FILES < bundle.MAX_TAR_BYTES
    assert 4 * bundle.MAX_TAR_BYTES < GIBIBYTE


def test_what_is_late_on_a_host_is_told_before_the_deployment_s_own_deadline(settings: Any) -> None:
    assert compose_calls.MAX_UP_SECONDS < settings.AXION_DEPLOY_DEADLINE
    assert cli.PULL_SECONDS < settings.AXION_DEPLOY_DEADLINE
