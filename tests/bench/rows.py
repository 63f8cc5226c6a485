"""The rows of the bench by name; each can be measured alone (`make bench ROW=name`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench import (
    asking,
    clusters,
    deploying,
    fleet,
    generation,
    importing,
    listing,
    many_hosts,
    memory,
    noticing,
    plans,
    reporting,
    resting,
    small,
    sockets,
    statements,
    undoing,
)
from tests.bench.figures import Figure
from tests.e2e.control_plane import ControlPlane


@dataclass(frozen=True, kw_only=True)
class Row:
    """What measures one subject: by itself, or on a control plane that runs."""

    alone: Callable[[], list[Figure]] | None = None
    on_plane: Callable[[ControlPlane, Path], list[Figure]] | None = None


# In the order in which a whole run takes them: those that need a control plane share one.
ROWS: Mapping[str, Row] = {
    "generation": Row(alone=generation.measure),
    "importing": Row(alone=importing.measure),
    "listing": Row(alone=listing.measure),
    "plans": Row(alone=plans.measure),
    "reporting": Row(alone=reporting.measure),
    "small": Row(alone=small.measure),
    "clusters": Row(alone=clusters.measure),
    "deploying": Row(on_plane=deploying.measure),
    "undoing": Row(on_plane=undoing.measure),
    "noticing": Row(on_plane=noticing.measure),
    "memory": Row(on_plane=lambda plane, _: memory.measure(plane)),
    "resting": Row(on_plane=lambda plane, _: resting.measure(plane)),
    "statements": Row(on_plane=statements.measure),
    "sockets": Row(on_plane=sockets.measure),
    "asking": Row(on_plane=asking.measure),
    # The last: their hosts and agents stay.
    "agents": Row(on_plane=fleet.measure),
    "many_hosts": Row(on_plane=many_hosts.measure),
}
