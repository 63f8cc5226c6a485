"""The parts of a control plane, and what all of them load before they are forked."""

from __future__ import annotations

import gc
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import import_module

from django.conf import settings
from django.urls import get_resolver

COMMANDS = "axion_deploy.management.commands"
NAMES = ("web", "gateway", "worker", "publisher", "reconciler", "consumer")


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part: a management command with its options, and what else it imports when it serves."""

    name: str
    command: str
    options: Mapping[str, str] | None = None
    imports: tuple[str, ...] = ()


def parts(*, bind: str, without: Collection[str] = ()) -> tuple[Part, ...]:
    """Return the parts that this installation needs: a consumer of requests only where there are brokers."""
    brokers = (Part(name="consumer", command="consume_patterns"),) if settings.KAFKA_BROKERS else ()
    return tuple(part for part in (*_always(bind), *brokers) if part.name not in without)


def _always(bind: str) -> tuple[Part, ...]:
    return (
        Part(
            name="web",
            command="run_web",
            options={"bind": bind},
            imports=("axion_deploy.asgi", "uvicorn.loops.auto", "uvicorn.protocols.websockets.auto"),
        ),
        Part(name="gateway", command="run_agent_gateway"),
        Part(name="worker", command="run_worker", imports=("deployments.jobs",)),
        Part(name="publisher", command="publish_events"),
        Part(name="reconciler", command="reconcile"),
    )


def preload(chosen: tuple[Part, ...]) -> None:
    """Import all that the parts need, once, so that they share its memory. Starts no thread and opens no connection."""
    for part in chosen:
        import_module(f"{COMMANDS}.{part.command}")
        for module in part.imports:
            import_module(module)
    # Loads every view.
    assert get_resolver().url_patterns
    gc.collect()
    # Collections in a part would write to the pages that it shares.
    gc.freeze()
