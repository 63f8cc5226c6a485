"""Whatever the graph: Docker accepts the files, order and reach follow the edges, and no secret shows."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from stackgen.databases.known import KINDS
from stackgen.errors import GraphInvalid
from stackgen.graph.reader import parse_graph
from stackgen.keys.catalogue import KEYS as KEYS_OF_NODES
from stackgen.output.plan_text import plan_text
from stackgen.results import Engine, Stack, StackOptions
from tests.stackgen.docker.engine import check_files, ensure_images, needs_compose, run, write_files
from tests.stackgen.graphs import DATABASE, GATEWAY, compose_of, facts_of, graph, node, stack_of, web

STORES = (DATABASE, "QUEUE", "cache")
ENGINES: list[Engine] = ["compose", "swarm"]
OPTIONS = {engine: StackOptions(engine=engine) for engine in ENGINES}
PLANTED = "planted-Sesame"
# Each judgement is a process: making a counterexample smaller would take minutes.
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
NASTY = st.sampled_from([
    "null", "on", "1e3", "голос", "x" * 90, "a\nprivileged: true", "${HOME}", "$(id)", "a b", "", "-", "localhost",
    "db", "DB", "x", "X", "'\"", "a: b", "../x", "😀",
])  # fmt: skip
NAMES = TEXT | NASTY
OPTIONAL = {
    "replicas": st.sampled_from(["1", "2"]),
    "cpu": st.sampled_from(["0.5", "250m"]),
    "memory": st.just("64Mi"),
    "healthPath": st.sampled_from(["/", "/health?a=b"]),
    "env.A": TEXT,
    "env.a-b": TEXT,
    "env.TEXT": NASTY,
    "unknown": TEXT,
    "domain": st.just("example.org"),
    "path": st.sampled_from(["/x", "/a/b/"]),
    "command": st.sampled_from(["run $X", "a 'b c'"]),
    "secret.TOKEN": st.just(PLANTED),
    "secret.to ken": st.just(PLANTED),
    "route.db": st.just("/db"),
    "volume.data-2": st.sampled_from(["/data2", "/mnt/a:ro"]),
    "sharedVolume.x": st.just("/shared"),
    "volumeName.data-2": st.just("of_the.host-1"),
    "file./etc/a.conf": TEXT | NASTY,
    "file./etc/b.conf": NASTY,
    "fileMode./etc/b.conf": st.just("0640"),
    "healthInterval": st.sampled_from(["3", "1m30s", "500ms"]),
    "healthStartPeriod": st.just("2m"),
    "healthTimeout": st.just("2"),
    "cpuReservation": st.just("0.1"),
    "memoryReservation": st.just("32M"),
    "processes": st.just("100"),
    "stopGraceSeconds": st.just("5"),
    "connectionName": st.sampled_from(["main", "x y"]),
    "database": st.just("shop"),
    "runAs": st.just("999"),
    "stripPrefix": st.just("false"),
    "placement": st.just("node.hostname==alpha"),
    "healthRetries": st.just("9"),
    "user": st.sampled_from(["a1", "root"]),
    "workingDir": st.just("/x/y"),
    "restart": st.sampled_from(["no", "always", "on-failure:3"]),
    "label.a.b": TEXT,
    "label.c/d": NASTY,
    "entrypoint": st.sampled_from(["/run $X", '["a", "$b", ""]', "one\ntwo '"]),
    "hostname": st.just("h1"),
    "stopSignal": st.just("SIGQUIT"),
    "init": st.sampled_from(["true", "false"]),
    "aliases": st.just("x_1, y.z"),
    "ulimit.nofile": st.sampled_from(["5", "1:-1"]),
    "ulimit.core": st.just("-1"),
    "tmpfs./t": st.sampled_from(["", "9M"]),
    "extraHost.a.b": st.sampled_from(["10.0.0.1", "::1", "host-gateway"]),
    "sysctl.net.x.y": st.just("1 $2"),
    "logDriver": st.sampled_from(["local", "json-file", "none"]),
    "log.tag": st.just("{{.Name}} $x"),
    "tty": st.just("true"),
    "capDrop": st.just("ALL"),
    "capAdd": st.just("SYS_ADMIN CHOWN"),
    "dns": st.just("10.0.0.2 ::1"),
    "dnsSearch": st.just("a.org"),
    "hostPath./h": st.sampled_from(["/", "/x y:ro"]),
    "stdinOpen": st.just("1"),
}
COMPOSE_ALONE = {
    "shmSize": st.just("64M"), "platform": st.just("linux/amd64"), "privileged": st.just("true"),
    "pid": st.just("host"),
    "ipc": st.just("host"), "devices": st.just("/dev/a:/dev/b:rw"), "gpus": st.sampled_from(["all", "2"]),
    "securityOpt": st.just("seccomp:unconfined"), "tmpfs./u": st.just("1G,mode=1777"),
    "secretFile./run/s": st.sampled_from(["LOG_LEVEL", "A"]), "file./etc/c": st.just("${var.A} ${node.x.host} $\n"),
}  # fmt: skip


# Of jobs, of nodes that run nothing, and of code: drawn with what they need, since alone they are refused.
JOBS = {
    "run": st.sampled_from(["once-before", "by-hand"]), "repeatable": st.just("true"),
    "jobTimeoutSeconds": st.just("60"),
}  # fmt: skip
SCHEDULED = {
    "run": st.just("on-schedule"), "schedule": st.sampled_from(["0 3 * * *", "*/5 1-3 * JAN MON"]),
    "timeZone": st.just("Europe/Berlin"), "overlap": st.sampled_from(["allow", "replace", "forbid"]),
}  # fmt: skip
ELSEWHERE = {
    "external": st.just("true"), "host": st.sampled_from(["db.example.org", "10.0.0.9"]), "port": st.just("5000"),
    "scheme": st.just("https"), "password": st.just(PLANTED), "databaseType": st.sampled_from(["postgresql", "mysql"]),
}  # fmt: skip
BUILDING = {
    "buildArg.A": TEXT | NASTY, "buildTarget": st.just("last"), "buildSecret.token": st.just("LOG_LEVEL"),
    "buildFolder": st.just("apps/$a b"), "dockerfile": st.just("x/Dockerfile.prod"), "runtime": st.just("dockerfile"),
}  # fmt: skip
# Of one kind of database alone.
OF_ONE_KIND = {
    "postgresql": {"databases": st.just("orders, audit_1"), "extensions": st.just("pg_trgm uuid-ossp")},
    "mongodb": {"replicaSet": st.just("rs0")},
}
# What each node has one of its own, or what would make most graphs invalid.
APART = frozenset({
    "port", "image", "password", "databaseType", "databaseVersion", "gateway", "network", "hostPort", "ports",
    "healthCommand", "healthHost", "readOnly", "spa",
})  # fmt: skip
# Graphs of one node, for what seldom goes together with edges, files or other ports.
ALONE = {
    "network": st.sampled_from(["shared", "edges"]), "hostPort": st.just("8443"), "readOnly": st.just("true"),
    "ports": st.just("9000:90 9100-9102:9100-9102/udp"), "healthHost": st.just("a.example.org"),
    "healthCommand": st.sampled_from(["none", "a $b | c", '["CMD", "a", "$b"]']), "healthPath": st.just("/h"),
    "tmpfs./t": st.just(""), "image": st.sampled_from(["a/b:1", "r.example.org:5000/c@sha256:" + "0" * 64]),
    "port": st.just("80"),
}  # fmt: skip


def needed_by(keys: set[str]) -> set[str]:
    needed = {"fileMode./etc/b.conf": "file./etc/b.conf", "volumeName.data-2": "volume.data-2"}
    return {needed[key] for key in keys if key in needed}


@st.composite
def graphs(draw: Any, *, compose_alone: bool = False) -> dict[str, Any]:
    """Up to nine nodes of all types with edges that are allowed; now and then one that is not."""
    nodes = []
    for index in range(draw(st.integers(1, 9))):
        kind = draw(st.sampled_from([1, 1, 1, DATABASE, GATEWAY, "QUEUE", "cache", "INGRESS"]))
        # A few of the keys each: with all of them most graphs would be refused for one pair of them.
        keys = draw(st.sets(st.sampled_from(sorted(OPTIONAL)), max_size=9))
        config = draw(st.fixed_dictionaries({key: OPTIONAL[key] for key in sorted(keys | needed_by(keys))}))
        if compose_alone:
            config |= draw(st.fixed_dictionaries({}, optional=COMPOSE_ALONE))
        config["port"] = str(draw(st.integers(1, 65535)))
        if kind in STORES:
            config["password"] = PLANTED
            config.pop("replicas", None)
            if kind == DATABASE:
                config["databaseType"] = draw(st.sampled_from(sorted(KINDS)))
                config |= draw(st.fixed_dictionaries({}, optional=OF_ONE_KIND.get(config["databaseType"], {})))
        elif kind == 1:
            config["image"] = "nginx:1.29"
        else:
            # Copies of a gateway cannot share a port of one host; that is refused, and judged elsewhere.
            config.pop("replicas", None)
            config["gateway"] = draw(st.sampled_from(["caddy", "traefik"]))
        made = node(draw(NAMES), kind, id=draw(st.sampled_from([f"id-{index}", f"$id {index}\n"])))
        made["data"]["config"] = config
        nodes.append(made)
    ids = [item["id"] for item in nodes]
    raw = graph(*nodes)
    pairs = draw(st.sets(st.tuples(st.sampled_from(ids), st.sampled_from(ids)), max_size=12))
    stores = {item["id"] for item in nodes if item["type"] in STORES}
    raw["edges"] = [
        {"id": f"e{index}", "source": source, "target": target, "type": draw(st.integers(1, 3))}
        for index, (source, target) in enumerate(sorted(pairs))
        if source != target and source not in stores
    ]
    return raw


def valid(raw: dict[str, Any], engine: Engine) -> Stack | None:
    """The stack; None for a graph that is refused, which must happen without a crash."""
    try:
        return stack_of(raw, env_names=["LOG_LEVEL", "A"], options=OPTIONS[engine])
    except GraphInvalid as error:
        # Not pytest.raises: most graphs are valid, and this one's refusal is judged all the same.
        if PLANTED in str(error):
            raise AssertionError("a secret in a message") from error
        return None


@given(graphs(), st.sampled_from(ENGINES))
@settings(max_examples=100, deadline=None)
def test_order_reach_and_secrets(raw: dict[str, Any], engine: Engine) -> None:
    stack = valid(raw, engine)
    if stack is None:
        return
    assert stack == valid(json.loads(json.dumps(raw)), engine)
    assert PLANTED not in json.dumps(dict(stack.files)) + repr(stack) + plan_text(stack)
    document = compose_of(stack)
    assert list(document["services"]) == [service.name for service in stack.services]
    check_reach(raw, stack, document)
    check_order(raw, stack)


def check_reach(raw: dict[str, Any], stack: Stack, document: dict[str, Any]) -> None:
    joined = {frozenset((stack.names[edge["source"]], stack.names[edge["target"]])) for edge in raw["edges"]}
    for one, other in combinations(document["services"], 2):
        networks = [set(document["services"][name]["networks"]) for name in (one, other)]
        assert bool(networks[0] & networks[1]) == (frozenset((one, other)) in joined)


def check_order(raw: dict[str, Any], stack: Stack) -> None:
    place = {service.name: index for index, service in enumerate(stack.services)}
    waits = {service.name: set(service.depends_on) for service in stack.services}
    for name, needed in waits.items():
        assert all(place[need] < place[name] for need in needed)
    if not any("circle" in warning for warning in stack.warnings):
        for edge in raw["edges"]:
            assert stack.names[edge["target"]] in waits[stack.names[edge["source"]]]


@st.composite
def single_graphs(draw: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """One node with keys that want company of their own, and one that stays beside it; the code by node id."""
    of = draw(st.sampled_from([JOBS, SCHEDULED, ELSEWHERE, BUILDING, ALONE]))
    config = draw(st.fixed_dictionaries({}, optional=of))
    code = {}
    if of is BUILDING:
        file = f"{config.get('buildFolder', '.')}/{config.get('dockerfile', 'Dockerfile')}".removeprefix("./")
        code["a"] = facts_of({file: "FROM scratch AS last\n", "app.py": ""})
    elif of is not ELSEWHERE:
        config.setdefault("image", "nginx:1.29")
    else:
        config = draw(st.fixed_dictionaries(ELSEWHERE))
    kind = DATABASE if of is ELSEWHERE and draw(st.booleans()) else 1
    if kind == 1 and of is ELSEWHERE:
        config = {key: text for key, text in config.items() if key not in ("password", "databaseType")}
    elif of is ELSEWHERE:
        config.pop("scheme")
    made = node("a", kind)
    made["data"]["config"] = config
    edges = ["b a"] if of is ELSEWHERE else []
    return graph(made, web("b"), edges=edges), code


def read_back(stack: Stack, folder: Path) -> None:
    """Compose reads every text of the services as it was written: what it prints doubles dollars as the file does."""
    told = json.loads(run("docker", "compose", "--profile", "*", "config", "--format", "json", folder=folder))
    for name, service in compose_of(stack)["services"].items():
        found = told["services"][name]
        for key in ("environment", "labels"):
            wanted = {each: text for each, text in (service.get(key) or {}).items() if "${" not in str(text)}
            assert {each: found[key][each] for each in wanted} == {each: str(text) for each, text in wanted.items()}
        for key in ("command", "entrypoint"):
            if all("${" not in word for word in service.get(key) or ()):
                assert (found.get(key) or []) == list(service.get(key) or ()), (name, key)
        targets = {mount["target"] for mount in found.get("volumes", ())}
        assert len(targets) == len(service.get("volumes", ()))


@needs_compose
@pytest.mark.parametrize("engine", ENGINES)
def test_docker_accepts_every_file(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One process per judgement, so few examples; each holds many nodes' worth of nasty text."""

    @given(graphs(compose_alone=engine == "compose"))
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=NO_SHRINKING)
    def accepted(raw: dict[str, Any]) -> None:
        judge(valid(raw, engine))

    @given(single_graphs())
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), phases=NO_SHRINKING)
    def accepted_alone(drawn: tuple[dict[str, Any], dict[str, Any]]) -> None:
        raw, code = drawn
        with contextlib.suppress(GraphInvalid):
            judge(stack_of(raw, code=code, env_names=["LOG_LEVEL"], options=OPTIONS[engine]))

    def judge(stack: Stack | None) -> None:
        if stack is None:
            return
        folder = tmp_path_factory.mktemp("stack")
        check_files(stack, folder)
        if engine == "compose":
            read_back(stack, folder)

    accepted()
    accepted_alone()


