"""manage.py consume_patterns: requests of the platform's other services, over Kafka."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

import structlog
from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

from agents.wording.pages import lazy
from agents.wording.sentences import sentence
from axion_deploy.kafka_bindings import identify
from axion_deploy.languages.terminal_language import SpeakingCommand
from axion_deploy.metrics.server import serve_metrics
from axion_deploy.processes import stop_on_signals
from deployments.kafka_api.dispatcher import Dispatcher
from deployments.kafka_api.group_consumer import Membership
from deployments.kafka_api.health_check import health_check
from deployments.kafka_api.identity import IdentityKind
from deployments.kafka_api.process import ConsumerProcess

# The threads that talk to the broker wait for little else than their turn.
SWITCH_SECONDS = 0.0005

logger = structlog.get_logger(__name__)


class Command(SpeakingCommand):
    help = lazy(
        "Answer deployment-service.* and health.check. Several can share the work; none loses anything when it is "
        "killed."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.KAFKA_BROKERS:
            raise CommandError(sentence("Set KAFKA_BROKERS to the addresses of the brokers."))
        serve_metrics(process="consumer")
        stopped = stop_on_signals()
        trusting = settings.AXION_KAFKA_IDENTITY == IdentityKind.TRUST
        if trusting:
            logger.warning("EVERY USER ID IS BELIEVED: AXION_KAFKA_IDENTITY=trust is for development alone")
        sys.setswitchinterval(SWITCH_SECONDS)
        membership = Membership(
            group=settings.AXION_KAFKA_GROUP,
            client_id=f"axion-deploy-{socket.gethostname()}-{os.getpid()}",
            threads=settings.AXION_KAFKA_CONCURRENCY,
        )
        dispatcher = Dispatcher(identify=identify(), health=health_check(trusting=trusting, now=timezone.now))
        ConsumerProcess(
            membership=membership, dispatcher=dispatcher, partitions=settings.AXION_KAFKA_PARTITIONS, stopped=stopped
        ).run()
