"""The ledger: numbers per lane, statuses, verdicts on reports."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from agents import gateway
from agents.errors import AgentNotFound, CommandNotFound, TransactionRequired
from agents.hello import Hello
from agents.models import CommandRecord
from agents.services import command_delivery, enrolment, greeting
from agents.states import CLOSED, CommandEvent, CommandStatus, next_status, sources
from agents.types import CommandData, Registration, RevertCommand, Verdict
from tests.agents.doubles import deploy, send

pytestmark = pytest.mark.django_db


def at_once(count: int, work: Callable[[], Any]) -> list[Any]:
    """Results of `count` threads; errors are results too."""
    results: list[Any] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:
            results.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    return results


def judge(command_id: UUID, number: int, agent_id: UUID | None = None) -> tuple[Verdict, int]:
    with transaction.atomic():
        verdict = gateway.accept_report(command_id=command_id, number=number, agent_id=agent_id)
    return verdict.verdict, verdict.last_number


def deliver(registered: Registration) -> tuple[CommandData, ...]:
    """Claim what is due, as the agent's session would."""
    session = uuid4()
    greeting.greet(agent_id=registered.agent_id, credential=registered.credential, session_id=session, hello=Hello())
    return command_delivery.claim_due(session_ids=[session], limit=10).commands


def test_a_command_is_stored_as_given(registered: Registration) -> None:
    sent = send(agent_id=registered.agent_id, lane="a")
    assert gateway.find(command_id=sent.id).command == deploy()
    revert = RevertCommand(stack_name="s", asked_by="alice", cause="cancelled")
    with transaction.atomic():
        stored = gateway.send(
            command_id=uuid4(),
            agent_id=registered.agent_id,
            lane="a",
            deployment_id=sent.deployment_id,
            project_id=sent.project_id,
            command=revert,
        )
    assert (stored.command, stored.number) == (revert, 2)
    assert list(
        CommandRecord.objects.filter(deployment_id=sent.deployment_id).order_by("number").values_list("id", flat=True)
    ) == [sent.id, stored.id]


def test_the_same_command_again_is_the_same_row(registered: Registration) -> None:
    same: dict[str, Any] = {
        "command_id": uuid4(),
        "agent_id": registered.agent_id,
        "lane": "a",
        "deployment_id": uuid4(),
        "project_id": uuid4(),
        "command": deploy(),
    }
    with transaction.atomic():
        assert gateway.send(**same) == gateway.send(**same)
    assert CommandRecord.objects.count() == 1


def test_an_unknown_or_revoked_agent_gets_no_commands(registered: Registration) -> None:
    with pytest.raises(AgentNotFound):
        send(agent_id=uuid4())
    enrolment.revoke(agent_id=registered.agent_id)
    with pytest.raises(AgentNotFound):
        send(agent_id=registered.agent_id)


@pytest.mark.django_db(transaction=True)
def test_numbers_rise_by_one_per_lane_under_concurrency(registered: Registration) -> None:
    at_once(8, lambda: [send(agent_id=registered.agent_id, lane=lane) for lane in ("a", "b") for _ in range(5)])
    for lane in ("a", "b"):
        numbers = CommandRecord.objects.filter(lane=lane).order_by("number").values_list("number", flat=True)
        assert list(numbers) == list(range(1, 41))


@pytest.mark.django_db(transaction=True)
def test_a_higher_number_is_never_visible_before_a_lower_one(registered: Registration) -> None:
    with transaction.atomic():
        gateway.send(
            command_id=uuid4(),
            agent_id=registered.agent_id,
            lane="a",
            deployment_id=uuid4(),
            project_id=uuid4(),
            command=deploy(),
        )
        later = threading.Thread(target=lambda: at_once(1, lambda: send(agent_id=registered.agent_id, lane="a")))
        later.start()
        later.join(timeout=0.5)
        assert later.is_alive(), "the second send did not wait for the first to commit"
    later.join(timeout=10)
    assert CommandRecord.objects.filter(lane="a").count() == 2


@pytest.mark.django_db(transaction=True)
def test_ledger_calls_insist_on_a_transaction(registered: Registration) -> None:
    sent = send(agent_id=registered.agent_id)
    with pytest.raises(TransactionRequired):
        gateway.accept_report(command_id=sent.id, number=1)
    with pytest.raises(TransactionRequired):
        gateway.send(
            command_id=uuid4(),
            agent_id=registered.agent_id,
            lane="a",
            deployment_id=uuid4(),
            project_id=uuid4(),
            command=deploy(),
        )


def test_reports_are_fresh_once_and_gaps_are_seen(registered: Registration) -> None:
    command_id = send(agent_id=registered.agent_id).id
    assert judge(command_id, 2) == (Verdict.GAP, 0)
    assert judge(command_id, 1) == (Verdict.FRESH, 1)
    assert judge(command_id, 1) == (Verdict.REPEAT, 1)
    assert judge(command_id, 2) == (Verdict.FRESH, 2)
    assert judge(command_id, 4) == (Verdict.GAP, 2)


