"""The variables of each service. Later wins: from edges, then the node's config, then the request's envVars.

For each callee `db` (its `connectionName`, or its service name) the caller gets, as far as the callee has them,
`DB_HOST`, `DB_PORT`, `DB_USER`, `DB_PASSWORD`, `DB_DATABASE` and `DB_URL`, and the variable that programs expect when
there is one of a kind: DATABASE_URL, REDIS_URL and so on. With several of a kind, the first by name has that, and a
warning says so. `PORT` is the service's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from stackgen.databases.kind import Connection, DatabaseKind
from stackgen.databases.known import store_of_image
from stackgen.graph.checks import published_ports
from stackgen.nodes import Node, NodeType
from stackgen.parts.names import program_variable_name, variable_name

# Variables that widespread servers and tools read as where they themselves listen, or whom they themselves ask.
STEERING = re.compile(
    r"(?:(?:HTTPS?_|WEB_|MANAGEMENT_|MICRONAUT_|STREAMLIT_|GRADIO_|GF_)?SERVER|UVICORN|GUNICORN|HYPERCORN|DAPHNE"
    r"|GRANIAN|WAITRESS|FLASK|FLASK_RUN|QUARKUS_HTTP|ROCKET|NITRO|NUXT|PUMA|RAILS|LISTEN|BIND|HTTPS?|JETTY|TOMCAT"
    r"|CARGO|N8N|JUPYTER|PGADMIN_LISTEN|KESTREL)_(?:HOST|PORT)|DOCKER_HOST"
)


def plain(text: str) -> str:
    """Return the text so that Compose does not interpolate it."""
    return text.replace("$", "$$")


def interpolated(name: str) -> str:
    """Return the text that Compose replaces with the value of this variable."""
    return f"${{{name}}}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """The far end of an edge. `connection` and `kind` belong to databases, `port` to services.

    `store` is the kind of database that a service's image holds: what answers there does not speak HTTP.
    """

    name: str
    label: str
    port: int | None = None
    scheme: str = "http"
    is_external: bool = False
    store: str = ""
    kind: DatabaseKind | None = None
    connection: Connection | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Where values come from, in words, and the values, ready for Compose."""

    origin: str
    values: Mapping[str, str]


def callee_without_data(target: Node, *, name: str, label: str) -> Callee:
    """Return how a service or a gateway is reached."""
    settings = target.settings
    port = published_ports(target)[0].inside if target.type.is_gateway else settings.port
    return Callee(
        name=name,
        label=label,
        port=port,
        scheme=settings.scheme or "http",
        is_external=settings.external,
        store=store_of_image(settings.image) if target.type is NodeType.SERVICE else "",
    )


def merged(layers: Iterable[Layer]) -> tuple[dict[str, str], list[str]]:
    """Return the values that hold, by name in sorted order, and a sentence for each that hides another."""
    values: dict[str, str] = {}
    origin: dict[str, str] = {}
    overrides = []
    for layer in layers:
        for name, value in layer.values.items():
            if name in values and values[name] != value:
                overrides.append(f"{name}: {layer.origin} hides {origin[name]}")
            values[name] = value
            origin[name] = layer.origin
    return dict(sorted(values.items())), overrides


def from_edges(node: Node, callees: Iterable[Callee]) -> tuple[Layer, list[str]]:
    """Return what the edges of a service give it, and warnings where programs may expect something else."""
    values: dict[str, str] = {}
    leads_to: dict[str, Callee] = {}
    warnings: list[str] = []
    common: dict[str, list[Callee]] = {}

    def take(given: Mapping[str, str], callee: Callee) -> None:
        hidden = {leads_to[name].name: name for name in given if name in leads_to and values[name] != given[name]}
        warnings.extend(
            f"{name} of {node.label!r} leads to {callee.name}, not to {old}" for old, name in hidden.items()
        )
        values.update(given)
        leads_to.update(dict.fromkeys(given, callee))

    for callee in sorted(callees, key=lambda callee: callee.name):
        prefix = variable_name(callee.label).upper()
        given = {f"{prefix}_{ending}": value for ending, value in _variables(callee).items()}
        steering = sorted(name for name in given if STEERING.fullmatch(name))
        take({name: value for name, value in given.items() if name not in steering}, callee)
        warnings.extend(_of_callee(node, callee, steering))
        if callee.kind is not None:
            common.setdefault(callee.kind.url_name, []).append(callee)
    for name, candidates in common.items():
        first = candidates[0]
        if len(candidates) > 1:
            others = ", ".join(variable_name(callee.label).upper() + "_URL" for callee in candidates[1:])
            warnings.append(f"{name} of {node.label!r} leads to {first.name}; the others are in {others}")
        take(_expected(first), first)
    if node.settings.port is not None:
        values["PORT"] = str(node.settings.port)
    return Layer(origin="the edges", values=values), warnings


def from_config(*, env: Mapping[str, str], secrets: Mapping[str, str]) -> tuple[Layer, list[str]]:
    """Return the config's variables under names that every shell takes, and a sentence for each that hides another."""
    values: dict[str, str] = {}
    origin: dict[str, str] = {}
    overrides = []
    given = [(f"env.{name}", name, value) for name, value in sorted(env.items())]
    given += [(f"secret.{name}", name, value) for name, value in sorted(secrets.items())]
    for key, written, value in given:
        name = program_variable_name(written)
        if name in values:
            overrides.append(f"{name}: {key} hides {origin[name]}")
        values[name] = value
        origin[name] = key
    return Layer(origin="its config", values=values), overrides


def _of_callee(node: Node, callee: Callee, steering: list[str]) -> Iterator[str]:
    """Yield what people should know of a callee whose variables its caller would misread."""
    if steering:
        yield (
            f"{node.label!r} is not given {' and '.join(steering)}: programs take that for a setting of their own. "
            f"Give {callee.label!r} a connectionName for variables of another name"
        )
    if callee.store:
        yield (
            f"{callee.label!r} is {callee.store} by its image, drawn as a service: its callers get no URL, and "
            f"it keeps no data by itself; draw it with databaseType {callee.store}"
        )


def _expected(callee: Callee) -> dict[str, str]:
    """Return the variables that programs look for when they know of one such database only."""
    if callee.kind is None or callee.connection is None:
        return {}
    return {callee.kind.url_name: callee.kind.url(callee.connection), **callee.kind.others(callee.connection)}


def _variables(callee: Callee) -> dict[str, str]:
    connection = callee.connection
    if connection is None or callee.kind is None:
        return {ending.upper(): value for ending, value in address_of(callee).items()}
    known = {
        "HOST": connection.host,
        "PORT": str(connection.port),
        "USER": connection.user,
        "PASSWORD": connection.password,
        "DATABASE": connection.database,
        "URL": callee.kind.url(connection),
    }
    return {ending: value for ending, value in known.items() if value}


def address_of(callee: Callee) -> dict[str, str]:
    """Return host, port and URL of a service, as far as it has them."""
    if callee.store and callee.port is not None:
        return {"host": callee.name, "port": str(callee.port)}
    if callee.port is not None:
        url = f"{callee.scheme}://{callee.name}:{callee.port}"
        return {"host": callee.name, "port": str(callee.port), "url": url}
    url = f"{callee.scheme}://{callee.name}"
    return {"host": callee.name, "url": url} if callee.is_external else {"host": callee.name}


def usable(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values under names that every shell takes; of two with one name the later in sorted order stays."""
    return {variable_name(name): value for name, value in sorted(values.items())}
