"""Which keys a node can have: what it cannot say is named in the report."""

from __future__ import annotations

from stackgen.keys.catalogue import find
from stackgen.keys.key import group_of
from stackgen.nodes import NodeType


def knows(key: str, node_type: NodeType) -> bool:
    """Return whether a node of this type can say it."""
    return find(key, group=group_of(node_type))[0] is not None
