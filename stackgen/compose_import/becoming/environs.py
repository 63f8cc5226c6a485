"""Variables of a service become the node's: plain ones, sealed ones, and references to other nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from stackgen.compose_import.becoming.draft import Draft, NodeDraft
from stackgen.compose_import.becoming.values import Values
from stackgen.compose_import.report import Outcome
from stackgen.compose_import.tree import Tree
from stackgen.parts.names import program_variable_name

# Names that mean a secret wherever people use them; what is told apart from them stays readable.
_SECRET = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|(?:^|_)PASS(?:$|_)|(?:^|_|[A-Z])PW(?:D)?$|SECRET|TOKEN"
    r"|API_?KEY|PRIVATE_?KEY|ACCESS_?KEY|ENCRYPTION_?KEY|(?:^|_)KEY$|CREDENTIAL|(?:^|_)SALT$|(?:^|_)JWT|(?:^|_)DSN$",
    re.IGNORECASE,
)
_NOT_SECRET = re.compile(
    r"(?:_FILE|_PATH|_DIR|_LENGTH|_TTL|_EXPIRY|_EXPIRATION|_ENABLED|_NAME|_URL|_URI|_ID)$", re.IGNORECASE
)
_PASSWORD_IN_URL = re.compile(r"://[^/@\s:]*:[^@/\s]+@")
_NAMES_A_HOST = re.compile(
    r"HOST|ADDR|SERVER|URL|URI|ENDPOINT|BROKER|UPSTREAM|BACKEND|NODES?$|DSN|CONNECT|SEEDS?", re.IGNORECASE
)
_HARMLESS = frozenset({"true", "false", "yes", "no", "on", "off", "0", "1"})


def is_secret(name: str, value: str) -> bool:
    """Return whether a variable is kept sealed: by its name, or as a password stands in its URL."""
    if _PASSWORD_IN_URL.search(value):
        return True
    if value.lower() in _HARMLESS or _NOT_SECRET.search(name):
        return False
    return bool(_SECRET.search(name))


def callees_in(name: str, value: str, draft: Draft, source: str) -> Iterator[str]:
    """Yield the services that a variable leads to: in a URL, before a port, or under a name for hosts."""
    words = set(re.findall(r"[A-Za-z0-9_.-]+", value))
    for target in sorted(words & draft.nodes.keys() - {source}):
        host = re.escape(target)
        in_url = re.search(
            rf"://(?:[^/\s]*[@,])?{host}(?=[:/?,\s\"']|$)|@{host}(?=[:/?,)\s]|$)|@tcp\({host}(?=[:)])", value
        )
        with_port = re.search(rf"(?:^|[,;=\s\"'@(]){host}:\d{{1,5}}(?!\d)", value)
        if in_url or with_port or (value == target and _NAMES_A_HOST.search(name)):
            yield target


def join_by_variables(draft: Draft, node: NodeDraft, values: Values) -> None:
    """Add an edge for each service that a variable leads to."""
    for name, tree in values.entries.items():
        for target in callees_in(name, tree.text, draft, node.name):
            draft.edge(node.name, target)


def take_variables(draft: Draft, node: NodeDraft, values: Values, skip: frozenset[str]) -> None:
    """Set every variable of the service but those that the node's own settings tell."""
    for name, tree in values.entries.items():
        if name not in skip:
            _take(draft, node, name, tree)


def _take(draft: Draft, node: NodeDraft, name: str, tree: Tree) -> None:
    value = tree.text
    if tree.value is None:
        node.needed(tree, f"{name} has no value in the files: give it as env.{name} or secret.{name}")
        return
    if (written := program_variable_name(name)) != name:
        node.lost(tree, f"{name} reaches the program as {written}")
    joined = [target for target in callees_in(name, value, draft, node.name) if (node.name, target) in draft.edges]
    if (filled := _with_references(draft, node, value)) != value:
        node.set(f"env.{name}", filled, tree, _with_edges(f"env.{name} = {filled}", joined), outcome=Outcome.BETTER)
        return
    # What a running container has is nobody's to read, whatever it is called.
    if is_secret(name, value) or draft.in_place:
        said = f"secret.{name}, sealed" if value else f"secret.{name}, sealed: no value in the files, it is asked for"
        outcome = Outcome.BECAME if value else Outcome.NEEDED
        node.set(f"secret.{name}", value, tree, _with_edges(said, joined), outcome=outcome)
        return
    if node.set(f"env.{name}", value, tree, _with_edges(f"env.{name}", joined)) and tree.unset:
        state = "incomplete" if value else "empty"
        node.needed(tree, f"{', '.join(tree.unset)} has no value in the files: env.{name} is {state}")


def _with_edges(said: str, joined: Sequence[str]) -> str:
    return f"{said}; it leads to {', '.join(joined)}, an edge" if joined else said


def _with_references(draft: Draft, node: NodeDraft, value: str) -> str:
    """Return the value with passwords of databases that the node is joined with as references to them."""
    if "${node." in value:
        return value
    for target, store in draft.stores.items():
        if not store.password or ((node.name, target) not in draft.edges and value != store.password):
            continue
        if value == store.password:
            # Only where it is told which of several databases with one password is meant.
            holders = [name for name, other in draft.stores.items() if other.password == value]
            joined = [name for name in holders if (node.name, name) in draft.edges]
            if len(holders) == 1 or len(joined) == 1:
                return f"${{node.{(joined or holders)[0]}.password}}"
            return value
        for written, field in ((quote(store.password, safe=""), "passwordUrl"), (store.password, "password")):
            marked = f":{written}@{target}"
            if marked in value:
                return value.replace(marked, f":${{node.{target}.{field}}}@${{node.{target}.host}}")
    return value
