"""manage.py run_agent_gateway: the server that agents dial in to."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import CommandError
from django.db import connection
from psycopg.conninfo import make_conninfo

from agents.services import gateway_places
from agents.transport.grpc_server import Gateway
from agents.transport.ports import GatewayConfig
from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.gateway_bindings import bindings
from axion_deploy.languages.terminal_language import SpeakingCommand
from axion_deploy.metrics.server import serve_metrics
from axion_deploy.processes import REPORT_SECONDS
from deployments.services.upkeep import health

# What Django hands to the driver beside the connection's own parameters.
NOT_OF_LIBPQ = frozenset({"context", "cursor_factory", "prepare_threshold"})

logger = structlog.get_logger(__name__)


class Command(SpeakingCommand):
    help = lazy("Serve the runner agents. Several may run behind one address; each agent is served by one of them.")
    # They would load every page; `migrate` and the web process run them.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(settings.AXION_GATEWAY_TLS_CERT) != bool(settings.AXION_GATEWAY_TLS_KEY):
            raise CommandError(sentence("Set both AXION_GATEWAY_TLS_CERT and AXION_GATEWAY_TLS_KEY, or neither."))
        if gateway_places.speaks_plainly() and not gateway_places.stays_on_this_machine():
            logger.warning("AXION_GATEWAY_PLAINTEXT: the gateway speaks in the clear beyond this machine")
        serve_metrics(process="gateway")
        asyncio.run(_serve())


async def _serve() -> None:
    """Run until SIGTERM or SIGINT; then end cleanly within seconds."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    gateway = Gateway(config=_config(), bindings=bindings())
    try:
        port = await gateway.start()
    except RuntimeError as error:
        raise CommandError(
            sentence(
                "Cannot listen on {AXION_GATEWAY_BIND}: {error}",
                AXION_GATEWAY_BIND=settings.AXION_GATEWAY_BIND,
                error=error,
            )
        ) from error
    logger.info(
        "gateway serves",
        bind=settings.AXION_GATEWAY_BIND,
        port=port,
        tls=not gateway_places.speaks_plainly(),
        mutual=gateway_places.mutual_bind(),
    )
    saying = asyncio.create_task(_say_faults())
    await stopped.wait()
    saying.cancel()
    await gateway.stop()
    logger.info("gateway stopped")


async def _say_faults() -> None:
    while True:
        await asyncio.sleep(REPORT_SECONDS)
        await asyncio.to_thread(health.report_faults, process="gateway")
        await asyncio.to_thread(health.report_skipped_reports, process="gateway")


def _config() -> GatewayConfig:
    return GatewayConfig(
        bind=settings.AXION_GATEWAY_BIND,
        conninfo=_conninfo(),
        tls_cert=settings.AXION_GATEWAY_TLS_CERT,
        tls_key=settings.AXION_GATEWAY_TLS_KEY,
        authority_tls=not (settings.AXION_GATEWAY_TLS_CERT or gateway_places.speaks_plainly()),
        mutual_bind=gateway_places.mutual_bind(),
        mutual_address=settings.AXION_GATEWAY_MUTUAL_ADDRESS,
        names=gateway_places.gateway_names(),
        heartbeat_seconds=settings.AXION_HEARTBEAT_SECONDS,
        lost_after_seconds=settings.AXION_AGENT_LOST_AFTER,
        kafka=_brokers() if settings.AXION_KAFKA_AGENTS else None,
        kafka_group=f"{settings.AXION_KAFKA_GROUP}-agents",
    )


def _brokers() -> Callable[[str], Mapping[str, Any]]:
    """Return how clients reach the broker; its library is loaded only where agents come that way."""
    from deployments.kafka import broker

    return lambda client_id: broker.connection(client_id=client_id)


def _conninfo() -> str:
    """Return where Django connects to, with its options, for the connection that listens."""
    given = connection.get_connection_params()
    return make_conninfo("", **{name: value for name, value in given.items() if name not in NOT_OF_LIBPQ})
