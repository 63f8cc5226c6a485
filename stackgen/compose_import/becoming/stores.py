"""Which services are databases that we know, and how people sign in to them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stackgen.compose_import.becoming.draft import Store
from stackgen.compose_import.becoming.values import Values
from stackgen.compose_import.tree import Tree
from stackgen.databases.known import KINDS
from stackgen.databases.places import place_of
from stackgen.references import parse_reference

# By the path of the image: what its makers, or those of an extension that leaves the rest as it is, call it.
IMAGES = {
    "library/postgres": "postgresql", "pgvector/pgvector": "postgresql", "postgis/postgis": "postgresql",
    "imresamu/postgis": "postgresql", "timescale/timescaledb": "postgresql", "library/mysql": "mysql",
    "library/mariadb": "mariadb", "library/mongo": "mongodb", "library/redis": "redis", "valkey/valkey": "valkey",
    "library/memcached": "memcached", "library/rabbitmq": "rabbitmq", "minio/minio": "minio",
}  # fmt: skip
# With one of these a service is told more than a database node can say.
_NOT_OF_STORES = ("build", "entrypoint", "network_mode", "volumes_from", "post_start", "pre_stop", "extra_hosts")


# Options of memcached that say where it listens and who may ask.
_MEMCACHED_DOORS = (
    "-p", "-l", "-s", "-S", "-Y", "-Z", "--port", "--listen", "--unix-socket", "--enable-sasl", "--auth-file",
    "--enable-ssl",
)  # fmt: skip


class NotAStore(ValueError):
    """Why a service with a database's image stays a service; the text says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signs:
    """What the variables of a service say about signing in."""

    user: str
    password: str | None
    database: str
    told: frozenset[str]


def kind_of(service: Tree) -> str:
    """Return the kind of database that the image is; empty for any other."""
    try:
        reference = parse_reference(service.at("image"))
    except ValueError:
        return ""
    return IMAGES.get(reference.path, "")


def store_of(service: Tree, values: Values, others: str) -> Store:
    """Return how to sign in; `others` is all that other services say. Raises NotAStore with the reason."""
    kind = kind_of(service)
    if reason := next((key for key in _NOT_OF_STORES if service.get(key) is not None), ""):
        raise NotAStore(f"{reason} is more than a database node can say")
    if (service.at("scale") or service.at("deploy", "replicas") or "1") not in {"0", "1"}:
        raise NotAStore("several copies of a database would not share their data")
    signs = _SIGNS[kind](values, service, others)
    for name, pattern, text in (
        ("user", KINDS[kind].user_pattern, signs.user),
        ("database", KINDS[kind].database_pattern, signs.database),
    ):
        if text and not pattern.fullmatch(text):
            raise NotAStore(f"its {name} has a name that a {kind} node cannot have")
    if signs.password is None:
        raise NotAStore("it has no password, and programs sign in without one: a database node would ask them for one")
    if signs.password and ("\n" in signs.password or len(signs.password) < KINDS[kind].min_password_length):
        raise NotAStore("its password is too short, or has several lines")
    try:
        place_of(KINDS[kind], image=service.at("image"), version=None)
    except ValueError as error:
        raise NotAStore(str(error)) from None
    return Store(kind=kind, user=signs.user, password=signs.password, database=signs.database, told=signs.told)


def _postgresql(values: Values, _service: Tree, _others: str) -> _Signs:
    user = values.of("POSTGRES_USER") or "postgres"
    return _Signs(
        user=user,
        password=values.of("POSTGRES_PASSWORD"),
        database=values.of("POSTGRES_DB") or user,
        told=frozenset({"POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", *values.files_of("POSTGRES_")}),
    )


