"""The ledger of commands: the only code that changes a command's status."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max, QuerySet
from django.db.models.functions import Now

from agents.claim import RefusedCommand
from agents.contracts.version import SETTLING_PROTOCOL
from agents.errors import AgentNotFound, CommandNotFound, CommandTooLarge, TransactionRequired
from agents.limits import MAX_COMMAND_BYTES, mebibytes, wire_bytes
from agents.models import Agent, CommandRecord
from agents.repositories import ledger
from agents.repositories.payloads import from_json, kind_of, to_json
from agents.states import OPEN, CommandEvent, CommandKind, CommandStatus, next_status
from agents.types import AgentCommand, CommandData, ReportVerdict, RevertCommand, Verdict

# The channel on which a commit wakes the gateway processes; the payload is the agent's id.
CHANNEL = "agent_commands"


def queue(
    *, command_id: UUID, agent_id: UUID, lane: str, deployment_id: UUID, project_id: UUID, command: AgentCommand
) -> CommandData:
    """Store a command with the lane's next number; see gateway.send."""
    _require_transaction()
    lock_lane(lane=lane)
    stored = CommandRecord.objects.filter(id=command_id).first()
    if stored is not None:
        return as_data(stored)
    if not Agent.objects.active().filter(id=agent_id).exists():
        raise AgentNotFound
    return _store(
        command_id=command_id,
        agent_id=agent_id,
        lane=lane,
        deployment_id=deployment_id,
        project_id=project_id,
        command=command,
    )


def queue_revert(
    *, command_id: UUID, after: CommandData, command: RevertCommand, manager_id: UUID | None = None
) -> bool:
    """Store an order to go back, for the present agent of the server or this manager's; see gateway.send_revert."""
    _require_transaction()
    lock_lane(lane=after.lane)
    former = Agent.objects.filter(id=after.agent_id).values("server_id", "owner_id")[:1]
    present = Agent.objects.active().filter(
        server_id__in=former.values("server_id"), owner_id__in=former.values("owner_id")
    )
    agent_id = manager_id or present.values_list("id", flat=True).first()
    stored = CommandRecord.objects.filter(id=command_id).first()
    if stored is None:
        _store(
            command_id=command_id,
            agent_id=agent_id or after.agent_id,
            lane=after.lane,
            deployment_id=after.deployment_id,
            project_id=after.project_id,
            command=command,
        )
    return agent_id is not None


def ordered_after(*, command_id: UUID) -> tuple[UUID, ...]:
    """Return the deployments with a deploy command of a higher number in the lane; see gateway.ordered_after."""
    this = CommandRecord.objects.filter(id=command_id).values("lane", "number").first()
    if this is None:
        raise CommandNotFound
    later = CommandRecord.objects.filter(lane=this["lane"], number__gt=this["number"], kind=CommandKind.DEPLOY)
    return tuple(later.values_list("deployment_id", flat=True))


def keeps_proven(*, command_id: UUID) -> bool:
    """Tell whether this order leaves a proven deployment alone; see gateway.keeps_proven."""
    row = _locked().filter(id=command_id).select_related("agent").first()
    if row is None or row.status == CommandStatus.WITHDRAWN:
        return True
    return row.status in OPEN and bool(row.payload.get("keep_proven")) and row.agent.protocol >= SETTLING_PROTOCOL


def lock_lane(*, lane: str) -> None:
    """Lock the lane until commit, so that a higher number can never become visible before a lower one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('agent-lane:' || %s, 0))", [lane])


def _store(
    *, command_id: UUID, agent_id: UUID, lane: str, deployment_id: UUID, project_id: UUID, command: AgentCommand
) -> CommandData:
    size = checked_size(command)
    record = CommandRecord.objects.create(
        id=command_id,
        agent_id=agent_id,
        lane=lane,
        number=next_number(lane=lane),
        kind=kind_of(command),
        deployment_id=deployment_id,
        project_id=project_id,
        payload=to_json(command),
        size=size,
        queued_at=Now(),
        next_send_at=Now(),
    )
    wake(agent_id=agent_id)
    return get(command_id=record.id)


def checked_size(command: AgentCommand) -> int:
    """Return the bytes on the wire at most. Raises CommandTooLarge for what no gateway could write."""
    size = wire_bytes(command)
    if size > MAX_COMMAND_BYTES:
        most = mebibytes(MAX_COMMAND_BYTES)
        raise CommandTooLarge(f"The command is {mebibytes(size)}; at most {most} can be sent to an agent.")
    return size


def wake(*, agent_id: UUID) -> None:
    """Tell the gateway processes, on commit, that this agent has something to receive."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(agent_id)])


