"""The line to a control plane that is reached over the platform's broker alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from agents.contracts import runner_pb2 as pb
from agents.runner.config import Config
from agents.runner.control_plane.identity import Identity, load_identity
from agents.runner.control_plane.line import Line
from agents.runner.errors import EnrolmentRefusedError

NO_ENROLMENT = (
    "Over the broker an agent cannot enrol: make its credential with `manage.py enrol_kafka_agent` at the control "
    "plane, and put the file where agent.credential_file says."
)


class KafkaLine(Line):
    """As `Line`, with a link over the broker in the place of a channel. The library is loaded when it first dials."""

    @property
    def address(self) -> str:
        return "the control plane over the platform's broker"

    async def dial(self, *, info: Callable[[], pb.AgentInfo], lanes: Sequence[str]) -> Identity:
        """Have the calls; the link is opened with the session. Raises EnrolmentRefusedError without a credential."""
        del info, lanes
        self.identity = self.identity or load_identity(self._config.credential_file)
        if self.identity is None:
            raise EnrolmentRefusedError(NO_ENROLMENT)
        if self._stub is None and self._config.kafka is not None:
            from agents.runner.kafka_way.stub import KafkaStub

            self._stub = KafkaStub(connection=self._config.kafka.connection, agent_id=self._agent_id)
        return self.identity

    async def close(self) -> None:
        stub, self._stub = self._stub, None
        if stub is not None:
            await asyncio.to_thread(stub.close)

    def _agent_id(self) -> str:
        return self.identity.agent_id if self.identity else ""


def open_line(config: Config) -> Line:
    """Return the line that the configuration asks for, not yet dialled."""
    return KafkaLine(config) if config.kafka is not None else Line(config)
