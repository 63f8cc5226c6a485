"""How a stack is refused, and readers that refuse what is not of the expected shape. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agents.runner.errors import StepFailedError


def refuse(what: str, *, service: str = "", key: str = "") -> StepFailedError:
    """Return the error that says what was asked for and, if there is one, which key of agent.toml would allow it."""
    way = f"The owner of this machine can allow it with policy.{key} in the agent's agent.toml" if key else ""
    advice = way or "No setting of the agent allows it"
    return StepFailedError("invalid", f"Refused by this machine: {what}. {advice}.", service=service)


def table(value: object, *, where: str) -> Mapping[str, Any]:
    """Return a table; nothing is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refuse(f"{where} is not a table")
    return value


def items(value: object, *, where: str) -> list[Any]:
    """Return a list; nothing is an empty one."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise refuse(f"{where} is not a list")
    return value


def only(found: Mapping[str, Any], known: Iterable[str], *, where: str, service: str = "") -> None:
    """Refuse keys that are not known; those that begin with x- mean nothing to Compose."""
    stray = sorted(key for key in set(found) - set(known) if not key.startswith("x-"))
    if stray:
        raise refuse(f"{where} sets {stray[0]}, which this agent does not pass on", service=service)


def fixed(value: object, *, where: str) -> str:
    """Return a text that Compose takes as it is: what a variable would make of it cannot be judged."""
    text = str(value).replace("$$", "")
    if not isinstance(value, str) or "$" in text:
        raise refuse(f"{where} is not a fixed text")
    return value.replace("$$", "$")
