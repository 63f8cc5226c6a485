"""What a plan says of a database's settings and kind."""

from __future__ import annotations

from collections.abc import Iterator

from stackgen.databases.kind import Connection, DatabaseKind
from stackgen.nodes import Node


def unused_settings(node: Node, kind: DatabaseKind) -> Iterator[str]:
    """Return a sentence for each setting that databases of this kind do not have, and what their kind warns of."""
    settings = node.settings
    given = {
        "a password": settings.password_given and not kind.has_password,
        "a user": bool(settings.user) and not kind.default_user,
        "a database": bool(settings.database) and not kind.default_database,
    }
    yield from (
        f"{node.label!r}: {kind.name} is run without {what}; the one given is not used" for what in given if given[what]
    )
    if kind.warning:
        yield f"{node.label!r}: {kind.name} {kind.warning}"
    if settings.port not in {None, kind.port}:
        yield f"{node.label!r} listens on {kind.port}; its port {settings.port} is not used"


def connection_to(node: Node, kind: DatabaseKind, *, name: str, password: str, in_url: str) -> Connection:
    """Return how the callers of a database reach it; `name` is its service's, `in_url` its password fit for a URL."""
    settings = node.settings
    return Connection(
        host=settings.host if settings.external else name,
        port=(settings.external and settings.port) or kind.port,
        user=kind.default_user and (settings.user or kind.default_user),
        database=kind.default_database and (settings.database or kind.default_database),
        password=password,
        password_in_url=in_url,
        databases=settings.databases,
        extensions=settings.extensions,
        replica_set=settings.replica_set,
    )


def with_options(kind: DatabaseKind, own: tuple[str, ...], options: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command of a kind with the options that its node gives."""
    if not options or not own:
        return own or options
    if not kind.options_after:
        return (*own, *options)
    before, found, after = own[2].rpartition(kind.options_after)
    return (*own[:2], f'{before}{found} "$$@"{after}', kind.name, *options)
