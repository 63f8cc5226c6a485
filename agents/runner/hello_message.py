"""What the agent says of itself when it connects, so that both sides compare what they hold before anybody acts."""

from __future__ import annotations

import time

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import PROTOCOL, VERSION
from agents.runner.commands.registry import COMMANDS
from agents.runner.control_plane.identity import Identity
from agents.runner.journal.command_journal import Journal
from agents.runner.journal.releases import stack_states
from agents.runner.release import own_build

# A host with more lanes or stacks says the newest of them.
MAX_ENTRIES = 1000


def build_hello(*, journal: Journal, identity: Identity, instance_id: str, trial: bool = False) -> pb.Hello:
    """Return the first message of a session, read from the journal in one moment."""
    with journal.store.transaction():
        known_agent, ledger = journal.control_plane_ids()
        return pb.Hello(
            agent_id=identity.agent_id,
            version=VERSION,
            instance_id=instance_id,
            commands={name: kind.version for name, kind in COMMANDS.items()},
            unfinished_command_ids=[entry.id for entry in journal.unfinished()],
            protocol=PROTOCOL,
            journal_id=journal.id,
            ledger_incarnation=ledger if known_agent == identity.agent_id else "",
            stacks=stack_states(journal.store, limit=MAX_ENTRIES),
            highest_numbers=journal.highest_numbers(limit=MAX_ENTRIES),
            clock_ms=time.time_ns() // 1_000_000,
            build=own_build(),
            trial=trial,
        )
