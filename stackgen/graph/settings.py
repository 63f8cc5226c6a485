"""A node's config, a map of text, becomes typed values. Unknown keys mean nothing here and stay in the config."""

from __future__ import annotations

import re
from collections.abc import Iterator

from stackgen.databases.known import KINDS, default_kind, find
from stackgen.errors import Problem
from stackgen.graph.problems import FALSE, Reading, shown
from stackgen.graph.raw import RawNode
from stackgen.nodes import NodeType, Settings
from stackgen.references import IMAGE
from stackgen.runtimes.names import RUNTIMES

MAX_PORT = 65535
MAX_REPLICAS = 100
MAX_PROCESSES_OF_A_NODE = 32_768
PATH = re.compile(r"/[A-Za-z0-9._~!*+,;=:@%/?&-]{0,500}")
# Without `.` and `..`: a gateway tidies a path before it looks, and would never see them.
_STEP = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+"
ROUTE = re.compile(rf"/(?:{_STEP}(?:/{_STEP})*/?)?")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
DOMAIN = re.compile(rf"(?=.{{1,253}}$)(?:\*\.)?(?:{_LABEL}\.)*{_LABEL}")
PLACEMENT = re.compile(r"(?:node|engine)\.[A-Za-z0-9._-]{1,100} ?[!=]= ?[A-Za-z0-9._-]{1,100}")
NO_LINE_BREAK = re.compile(r"[^\r\n]{0,4096}")
GATEWAYS = ("caddy", "traefik")
# How people say that a database is not to be started here, in small letters.
ELSEWHERE = frozenset({
    "host", "hostname", "address", "endpoint", "server", "url", "uri", "dsn", "external", "isexternal", "externalhost",
    "externalurl", "existing", "managed", "connectionstring", "connectionurl", "databaseurl", "databasehost", "dbhost",
})  # fmt: skip


def read_settings(raw: RawNode, problems: list[Problem]) -> Settings:
    """Return the typed values; everything wrong with them goes to `problems`."""
    reading = Reading(node_id=raw.id, node_name=raw.label, config=raw.config, problems=problems)
    kind = _kind(reading, raw.type)
    return Settings(
        port=reading.whole("port", lowest=1, highest=MAX_PORT),
        host_port=reading.whole("hostPort", lowest=1, highest=MAX_PORT),
        replicas=reading.whole("replicas", lowest=1, highest=MAX_REPLICAS) or 1,
        cpu=reading.cpus("cpu"),
        memory=reading.memory("memory"),
        cpu_reservation=reading.cpus("cpuReservation"),
        memory_reservation=reading.memory("memoryReservation"),
        processes=reading.whole("processes", lowest=16, highest=MAX_PROCESSES_OF_A_NODE),
        stop_grace_seconds=reading.whole("stopGraceSeconds", lowest=1, highest=3600),
        placement=reading.matching("placement", PLACEMENT, wanted="a constraint such as node.hostname==alpha"),
        health_path=reading.matching("healthPath", PATH, wanted="a path such as /health"),
        runtime=_runtime(reading),
        image=reading.matching("image", IMAGE, wanted="an image such as nginx:1.29"),
        command=reading.matching("command", NO_LINE_BREAK, wanted="one line"),
        domain=reading.matching("domain", DOMAIN, wanted="a domain such as example.org").lower(),
        path=reading.matching("path", ROUTE, wanted="a path such as /api"),
        strip_prefix=reading.flag("stripPrefix", default=True),
        gateway=_gateway(reading),
        routes=dict(_routes(reading)),
        kind=kind,
        connection_name=reading.text("connectionName"),
        database=reading.text("database"),
        database_version=reading.whole("databaseVersion", lowest=1, highest=99),
        user=reading.text("user"),
        password_given="password" in raw.config,
        env=dict(_prefixed(raw.config, "env.")),
        secrets=tuple(sorted(name for name, _ in _prefixed(raw.config, "secret."))),
    )


def _prefixed(config: dict[str, str], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in config.items():
        if key.startswith(prefix) and len(key) > len(prefix):
            yield key[len(prefix) :], value


def _runtime(reading: Reading) -> str:
    text = reading.text("runtime").lower()
    name = RUNTIMES.get(text)
    if text and name is None:
        reading.note("config.runtime", f"{shown(text)} is unknown; known: {', '.join(sorted(set(RUNTIMES.values())))}")
    return name or ""


def _gateway(reading: Reading) -> str:
    text = reading.text("gateway").lower() or GATEWAYS[0]
    if text not in GATEWAYS:
        reading.note("config.gateway", f"{shown(text)} is unknown; known: {', '.join(GATEWAYS)}")
        return GATEWAYS[0]
    return text


def _routes(reading: Reading) -> Iterator[tuple[str, str]]:
    for name, _ in _prefixed(reading.config, "route."):
        key = f"route.{name}"
        text = reading.text(key)
        pattern, wanted = (ROUTE, "a path such as /api") if text.startswith("/") else (DOMAIN, "a path or a domain")
        if value := reading.matching(key, pattern, wanted=wanted):
            yield name, value if value.startswith("/") else value.lower()


def _kind(reading: Reading, node_type: NodeType | None) -> str:
    if node_type is None or not node_type.is_database:
        return ""
    text = reading.text("databaseType") or default_kind(node_type.value)
    kind = find(text)
    if kind is None:
        problem = f"{shown(text)} is unknown" if text else "must say what it is"
        reading.note("config.databaseType", f"{problem}; known: {', '.join(sorted(KINDS))}")
        return ""
    _refuse_elsewhere(reading, kind.url_name)
    reading.matching("database", kind.database_pattern, wanted=kind.database_wanted)
    reading.matching("user", kind.user_pattern, wanted=kind.user_wanted)
    return kind.name


def _refuse_elsewhere(reading: Reading, url_name: str) -> None:
    """Note keys that point to a database elsewhere: a new, empty one would be started under its name."""
    for key in reading.config:
        if re.sub(r"[^a-z]", "", key.lower()) in ELSEWHERE and reading.text(key).lower() not in FALSE:
            reading.note(
                f"config.{key}",
                "a database that lies elsewhere cannot be a node: an empty one would be started here. Take it out "
                f"and give its callers the address as secret.{url_name}",
            )
