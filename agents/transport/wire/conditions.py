"""What an agent says of itself, from the wire."""

from __future__ import annotations

from agents.condition import AgentCondition, StalledCommand
from agents.contracts import runner_pb2

MAX_TEXT = 500
MAX_STALLED = 32
MAX_ID = 64


def condition_from_wire(message: runner_pb2.Condition) -> AgentCondition:
    """Cut to what a page can show, whatever the agent says."""
    return AgentCondition(
        engine_answers=message.engine_answers,
        engine_message=_text(message.engine_message, most=MAX_TEXT),
        disk_total=max(0, message.disk_total_bytes),
        disk_free=max(0, message.disk_free_bytes),
        fault=_text(message.fault, most=MAX_TEXT),
        stalled=tuple(
            StalledCommand(
                command_id=_text(each.command_id, most=MAX_ID),
                deployment_id=_text(each.deployment_id, most=MAX_ID),
                seconds=max(0, each.seconds),
                step=_text(each.step, most=MAX_TEXT),
            )
            for each in message.stalled[:MAX_STALLED]
        ),
    )


def _text(text: str, *, most: int) -> str:
    """Return the text cut and without NUL, which PostgreSQL cannot store."""
    return text[:most].replace("\0", "\ufffd")