@needs_compose
def test_caddy_accepts_every_configuration(tmp_path: Path) -> None:
    ensure_images("caddy:2")

    @given(graphs())
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), phases=NO_SHRINKING)
    def collect(raw: dict[str, Any]) -> None:
        stack = valid(raw, "compose")
        for name, text in stack.files.items() if stack else ():
            if name.startswith("Caddyfile."):
                (tmp_path / f"{len(list(tmp_path.iterdir()))}").write_text(text)

    collect()
    tmp_path.chmod(0o755)
    adapt = 'for file in /given/*; do caddy adapt --adapter caddyfile --config "$file" >/dev/null || cat "$file"; done'
    mount = ("--mount", f"type=bind,source={tmp_path},target=/given,readonly")
    assert run("docker", "run", "--rm", *mount, "caddy:2", "sh", "-c", adapt, folder=tmp_path) == ""


# What a reader of YAML, of Compose or of a template could take for something else than text.
VALUES = [
    "", " ", "a\nb", "a\nb\n", "\n", "\n\na", "  a\n b\n", "\ta", "a\t", "cr\rx", "a\r\nb\r\n", "é\u0301",
    "${HOME}", "$$", "$", "$HOME $$x ${A:-b} $${q}", "#c", "a #c", "a: b", "a:", "- a", "!t x", "!!int 3", "&a x",
    "*a", "%d", "@x", "`x", "{a}", "[a]", '"q"', "'q'", "\\n", "\\", "0x10", "1_000", "12:30:45", "=", "<<",
    "null", "~", "1e3", ".5", "-", "--- a", "...", "\x07", "\x85", "\u2028", "\ufeff", "😀", "yes", "2020-01-01",
    "? a", "| a", "> a", ",", "\x1b[31m", "\x7f", "\ue000", "0o7", "+1", "-.inf", "{{.X}}", "a\x0bb",
    "x" * 30_000,
]  # fmt: skip


