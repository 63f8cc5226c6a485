"""manage.py run_agent_gateway: the server that agents dial in to."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from psycopg.conninfo import make_conninfo

from agents.addresses import host_of, is_loopback
from agents.transport.grpc_server import Gateway
from agents.transport.ports import GatewayConfig
from axion_deploy.gateway_bindings import bindings
from axion_deploy.metrics.server import serve_metrics
from axion_deploy.processes import REPORT_SECONDS
from deployments.services.upkeep import health

# What Django hands to the driver beside the connection's own parameters.
NOT_OF_LIBPQ = frozenset({"context", "cursor_factory", "prepare_threshold"})

IN_THE_CLEAR = (
    "{reached} can be reached from other machines, and without TLS enrolment tokens, credentials, commands and secrets"
    " of all agents go over the line in the clear. Set AXION_GATEWAY_TLS_CERT and AXION_GATEWAY_TLS_KEY to the paths of"
    " a certificate and its key, or serve 127.0.0.1 alone. For a line that is safe by other means:"
    " AXION_GATEWAY_PLAINTEXT=on."
)

logger = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Serve the runner agents. Several may run behind one address; each agent is served by one of them."
    # They would load every page; `migrate` and the web process run them.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(settings.AXION_GATEWAY_TLS_CERT) != bool(settings.AXION_GATEWAY_TLS_KEY):
            raise CommandError("Set both AXION_GATEWAY_TLS_CERT and AXION_GATEWAY_TLS_KEY, or neither.")
        reached = settings.AXION_GATEWAY_PUBLISH or settings.AXION_GATEWAY_BIND
        if not (settings.AXION_GATEWAY_TLS_CERT or settings.AXION_GATEWAY_PLAINTEXT or stays_on_this_machine(reached)):
            raise CommandError(IN_THE_CLEAR.format(reached=reached))
        serve_metrics(process="gateway")
        asyncio.run(_serve())


def stays_on_this_machine(address: str) -> bool:
    """Return whether only this machine reaches the address, with or without a port; false for anything unclear."""
    return address.startswith("unix:") or is_loopback(host_of(address))


async def _serve() -> None:
    """Run until SIGTERM or SIGINT; then end cleanly within seconds."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    gateway = Gateway(config=_config(), bindings=bindings())
    try:
        port = await gateway.start()
    except RuntimeError as error:
        raise CommandError(f"Cannot listen on {settings.AXION_GATEWAY_BIND}: {error}") from error
    logger.info(
        "gateway serves", bind=settings.AXION_GATEWAY_BIND, port=port, tls=bool(settings.AXION_GATEWAY_TLS_CERT)
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