def get(*, command_id: UUID) -> CommandData:
    record = CommandRecord.objects.filter(id=command_id).first()
    if record is None:
        raise CommandNotFound
    return as_data(record)


def is_known(*, command_id: UUID) -> bool:
    return CommandRecord.objects.filter(id=command_id).exists()


def withdraw(*, deployment_id: UUID) -> int:
    """Close what no session has taken yet; see gateway.withdraw."""
    with transaction.atomic():
        rows = _locked().filter(deployment_id=deployment_id, status=CommandStatus.QUEUED).order_by("id")
        return sum(_advance(row, CommandEvent.WITHDRAW, finished_at=Now(), next_send_at=None) for row in rows)


def finish_unasked_reverts() -> int:
    """Close orders to go back that nobody asked for; see gateway.finish_unasked_reverts."""
    rows = _locked().filter(kind=CommandKind.REVERT, status__in=OPEN, payload__keep_proven=True).order_by("id")
    return sum(_advance(row, CommandEvent.FINISH, finished_at=Now(), next_send_at=None) for row in rows)


def accept_report(*, command_id: UUID, number: int, agent_id: UUID | None) -> ReportVerdict:
    """Lock the row and judge the number; see gateway.accept_report."""
    _require_transaction()
    if accept_run(command_id=command_id, first=number, last=number, agent_id=agent_id):
        return ReportVerdict(verdict=Verdict.FRESH, last_number=number, closed=False)
    row = _lock(command_id=command_id, agent_id=agent_id)
    last, status = row.last_report_number, CommandStatus(row.status)
    closed = status not in OPEN
    # Of a closed command only the end matters: one that is missing before it must not keep it away for ever.
    if number > last + 1 and not closed:
        return ReportVerdict(verdict=Verdict.GAP, last_number=last, closed=closed)
    # A report proves delivery even where the acknowledgement was lost.
    if status in (CommandStatus.SENT, CommandStatus.QUEUED):
        _acknowledge(row)
    if number <= last:
        return ReportVerdict(verdict=Verdict.REPEAT, last_number=last, closed=closed)
    CommandRecord.objects.filter(id=row.id).update(last_report_number=number)
    return ReportVerdict(verdict=Verdict.FRESH, last_number=number, closed=closed)


def accept_run(*, command_id: UUID, first: int, last: int, agent_id: UUID | None) -> bool:
    """Store the numbers of the usual reports, the next ones of a command that is acknowledged; in one statement."""
    usual = CommandRecord.objects.filter(id=command_id, status=CommandStatus.ACKNOWLEDGED, last_report_number=first - 1)
    whose = {} if agent_id is None else {"agent_id": agent_id}
    return usual.filter(**whose).update(last_report_number=last) == 1


def acknowledge(*, command_id: UUID, agent_id: UUID) -> bool:
    """Note that the agent has the command in its journal; this session sends it no more. Raises CommandNotFound."""
    with transaction.atomic():
        return _acknowledge(_lock(command_id=command_id, agent_id=agent_id))


def note_refusal(*, command_id: UUID, agent_id: UUID, refusal: str, message: str) -> RefusedCommand | None:
    """Store why the agent will not do it, or cannot be given it; None when the command was closed before.

    The status changes with `finish`, in the transaction that tells the deployment: if we die in between, the command
    is sent again and refused again. Raises CommandNotFound.
    """
    with transaction.atomic():
        row = _lock(command_id=command_id, agent_id=agent_id)
        if row.status not in OPEN:
            return None
        CommandRecord.objects.filter(id=row.id).update(refusal=refusal[:50], refusal_message=message[:2000])
    return RefusedCommand(id=row.id, deployment_id=row.deployment_id, last_report_number=row.last_report_number)


