"""Which settings of a database its kind does not have."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.databases.kind import DatabaseKind
from stackgen.nodes import Node


def unused_settings(node: Node, kind: DatabaseKind) -> Iterator[str]:
    """Return a sentence for each setting that databases of this kind do not have."""
    settings = node.settings
    given = {
        "a password": settings.password_given and not kind.has_password,
        "a user": bool(settings.user) and not kind.default_user,
        "a database": bool(settings.database) and not kind.default_database,
    }
    yield from (
        f"{node.label!r}: {kind.name} is run without {what}; the one given is not used" for what in given if given[what]
    )
    if settings.port not in {None, kind.port}:
        yield f"{node.label!r} listens on {kind.port}; its port {settings.port} is not used"