def test_a_report_proves_delivery(registered: Registration) -> None:
    send(agent_id=registered.agent_id)
    (sent,) = deliver(registered)
    judge(sent.id, 1)
    assert gateway.find(command_id=sent.id).status is CommandStatus.ACKNOWLEDGED


def test_a_rolled_back_report_was_never_seen(registered: Registration) -> None:
    command_id = send(agent_id=registered.agent_id).id
    with pytest.raises(RuntimeError), transaction.atomic():
        gateway.accept_report(command_id=command_id, number=1)
        raise RuntimeError
    assert judge(command_id, 1) == (Verdict.FRESH, 1)


@pytest.mark.django_db(transaction=True)
def test_one_of_many_equal_reports_is_fresh(registered: Registration) -> None:
    command_id = send(agent_id=registered.agent_id).id
    verdicts = [verdict for verdict, _ in at_once(6, lambda: judge(command_id, 1))]
    assert sorted(verdicts) == [Verdict.FRESH, *[Verdict.REPEAT] * 5]


def test_reports_of_unknown_commands_and_of_other_agents_are_refused_alike(registered: Registration) -> None:
    sent = send(agent_id=registered.agent_id)
    with pytest.raises(CommandNotFound):
        judge(uuid4(), 1)
    with pytest.raises(CommandNotFound):
        judge(sent.id, 1, uuid4())
    assert judge(sent.id, 1, registered.agent_id) == (Verdict.FRESH, 1)


def test_after_its_end_a_command_is_closed_and_never_sent(registered: Registration) -> None:
    sent = send(agent_id=registered.agent_id)
    assert gateway.finish(command_id=sent.id)
    assert not gateway.finish(command_id=sent.id)
    assert deliver(registered) == ()
    with transaction.atomic():
        assert gateway.accept_report(command_id=sent.id, number=1).closed


def test_only_what_was_never_delivered_can_be_withdrawn(registered: Registration) -> None:
    taken = send(agent_id=registered.agent_id)
    assert [each.id for each in deliver(registered)] == [taken.id]
    waiting = send(agent_id=registered.agent_id)
    assert gateway.withdraw(deployment_id=taken.deployment_id) == 0
    assert gateway.withdraw(deployment_id=waiting.deployment_id) == 1
    assert gateway.withdraw(deployment_id=waiting.deployment_id) == 0
    assert gateway.find(command_id=waiting.id).status is CommandStatus.WITHDRAWN


def test_only_the_present_session_is_given_commands(registered: Registration) -> None:
    send(agent_id=registered.agent_id)
    assert command_delivery.claim_due(session_ids=[uuid4()], limit=10).commands == ()
    assert len(deliver(registered)) == 1


def test_commands_are_claimed_in_lane_order_and_a_limit_takes_the_lower_numbers(registered: Registration) -> None:
    for lane in ("b", "a", "b", "a"):
        send(agent_id=registered.agent_id, lane=lane)
    session = uuid4()
    greeting.greet(agent_id=registered.agent_id, credential=registered.credential, session_id=session, hello=Hello())
    claims = [command_delivery.claim_due(session_ids=[session], limit=3).commands for _ in range(3)]
    assert [[(each.lane, each.number) for each in claim] for claim in claims] == [
        [("a", 1), ("a", 2), ("b", 1)],
        [("b", 2)],
        [],
    ]


def test_an_agent_may_see_what_its_server_was_given(registered: Registration) -> None:
    sent = send(agent_id=registered.agent_id)
    seen: dict[str, UUID] = {"agent_id": registered.agent_id, "deployment_id": sent.deployment_id}
    assert not gateway.may_see(**seen), "queued only: the agent does not know of it"
    deliver(registered)
    assert gateway.may_see(**seen)
    assert not gateway.may_see(agent_id=uuid4(), deployment_id=sent.deployment_id)
    assert not gateway.may_see(agent_id=registered.agent_id, deployment_id=uuid4())
    assert gateway.open_deployments(agent_id=registered.agent_id) == (sent.deployment_id,)


def test_the_table_guards_statuses_numbers_and_closed_commands(registered: Registration) -> None:
    sent = send(agent_id=registered.agent_id)
    rows = CommandRecord.objects.filter(id=sent.id)
    for change in ({"status": "dreaming"}, {"number": 0}, {"status": "finished"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.update(**change)


@pytest.mark.parametrize("event", CommandEvent)
def test_closed_commands_take_no_further_step(event: CommandEvent) -> None:
    assert not set(sources(event=event)) & set(CLOSED)
    assert all(next_status(current=status, event=event) is None for status in CLOSED)


def test_every_status_is_reached() -> None:
    reached = {next_status(current=status, event=event) for status in CommandStatus for event in CommandEvent}
    assert reached - {None} == set(CommandStatus) - {CommandStatus.QUEUED}
