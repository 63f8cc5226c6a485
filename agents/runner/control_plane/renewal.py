"""Another certificate in good time: asked for within the session, stored, and used from the next connection on."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable

from agents.contracts import runner_pb2 as pb
from agents.contracts.version import CERTIFICATES_PROTOCOL
from agents.runner.config import Config
from agents.runner.control_plane.certificate import save_certificate
from agents.runner.control_plane.line import Line

logger = logging.getLogger(__name__)

# A gateway that does not answer is asked again; one that asks a thousand agents hears them one after the other.
ASK_AGAIN_SECONDS = 60.0
SPREAD_SECONDS = 10.0
MAX_SLEEP_SECONDS = 3600.0


class Renewal:
    """Lives as long as the process; `run` is part of each session."""

    def __init__(self, *, config: Config, line: Line) -> None:
        self._config = config
        self._line = line
        self._wanted = asyncio.Event()
        self._new_key = ""

    def want(self) -> None:
        """Ask soon: another authority signs by now."""
        self._wanted.set()

    async def run(self, write: Callable[[pb.FromAgent], Awaitable[None]], *, protocol: int) -> None:
        """Ask when it is time, until cancelled. Dies at any line without harm: the present certificate stays good."""
        while True:
            await self._until_due()
            if protocol >= CERTIFICATES_PROTOCOL:
                self._wanted.set()  # until the answer is stored
                await asyncio.sleep(random.uniform(0, SPREAD_SECONDS))  # noqa: S311 (spreads load)
                await write(pb.FromAgent(certificate_request=pb.CertificateRequest(request=self._request())))
            await asyncio.sleep(ASK_AGAIN_SECONDS)

    def take(self, message: pb.AgentCertificate) -> None:
        """Store what the gateway signed. Raises OSError where there is no room; then it is asked for again."""
        present = self._line.certificate
        if present is None or not self._new_key:
            return
        renewed = present.renewed(message=message, private_key=self._new_key)
        save_certificate(credential_file=self._config.credential_file, certificate=renewed)
        self._line.certificate = renewed
        self._new_key = ""
        self._wanted.clear()
        logger.info("the certificate was renewed")

    async def _until_due(self) -> None:
        while not self._wanted.is_set():
            certificate = self._line.certificate
            left = MAX_SLEEP_SECONDS
            if certificate is not None:
                left = certificate.renewal_ms() / 1000 - time.time()
                if left <= 0:
                    return
            try:
                async with asyncio.timeout(min(left, MAX_SLEEP_SECONDS)):
                    await self._wanted.wait()
            except TimeoutError:
                continue

    def _request(self) -> bytes:
        # Loaded only when a key is made: an agent at rest is small.
        from agents.pki.agent_keys import certificate_request, make_private_key

        self._new_key = self._new_key or make_private_key()
        return certificate_request(self._new_key)
