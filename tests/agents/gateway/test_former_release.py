"""The release before this one, 0.2.0, on either side: a conversation that its own gateway and its own agent had.

It was recorded while that agent, with that control plane, deployed two services to a real engine; what it told of
containers of others at its beginning was left out.
"""

from __future__ import annotations

import asyncio
import json
from base64 import b64decode
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import grpc
import pytest

from agents.contracts import runner_pb2 as pb
from agents.contracts import runner_pb2_grpc
from agents.contracts.version import FORMER_PROTOCOL
from agents.runner import dispatch
from agents.runner.commands.registry import COMMANDS, CommandKind
from agents.runner.dispatch import Dispatcher
from agents.runner.journal.command_journal import Journal
from agents.runner.journal.store import Store
from agents.services import directory
from agents.states import CommandOutcome, CommandStatus
from agents.transport.threads import DatabaseThreads
from agents.types import CommandFinished, Registration
from tests.agents.doubles import Domain, eventually, send
from tests.agents.gateway.test_gateway_session import has_status

RECORDED = Path(__file__).parent.parent / "former_release" / "conversation-0.2.0.jsonl"
SECONDS = 30.0


def said(*, by: str, ids: dict[str, str]) -> list[Any]:
    """What one side said, in order, with other ids: they are texts of the same length wherever they stand."""
    kind: Any = pb.FromAgent if by == "agent" else pb.ToAgent
    messages = []
    for line in RECORDED.read_text().splitlines():
        who, content = json.loads(line)
        if who == by:
            raw = b64decode(content)
            for old, new in ids.items():
                raw = raw.replace(old.encode(), new.encode())
            messages.append(kind.FromString(raw))
    return messages


def recorded_command() -> pb.Command:
    command: pb.Command = next(each.command for each in said(by="gateway", ids={}) if each.HasField("command"))
    return command


@pytest.mark.django_db(transaction=True)
async def test_an_agent_of_the_former_release_is_served_from_its_hello_to_its_last_report(
    channel: grpc.aio.Channel, registered: Registration, domain: Domain, database: DatabaseThreads
) -> None:
    sent = await database.run(send, agent_id=registered.agent_id)
    former, hello = recorded_command(), said(by="agent", ids={})[0].hello
    assert hello.protocol == FORMER_PROTOCOL
    told = said(
        by="agent",
        ids={
            hello.agent_id: str(registered.agent_id),
            former.command_id: str(sent.id),
            former.deployment_id: str(sent.deployment_id),
        },
    )
    stub: Any = runner_pb2_grpc.RunnerAgentServiceStub(channel)  # type: ignore[no-untyped-call]
    call = stub.Session(metadata=(("authorization", f"Bearer {registered.credential}"),))
    heard: list[pb.ToAgent] = []

    async def listen() -> None:
        while isinstance(message := await call.read(), pb.ToAgent):
            heard.append(message)

    await call.write(told[0])
    listening = asyncio.ensure_future(listen())

    async def has(kind: str) -> bool:
        return any(each.HasField(kind) for each in heard)

    await eventually(lambda: has("command"), within=SECONDS)
    for message in told[1:]:
        await call.write(message)
    last = max(each.report.number for each in told)

    async def all_stored() -> bool:
        numbers = [each.reports_acknowledged.number for each in heard if each.HasField("reports_acknowledged")]
        return bool(numbers) and max(numbers) == last

    await eventually(all_stored, within=SECONDS)
    assert heard[0].HasField("welcome")
    assert [report.number for report in domain.applied] == list(range(1, last + 1))
    finished = domain.applied[-1].body
    assert isinstance(finished, CommandFinished)
    assert (finished.outcome, len(finished.services)) == (CommandOutcome.SUCCEEDED, 2)
    await has_status(database, sent, CommandStatus.FINISHED)
    known = {"welcome", "command", "retention", "reports_acknowledged", "observe_again"}
    assert {each.WhichOneof("message") for each in heard} <= known, "nothing that it does not know"
    agent = await database.run(directory.get_agent, agent_id=registered.agent_id)
    assert (agent.info.version, agent.protocol) == ("0.2.0", FORMER_PROTOCOL)
    call.cancel()
    await asyncio.wait({listening})


def test_an_agent_of_this_release_takes_what_the_former_gateway_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(Store(tmp_path / "journal.sqlite3"))
    worked, done = [], Event()

    def handle(work: Any) -> None:
        worked.append(work.command)
        done.set()

    monkeypatch.setattr(dispatch, "COMMANDS", {**COMMANDS, "deploy": CommandKind(version=1, handle=handle)})
    work = cast(Any, lambda entry, interrupt: SimpleNamespace(command=entry.command(), interrupt=interrupt))
    dispatcher = Dispatcher(journal=journal, work_for=work, ended=lambda _: None)
    messages = said(by="gateway", ids={})
    welcome = messages[0].welcome
    assert (welcome.protocol, bool(welcome.ledger_incarnation)) == (FORMER_PROTOCOL, True)
    assert journal.record_control_plane(agent_id=str(uuid4()), ledger=welcome.ledger_incarnation) in {True, False}
    answer = dispatcher.take(recorded_command(), numbered=True)
    assert (answer.accepted, answer.refusal) == (True, "")
    assert done.wait(SECONDS)
    dispatcher.stop(timeout=SECONDS)
    (order,) = worked
    assert [service.name for service in order.deploy.services] == ["api", "web"]
    # What the former release cannot say means what it meant there.
    assert (order.deploy.engine, len(order.deploy.jobs), order.deploy.registry_address) == ("", 0, "")