@needs_compose
@pytest.mark.parametrize("engine", ENGINES)
def test_docker_reads_every_value_as_it_was_written(engine: Engine, tmp_path: Path) -> None:
    given = {f"V{index}": value for index, value in enumerate(VALUES)}
    stack = stack_of(graph(web("a", **{f"env.{name}": text for name, text in given.items()})), options=OPTIONS[engine])
    write_files(stack, tmp_path)
    if engine == "compose":
        told = json.loads(run("docker", "compose", "config", "--format", "json", folder=tmp_path))
        # Compose doubles what it prints, as it is meant to be read again.
        wanted = {name: text.replace("$", "$$") for name, text in given.items()}
    else:
        # Read without types; Docker's own printer loses these two.
        told = yaml.load(run("docker", "stack", "config", "-c", "docker-compose.yml", folder=tmp_path), yaml.BaseLoader)
        wanted = {name: text for name, text in given.items() if not text.startswith("\n")}
    found = told["services"]["a"]["environment"]
    assert {name: found[name] for name in wanted} == wanted


@needs_compose
def test_hostile_texts_stay_texts_in_every_key_that_takes_one(tmp_path: Path) -> None:
    """Labels, files, words of commands and of health checks, as Compose reads them back."""
    texts = [text for text in VALUES if text and "\r" not in text]
    words = [text for text in texts if len(text) < 1000]
    given = {f"label.l{index}": text for index, text in enumerate(texts)}
    given |= {f"file./f/{index}": text for index, text in enumerate(texts)}
    given |= {"entrypoint": json.dumps(words), "healthCommand": json.dumps(["CMD", *words])}
    write_files(stack_of(graph(web("a", command=json.dumps(words), **given))), tmp_path)
    told = json.loads(run("docker", "compose", "config", "--format", "json", folder=tmp_path))
    service = told["services"]["a"]
    doubled = [text.replace("$", "$$") for text in texts]
    assert [service["labels"][f"l{index}"] for index in range(len(texts))] == doubled
    names = {mount["target"]: mount["source"] for mount in service["configs"]}
    assert [told["configs"][names[f"/f/{index}"]]["content"] for index in range(len(texts))] == doubled
    wanted = [word.replace("$", "$$") for word in words]
    assert service["command"] == service["entrypoint"] == service["healthcheck"]["test"][1:] == wanted


