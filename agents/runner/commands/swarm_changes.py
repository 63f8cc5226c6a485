"""The swarm command: the engine makes, joins or leaves a Swarm, or as a manager changes a node of it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.context import Work
from agents.runner.commands.outages import retry_through_outages
from agents.runner.docker.swarm import MANAGER, NONE, UNKNOWN, WORKER
from agents.runner.errors import InterruptedWorkError, StepFailedError, UnavailableError
from agents.runner.journal.swarm_begun import begun_at, note_begun

# Joining goes on in the background, and an engine learns only after a while that it manages no longer.
SETTLE_SECONDS = 60.0
LOOK_SECONDS = 0.3
NOT_OURS = "The engine is in a Swarm already, which was not made for this cluster."
TOKEN = "JOIN_TOKEN"  # noqa: S105 - a name


def change_swarm(work: Work) -> None:
    """Carry out the command and end with its last report. Safe to repeat after a crash: what is so already stays.

    The command stays open when the runner stops (InterruptedWorkError) and when the journal cannot be written
    (sqlite3.OperationalError).
    """
    change = work.command.swarm
    try:
        action = ACTIONS.get(change.action)
        if action is None:
            raise StepFailedError("invalid", f"This agent does not know how to {change.action!r} a swarm.")
        message = retry_through_outages(work=work, attempt=lambda: action(work, change))
        seen = work.swarm.look()
        finished = pb.CommandFinished(
            outcome=pb.SUCCEEDED, message=message, swarm_id=seen.swarm_id, swarm_node_id=seen.node_id
        )
    except (InterruptedWorkError, sqlite3.OperationalError):
        raise
    except StepFailedError as refusal:
        finished = pb.CommandFinished(outcome=pb.FAILED, reason=refusal.reason, message=str(refusal))
    except UnavailableError as error:
        finished = pb.CommandFinished(outcome=pb.FAILED, reason="internal", message=str(error))
    work.reporter.finished(finished, also=lambda: None)


def _init(work: Work, change: pb.SwarmChange) -> str:
    """Make a swarm of one node that carries the cluster's id as a label, or find the one that this command made.

    An agent that dies while Docker makes it leaves a swarm without its label: Docker gives up what nobody waits for.
    So the journal notes first that the engine was in none; a swarm without a label is this command's when it was made
    since then and nobody did anything with it: this one node, and no service. It gets its label then.
    """
    cluster_id, store = work.command.project_id, work.releases.store
    role = work.swarm.look().role
    if role == WORKER:
        raise StepFailedError("invalid", NOT_OURS)
    if role == NONE:
        note_begun(store, command_id=work.command.command_id, at_ms=time.time_ns() // 1_000_000)
        try:
            work.swarm.init(advertise_address=change.advertise_address, cluster_id=cluster_id)
            return "The Swarm was made."
        except StepFailedError:
            # It may still be making the one that it was told to before.
            if work.swarm.look().role == NONE:
                raise
    _settle(work, lambda now: now.control_available, "The engine is in a Swarm that it does not manage")
    if (label := work.swarm.cluster_label()) == cluster_id:
        return "The Swarm was made before, for this cluster."
    begun = begun_at(store, command_id=work.command.command_id)
    if label or begun is None or not work.swarm.is_fresh(since_ms=begun):
        raise StepFailedError("invalid", NOT_OURS)
    work.swarm.put_label(cluster_id=cluster_id)
    return "The Swarm was made before, by this command."


def _token(work: Work, change: pb.SwarmChange) -> str:
    """Hand over the token for the role. It is in no report, and masked in whatever is told."""
    token = work.swarm.join_token(manager=change.role == MANAGER)
    work.masker.learn([token])
    work.control_plane.offer_join_token(command_id=work.command.command_id, token=token, interrupt=work.interrupt)
    return "The join token was handed over."


def _join(work: Work, change: pb.SwarmChange) -> str:
    """Join as worker or manager, whichever the token says; whether it is the right swarm its managers prove."""
    if work.swarm.look().role != NONE:
        _settle(work, lambda seen: seen.role in (WORKER, MANAGER), "The engine did not get into the Swarm")
        return "The engine is in a Swarm already."
    values = work.control_plane.secrets(deployment_id=work.command.deployment_id, interrupt=work.interrupt).values
    work.masker.learn(values.values())
    if TOKEN not in values:
        raise StepFailedError("invalid", "No join token was given.")
    work.swarm.join(
        token=values[TOKEN], managers=list(change.manager_addresses), advertise_address=change.advertise_address
    )
    _settle(work, lambda seen: seen.role in (WORKER, MANAGER), "The engine did not get into the Swarm")
    return "The engine joined the Swarm."


def _leave(work: Work, change: pb.SwarmChange) -> str:
    if work.swarm.look().role == NONE:
        return "The engine is in no Swarm."
    if not change.force:
        _settle(work, lambda seen: seen.role in (WORKER, NONE, UNKNOWN), "The engine is still a manager")
    work.swarm.leave(force=change.force)
    return "The engine left the Swarm."


def _update(work: Work, change: pb.SwarmChange) -> str:
    stamp = (work.command.lane, work.command.number)
    if not work.swarm.update_node(change.node_id, role=change.role, availability=change.availability, stamp=stamp):
        raise StepFailedError("invalid", "A later command has changed this node, so this one changes nothing more.")
    return "The node was changed."


def _remove(work: Work, change: pb.SwarmChange) -> str:
    """Remove the node, whether it is there or not; one that manages is made a worker first."""
    give_up_at = time.monotonic() + SETTLE_SECONDS
    while True:
        try:
            work.swarm.remove_node(change.node_id)
            return "The node is no part of the Swarm any more."
        except StepFailedError:
            if time.monotonic() >= give_up_at:
                raise
        work.interrupt.pause(LOOK_SECONDS)


def _rotate(work: Work, change: pb.SwarmChange) -> str:
    del change
    work.swarm.rotate_tokens()
    return "Both join tokens were replaced; the former ones admit nobody."


def _settle(work: Work, wanted: Callable[[pb.SwarmSeen], bool], otherwise: str) -> None:
    """Wait until the engine says so. Raises StepFailedError with its own word when it does not in time."""
    give_up_at = time.monotonic() + SETTLE_SECONDS
    while not wanted(seen := work.swarm.look()):
        if time.monotonic() >= give_up_at:
            raise StepFailedError("invalid", f"{otherwise} ({seen.state}): {seen.error or 'Docker does not say why'}.")
        work.interrupt.pause(LOOK_SECONDS)


ACTIONS: Mapping[str, Callable[[Work, pb.SwarmChange], str]] = {
    "init": _init,
    "token": _token,
    "join": _join,
    "leave": _leave,
    "update": _update,
    "remove": _remove,
    "rotate": _rotate,
}
