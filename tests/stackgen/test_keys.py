"""Keys of a node's config: nothing is dropped without a word, and each one reaches the container."""

from __future__ import annotations

from typing import Any

import pytest

from stackgen.errors import GraphInvalid
from stackgen.graph.reader import MAX_WARNINGS, parse_graph
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
        ({"ports": ":80"}, "config.ports"),
        ({"ports": "127.0.0.1:80"}, "config.ports"),
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


def test_a_port_of_the_container_alone_is_any_free_one_of_the_host() -> None:
    config = {"ports": "80, 53/udp 127.0.0.1::9000 [::1]::9001", "replicas": "3"}
    assert service_of(config)["ports"] == ["80", "53/udp", "127.0.0.1::9000", "[::1]::9001"]
    stack = stack_of(graph(web("a", ports="80 8080:81"), web("b", ports="80")))
    assert [service.published_ports for service in stack.services] == [(8080,), ()]
    in_swarm = service_of({"ports": "80"}, engine="swarm")["ports"]
    assert [(port["target"], "published" in port) for port in in_swarm] == [(80, False)]


def test_copies_cannot_share_a_port_that_is_named() -> None:
    assert "copies cannot share port 8080 of one host" in problem_of(graph(web("a", ports="80 8080:80", replicas="2")))


def test_a_folder_of_the_host_takes_the_place_of_a_databases_volume() -> None:
    path = "/var/lib/postgresql/data"
    raw = graph(node("db", "DATABASE", databaseType="postgresql", **{f"hostPath.{path}": "/srv/db"}))
    stack = stack_of(raw)
    document = compose_of(stack)
    assert document["services"]["db"]["volumes"] == [f"/srv/db:{path}"]
    assert not document.get("volumes")
    (service,) = stack.services
    assert (service.volumes, service.host_paths, service.starts_first) == ((), ("/srv/db",), False)
    read_only = web("a", **{"hostPath./etc/x": "/etc/x:ro", "hostPath./var/run/docker.sock": "/var/run/docker.sock"})
    (service,) = stack_of(graph(read_only)).services
    assert (service.host_paths, service.starts_first) == ((), True)


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
    for kind, options in {
        "redis": "--maxmemory 1mb --dir /elsewhere", "mysql": "--datadir=/elsewhere", "postgresql": "-D /elsewhere",
    }.items():  # fmt: skip
        assert "config.command" in problem_of(graph(node("db", DATABASE, databaseType=kind, command=options)))


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
        {"stopSignal": "stop it"}, {"hostname": "a b"}, {"aliases": "a/b"}, {"shmSize": "big"}, {"ulimit.files": "1"},
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
