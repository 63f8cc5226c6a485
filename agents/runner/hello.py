"""What the agent says of itself when it connects, so that both sides compare what they hold before anybody acts."""

from __future__ import annotations

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.registry import COMMANDS
from agents.runner.control_plane.identity import Identity
from agents.runner.journal.commands import Journal
from agents.runner.machine import VERSION

# 2: stored reports are named with a command, proven deployments outlast an order that nobody asked for, and both sides
# tell which journal and which ledger they hold.
PROTOCOL = 2
# A host with more lanes or stacks says the newest of them.
MAX_TOLD = 1000


def say_hello(*, journal: Journal, identity: Identity, instance_id: str) -> pb.Hello:
    """The first message of a session, read from the journal in one moment."""
    with journal.store.transaction():
        served, ledger = journal.served()
        return pb.Hello(
            agent_id=identity.agent_id,
            version=VERSION,
            instance_id=instance_id,
            commands={name: kind.version for name, kind in COMMANDS.items()},
            unfinished_command_ids=[entry.id for entry in journal.unfinished()],
            protocol=PROTOCOL,
            journal_id=journal.id,
            ledger_incarnation=ledger if served == identity.agent_id else "",
            stacks=_stacks(journal),
            highest_numbers=_highest_numbers(journal),
        )


def _stacks(journal: Journal) -> list[pb.StackState]:
    rows = journal.store.rows(
        "SELECT stacks.stack, stacks.current, newest.payload FROM stacks JOIN releases AS newest"
        " ON newest.position = (SELECT max(position) FROM releases WHERE releases.stack = stacks.stack)"
        " ORDER BY newest.position DESC LIMIT ?",
        MAX_TOLD,
    )
    states = []
    for row in rows:
        command = pb.Command.FromString(row["payload"])
        states.append(
            pb.StackState(
                stack_name=row["stack"],
                project_id=command.project_id,
                lane=command.lane,
                current_deployment_id=row["current"],
            )
        )
    return states


def _highest_numbers(journal: Journal) -> dict[str, int]:
    rows = journal.store.rows("SELECT lane, highest FROM lanes ORDER BY rowid DESC LIMIT ?", MAX_TOLD)
    return {row["lane"]: row["highest"] for row in rows}
