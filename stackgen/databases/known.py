"""Every kind of database that a graph can have."""

from __future__ import annotations

from stackgen.databases import (
    clickhouse,
    couchdb,
    elasticsearch,
    kafka,
    meilisearch,
    memcached,
    minio,
    mongodb,
    mysql,
    nats,
    postgresql,
    qdrant,
    rabbitmq,
    redis,
)
from stackgen.databases.kind import DatabaseKind
from stackgen.databases.moves import COPY, Move, numbers
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
        clickhouse.KIND,
        elasticsearch.KIND,
        elasticsearch.OPENSEARCH,
        meilisearch.KIND,
        qdrant.KIND,
        couchdb.KIND,
    )
}
_BY_ALIAS = {alias: kind for kind in KINDS.values() for alias in (kind.name, *kind.aliases)}
# What answers by HTTP is called by its URL like any service.
BY_HTTP = frozenset({"minio", "clickhouse", "elasticsearch", "opensearch", "meilisearch", "qdrant", "couchdb"})
_BY_IMAGE = {parse_reference(kind.image).name: kind.name for kind in KINDS.values() if kind.name not in BY_HTTP}
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
    """Return kind and release of a server by whose rules its data is laid out; empty where unknown."""
    found = KINDS.get(kind)
    try:
        release = found.data_release(parse_reference(image), version) if found else None
    except ValueError:
        release = ""
    return f"{kind} {release}" if release else ""


# Servers that read what another kind wrote: Valkey began as a copy of Redis 7.2, and neither reads the other since.
_HEIRS = {("redis", "valkey"): (7, 2)}


def move_between(old: str, new: str) -> Move:
    """Return whether a server of the release `new` may take over data of `old`, both as `data_release` tells them."""
    (old_kind, _, before), (new_kind, _, after) = old.partition(" "), new.partition(" ")
    if old_kind == new_kind:
        return KINDS[new_kind].move(numbers(before), numbers(after))
    last = _HEIRS.get((old_kind, new_kind))
    if last and len(numbers(before)) > 1 and numbers(before)[:2] <= last:
        return Move(allowed=True, advice="There is no way back.")
    return Move(allowed=False, advice=COPY)
