"""What the gateway's ports show and whom they let in, by our own authority; changed while they serve."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import grpc
import structlog

from agents.backoff import Backoff
from agents.db_errors import DATABASE_AWAY
from agents.pki.certificates import GATEWAY_LIFE
from agents.services import authority
from agents.services.authority import GatewayTrust
from agents.transport.ports import GatewayConfig
from agents.transport.threads import DatabaseThreads

logger = structlog.get_logger(__name__)

# A notification may be lost; and a certificate is made anew at half its life.
LOOK_SECONDS = 30.0
RETRY = Backoff(first=0.5, most=10.0)
Fetcher = Callable[[], grpc.ServerCertificateConfiguration | None]


class OwnTrust:
    """Lives on the event loop; gRPC asks from threads of its own at each handshake."""

    def __init__(self, *, config: GatewayConfig, threads: DatabaseThreads) -> None:
        self._config = config
        self._threads = threads
        self._news = asyncio.Event()
        self._lock = threading.Lock()
        self._served: GatewayTrust | None = None
        self.mutual_address = ""

    @property
    def is_mutual(self) -> bool:
        """Tell whether agents with a certificate are served."""
        return bool(self._config.mutual_bind)

    @property
    def is_needed(self) -> bool:
        return self.is_mutual or self._config.authority_tls

    async def load(self) -> None:
        """Get what is served first; waits until the database answers."""
        failures = 0
        while self._served is None:
            try:
                await self._make()
            except DATABASE_AWAY as error:
                failures += 1
                logger.warning("database unavailable, retrying", what="certificates", error=str(error).strip())
                await asyncio.sleep(RETRY.pause(failures=failures))

    def credentials(self, *, mutual: bool) -> grpc.ServerCredentials:
        """Return what a port is opened with; `mutual`: nobody without a certificate of an agent gets in."""
        # Its stubs do not know that None says that nothing has changed.
        fetcher: Any = self._fetcher(mutual=mutual)
        return grpc.dynamic_ssl_server_credentials(
            self._configuration(mutual=mutual), fetcher, require_client_authentication=mutual
        )

    def serves_at(self, port: int) -> None:
        """Note where agents with a certificate are served."""
        self.mutual_address = self._config.mutual_address or f":{port}"

    def look(self) -> None:
        """Look soon at whether others are trusted by now."""
        self._news.set()

    async def refresh_when_due(self) -> None:
        """Wait for news, and serve what follows from them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS):
                await self._news.wait()
        self._news.clear()
        if self._served is None:
            return
        try:
            present = await self._threads.run(authority.version)
            ages = self._served.keys.valid_until - datetime.now(UTC) < GATEWAY_LIFE / 2
            if ages or present != self._served.version:
                await self._make()
        except DATABASE_AWAY as error:
            logger.warning("database unavailable, retrying", what="certificates", error=str(error).strip())

    async def _make(self) -> None:
        made = await self._threads.run(authority.gateway_trust, names=self._config.names, now=datetime.now(UTC))
        with self._lock:
            self._served = made
        logger.info("gateway certificate", valid_until=made.keys.valid_until.isoformat(), authorities=len(made.version))

    def _fetcher(self, *, mutual: bool) -> Fetcher:
        """Return what gRPC asks at each handshake: None while nothing has changed."""
        given = self._served

        def fetch() -> grpc.ServerCertificateConfiguration | None:
            nonlocal given
            with self._lock:
                if self._served is given:
                    return None
                given = self._served
                return self._configuration(mutual=mutual)

        return fetch

    def _configuration(self, *, mutual: bool) -> grpc.ServerCertificateConfiguration:
        if self._served is None:
            raise RuntimeError("Load comes before ports are opened.")
        keys = self._served.keys
        pair = (keys.private_key.encode(), keys.chain.encode())
        roots = self._served.authorities.encode() if mutual else None
        return grpc.ssl_server_certificate_configuration([pair], root_certificates=roots)
