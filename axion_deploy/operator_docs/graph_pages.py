"""The references of node keys, kinds of databases and runtimes, from stackgen itself."""

from __future__ import annotations

from axion_deploy.operator_docs.tables import code, table
from stackgen.databases.kind import Connection, DatabaseKind
from stackgen.databases.known import KINDS
from stackgen.keys.catalogue import KEYS
from stackgen.references import parse_reference
from stackgen.runtimes.known import RUNTIMES
from stackgen.runtimes.names import RUNTIMES as RUNTIME_NAMES

NODES = """# Node keys

A node's `config` is a map of texts. Keys that are not listed are kept with the deployment and mean nothing to it: a
warning names each, with the nearest key that is known. A value that cannot be meant is refused when the graph is
stored, with every problem at once.

A value of `env.NAME` may refer to another node: `${node.db.url}` is the address of the node `db` with user and
password, and `host`, `port`, `user`, `password`, `passwordUrl` (percent-encoded), `database`, `env.NAME` and
`secret.NAME` are its parts. Several may stand in one text. A node is named by its name in the graph, its service's
name or its id. What leads nowhere is refused. A reference gives an address, an edge the way there: without one, a
warning says so.

The graph itself, beside `nodes` and `edges`, may have `"env": {"NAME": "text"}`: every service is given these as its
own `env.NAME`, references included, unless it says another `env.NAME`. `"network": "shared"` joins all nodes that say
nothing else by one network.

A command (`command`, `entrypoint`) is one line, split into words as a shell does; a list in JSON, which holds the
words themselves; or a script of several lines for the container's `sh`. `healthCommand` is a text for its `sh`, or
such a list.
"""
DATABASES = """# Kinds of databases

`databaseType` of a node of type DATABASE, QUEUE or CACHE. A queue without it is RabbitMQ, a cache is Redis. Names are
read in any case. A caller finds the address in the variables of the last column, and in `NAME_HOST`, `NAME_PORT` and,
where the server has such a thing, `NAME_USER`, `NAME_PASSWORD`, `NAME_DATABASE`, `NAME_URL`, with the node's name (or
`connectionName`) for `NAME`. Another image of the same kind can be named with `image`.

Kafka, Memcached and OpenSearch are run without a password: whoever an edge joins with them reads and changes all that
they hold. For OpenSearch every plan says so; where that is not wanted, Elasticsearch asks for one.

Axion's tests start each kind whose image can be pulled or stood in for. That was not so for ClickHouse, Elasticsearch,
OpenSearch, Meilisearch, Qdrant and CouchDB, nor for a replica set of MongoDB: these follow their makers' documentation
and have not been started by us. Try them before you rely on them.
"""
RUNTIMES_TEXT = """# Runtimes

A service without `image` is built from its code. `runtime` says how; without it the code is looked at, in the order of
this table, and the first that fits is taken. A Dockerfile in the code comes first. A `package.json` beside another
language makes its files for browsers, unless it starts a server of Node.js; a warning says what else would do.

Releases of a language come from the files that name them: `.nvmrc`, `.node-version`, `engines`, `.python-version`,
`runtime.txt`, `requires-python`, `.ruby-version`, `Gemfile`, `composer.json`, `.tool-versions`, `mise.toml`, `go.mod`,
`pom.xml`, `build.gradle`, `.java-version`, `TargetFramework`. A range that takes the usual release has that one.
"""
RECOGNISED = {
    "dockerfile": "`Dockerfile`",
    "bun": "`bun.lock`, `bun.lockb`, or a start script that begins with `bun`",
    "php": "`composer.json`, `artisan`, or `index.php` at the top or in a folder for the public",
    "ruby": "`Gemfile`, `config.ru`, `app.rb`",
    "dotnet": "a project such as `*.csproj`, or a solution",
    "python": "`requirements.txt`, `pyproject.toml`, a lock of uv or Poetry, `Pipfile`, `manage.py`, or a usual name",
    "go": "`go.mod`, `go.work`",
    "rust": "`Cargo.toml`",
    "java": "`pom.xml`, or a build or settings file of Gradle",
    "static": "a `build` script for browsers and no server but for working, or `index.html` without `package.json`",
    "node": "`package.json`, or a usual script such as `server.js`",
}
EXAMPLE = Connection(host="host", port=0, user="user", database="name", password="", password_in_url="password")  # noqa: S106


def nodes_page() -> str:
    """Return the page: a table for each group of keys."""
    groups: dict[str, list[tuple[str, ...]]] = {}
    for key in KEYS:
        row = (code(key.shown), key.nodes, key.form.takes, key.meaning)
        groups.setdefault(key.group or "The node itself", []).append(row)
    header = ("Key", "Nodes", "Takes", "Meaning")
    tables = [f"## {group}\n\n{table(header, rows)}" for group, rows in groups.items()]
    return f"{NODES}\n" + "\n".join(tables)


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
