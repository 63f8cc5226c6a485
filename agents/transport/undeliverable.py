"""Commands that cannot be written to an agent. Each fails as if the agent had refused it; the others go on."""

from __future__ import annotations

from datetime import UTC, datetime

import structlog

from agents.claim import BrokenCommand
from agents.contracts import runner_pb2
from agents.db_errors import DATABASE_AWAY
from agents.limits import MAX_SENT_BYTES, mebibytes
from agents.services import command_delivery
from agents.transport.ports import OnReport
from agents.transport.threads import DatabaseThreads
from agents.transport.wire import codec
from agents.types import CommandData

REFUSAL = "invalid"
# What building a message from values of the wrong kind or size may raise.
NOT_WRITABLE = (ValueError, TypeError, AttributeError, OverflowError)

logger = structlog.get_logger(__name__)


def command_message(command: CommandData) -> runner_pb2.ToAgent | BrokenCommand:
    """Return the message that carries the command, or what is wrong with it."""
    try:
        message = codec.command_to_wire(command)
    except NOT_WRITABLE as error:
        return _broken(command, f"The command cannot be written down: {type(error).__name__}.")
    size = message.ByteSize()
    if size > MAX_SENT_BYTES:
        most = mebibytes(MAX_SENT_BYTES)
        return _broken(command, f"The generated files are {mebibytes(size)}; at most {most} can be sent to an agent.")
    return message


def _broken(command: CommandData, why: str) -> BrokenCommand:
    return BrokenCommand(id=command.id, agent_id=command.agent_id, why=why)


class UndeliverableCommands:
    """Fails commands in the ledger, the way a refusal of the agent does."""

    def __init__(self, *, threads: DatabaseThreads, on_report: OnReport) -> None:
        self._threads = threads
        self._on_report = on_report

    async def fail(self, broken: BrokenCommand) -> None:
        """Refuse it in the agent's name. Never raises: what could not be stored is due again later."""
        logger.error("command cannot be delivered", command_id=str(broken.id), why=broken.why)
        try:
            await self._threads.run(self._refuse, broken=broken, at=datetime.now(tz=UTC))
        except DATABASE_AWAY as error:
            logger.warning("database unavailable, retrying", what="undeliverable command", error=str(error).strip())
        except Exception:
            logger.exception("undeliverable command not failed, retrying", command_id=str(broken.id))

    def _refuse(self, *, broken: BrokenCommand, at: datetime) -> None:
        report = command_delivery.refuse(
            command_id=broken.id, agent_id=broken.agent_id, refusal=REFUSAL, message=broken.why, at=at
        )
        if report is not None:
            self._on_report(report=report)
