"""Every kind of database that a graph can have."""

from __future__ import annotations

from stackgen.databases import kafka, memcached, minio, mongodb, mysql, nats, postgresql, rabbitmq, redis
from stackgen.databases.kind import DatabaseKind
from stackgen.references import parse_reference

KINDS: dict[str, DatabaseKind] = {
    kind.name: kind
    for kind in (
        postgresql.KIND,
        mysql.KIND,
        mysql.MARIADB,
        mongodb.KIND,
        redis.KIND,
        redis.VALKEY,
        memcached.KIND,
        rabbitmq.KIND,
        kafka.KIND,
        nats.KIND,
        minio.KIND,
    )
}
_BY_ALIAS = {alias: kind for kind in KINDS.values() for alias in (kind.name, *kind.aliases)}
# What answers by HTTP is called by its URL like any service.
_BY_IMAGE = {parse_reference(kind.image).name: kind.name for kind in KINDS.values() if kind.name != minio.KIND.name}
# A queue or cache without a type means the common one; a database must say what it is.
_DEFAULTS = {"QUEUE": rabbitmq.KIND.name, "CACHE": redis.KIND.name}


def default_kind(node_type: object) -> str:
    """Return the kind that a node of this type, as the graph names it, has without saying so; may be empty."""
    return _DEFAULTS.get(str(node_type).strip().upper().removeprefix("NODE_TYPE_"), "")


def find(name: str) -> DatabaseKind | None:
    """Return the kind of this name or alias, in any case; None when there is none."""
    return _BY_ALIAS.get(name.strip().lower())


def store_of_image(image: str) -> str:
    """Return the kind whose servers are in images of this name; empty where none is."""
    try:
        return _BY_IMAGE.get(parse_reference(image).name, "") if image else ""
    except ValueError:
        return ""


def data_release(kind: str, *, image: str, version: int | None = None) -> str:
    """Return kind and release of a server whose data no other release reads; empty for others and where unknown."""
    found = KINDS.get(kind)
    try:
        release = found.data_release(parse_reference(image), version) if found else None
    except ValueError:
        release = None
    return f"{kind} {release}" if release else ""