@needs_compose
def test_hostile_texts_stay_texts_in_how_code_is_built(tmp_path: Path) -> None:
    """Arguments, paths, and names of variables, as Compose reads them back."""
    texts = [text for text in VALUES if "\r" not in text]
    folder = "a $b: 'c' \"d\" #e {f}"
    config = {f"buildArg.A{index}": text for index, text in enumerate(texts)}
    config |= {"buildFolder": folder, "dockerfile": "x ${HOME}", "buildTarget": "t", "buildSecret.i.d-1": "LOG $LEVEL"}
    config |= {"secretFile./run/a b#c": "LOG $LEVEL"}
    facts = facts_of({f"{folder}/x ${{HOME}}": "FROM scratch"})
    stack = stack_of(graph(node("a", **config)), code={"a": facts}, env_names=["LOG $LEVEL"])
    write_files(stack, tmp_path)
    told = json.loads(run("docker", "compose", "config", "--format", "json", folder=tmp_path))
    service = told["services"]["a"]
    build = service["build"]
    assert [build["args"][f"A{index}"] for index in range(len(texts))] == [text.replace("$", "$$") for text in texts]
    assert build["context"].endswith(f"/code/a/{folder.replace('$', '$$')}")
    assert (build["dockerfile"], build["target"]) == ("x $${HOME}", "t")
    assert [secret["target"] for secret in (*build["secrets"], *service["secrets"])] == ["i.d-1", "/run/a b#c"]
    assert {secret["environment"] for secret in told["secrets"].values()} == {stack.variables[0].name}


