"""The written list of what is meant to differ between a Compose file and what we generate of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]
BRANDS = ("MYSQL", "MARIADB")


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The leaves of one service on both sides. `kind` is the kind of database that its node is, empty for none."""

    original: Mapping[Path, Any]
    ours: Mapping[Path, Any]
    kind: str


Test = Callable[[Path, Any, Sides], bool]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A leaf that `applies` to it differs for `reason`."""

    reason: str
    applies: Test


def key(*names: str) -> Test:
    return lambda path, _value, _sides: path[0] in names


def of_databases(*names: str) -> Test:
    return lambda path, _value, sides: bool(sides.kind) and path[0] in names


def _sign_in(path: Path, value: Any, sides: Sides) -> bool:
    """What a database node says itself: `X_FILE` becomes the value; MARIADB_X is what MYSQL_X was."""
    if not sides.kind or path[0] != "environment":
        return False
    name = path[1]
    if name.endswith("_FILE") or (not value and re.search("USER|DB|DATABASE", name)):
        return True
    # Nobody signs in with an empty password: the image is told none, or the node's own.
    if not value and name in {f"{brand}_PASSWORD" for brand in BRANDS}:
        return True
    # Root signs in from inside only, with the user's password: callers know no other one.
    if "ROOT_PASSWORD" in name and any(("environment", f"{brand}_PASSWORD") in sides.ours for brand in BRANDS):
        return True
    twin = sides.ours.get(("environment", name.replace("MYSQL_", "MARIADB_", 1)))
    return name.startswith("MYSQL_") and str(twin) == str(value)


def _data_volume(path: Path, _value: Any, sides: Sides) -> bool:
    if path[0] != "mounts" or not sides.kind:
        return False
    places = [other[1] for other in sides.ours if other[0] == "mounts"]
    return any(path[1].startswith(place) or place.startswith(path[1]) for place in places)


def _folder_of_project(path: Path, _value: Any, sides: Sides) -> bool:
    """A mount of the project's own folder, and a volume without a name that keeps a part of the image visible in it."""
    if path[0] != "mounts":
        return False
    around = [other[1] for other, source in sides.original.items() if other[-1] == "source" and _is_beside(source)]
    return any(f"{path[1]}/".startswith(f"{place}/") for place in around)


def _is_beside(source: Any) -> bool:
    return isinstance(source, str) and not source.startswith("/")


def _secret_mount(path: Path, _value: Any, sides: Sides) -> bool:
    return path[0] == "mounts" and path[1].startswith("/run/secrets/") and bool(sides.kind)


def _home_folder(path: Path, value: Any, sides: Sides) -> bool:
    source = str(sides.original.get(("mounts", path[1], "source"), "")) if path[0] == "mounts" else ""
    return source.startswith(("~", "/home/somebody"))


def _default_copies(path: Path, value: Any, sides: Sides) -> bool:
    if path == ("deploy", "mode"):
        return bool(value == "replicated")
    # A service of which the files start none is a database node, or refused; both are told.
    return path == ("deploy", "replicas") and value == 1 and path not in sides.ours


def _restart_condition(path: Path, value: Any, sides: Sides) -> bool:
    """`deploy.restart_policy.condition` in the words of `restart`."""
    if path != ("deploy", "restart_policy", "condition"):
        return False
    ours = str(sides.ours.get(("restart",)))
    words = {"none": "no", "on-failure": "on-failure", "any": "always"}
    return ("restart",) in sides.original or ours.startswith(words.get(value, "unless-stopped"))


_ALWAYS = {("security_opt", "no-new-privileges"), ("security_opt", "no-new-privileges:true")}
INTENDED = (
    Rule(reason="containers are named by the stack; the name is kept as an alias", applies=key("container_name")),
    Rule(reason="edges and the project's network say what reaches what", applies=key("networks")),
    Rule(reason="every port is open to nodes that are joined", applies=key("expose")),
    Rule(reason="profiles are chosen when files are imported", applies=key("profiles")),
    Rule(reason="edges take the place of links", applies=key("links")),
    Rule(reason="it is for writing code, not for running it", applies=key("develop")),
    Rule(
        reason="images that are built are named by their content, from the node's code",
        applies=lambda path, value, sides: (
            path == ("build", "context")
            or (path == ("image",) and ("build", "context") in sides.original)
            or (path == ("build", "dockerfile") and value == "Dockerfile")
        ),
    ),
    Rule(
        reason="a new copy of what is needed does not start its callers again",
        applies=lambda path, _v, _s: path[0] == "depends_on" and path[-1] == "restart",
    ),
    Rule(
        reason="a variable that nobody gives is given to no container, here and there",
        applies=lambda path, value, sides: path[0] == "environment" and value is None and path not in sides.ours,
    ),
    Rule(reason="a service has copies, one of them without more said", applies=_default_copies),
    Rule(reason="when a container starts again is said in one place", applies=_restart_condition),
    Rule(reason="every container has it", applies=lambda path, _v, _s: path in _ALWAYS),
    Rule(reason="Compose writes this for itself", applies=lambda path, _v, _s: path[-1] == "required"),
    Rule(reason="a database node tells user, password and database itself", applies=_sign_in),
    Rule(
        reason="a database node has a start of its own, with its password",
        applies=lambda path, _v, sides: path[0] == "command" and sides.kind in {"redis", "valkey", "minio"},
    ),
    Rule(reason="a database's data has the volume of its node", applies=_data_volume),
    Rule(reason="a database's password is sealed, not a file", applies=_secret_mount),
    Rule(reason="a database is asked by the check that is known for its kind", applies=of_databases("healthcheck")),
    Rule(reason="code is in the image, texts are files of the node, data is in a volume", applies=_folder_of_project),
    Rule(reason="a folder of a person's home becomes a volume", applies=_home_folder),
    Rule(
        reason="what has a check is waited for until it is well",
        applies=lambda path, _v, sides: (
            path[0] == "depends_on" and path[-1] == "condition" and sides.ours.get(path) == "service_healthy"
        ),
    ),
)
ADDED = (
    Rule(
        reason="our own labels",
        applies=lambda path, _v, _s: path[0] == "labels" and path[1].startswith("axion."),
    ),
    Rule(reason="no container gains rights or makes raw packets", applies=key("security_opt", "cap_drop")),
    Rule(reason="logs have a bound", applies=key("logging")),
    Rule(reason="processes have a bound", applies=lambda path, _v, _s: path[0] == "deploy" and path[-1] == "pids"),
    Rule(reason="networks are the stack's", applies=key("networks")),
    Rule(reason="a container that ends starts again", applies=key("restart")),
    Rule(reason="the time to end is said", applies=key("stop_grace_period")),
    Rule(reason="edges and database nodes give variables", applies=key("environment")),
    Rule(reason="what is known how to ask is asked", applies=key("healthcheck")),
    Rule(reason="edges say the order", applies=key("depends_on")),
    Rule(reason="code of one's own runs under an init", applies=key("init")),
    Rule(reason="programs that find themselves by name keep it", applies=key("hostname")),
    Rule(reason="a database has a volume and a start of its kind", applies=of_databases("mounts", "command")),
    Rule(
        reason="code has a place beside the file, and a name by its content",
        applies=lambda path, _v, _s: path in {("build", "context"), ("build", "dockerfile"), ("image",)},
    ),
    Rule(
        reason="a mount of the project's folder becomes texts or a volume",
        applies=lambda path, value, sides: _folder_of_project(path, value, sides) or _home_folder(path, value, sides),
    ),
)
