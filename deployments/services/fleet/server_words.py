"""What people say of a server: its labels, and that it takes no new deployment."""

from __future__ import annotations

import re
from collections.abc import Sequence

from agents.errors import ServerNotFound
from agents.services import directory
from agents.services.host_names import is_host
from agents.wording.sentences import sentence
from deployments.errors import Conflict, Invalid
from deployments.types import Target, TargetKind

MAX_LABELS = 20
LABEL = re.compile(r"^[A-Za-z0-9]([A-Za-z0-9._/=-]{0,61}[A-Za-z0-9])?$")


def usable_labels(labels: Sequence[str]) -> list[str]:
    """Return the labels in order, each once. Raises Invalid."""
    if len(labels) > MAX_LABELS:
        raise Invalid(
            sentence("A server has at most {max_labels} labels.", max_labels=MAX_LABELS),
            details={"labels": sentence("at most {max_labels}", max_labels=MAX_LABELS)},
        )
    wrong = next((each for each in labels if not LABEL.match(each)), None)
    if wrong is not None:
        raise Invalid(
            sentence(
                "{wrong!r} is no label: up to 63 letters, digits and . _ / = - between them, such as region=eu.",
                wrong=wrong[:70],
            ),
            details={"labels": sentence("letters, digits and . _ / = -")},
        )
    return sorted(set(labels))


def usable_host(host: str) -> str:
    """Return the host name or address as it is. Raises Invalid for what is neither; nothing at all is fine."""
    if host and not is_host(host):
        raise Invalid(
            sentence("{host!r} is neither a host name nor an IP address.", host=host[:70]),
            details={"host": sentence("no host name and no IP address")},
        )
    return host


def refuse_drained(target: Target) -> None:
    """Raise Conflict for a server that takes no new deployment."""
    if target.kind is not TargetKind.SERVER:
        return
    try:
        server = directory.get_server(server_id=target.id)
    except ServerNotFound:
        return
    if server.drained_at is not None:
        raise Conflict(
            sentence(
                "{server} is drained: what runs there runs on, and it takes no new deployment. "
                "Choose another server, or end that on the server's page.",
                server=server.name,
            ),
            details={"serverId": sentence("drained")},
        )