def renumber(*, command_id: UUID, agent_id: UUID) -> bool:
    """Give the command the lane's next number and make it due, if its own was below the lane's floor; else False."""
    with transaction.atomic():
        lane = CommandRecord.objects.filter(id=command_id).values_list("lane", flat=True).first()
        if lane is None:
            raise CommandNotFound
        lock_lane(lane=lane)
        row = _lock(command_id=command_id, agent_id=agent_id)
        if row.status not in OPEN or row.number > ledger.floor(lane=lane):
            return False
        CommandRecord.objects.filter(id=row.id).update(number=next_number(lane=lane), next_send_at=Now())
        wake(agent_id=row.agent_id)
        return True


def move(*, command_id: UUID, agent_id: UUID) -> bool:
    """Give an open command to another agent, under the lane's next number; see gateway.move."""
    _require_transaction()
    lane = CommandRecord.objects.filter(id=command_id).values_list("lane", flat=True).first()
    if lane is None:
        raise CommandNotFound
    lock_lane(lane=lane)
    row = _lock(command_id=command_id, agent_id=None)
    if row.status not in OPEN or row.agent_id == agent_id:
        return False
    number = next_number(lane=lane)
    CommandRecord.objects.filter(id=row.id).update(agent_id=agent_id, number=number, next_send_at=Now(), attempts=0)
    wake(agent_id=agent_id)
    return True


def finish(*, command_id: UUID) -> bool:
    """Close the command; see gateway.finish."""
    with transaction.atomic():
        row = _lock(command_id=command_id, agent_id=None)
        event = CommandEvent.REFUSE if row.refusal else CommandEvent.FINISH
        return _advance(row, event, finished_at=Now(), next_send_at=None)


def as_data(record: CommandRecord) -> CommandData:
    kind = CommandKind(record.kind)
    return CommandData(
        id=record.id,
        agent_id=record.agent_id,
        lane=record.lane,
        number=record.number,
        deployment_id=record.deployment_id,
        project_id=record.project_id,
        kind=kind,
        command=from_json(kind=kind, payload=record.payload),
        status=CommandStatus(record.status),
        attempts=record.attempts,
        queued_at=record.queued_at,
        last_report_number=record.last_report_number,
    )


def _acknowledge(row: CommandRecord) -> bool:
    return _advance(row, CommandEvent.ACKNOWLEDGE, acknowledged_at=row.acknowledged_at or Now(), next_send_at=None)


def _advance(row: CommandRecord, event: CommandEvent, **facts: Any) -> bool:
    """Store the step on a row the caller has locked; False where the table has no such step."""
    status = next_status(current=CommandStatus(row.status), event=event)
    if status is None:
        return False
    return CommandRecord.objects.filter(id=row.id, status=row.status).update(status=status, **facts) == 1


def _lock(*, command_id: UUID, agent_id: UUID | None) -> CommandRecord:
    # The payload of a large stack takes longer to read than all else here, which has no need of it.
    rows = _locked().filter(id=command_id).defer("payload")
    row = (rows if agent_id is None else rows.filter(agent__in=same_place(agent_id=agent_id))).first()
    if row is None:
        raise CommandNotFound
    return row


def same_place(*, agent_id: UUID) -> QuerySet[Agent]:
    """Return the agent and those of its owner that were on its server before: what they were given is its to do."""
    me = Agent.objects.filter(id=agent_id)
    return Agent.objects.filter(server_id__in=me.values("server_id"), owner_id__in=me.values("owner_id"))


def _locked() -> QuerySet[CommandRecord]:
    return CommandRecord.objects.select_for_update(no_key=True, of=("self",))


def next_number(*, lane: str) -> int:
    """Return a number above all that this ledger, or an earlier state of it, gave in the lane, which is locked."""
    highest: int | None = CommandRecord.objects.filter(lane=lane).aggregate(highest=Max("number"))["highest"]
    return max(highest or 0, ledger.floor(lane=lane)) + 1


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise TransactionRequired
