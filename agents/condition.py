"""How an agent fares, in its own words. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

MIN_FREE_SHARE = 0.05
MIN_FREE_BYTES = 1024**3
# So many times as much is enough again: a disk that fills up and is cleaned in waves is not news each time.
AMPLE = 1.5
GIBIBYTE = 1024**3
NOTICEABLE_SKEW_MS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StalledCommand:
    """A command whose work has not moved for so long; `step` is what it waits for."""

    command_id: str
    deployment_id: str
    seconds: int
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCondition:
    """What an agent says of itself; bytes of the disk with its folder, 0 where it does not know."""

    engine_answers: bool
    engine_message: str = ""
    disk_total: int = 0
    disk_free: int = 0
    fault: str = ""
    stalled: tuple[StalledCommand, ...] = ()

    @property
    def little_space(self) -> str:
        """Return a sentence when the disk with the agent's folder is nearly full; empty when not, or not known."""
        if self.disk_total and self.disk_free < self._least_free:
            return f"Little space is left: {_gib(self.disk_free)} of {_gib(self.disk_total)} GiB."
        return ""

    @property
    def has_ample_space(self) -> bool:
        """Tell whether that disk is known to be far from nearly full."""
        return bool(self.disk_total) and self.disk_free >= AMPLE * self._least_free

    @property
    def _least_free(self) -> float:
        return min(MIN_FREE_BYTES, self.disk_total * MIN_FREE_SHARE)

    @property
    def troubles(self) -> tuple[str, ...]:
        """Return a sentence for each thing that is not well; none when all is."""
        sentences = []
        if not self.engine_answers:
            sentences.append(f"Docker does not answer: {self.engine_message or 'the agent does not know why'}.")
        if self.fault:
            sentences.append(self.fault)
        elif self.little_space:
            sentences.append(self.little_space)
        sentences += [
            f"A command has not moved for {each.seconds} s: it waits for {each.step}." for each in self.stalled
        ]
        return tuple(sentences)


def skew_sentence(skew_ms: int | None) -> str:
    """Return what people are told of a clock that is off; empty where nobody would notice, or nobody knows."""
    if skew_ms is None or abs(skew_ms) < NOTICEABLE_SKEW_MS:
        return ""
    seconds = abs(skew_ms) // 1000
    off = f"{seconds // 60} min {seconds % 60} s" if seconds >= 60 else f"{seconds} s"
    direction = "ahead of" if skew_ms > 0 else "behind"
    return f"The server's clock is {off} {direction} the control plane's. Times shown here are corrected."


def condition_of(stored: Mapping[str, Any]) -> AgentCondition:
    """Read a stored row. What only another version stored is left alone; what it did not takes its default."""
    known = {each.name for each in fields(AgentCondition)} & stored.keys()
    facts = {name: stored[name] for name in known}
    facts["engine_answers"] = bool(stored.get("engine_answers"))
    facts["stalled"] = tuple(
        StalledCommand(
            command_id=str(each.get("command_id", "")),
            deployment_id=str(each.get("deployment_id", "")),
            seconds=int(each.get("seconds", 0)),
            step=str(each.get("step", "")),
        )
        for each in stored.get("stalled", ())
    )
    return AgentCondition(**facts)


def _gib(size: int) -> str:
    return f"{size / GIBIBYTE:.1f}"
