"""What the tests have for each kind of database, and where a kind without it gets it."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from typing import Any

import stackgen.databases
from stackgen.databases.kind import DatabaseKind
from stackgen.databases.known import KINDS
from stackgen.references import parse_reference
from tests.servers.places import PROVISION

# Kinds whose image can only be pulled, with the reason. Where no registry answers, their real starts are skipped.
WITHOUT_STAND_IN = {
    "minio": "Debian has no package of it",
    "mongodb": "Debian has no package of it",
    "clickhouse": "Debian has no package of it",
    "elasticsearch": "Debian has no package of it",
    "opensearch": "Debian has no package of it",
    "meilisearch": "Debian has no package of it",
    "qdrant": "Debian has no package of it",
    "couchdb": "Debian has no package of it",
}
# Kinds that stay services when a Compose file brings them, with the reason.
SERVICES_IN_COMPOSE = {
    "kafka": "its listeners and its cluster are told by variables that a database node has no keys for",
    "nats": "without options it keeps nothing and takes no password; as a database node it does both",
    "clickhouse": "without options it takes no password, and programs of the file sign in without; a node asks for it",
    "elasticsearch": "whether it asks for a password, and how, is told by settings that a node has no keys for",
    "opensearch": "as a database node it runs without the security plugin, which files leave on",
    "meilisearch": "files run it in development, without a key, which a database node has",
    "qdrant": "files run it without a key, which a database node has",
    "couchdb": "files mount its configuration, which a database node writes by its variables alone",
}
STAND_INS = PROVISION / "images" / "Dockerfile"


def stand_in_of(kind: DatabaseKind) -> str:
    """Return the stage of STAND_INS that stands in for the kind's image, whether there is one or not."""
    return parse_reference(kind.image).name


def stand_ins() -> set[str]:
    """Return the names of all stages that stand in for an image."""
    stages = re.findall(r"^FROM \S+ AS (\S+)$", STAND_INS.read_text(), re.MULTILINE)
    return {stage for stage in stages if not stage.endswith("-stage")}


def kinds_in_code() -> dict[str, DatabaseKind]:
    """Return all kinds that a module of stackgen/databases builds, listed or not, by their names."""
    modules = [
        importlib.import_module(f"{stackgen.databases.__name__}.{module.name}")
        for module in pkgutil.iter_modules(stackgen.databases.__path__)
    ]
    values = (value for module in modules for value in vars(module).values())
    return {value.name: value for value in values if isinstance(value, DatabaseKind)}


def golden_graph() -> str:
    """Return the graph of the golden case `databases`: one service that calls a database of each kind."""
    kinds = list(KINDS.values())
    nodes = [_node("api", 1, {"image": "example/api:1"}), *(_node(kind.name, 2, _config(kind)) for kind in kinds)]
    edges = [
        {"id": f"edge-{index}", "source": "api", "target": kind.name, "type": 3} for index, kind in enumerate(kinds)
    ]
    return json.dumps({"nodes": nodes, "edges": edges}, indent=2) + "\n"


def _config(kind: DatabaseKind) -> dict[str, str]:
    chosen = {"user": "shop", "password": "never in a file"} if kind.default_user else {}
    return {"databaseType": kind.name, **chosen}


def _node(name: str, node_type: int, config: dict[str, str]) -> dict[str, Any]:
    data = {"blueprintId": "", "serviceName": name, "config": config}
    return {"id": name, "type": node_type, "data": data, "position": {"x": 0, "y": 0}}
