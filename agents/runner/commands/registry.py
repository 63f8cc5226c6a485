"""The kinds of commands this runner understands, each with its newest version; told at connect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agents.runner.commands.context import Work
from agents.runner.commands.delete_volume import delete_volume
from agents.runner.commands.deploy import deploy
from agents.runner.commands.outside.check_reach import check_reach
from agents.runner.commands.outside.check_registry import check_registry
from agents.runner.commands.outside.inspect_host import inspect_host
from agents.runner.commands.revert import revert
from agents.runner.commands.swarm.stack_build import build, stop_build
from agents.runner.commands.swarm.stack_deploy import deploy_to_swarm
from agents.runner.commands.swarm.stack_revert import revert_on_swarm
from agents.runner.commands.swarm_changes import change_swarm

SWARM, BUILD = "swarm", "build"


@dataclass(frozen=True, kw_only=True)
class CommandKind:
    """`handle` ends with the command's last report; it may be called again for the same command after a crash."""

    version: int
    handle: Callable[[Work], None]


def _deploy(work: Work) -> None:
    (deploy_to_swarm if work.command.deploy.engine == SWARM else deploy)(work)


def _revert(work: Work) -> None:
    if work.command.revert.engine == BUILD:
        stop_build(work)
        return
    (revert_on_swarm if work.command.revert.engine == SWARM else revert)(work)


COMMANDS: Mapping[str, CommandKind] = {
    # 2: pinned images, and a stop is a deployment without services. 3: services to make anew. 4: jobs.
    # 5: how code is built, and secrets of builds. 6: jobs by hand. 7: jobs on a schedule. 8: containers taken over.
    # 9: images that another server built. 10: services that move to another node of a Swarm.
    "deploy": CommandKind(version=10, handle=_deploy),
    "revert": CommandKind(version=1, handle=_revert),
    "delete_volume": CommandKind(version=1, handle=delete_volume),
    "swarm": CommandKind(version=1, handle=change_swarm),
    "check_reach": CommandKind(version=1, handle=check_reach),
    "inspect_host": CommandKind(version=1, handle=inspect_host),
    "check_registry": CommandKind(version=1, handle=check_registry),
    "build": CommandKind(version=1, handle=build),
}
