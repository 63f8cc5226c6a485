"""One key of a node's config: everything that is said about it anywhere is said here once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stackgen.keys.form import Form
from stackgen.nodes import NodeType

SERVICES, DATABASES, GATEWAYS = "services", "databases", "gateways"
ALL = "all"
EVERYBODY = frozenset({SERVICES, DATABASES, GATEWAYS})
ANY_NAME = re.compile(r"[\s\S]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """`name` ends with a dot where a name of one's own follows it, which the reference calls `follows`.

    `field` is the field of `Settings` that holds the value. `nodes` says in words for which nodes it means something:
    "all", or names of the three groups with whatever else limits it. `silent` is a key that is read for the others
    too, without a word, as something else is said about it there. `sealed` texts are kept apart from the graph.
    """

    name: str
    field: str
    nodes: str
    form: Form
    meaning: str
    group: str = ""
    follows: str = ""
    named: re.Pattern[str] = ANY_NAME
    named_wanted: str = ""
    silent: bool = False
    sealed: bool = False

    @property
    def shown(self) -> str:
        """Return the key as people write it, `env.NAME` for one that a name follows."""
        return f"{self.name}{self.follows}"

    @property
    def groups(self) -> frozenset[str]:
        """Return for which of the three groups of nodes it means something."""
        return EVERYBODY if self.nodes == ALL else frozenset(word for word in EVERYBODY if word in self.nodes)


def group_of(node_type: NodeType | None) -> str:
    """Return which group a node belongs to; one whose type is unknown counts as a service."""
    if node_type is not None and node_type.is_database:
        return DATABASES
    return GATEWAYS if node_type is not None and node_type.is_gateway else SERVICES
