"""What an agent told of its machine and its load, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.template.defaultfilters import filesizeformat
from unfold.decorators import display

from agents.wording.pages import lazy

# In bytes.
AMOUNTS = ("_memory", "memory_usage", "disk_usage")


def facts_in(told: Mapping[str, Any]) -> str | None:
    """Return what an agent told of its machine in one line, amounts as people write them; None for nothing."""
    said = (
        f"{name.replace('_', ' ')}: {filesizeformat(value) if name.endswith(AMOUNTS) else value}"
        for name, value in told.items()
        if value not in ("", None)
    )
    return ", ".join(said) or None


class FactColumns:
    """What a page of agents shows of what they told."""

    @display(description=lazy("Machine"), empty_value="-")
    def machine(self, agent: Any) -> str | None:
        return facts_in(agent.server_info)

    @display(description=lazy("Load"), empty_value="-")
    def load(self, agent: Any) -> str | None:
        return facts_in(agent.health)
