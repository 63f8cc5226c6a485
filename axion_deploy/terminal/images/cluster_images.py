"""`manage.py deployments cluster NAME images`: where a cluster's images are built, and the registry that they go to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from agents.wording.sentences import sentence
from axion_deploy.terminal import names
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.screen import Screen
from deployments.data.registry_types import RegistryRecord
from deployments.errors import NotFound
from deployments.rules import registry_rules
from deployments.services.clusters import builders
from deployments.services.registries import registries
from deployments.types import Caller


def cluster_images_action(*, caller: Caller, cluster_id: UUID, options: Mapping[str, Any], screen: Screen) -> Exit:
    """Change what the options name, and show both."""
    if (builder := options["builder"]) is not None:
        server_id = names.own_server_named(caller=caller, text=builder).id if builder else None
        builders.choose_builder(caller=caller, cluster_id=cluster_id, server_id=server_id)
    if (address := options["registry"]) is not None:
        registry_id = _registry_at(caller, address) if address else None
        registries.choose_for_cluster(caller=caller, cluster_id=cluster_id, registry_id=registry_id)
    server = builders.builder_of_cluster(caller=caller, cluster_id=cluster_id)
    chosen = registries.registry_of_cluster(caller=caller, cluster_id=cluster_id)
    default = registries.default_registry()
    at = chosen or default
    screen.say(
        sentence(
            "Built by {builder}, pushed to {registry}.",
            builder=server.name if server else sentence("the manager at work"),
            registry=_words_of(at, is_default=chosen is None),
        )
    )
    screen.tell("images", {"builder": server.name if server else "", "registry": at.address if at else ""})
    return Exit.DONE


def _words_of(registry: RegistryRecord | None, *, is_default: bool) -> str:
    if registry is None:
        return sentence("no registry")
    return sentence("{address} (default)", address=registry.address) if is_default else registry.address


def _registry_at(caller: Caller, address: str) -> UUID:
    wanted = registry_rules.usual_address(address)
    known = registries.list_registries(caller=caller)
    found = [each.id for each in known if each.address == wanted and each.project_id is None]
    if not found:
        raise NotFound(sentence("You have no registry at {address}.", address=wanted))
    return found[0]
