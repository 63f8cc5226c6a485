"""A node's config, a map of text, becomes typed values, key by key as `stackgen/keys` says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from stackgen.databases.known import KINDS, default_kind, find
from stackgen.errors import Problem
from stackgen.graph.raw import RawNode
from stackgen.keys import catalogue
from stackgen.keys.amounts import shown
from stackgen.keys.elsewhere import KEYS_ELSEWHERE
from stackgen.keys.form import FALSE, SEPARATORS, TRUE
from stackgen.keys.key import Key, group_of
from stackgen.nodes import NodeType, Settings

# How people say that a database is not to be started here, in small letters.
ELSEWHERE = frozenset({
    "host", "address", "endpoint", "server", "url", "uri", "dsn", "external", "isexternal", "externalhost",
    "externalurl", "existing", "managed", "connectionstring", "connectionurl", "databaseurl", "databasehost", "dbhost",
})  # fmt: skip

# Of which there may be more, under a key of their own.
SEVERAL = ("database", "postgresql")


def read_settings(raw: RawNode, problems: list[Problem], warnings: list[str]) -> Settings:
    """Return the typed values; what is wrong with them goes to `problems`, what means nothing to `warnings`."""
    values: dict[str, Any] = {}
    group = group_of(raw.type)
    for name, text in raw.config.items():
        key, rest = catalogue.find(name, group=group)
        if key is None:
            key = catalogue.find_silent(name)
            rest = ""
        if key is None:
            warnings.append(f"{(raw.label or raw.id)!r}: config.{name} {catalogue.objection_to(name, group)}")
        else:
            _read(key, rest, text, values, problems, raw)
    if values.get("external"):
        warnings.extend(_of_containers(raw))
    if raw.type is not None and raw.type.is_database:
        values["kind"] = _kind(raw, raw.type, str(values.get("kind", "")), problems)
    return Settings(**values)


def _read(key: Key, rest: str, text: str, values: dict[str, Any], problems: list[Problem], raw: RawNode) -> None:
    given = text if key.form.whole else text.strip()
    if not given and not key.form.whole:
        return
    field = f"config.{key.name}{rest}"
    if rest and not key.named.fullmatch(rest):
        problems.append(_problem(raw, field, f"must have a name of {key.named_wanted}, not {shown(rest)}"))
        return
    if key.sealed:
        values[key.field] = tuple(sorted({*values.get(key.field, ()), rest})) if rest else True
        return
    try:
        value = key.form.read(given)
    except ValueError as error:
        problems.append(_problem(raw, field, str(error)))
        return
    if rest:
        values.setdefault(key.field, {})[rest] = value
    else:
        values[key.field] = value


def _problem(raw: RawNode, field: str, message: str) -> Problem:
    return Problem(node_id=raw.id, node_name=raw.label, field=field, message=message)


def _kind(raw: RawNode, node_type: NodeType, given: str, problems: list[Problem]) -> str:
    text = given or default_kind(node_type.value)
    kind = find(text)
    if kind is None:
        problem = f"{shown(text)} is unknown" if text else "must say what it is"
        problems.append(_problem(raw, "config.databaseType", f"{problem}; known: {', '.join(sorted(KINDS))}"))
        return ""
    if raw.config.get("external", "").strip().lower() not in TRUE:
        problems.extend(_elsewhere(raw))
    for name, pattern, wanted in (
        ("database", kind.database_pattern, kind.database_wanted),
        ("user", kind.user_pattern, kind.user_wanted),
    ):
        text = raw.config.get(name, "").strip()
        if text and not pattern.fullmatch(text):
            further = (
                ": further ones go into config.databases"
                if (name, kind.name) == SEVERAL and SEPARATORS.search(text)
                else ""
            )
            problems.append(_problem(raw, f"config.{name}", f"must be {wanted}, not {shown(text)}{further}"))
    return kind.name


def _of_containers(raw: RawNode) -> Iterator[str]:
    """Yield a sentence for each key that says how to run a node which runs elsewhere."""
    for name in raw.config:
        if name not in KEYS_ELSEWHERE and catalogue.find(name, group=group_of(raw.type))[0] is not None:
            yield f"{(raw.label or raw.id)!r}: config.{name} means nothing for a node that is external: it runs nothing"


def _elsewhere(raw: RawNode) -> Iterator[Problem]:
    """Yield keys that point to a database elsewhere: a new, empty one would be started under its name."""
    for key, text in raw.config.items():
        if re.sub(r"[^a-z]", "", key.lower()) in ELSEWHERE and text.strip().lower() not in FALSE:
            message = (
                "points elsewhere, but an empty database would be started here. Say external=true, with host and "
                "port, for one that is there already"
            )
            yield _problem(raw, f"config.{key}", message)
