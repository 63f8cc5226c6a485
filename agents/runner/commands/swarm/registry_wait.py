"""Nodes that cannot pull because their registry is away for a moment have not failed: that is waited for."""

from __future__ import annotations

from itertools import count

from agents.backoff import Backoff
from agents.runner.commands.context import Work
from agents.runner.commands.swarm.lane_state import Lane
from agents.runner.commands.swarm.manager_api import ManagerApi
from agents.runner.planning.registries import Trouble, host_of, login_for, trouble_in

PAUSES = Backoff(first=0.5, most=5.0)


def waited_for_registry(
    *, work: Work, api: ManagerApi, lane: Lane, service: str, image: str, first: bool = False
) -> bool:
    """Wait while the image's registry is away, for as long as is configured; tell whether nodes shall pull again.

    They shall once it answers again; and when it has the image and this is the `first` time that they had none: a node
    may have asked the moment before it was back. Otherwise what failed has another reason. Raises InterruptedWorkError,
    TakenOverError.
    """
    if image.startswith("sha256:"):
        return False
    login = login_for(image, logins=work.logins)
    give_up_at = work.clock() + work.registries.patience
    for failures in count(1):
        found, said = api.registry_digest(image, login=login)
        if not said or trouble_in([said]) is not Trouble.AWAY:
            return failures > 1 or (first and bool(found))
        left = give_up_at - work.clock()
        if left <= 0:
            return False
        if failures == 1:
            text = f"Nodes cannot pull {image}: the registry {host_of(image)} could not be reached. It is waited for.\n"
            work.reporter.log(source="agent", service=service, text=text)
        work.reporter.wait_for(f"the registry {host_of(image)}")
        work.interrupt.pause(min(left, PAUSES.pause(failures=failures)))
        lane.check()
    raise AssertionError("counting does not end")