def _mysql(values: Values, _service: Tree, others: str) -> _Signs:
    names = {
        end: _first(values, f"MYSQL_{end}", f"MARIADB_{end}")
        for end in ("USER", "PASSWORD", "DATABASE", "ROOT_PASSWORD")
    }
    told = {f"{prefix}_{end}" for prefix in ("MYSQL", "MARIADB") for end in names}
    told |= {*values.files_of("MYSQL_"), *values.files_of("MARIADB_")}
    told |= {"MYSQL_RANDOM_ROOT_PASSWORD", "MARIADB_RANDOM_ROOT_PASSWORD"}
    root = values.of(names["ROOT_PASSWORD"])
    user = values.of(names["USER"]) or "root"
    password = root if user == "root" else values.of(names["PASSWORD"])
    if user != "root" and root and root != password and root in others:
        raise NotAStore("other services sign in as root, with a password that is not the user's")
    if values.of(_first(values, "MYSQL_ALLOW_EMPTY_PASSWORD", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD")) and not password:
        password = None
    return _Signs(user=user, password=password, database=values.of(names["DATABASE"]) or "", told=frozenset(told))


def _mongodb(values: Values, service: Tree, _others: str) -> _Signs:
    tag = parse_reference(service.at("image")).tag
    if tag.split(".")[0].isdigit() and int(tag.split(".")[0]) < 5:
        raise NotAStore("this release has no mongosh, which the check of a database node needs")
    names = ("MONGO_INITDB_ROOT_USERNAME", "MONGO_INITDB_ROOT_PASSWORD", "MONGO_INITDB_DATABASE")
    user = values.of(names[0])
    return _Signs(
        user=user or "",
        password=values.of(names[1]) if user else None,
        database=values.of(names[2]) or "",
        told=frozenset({*names, *values.files_of("MONGO_INITDB_")}),
    )


def _redis(_values: Values, service: Tree, _others: str) -> _Signs:
    words = command_words(service.get("command"))
    password: str | None = None
    index = 1 if words and words[0] in {"redis-server", "valkey-server"} else 0
    while index < len(words):
        option, value = words[index], words[index + 1] if index + 1 < len(words) else ""
        if option not in {"--requirepass", "--appendonly", "--save"} or value.startswith("--"):
            raise NotAStore("its command sets more than a password: a database node has a command of its own")
        password = value if option == "--requirepass" else password
        index += 2
    return _Signs(user="", password=password, database="", told=frozenset({"command"}))


def _memcached(_values: Values, service: Tree, _others: str) -> _Signs:
    if any(word.startswith(_MEMCACHED_DOORS) for word in command_words(service.get("command"))):
        raise NotAStore("its command says where it listens, or who may ask")
    # Nobody signs in: an empty password is none that is missing.
    return _Signs(user="", password="", database="", told=frozenset())


def _rabbitmq(values: Values, _service: Tree, _others: str) -> _Signs:
    names = ("RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS", "RABBITMQ_DEFAULT_VHOST")
    user, vhost = values.of(names[0]), values.of(names[2])
    if user and not vhost:
        raise NotAStore("programs use its virtual host `/`; a database node has one of its own")
    told = frozenset({*names, *values.files_of("RABBITMQ_DEFAULT_")})
    return _Signs(user=user or "", password=values.of(names[1]) if user else None, database=vhost or "", told=told)


def _minio(values: Values, service: Tree, _others: str) -> _Signs:
    words = command_words(service.get("command"))
    if words[:2] != ["server", "/data"]:
        raise NotAStore("it is started with another command than `server /data`")
    names = ("MINIO_ROOT_USER", "MINIO_ROOT_PASSWORD")
    told = frozenset({"command", *names, *values.files_of("MINIO_ROOT_")})
    return _Signs(user=values.of(names[0]) or "", password=values.of(names[1]), database="", told=told)


def _first(values: Values, *names: str) -> str:
    return next((name for name in names if values.given(name)), names[0])


def command_words(command: Tree | None) -> list[str]:
    """Return the words of a command as Compose splits it. A text that cannot be split is one word."""
    if command is None:
        return []
    if isinstance(command.value, list):
        return [item.text for item in command.value]
    try:
        return shlex.split(command.text)
    except ValueError:
        return [command.text]


def as_command(words: list[str]) -> str:
    """Return words as a node's config takes them: exactly these, without a shell."""
    return json.dumps(words, ensure_ascii=False)


_SIGNS: Mapping[str, Callable[[Values, Tree, str], _Signs]] = {
    "postgresql": _postgresql, "mysql": _mysql, "mariadb": _mysql, "mongodb": _mongodb, "redis": _redis,
    "valkey": _redis, "memcached": _memcached, "rabbitmq": _rabbitmq, "minio": _minio,
}  # fmt: skip
