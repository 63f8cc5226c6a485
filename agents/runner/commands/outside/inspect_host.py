"""The inspect_host command: how what runs here and is not ours is set up, for the server's owner alone."""

from __future__ import annotations

import json
import sqlite3

from agents.contracts import runner_pb2 as pb
from agents.limits import MAX_DESCRIBED_BYTES, MAX_DESCRIBED_CONTAINERS
from agents.runner.commands.context import Work
from agents.runner.commands.outages import retry_until_done
from agents.runner.errors import InterruptedWorkError, StepFailedError
from agents.runner.policy.refusal import refuse


def inspect_host(work: Work) -> None:
    """Tell the control plane and end with the command's last report, which holds no value. Safe to repeat.

    The command stays open when the runner stops (InterruptedWorkError) and when the journal cannot be written
    (sqlite3.OperationalError).
    """
    try:
        if not work.policy.adopt:
            raise refuse("containers that are not ours are not described to the control plane", key="adopt")
        told = retry_until_done(work=work, attempt=lambda: _tell(work))
        finished = pb.CommandFinished(outcome=pb.SUCCEEDED, message=told)
    except (InterruptedWorkError, sqlite3.OperationalError):
        raise
    except StepFailedError as refusal:
        finished = pb.CommandFinished(outcome=pb.FAILED, reason=refusal.reason, message=str(refusal))
    work.reporter.finished(finished, also=lambda: None)


def _tell(work: Work) -> str:
    ids = work.host.foreign_ids()
    found, size = [], 0
    for container_id in ids[:MAX_DESCRIBED_CONTAINERS]:
        described = work.host.describe_foreign(container_id)
        if described is None:
            continue
        size += len(json.dumps(described))
        if size > MAX_DESCRIBED_BYTES:
            break
        found.append(described)
    left_out = len(ids) - len(found)
    content = json.dumps({"containers": found, "left_out": left_out}).encode()
    work.control_plane.tell_containers(command_id=work.command.command_id, containers=content, interrupt=work.interrupt)
    more = f"; {left_out} more could not be told" if left_out else ""
    return f"{len(found)} containers were described{more}."
