"""How the containers of a proven deployment are set up: what a later look at them is held against."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from agents.contracts import runner_pb2 as pb
from agents.runner.commands.context import Work
from agents.runner.errors import UnavailableError
from agents.runner.planning.container_settings import common

logger = logging.getLogger(__name__)


def describe_settings(*, work: Work, services: Sequence[pb.ServiceObserved], owners: Mapping[str, str]) -> None:
    """Add to each service how all its copies are set up, and whether this command made them.

    What cannot be looked at any more is left out: then nobody says later what was changed of it.
    """
    for service in services:
        service.started = owners.get(service.service_name, "") == work.command.deployment_id
        try:
            found = [work.seen(container_id) for container_id in service.container_ids]
        except UnavailableError as error:
            logger.warning("how %s is set up could not be looked at: %s", service.service_name, error)
            continue
        seen = [container for container in found if container is not None]
        if len(seen) == len(found):
            service.settings.update(common(container.settings for container in seen))
            service.shown.update(common(container.shown for container in seen))
