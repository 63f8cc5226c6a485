"""What an agent says when it connects, from the wire, and what it may be sent after that."""

from __future__ import annotations

from uuid import UUID

from agents.contracts import runner_pb2
from agents.contracts.version import MINIMUM_PROTOCOL
from agents.hello import Hello, StackState
from agents.limits import MAX_NAME_BYTES, MAX_UNFINISHED, MAX_WORD_BYTES
from agents.reports.report_bounds import cut
from agents.reports.too_old import too_old_sentence
from agents.states import CommandKind
from agents.types import AgentCommand, DeployCommand

# What is beyond any honest host is left out.
MAX_STACKS = 2000
MAX_LANES = 2000
MAX_KINDS = 100
MAX_BUILD = 16


def hello_from_wire(message: runner_pb2.Hello) -> Hello:
    """Read a Hello. Raises ValueError for ids that are not."""
    return Hello(
        version=_word(message.version),
        instance_id=_word(message.instance_id),
        protocol=min(max(message.protocol, 1), 1000),
        journal_id=_word(message.journal_id),
        ledger_incarnation=_word(message.ledger_incarnation),
        commands={_word(kind): version for kind, version in sorted(message.commands.items())[:MAX_KINDS]},
        unfinished=tuple(UUID(each) for each in message.unfinished_command_ids[:MAX_UNFINISHED]),
        stacks=tuple(_stack(each) for each in message.stacks[:MAX_STACKS]),
        highest_numbers=dict(sorted(message.highest_numbers.items())[:MAX_LANES]),
        clock_ms=message.clock_ms,
        build=_word(message.build)[:MAX_BUILD],
        trial=message.trial,
    )


def _word(text: str) -> str:
    return text[:MAX_WORD_BYTES].replace("\0", "")


def _stack(message: runner_pb2.StackState) -> StackState:
    current = message.current_deployment_id
    name = cut(message.stack_name, MAX_NAME_BYTES)
    return StackState(stack_name=name, current=UUID(current) if current else None)


def needed_version(command: AgentCommand) -> int:
    """Return the version of its kind that an agent must understand to do all that the command says.

    Of deploy, 2: images by id, and a stop that is a deployment without services; 3: services to make anew;
    6: jobs to run by hand, which older agents would run at every deployment, or not at all; 7: jobs on a schedule;
    8: containers of others to take over; 9: images that another server built.
    """
    if isinstance(command, DeployCommand):
        if command.built_images:
            return 9
        if command.takes_over or command.adopted_volumes:
            return 8
        if any(job.schedule for job in command.jobs):
            return 7
        named = any(job.service.name in command.restarts for job in command.jobs)
        if named or (not command.pinned_images and any(job.by_hand for job in command.jobs)):
            return 6
        if command.restarts:
            return 3
        return 2 if command.pinned_images or not command.services else 1
    return 1


def not_understood(hello: Hello, *, kind: CommandKind, command: AgentCommand) -> str:
    """Return why the agent cannot be sent this, for people; empty when it can.

    One below the least protocol is sent nothing new: only that it goes back in what it works on already.
    """
    if hello.protocol < MINIMUM_PROTOCOL and kind is not CommandKind.REVERT:
        return too_old_sentence(server="this server", version=hello.version)
    needed = needed_version(command)
    if hello.commands.get(kind, 0 if hello.commands else 1) >= needed:
        return ""
    version = f" (version {hello.version})" if hello.version else ""
    return (
        f"The server's agent{version} does not understand this: {kind} in version {needed}. Nothing was sent; bring the"
        " agent up to date, then try again."
    )
