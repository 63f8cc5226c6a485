"""What runs of a stack in the Swarm of this host, as the agents keep it there: only managers can read it."""

from __future__ import annotations

from typing import Any

from docker.errors import APIError

from agents.runner.commands.swarm.lane_state import lane_name, state_of
from agents.runner.commands.swarm.manager_api import Record, record_of
from agents.runner.commands.swarm.stack_records import record_name, unpacked
from agents.runner.docker.swarm import EngineSwarm
from agents.runner.errors import RunnerError
from agents.runner.logs.values import Running


class SwarmStacks:
    """Asked while logs are read. Waits for no leader: what cannot be known now is not told."""

    def __init__(self, *, swarm: EngineSwarm) -> None:
        self._swarm = swarm

    def running(self, stack: str) -> Running | None:
        """Return what was proven last of the stack; None where nothing was, or this host cannot know it now."""
        try:
            return self._swarm.ask(lambda api: _running(api, stack)) if stack else None
        except (APIError, RunnerError):
            return None


def _running(api: Any, stack: str) -> Running | None:
    lane = _kept(api, lane_name(stack))
    current = state_of(lane).current if lane else ""
    release = _kept(api, record_name(current)) if current else None
    return Running(deployment=current, owners=unpacked(release).target.owners) if release else None


def _kept(api: Any, name: str) -> Record | None:
    found = api.configs(filters={"name": name})
    return next((record_of(each) for each in found if each["Spec"]["Name"] == name), None)
