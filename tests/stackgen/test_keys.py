"""Keys of a node's config: nothing is dropped without a word, and each one reaches the container."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from stackgen.errors import GraphInvalid
from stackgen.graph.reader import MAX_WARNINGS, parse_graph
from stackgen.keys.schema import graph_schema
from stackgen.results import Engine, StackOptions
from tests.stackgen.graphs import DATABASE, GATEWAY, compose_of, graph, node, stack_of, web

SWARM = StackOptions(engine="swarm")


def service_of(config: dict[str, str], *, engine: Engine = "compose") -> dict[str, Any]:
    stack = stack_of(graph(web("a", **config)), options=StackOptions(engine=engine))
    found = compose_of(stack)["services"]["a"]
    assert isinstance(found, dict)
    return found


def problem_of(raw: dict[str, Any]) -> str:
    with pytest.raises(GraphInvalid) as caught:
        stack_of(raw)
    return str(caught.value)


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("volumes", "volume.NAME"), ("Volume", "volume.NAME"), ("environment", "env.NAME"), ("healtPath", "healthPath"),
        ("labels", "label.NAME"), ("healthcheck", "healthCommand"), ("working_dir", "workingDir"),
        ("mem_limit", "memory"), ("host_port", "hostPort"), ("volumess.data", "volume.NAME"), ("repicas", "replicas"),
    ],
)  # fmt: skip
def test_an_unknown_key_is_told_with_the_nearest_one(key: str, wanted: str) -> None:
    stack = stack_of(graph(web("a", **{key: "x"})))
    assert f"'a': config.{key} means nothing here; did you mean {wanted}?" in stack.warnings


def test_a_key_of_another_kind_of_node_is_told() -> None:
    raw = graph(node("db", DATABASE, databaseType="redis", healthPath="/"), web("a", databaseType="redis"))
    assert parse_graph(raw).warnings == (
        "'db': config.healthPath means nothing for databases, only for services",
        "'a': config.databaseType means nothing for services, only for databases",
    )


def test_a_key_that_looks_like_nothing_is_told_on_one_line() -> None:
    assert parse_graph(graph(web("a", **{"zz\nqq": "x"}))).warnings == ("'a': config.zz\\nqq means nothing here",)


def test_so_many_warnings_that_people_read_them() -> None:
    warnings = parse_graph(graph(web("a", **{f"zz{number}": "x" for number in range(300)}))).warnings
    assert len(warnings) == MAX_WARNINGS + 1
    assert warnings[-1] == f"{300 - MAX_WARNINGS} more keys mean nothing here"


def test_known_keys_are_no_warning() -> None:
    db = node("db", DATABASE, databaseType="redis", port="6379", password="x", connectionName="c", env__A="")
    assert parse_graph(graph(db, web("a", env__A="x", secret__B="y"), node("g", GATEWAY, route__a="/a"))).warnings == ()


@pytest.mark.parametrize("engine", ["compose", "swarm"])
def test_a_volume_belongs_to_the_node_and_its_name_stays(engine: Engine) -> None:
    options = StackOptions(engine=engine)
    config = {"volume.uploads": "/app/media", "volume.cfg": "/etc/x/:ro"}
    one = stack_of(graph(web("shop", id="n1", **config)), options=options)
    renamed = stack_of(graph(web("store", id="n1", **config)), options=options)
    assert compose_of(one)["services"]["shop"]["volumes"] == ["shop.cfg:/etc/x:ro", "shop.uploads:/app/media"]
    assert one.services[0].volumes == renamed.services[0].volumes
    assert [name.partition("-uploads")[1] for name in one.services[0].volumes] == ["", "-uploads"]
    assert not one.services[0].starts_first
    named = {volume["name"] for volume in compose_of(one)["volumes"].values()}
    assert named == set(one.services[0].volumes)


def test_a_shared_volume_is_the_projects() -> None:
    config = {"sharedVolume.site": "/srv", "volume.site": "/own"}
    stack = stack_of(graph(web("a", **config), web("b", **{"sharedVolume.site": "/site:ro"})))
    volumes = [service.volumes for service in stack.services]
    assert volumes[0][1] == "axion-test_shared-site" == volumes[1][0]
    assert len(compose_of(stack)["volumes"]) == 2


def test_names_of_volumes_never_meet() -> None:
    stack = stack_of(graph(web("a", **{"volume.b-c": "/x"}), web("a-b", **{"volume.c": "/x"})))
    assert len(compose_of(stack)["volumes"]) == 2


@pytest.mark.parametrize(
    ("config", "field"),
    [
        ({"volume.a": "/x", "volume.b": "/x/"}, "config.volume.a"),
        ({"volume.a": "/x", "file./x": "text"}, "config.file./x"),
        ({"volume.a": "x"}, "config.volume.a"),
        ({"volume.a": "/"}, "config.volume.a"),
        ({"volume.a": "/a/../../b"}, "config.volume.a"),
        ({"volume.a": "/a:/b"}, "config.volume.a"),
        ({"volume.a": "/a\n"}, ""),
        ({"volume.-a": "/a"}, "config.volume.-a"),
        ({"volume.a": "/$HOME"}, "config.volume.a"),
        ({"file.etc/x": "text"}, "config.file.etc/x"),
        ({"fileMode./x": "0644"}, "config.fileMode./x"),
        ({"file./x": "", "fileMode./x": "9"}, "config.fileMode./x"),
        ({"ports": "80"}, "config.ports"),
        ({"ports": "70000:80"}, "config.ports"),
        ({"ports": "300.0.0.1:80:80"}, "config.ports"),
        ({"ports": "1-3:1-2"}, "config.ports"),
        ({"ports": "1-300:1-300"}, "config.ports"),
        ({"ports": "53:53/sctp"}, "config.ports"),
        ({"ports": "81:80, 81:81"}, "config.ports"),
        ({"healthPath": "/", "healthCommand": "true"}, "config.healthCommand"),
        ({"healthInterval": "soon"}, "config.healthInterval"),
        ({"healthTimeout": "-1"}, "config.healthTimeout"),
        ({"healthStartPeriod": "2d"}, "config.healthStartPeriod"),
        ({"healthRetries": "0"}, "config.healthRetries"),
        ({"user": "a b"}, "config.user"),
        ({"restart": "sometimes"}, "config.restart"),
        ({"workingDir": "app"}, "config.workingDir"),
        ({"label.axion.node": "x"}, "config.label.axion.node"),
        ({"label.Com.Docker.x": "x"}, "config.label.Com.Docker.x"),
    ],
)
def test_a_value_that_cannot_be_meant(config: dict[str, str], field: str) -> None:
    raw = graph(web("a", **config))
    if field:
        assert f"a [a] {field}:" in problem_of(raw)
    else:
        stack_of(raw)


def test_a_database_has_volumes_of_its_own() -> None:
    def db(**config: str) -> dict[str, Any]:
        return graph(node("db", DATABASE, databaseType="postgresql", **config))

    assert "config.volume.data" in problem_of(db(volume__data="/x"))
    assert "config.volume.mine" in problem_of(db(volume__mine="/var/lib/postgresql/data"))
    assert len(stack_of(db(volume__mine="/backup")).services[0].volumes) == 2


def test_a_file_keeps_its_text_and_its_mode() -> None:
    text = "server { listen $port; }\n\tx: |  \n# ${HOME} %d"
    config = {"file./etc/nginx/conf.d/default.conf": text, "fileMode./etc/nginx/conf.d/default.conf": "0640"}
    stack = stack_of(graph(web("a", **config)))
    document = compose_of(stack)
    (mounted,) = document["services"]["a"]["configs"]
    assert (mounted["target"], mounted["mode"]) == ("/etc/nginx/conf.d/default.conf", 0o640)
    assert document["configs"][mounted["source"]]["content"].replace("$$", "$") == text
    other = stack_of(graph(web("a", **{**config, "file./etc/nginx/conf.d/default.conf": "other"})))
    assert other.services[0].content_hash != stack.services[0].content_hash
    swarm = stack_of(graph(web("a", **config)), options=SWARM)
    (written,) = [text for name, text in swarm.files.items() if name.startswith("file.a.")]
    assert written == text


def test_ports_with_addresses_and_protocols() -> None:
    config = {"ports": "8080:80, 127.0.0.1:5432:5432\n51820:51820/udp [::1]:90:90 3000-3001:3000-3001"}
    assert service_of(config)["ports"] == [
        "8080:80", "127.0.0.1:5432:5432", "51820:51820/udp", "[::1]:90:90", "3000:3000", "3001:3001",
    ]  # fmt: skip
    swarm = service_of({"ports": "53:53/udp"}, engine="swarm")["ports"]
    assert swarm == [{"target": 53, "published": 53, "protocol": "udp", "mode": "ingress"}]


def test_a_port_of_the_host_is_given_once_per_address_and_protocol() -> None:
    stack_of(graph(web("a", ports="127.0.0.1:81:80 53:53/udp"), web("b", ports="10.0.0.1:81:80 53:53/tcp")))
    assert "b [b] config.ports: port 81" in problem_of(graph(web("a", ports="127.0.0.1:81:80"), web("b", ports="81:1")))


def test_swarm_binds_to_no_address() -> None:
    with pytest.raises(GraphInvalid, match=r"config\.ports: 127\.0\.0\.1:81:80"):
        stack_of(graph(web("a", ports="127.0.0.1:81:80")), options=SWARM)


def test_health_checks_of_ones_own() -> None:
    times = {"healthInterval": "90", "healthTimeout": "500ms", "healthRetries": "9", "healthStartPeriod": "3m"}
    check = service_of({"healthCommand": "curl -f http://x/$A", **times})["healthcheck"]
    assert check == {
        "test": ["CMD-SHELL", "curl -f http://x/$$A"], "interval": "1m30s", "timeout": "500ms", "retries": 9,
        "start_period": "3m",
    }  # fmt: skip
    assert service_of({"healthCommand": '["/probe", "a b"]'})["healthcheck"]["test"] == ["CMD", "/probe", "a b"]
    assert service_of({"healthCommand": '["CMD-SHELL", "x"]'})["healthcheck"]["test"] == ["CMD-SHELL", "x"]
    assert service_of(times)["healthcheck"]["interval"] == "1m30s"
    assert not stack_of(graph(web("a", healthCommand="none"))).services[0].has_health_check
    assert service_of({"healthCommand": "none"})["healthcheck"] == {"disable": True}
    assert service_of({"healthCommand": '["NONE"]'})["healthcheck"] == {"disable": True}


def test_a_database_asked_in_another_way() -> None:
    raw = graph(node("db", DATABASE, databaseType="postgresql", healthCommand="pg_isready", healthStartPeriod="5m"))
    check = compose_of(stack_of(raw))["services"]["db"]["healthcheck"]
    assert (check["test"], check["start_period"]) == (["CMD-SHELL", "pg_isready"], "5m")


def test_commands_as_lists_lines_and_scripts() -> None:
    given = '["--flag=a b", "$HOME"]'
    service = service_of({"command": given, "entrypoint": "/run.sh --x='a b'"})
    assert (service["entrypoint"], service["command"]) == (["/run.sh", "--x=a b"], ["--flag=a b", "$$HOME"])
    script = "set -e\necho one\nexec two"
    assert service_of({"command": script})["command"] == ["sh", "-c", script]
    assert service_of({"entrypoint": script})["entrypoint"] == ["sh", "-c", script]


def test_options_of_a_database_server() -> None:
    raw = graph(node("db", DATABASE, databaseType="postgresql", command="-c max_connections=200"))
    assert compose_of(stack_of(raw))["services"]["db"]["command"] == ["-c", "max_connections=200"]
    assert "config.command" in problem_of(graph(node("db", DATABASE, databaseType="redis", command="--x")))


def test_who_and_where_a_program_runs() -> None:
    config = {"user": "1000:app", "workingDir": "/srv/./app/", "restart": "on-failure:3", "label.a/b.c": "x $y\n"}
    service = service_of(config)
    assert (service["user"], service["working_dir"], service["restart"]) == ("1000:app", "/srv/app", "on-failure:3")
    assert service["labels"]["a/b.c"] == "x $$y\n"
    assert service["labels"]["axion.service"] == "a"
    policy = service_of(config, engine="swarm")["deploy"]["restart_policy"]
    assert policy == {"condition": "on-failure", "delay": "2s", "max_attempts": 3}
    assert service_of({"restart": "no"})["restart"] == "no"
    assert service_of({"restart": "no"}, engine="swarm")["deploy"]["restart_policy"]["condition"] == "none"
    db = graph(node("db", DATABASE, databaseType="postgresql", user="shop", runAs="999"))
    assert compose_of(stack_of(db))["services"]["db"]["user"] == "999"


def test_a_changed_label_is_a_change_with_a_reason() -> None:
    one, other = (stack_of(graph(web("a", label__x=text))).services[0] for text in "ab")
    assert one.content_hash != other.content_hash
    assert {aspect for aspect in one.aspects if one.aspects[aspect] != other.aspects[aspect]} == {"labels"}


@pytest.mark.parametrize(
    "config",
    [
        {"stopSignal": "stop it"}, {"hostname": "a.b"}, {"aliases": "a/b"}, {"shmSize": "big"}, {"ulimit.files": "1"},
        {"ulimit.nofile": "9:1"}, {"tmpfs./x": "lots"}, {"tmpfs.x": ""}, {"extraHost.a": "host"}, {"platform": "Linux"},
        {"sysctl.kernel.panic": "1"}, {"sysctl.net.a": "1\n2"}, {"logDriver": "syslog"}, {"log.path": "/x"},
        {"capDrop": "a b!"}, {"dns": "x.org"}, {"dnsSearch": "a/b"}, {"network": "bridge"}, {"hostPath./x": "y"},
        {"hostPath./x": "/a/../b"}, {"privileged": "maybe"}, {"pid": "1"}, {"ipc": "shareable"}, {"devices": "/etc"},
        {"gpus": "0"}, {"securityOpt": "no-new-privileges:false"}, {"tmpfs./x": "", "volume.a": "/x"},
        {"network": "none", "hostPort": "81"}, {"readOnly": "true", "file./x": "y"}, {"init": "perhaps"},
    ],
)  # fmt: skip
def test_a_container_that_cannot_be_meant(config: dict[str, str]) -> None:
    assert "a [a] config." in problem_of(graph(web("a", **config)))


@pytest.mark.parametrize(
    "config",
    [
        {"shmSize": "64M"}, {"platform": "linux/amd64"}, {"privileged": "true"}, {"pid": "host"}, {"ipc": "host"},
        {"devices": "/dev/a"}, {"gpus": "1"}, {"securityOpt": "seccomp:x"}, {"network": "host"},
        {"tmpfs./x": "mode=0700"},
    ],
)  # fmt: skip
def test_what_swarm_would_drop_is_refused_by_name(config: dict[str, str]) -> None:
    key = next(iter(config))
    with pytest.raises(GraphInvalid, match=f"config.{key}"):
        stack_of(graph(web("a", **config)), options=SWARM)
    stack_of(graph(web("a", **config)))


def test_one_network_for_all_that_ask_for_it() -> None:
    nodes = (web("a"), web("b"), node("c", image="x", network="none"), web("d", network="edges"))
    raw = {**graph(*nodes, edges=["a b", "a d"]), "network": "shared"}
    services = compose_of(stack_of(raw))["services"]
    assert services["b"]["networks"] == ["shared--network"]
    assert set(services["a"]["networks"]) == {"shared--network", *services["d"]["networks"]}
    assert "networks" not in services["c"]
    assert "network: must be edges or shared" in problem_of({**raw, "network": ["x"]})
    assert "an edge joins it" in problem_of(graph(web("a"), web("b", network="host"), edges=["a b"]))


def test_rights_are_dropped_and_given_back() -> None:
    assert service_of({"capDrop": "ALL,CHOWN", "capAdd": "chown"})["cap_drop"] == ["ALL"]
    assert service_of({"capDrop": "cap_chown"})["cap_drop"] == ["NET_RAW", "CHOWN"]
    assert "cap_drop" not in service_of({"capAdd": "NET_RAW"})


REFERRING = (
    node("db one", DATABASE, id="d1", databaseType="postgresql", password="p", env__TZ="UTC", secret__K="s"),
    web("api.v2", id="s1"),
)


def variables_of(text: str, *, edges: tuple[str, ...] = ("w d1", "w s1")) -> tuple[str, tuple[str, ...]]:
    stack = stack_of(graph(*REFERRING, web("w", env__X=text), edges=edges))
    return compose_of(stack)["services"]["w"]["environment"]["X"], stack.warnings


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("${node.db one.host}", "db-one"),
        (
            "jdbc:postgresql://${node.d1.host}:${node.d1.port}/${node.db-one.database}",
            "jdbc:postgresql://db-one:5432/app",
        ),
        ("$x ${node.db one.user} $", "$$x app $$"),
        ("${node.d1.password}", "${SECRET_DB_ONE_PASSWORD}"),
        ("${node.d1.passwordUrl}", "${SECRET_DB_ONE_PASSWORD_URLENCODED}"),
        ("${node.d1.env.TZ}/${node.d1.secret.K}", "UTC/${SECRET_DB_ONE_K}"),
        ("${node.api.v2.url}", "http://api-v2:80"),
        ("${nodes.x} ${node}", "$${nodes.x} $${node}"),
    ],
)
def test_a_variable_refers_to_another_node(text: str, wanted: str) -> None:
    assert variables_of(text) == (wanted, ())


@pytest.mark.parametrize(
    "text", ["${node.nobody.host}", "${node.d1.colour}", "${node.s1.password}", "${node.d1}", "${node.d1.env.NO}"]
)
def test_a_reference_that_leads_nowhere_is_refused(text: str) -> None:
    assert "w [w] config.env.X: refers to" in problem_of(graph(*REFERRING, web("w", env__X=text)))


def test_a_reference_without_an_edge_is_told() -> None:
    assert "'w': X leads to 'db one', but no edge joins the two" in variables_of("${node.d1.url}", edges=())[1]
    assert variables_of("${node.d1.password}", edges=())[1] == ()


def test_of_two_nodes_with_one_name_the_reference_must_say_which() -> None:
    raw = graph(web("a", id="1"), web("a", id="2"), web("w", env__X="${node.a.host}"))
    assert "use an id" in problem_of(raw)


ELSEWHERE = (
    node("db", DATABASE, id="d", databaseType="postgresql", external="true", host="db.example.org", port="6432",
         user="shop", database="orders", password="p"),
    node("pay", id="p", external="yes", host="pay.example.org", scheme="https", image="x"),
    node("old", id="o", external="true", host="10.0.0.9", port="8080"),
)  # fmt: skip


@pytest.mark.parametrize("engine", ["compose", "swarm"])
def test_a_node_elsewhere_runs_nothing_and_gives_its_variables(engine: Engine) -> None:
    text = "${node.db.host}:${node.pay.url}"
    raw = graph(*ELSEWHERE, web("a", env__X=text), edges=["a d", "a p", "a o"])
    stack = stack_of(raw, options=StackOptions(engine=engine))
    document = compose_of(stack)
    assert list(document["services"]) == list(stack.names.values()) == ["a"]
    given = document["services"]["a"]["environment"]
    assert given["DATABASE_URL"] == "postgresql://shop:${SECRET_DB_PASSWORD_URLENCODED}@db.example.org:6432/orders"
    assert (given["DB_HOST"], given["DB_PORT"], given["DB_PASSWORD"]) == (
        "db.example.org", "6432", "${SECRET_DB_PASSWORD}",
    )  # fmt: skip
    assert (given["PAY_HOST"], given["PAY_URL"]) == ("pay.example.org", "https://pay.example.org")
    assert given["OLD_URL"] == "http://10.0.0.9:8080"
    assert given["X"] == "db.example.org:https://pay.example.org"
    assert "'pay': config.image means nothing for a node that is external: it runs nothing" in stack.warnings
    assert "volumes" not in document
    assert "depends_on" not in document["services"]["a"]


def test_what_a_node_elsewhere_needs() -> None:
    db = node("db", DATABASE, databaseType="postgresql", external="true", port="5432")
    told = problem_of(graph(db, web("a"), node("p", external="true", host="p.org"), edges=["p a"]))
    assert "edge e0: leads away from an external node" in told
    assert "config.host: is needed" in told
    assert "config.password: is needed" in told
    assert "external=true" in problem_of(graph(node("db", DATABASE, databaseType="redis", host="db.org")))


def test_a_gateway_says_that_it_leads_nowhere_else() -> None:
    raw = graph(node("g", GATEWAY), web("a"), ELSEWHERE[2], edges=["g a", "g o"])
    assert "'g' is joined with 'old', but leads no requests there" in stack_of(raw).warnings


def test_the_schema_takes_what_the_generator_takes() -> None:
    checker = jsonschema.Draft202012Validator(graph_schema())
    checker.check_schema(graph_schema())
    checker.validate(graph(*REFERRING, web("w", cpu="500m", **{"volume.x": "/x", "unknown": "y"}), edges=["w d1"]))
    for key, value in (("port", "http"), ("volume.x", "x"), ("healthInterval", "soon"), ("stripPrefix", "maybe")):
        assert not checker.is_valid(graph(node("w", **{key: value}))), key
