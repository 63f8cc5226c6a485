"""What an agent told of its machine and its load, in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext
from unfold.decorators import display

from agents.wording.pages import lazy

# In bytes.
AMOUNTS = ("_memory", "memory_usage", "disk_usage")
# What is said of each; what a later agent tells besides has its own name.
NAMES: Mapping[str, str] = {
    "active_containers": lazy("containers"),
    "available_memory": lazy("free memory"),
    "connected": lazy("connected"),
    "cpu_cores": lazy("processors"),
    "cpu_usage": lazy("processor used"),
    "disk_usage": lazy("disk used"),
    "docker_installed": lazy("Docker installed"),
    "docker_version": lazy("Docker"),
    "engine_id": lazy("engine"),
    "last_heartbeat": lazy("last heartbeat"),
    "memory_usage": lazy("memory used"),
    "total_memory": lazy("memory"),
}


def facts_in(told: Mapping[str, Any]) -> str | None:
    """Return what an agent told of its machine in one line, amounts as people write them; None for nothing."""
    said = (
        f"{NAMES.get(name, name.replace('_', ' '))}: {words_of(name, value)}"
        for name, value in told.items()
        if value not in ("", None)
    )
    return ", ".join(said) or None


def words_of(name: str, value: Any) -> str:
    """Return one fact as people write it; of several, each with its name."""
    if isinstance(value, Mapping):
        return f"({facts_in(value) or '-'})"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if name.endswith(AMOUNTS):
        return str(filesizeformat(value))
    if name == "cpu_usage":
        return f"{value:.0f} %"
    if name == "last_heartbeat":
        return f"{datetime.fromtimestamp(value, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
    return str(value)


class FactColumns:
    """What a page of agents shows of what they told."""

    @display(description=lazy("Machine"), empty_value="-")
    def machine(self, agent: Any) -> str | None:
        return facts_in(agent.server_info)

    @display(description=lazy("Load"), empty_value="-")
    def load(self, agent: Any) -> str | None:
        return facts_in(agent.health)
