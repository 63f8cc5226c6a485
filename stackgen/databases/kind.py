"""What a kind of database has to tell. One file per kind builds one of these; `known.py` lists them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from stackgen.databases.moves import FORWARD, Rule, release_of_tag
from stackgen.references import Reference

# Taken unquoted by every server here, by a URL and by a shell: no name can break out of one.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
NAME_WANTED = "letters, digits, _ and -, not a digit first"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How the callers reach one database. `password` and `password_in_url` are interpolations, never values.

    `databases` beside its first one, `extensions` and `replica_set` are what the node asks of its server.
    """

    host: str
    port: int
    user: str
    database: str
    password: str
    password_in_url: str
    databases: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    replica_set: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """`name` tells the volumes of one node apart, or of the project where it is `shared`.

    `is_declared`: the graph named it, not the kind of database.
    """

    name: str
    path: str
    read_only: bool = False
    is_declared: bool = False
    shared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DataPlace:
    """What a server's data lies on, and the variables that make it lie there."""

    volumes: tuple[Volume, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def always(*volumes: Volume) -> Callable[[Reference, int | None], DataPlace]:
    """Return a `place` that is these volumes in every release."""
    return lambda _image, _version: DataPlace(volumes=volumes)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseKind:
    """One kind of server: its official image and what the image and its callers need.

    Texts are ready for Compose: a `$` that the container shall see is doubled.
    `place` is asked with the image and the release that the graph names, as places changed between releases; it
    raises ValueError where nobody can know. `place_variables` tell a server to keep data elsewhere.
    `image_warning` is said where that image is used because nobody named another, `warning` in every plan.
    An empty `default_user` or `default_database` means that the server has no such thing to choose.
    `url` and `others` describe the variables of a caller; `url_name` is the variable programs expect for a single one.
    """

    name: str
    aliases: tuple[str, ...] = ()
    image: str
    image_warning: str = ""
    warning: str = ""
    port: int
    default_user: str = "app"
    user_pattern: re.Pattern[str] = NAME
    user_wanted: str = NAME_WANTED
    has_password: bool = True
    ascii_password: bool = False
    min_password_length: int = 1
    default_database: str = "app"
    database_pattern: re.Pattern[str] = NAME
    database_wanted: str = NAME_WANTED
    place: Callable[[Reference, int | None], DataPlace]
    place_variables: frozenset[str] = frozenset()
    # The release by whose rules data on the disk is laid out, empty where nobody can know; and what may follow it.
    data_release: Callable[[Reference, int | None], str] = release_of_tag
    move: Rule = FORWARD
    environment: Callable[[Connection], Mapping[str, str]]
    command: Callable[[Connection], tuple[str, ...]] = lambda _: ()
    # Where options of the node go in a command that is a script; those of other commands go to its end.
    options_after: str = ""
    health: Callable[[Connection], tuple[str, ...]]
    health_start_seconds: int = 60
    # Checks that start a virtual machine of their own are asked less often; 0 means as often as the others.
    health_interval_seconds: int = 0
    health_timeout_seconds: int = 3
    url: Callable[[Connection], str]
    url_name: str
    others: Callable[[Connection], Mapping[str, str]] = lambda _: {}
    # Programs that find their data, or themselves, under their host name must keep it.
    fixed_hostname: bool = False
    stop_grace_seconds: int = 30
