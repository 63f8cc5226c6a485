"""The references of node keys, kinds of databases and runtimes, from stackgen itself."""

from __future__ import annotations

import ast
import re

from axion_deploy.operator_docs.tables import ROOT, calls, code, table, text_of
from stackgen.databases.kind import Connection, DatabaseKind
from stackgen.databases.known import KINDS
from stackgen.references import parse_reference
from stackgen.runtimes.known import RUNTIMES
from stackgen.runtimes.names import RUNTIMES as RUNTIME_NAMES

NODES = """# Node keys

A node's `config` is a map of texts. Keys that are not listed are kept with the deployment and mean nothing to it.
A value that cannot be meant is refused when the graph is stored, with every problem at once.
"""
DATABASES = """# Kinds of databases

`databaseType` of a node of type DATABASE, QUEUE or CACHE. A queue without it is RabbitMQ, a cache is Redis. Names are
read in any case. A caller finds the address in the variables of the last column, and in `NAME_HOST`, `NAME_PORT` and,
where the server has such a thing, `NAME_USER`, `NAME_PASSWORD`, `NAME_DATABASE`, `NAME_URL`, with the node's name (or
`connectionName`) for `NAME`. Another image of the same kind can be named with `image`.
"""
RUNTIMES_TEXT = """# Runtimes

A service without `image` is built from its code. `runtime` says how; without it the code is looked at, in the order of
this table, and the first that fits is taken. A Dockerfile in the code comes first.
"""
# How read_settings reads a key, by the method of its reader.
FORMS = {"cpus": "such as `0.5` or `500m`", "memory": "such as `512M` or `1Gi`", "flag": "`true` or `false`"}
RECOGNISED = {
    "dockerfile": "`Dockerfile`",
    "bun": "`bun.lock`, `bun.lockb`",
    "node": "`package.json`, or a usual script such as `server.js`",
    "go": "`go.mod`",
    "rust": "`Cargo.toml`",
    "java": "`pom.xml`, `build.gradle`, `build.gradle.kts`",
    "python": "`requirements.txt`, `pyproject.toml`, a lock of uv or Poetry, `Pipfile`, `manage.py`, or a usual name",
    "static": "`index.html`",
}
EXAMPLE = Connection(host="host", port=0, user="user", database="name", password="", password_in_url="password")  # noqa: S106


def nodes_page() -> str:
    """Return the page. Raises KeyError for a key that is read and that stackgen/README.md does not describe."""
    described, forms = described_keys(), key_forms()
    rows = [(code(key), described[key][0], forms[key], described[key][1]) for key in forms]
    return f"{NODES}\n{table(('Key', 'Nodes', 'Takes', 'Meaning'), rows)}"


def databases_page() -> str:
    """Return the page of all kinds."""
    rows = [_database(kind) for kind in KINDS.values()]
    header = ("Kind", "Also written", "Image", "Port", "Data lies in", "Variable of callers")
    return f"{DATABASES}\n{table(header, rows)}"


def runtimes_page() -> str:
    """Return the page. Raises KeyError for a runtime of which nobody has said how its code is recognised."""
    rows = [
        (
            code(name),
            ", ".join(code(word) for word, meant in RUNTIME_NAMES.items() if meant == name and word != name),
            RECOGNISED[name],
            ", ".join(code(image) for image in runtime.images.values()) or "what the Dockerfile names",
        )
        for name, runtime in RUNTIMES.items()
    ]
    return f"{RUNTIMES_TEXT}\n{table(('Runtime', 'Also written', 'Recognised by', 'Base images'), rows)}"


def key_forms() -> dict[str, str]:
    """Return what each key of a node's config takes, by the key; `env.NAME` and the like for those with a prefix."""
    keys: dict[str, str] = {}
    for reader, call in calls("stackgen/graph/settings.py"):
        texts = [text_of(argument) for argument in call.args]
        if reader == "_prefixed":
            prefix = next(text for text in texts if text)
            keys[f"{prefix}{'SERVICE' if prefix == 'route.' else 'NAME'}"] = "text"
        elif reader in {"whole", "matching", "text", "cpus", "memory", "flag"} and texts and texts[0]:
            keys.setdefault(texts[0], _form(reader, call))
    for node in ast.walk(ast.parse((ROOT / "stackgen/graph/settings.py").read_text())):
        # `"password" in raw.config`: a key whose value is not read here.
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In) and text_of(node.left):
            keys.setdefault(text_of(node.left), "text")
    return dict(sorted(keys.items()))


def described_keys() -> dict[str, tuple[str, str]]:
    """Return nodes and meaning of each key in the table of stackgen/README.md."""
    rows = re.findall(r"^\| (`.+?`(?:, `.+?`)*) \| (.+?) \| (.+) \|$", (ROOT / "stackgen/README.md").read_text(), re.M)
    described: dict[str, tuple[str, str]] = {}
    for keys, nodes, meaning in rows:
        for key in re.findall(r"`(.+?)`", keys):
            earlier = described.get(key)
            # A key that means something else for other nodes has a row for each.
            both = (f"{earlier[0]}; {nodes}", f"{earlier[0]}: {earlier[1]}; {nodes}: {meaning}") if earlier else None
            described[key] = both or (nodes, meaning)
    return described


def _form(reader: str, call: ast.Call) -> str:
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    if reader == "whole":
        return f"a whole number from {' to '.join(_number(bound) for bound in keywords.values())}"
    if reader == "matching":
        return text_of(keywords["wanted"]) or "text"
    return FORMS.get(reader, "text")


def _number(node: ast.expr) -> str:
    """Return a bound, also one that stands in a constant at the top of the file."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    source = (ROOT / "stackgen/graph/settings.py").read_text()
    found = re.search(rf"^{ast.unparse(node)} = ([\d_]+)$", source, re.MULTILINE)
    return found[1].replace("_", "") if found else ast.unparse(node)


def _database(kind: DatabaseKind) -> tuple[str, ...]:
    place = kind.place(parse_reference(kind.image), None)
    others = {kind.url_name: "", **kind.others(EXAMPLE)}
    return (
        code(kind.name),
        ", ".join(code(alias) for alias in kind.aliases),
        code(kind.image),
        str(kind.port),
        ", ".join(code(volume.path) for volume in place.volumes),
        ", ".join(code(name) for name in others),
    )