def test_a_graph_of_every_key_is_drawn() -> None:
    """Who adds a key adds it here, so that graphs with it are judged."""
    drawn = {name.partition(".")[0] for name in (*OPTIONAL, *COMPOSE_ALONE, *JOBS, *SCHEDULED, *ELSEWHERE)}
    drawn |= {name.partition(".")[0] for name in (*BUILDING, *ALONE)} | {
        key for keys in OF_ONE_KIND.values() for key in keys
    }
    known = {key.name.removesuffix(".") for key in KEYS_OF_NODES}
    # Drawn for the nodes that have one.
    assert known - drawn == {"gateway", "databaseVersion", "spa"}
    assert known >= drawn - {"unknown"}


def test_every_process_writes_the_same_bytes(tmp_path: Path) -> None:
    """Python orders sets of text anew in each process; a graph full of triangles has many of them."""
    names = [f"part-{number}" for number in range(24)]
    pairs = [(one, other) for one, other in combinations(names, 2) if (int(one[5:]) * int(other[5:])) % 7 < 2]
    raw = graph(*map(web, names), edges=[f"{one} {other}" for one, other in pairs])
    (tmp_path / "graph.json").write_text(json.dumps(raw))
    written = []
    for seed in ("1", "2", "3"):
        command = (sys.executable, "-m", "stackgen", str(tmp_path / "graph.json"), "--out", str(tmp_path / seed))
        env = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run(command, env=env, check=True, timeout=60, cwd=Path(__file__).parents[2], capture_output=True)
        written.append({path.name: path.read_bytes() for path in (tmp_path / seed).iterdir()})
    assert written[0] == written[1] == written[2]


KEYS = st.sampled_from(["nodes", "edges", "id", "type", "data", "config", "source", "target", "serviceName"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=150)
def test_no_json_crashes_the_reader(raw: Any) -> None:
    with contextlib.suppress(GraphInvalid):
        parse_graph(raw)
