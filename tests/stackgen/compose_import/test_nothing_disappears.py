"""Every leaf of what was read has a line in the report: nothing of a file disappears without a word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from stackgen.compose_import.becoming.services import HANDLERS, REASONS
from stackgen.compose_import.complaints import ComposeInvalid
from stackgen.compose_import.importer import Imported, import_compose
from stackgen.compose_import.notation.opened import FolderFiles
from stackgen.compose_import.tree import Place
from tests.stackgen.compose_import.brought import brought

SAMPLES = Path(__file__).parent / "samples"
# Every key that the specification gives a service, in each notation it may have; what a shorter file does not reach.
EVERYTHING = """
name: all
version: "3.9"
x-common: &common {restart: always, x-note: 1}
services:
  base: {image: base, labels: {a: b}}
  web:
    <<: *common
    extends: base
    image: nginx:1
    build: {context: ., dockerfile: D, dockerfile_inline: "FROM a", args: {A: 1, B: }, target: t, cache_from: [x],
            secrets: [s], ssh: [default], tags: [a], platforms: [linux/amd64], network: n, shm_size: 1g, labels: [l=1],
            additional_contexts: {a: b}, no_cache: true, pull: true, privileged: false, ulimits: {nofile: 1}}
    annotations: {a: b}
    attach: false
    blkio_config: {weight: 300}
    cap_add: [NET_ADMIN]
    cap_drop: [ALL]
    cgroup: host
    cgroup_parent: m
    command: ["a", "b c"]
    configs: [c, {source: c, target: /etc/c, uid: "1", gid: "1", mode: 0440}]
    container_name: web-1
    cpu_count: 1
    cpu_percent: 50
    cpu_period: 1
    cpu_quota: 1
    cpu_rt_period: 1ms
    cpu_rt_runtime: 1ms
    cpu_shares: 3
    cpus: 0.5
    cpuset: "0"
    credential_spec: {file: f}
    depends_on: {base: {condition: service_healthy, restart: true, required: false}}
    deploy: {mode: replicated, replicas: 2, endpoint_mode: vip, labels: {x: y}, update_config: {parallelism: 1},
             rollback_config: {parallelism: 1}, placement: {constraints: [a==b], preferences: [{spread: a}]},
             restart_policy: {condition: any, delay: 5s, max_attempts: 3, window: 1s},
             resources: {limits: {cpus: "1", memory: 1g, pids: 9}, reservations: {cpus: "0.5", memory: 100m,
             devices: [{capabilities: [gpu], count: 1}, {capabilities: [tpu]}], generic_resources: [{a: b}]}}}
    develop: {watch: [{path: ., action: sync, target: /x}]}
    device_cgroup_rules: ["c 1:3 mr"]
    devices: ["/dev/a:/dev/b:r"]
    dns: 1.1.1.1
    dns_opt: [a]
    dns_search: [a]
    domainname: d
    driver_opts: {a: b}
    entrypoint: /bin/e -x
    env_file: [{path: gone.env, required: false}, other.env]
    environment: {A: 1, B: , PASSWORD: "${UNSET}", C: "${UNSET}"}
    expose: ["80"]
    external_links: [x]
    extra_hosts: {h: [1.1.1.1, 2.2.2.2]}
    gpus: all
    group_add: [g]
    healthcheck: {test: ["CMD", "a"], interval: 1s, timeout: 1s, retries: 2, start_period: 1s, start_interval: 1s}
    hostname: h
    init: true
    ipc: host
    isolation: default
    label_file: l
    links: [base:b]
    logging: {driver: local, options: {max-size: 1m}}
    mac_address: 02:42:ac:11:65:43
    mem_limit: 512m
    mem_reservation: 10m
    mem_swappiness: 1
    memswap_limit: 1g
    models: [m]
    networks: {n: {aliases: [w], ipv4_address: 1.1.1.2, priority: 1}}
    oom_kill_disable: true
    oom_score_adj: 1
    pid: host
    pids_limit: 99
    platform: linux/amd64
    ports: ["80:80", {target: 81, published: "82", protocol: udp, mode: host, name: n, app_protocol: http}, "83"]
    post_start: [{command: a}]
    pre_stop: [{command: a}]
    privileged: true
    pull_policy: always
    read_only: true
    runtime: r
    scale: 2
    secrets: [s, {source: s, target: t, uid: "1"}]
    security_opt: [seccomp:unconfined, no-new-privileges]
    shm_size: 64m
    stdin_open: true
    stop_grace_period: 1m
    stop_signal: SIGINT
    storage_opt: {size: 1g}
    sysctls: [net.a=1]
    tmpfs: [/run, "/tmp:size=1m,noexec"]
    tty: true
    ulimits: {nofile: {soft: 1, hard: 2}, nproc: 3}
    use_api_socket: true
    user: "1000"
    userns_mode: host
    uts: host
    volumes: ["v:/v", "/anonymous", "./f.txt:/f.txt:ro", "/host:/h", "~/home:/home", {type: tmpfs, target: /t,
              tmpfs: {size: 100, mode: 01777}}, {type: volume, source: v, target: /w, volume: {nocopy: true}},
              {type: bind, source: ./d, target: /d, bind: {propagation: shared}}, {type: npipe, source: a, target: b},
              {type: cluster, target: c}]
    volumes_from: [base]
    working_dir: /w
    unknown_key: {a: [b]}
    x-mine: 1
  extra: {image: extra, profiles: [debug], environment: {A: 1}}
networks: {n: {driver: bridge, internal: true, ipam: {config: [{subnet: 1.1.0.0/16}]}}, unused: }
volumes: {v: {driver: local, driver_opts: {a: b}, external: true, name: w}, unused: }
configs: {c: {content: text}}
secrets: {s: {environment: UNSET}, e: {external: true}}
models: {m: {model: x}}
x-other: [1, {a: 2}]
"""


def leaf_paths(value: Any, path: str = "") -> Iterator[str]:
    """Every leaf by its path, read by another reader than the importer's."""
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from leaf_paths(member, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaf_paths(item, f"{path}[{index}]")
    else:
        yield path


def unmentioned(imported: Imported, file: str, text: str) -> list[str]:
    """Leaves without a line of their own, or one about what they are a part of: less than a whole service."""
    content = yaml.safe_load(text)
    too_much = {"", "services", *(f"services.{name}" for name in content.get("services", {}))}
    places = [line.place for line in imported.lines if line.place.path not in too_much]
    return [path for path in leaf_paths(content) if not any(place.covers(Place(file, 0, path)) for place in places)]


def test_every_key_of_the_specification_has_a_line() -> None:
    imported = brought(EVERYTHING, files={"other.env": "X=1\n", "f.txt": "text"})
    assert unmentioned(imported, "compose.yml", EVERYTHING) == []


def test_every_leaf_of_the_samples_has_a_line() -> None:
    for path in sorted(SAMPLES.glob("*.yml")):
        imported = import_compose(files=FolderFiles(SAMPLES), paths=[path.name])
        assert unmentioned(imported, path.name, path.read_text()) == [], path.name


def test_every_leaf_of_a_merge_has_a_line() -> None:
    base = "services:\n  web: {image: a, ports: ['80:80'], environment: {A: 1}, labels: {x: y}}\n"
    over = "services:\n  web: {image: b, ports: ['80:80'], environment: {A: 2}, labels: !reset null}\n"
    imported = brought(base, over)
    assert unmentioned(imported, "compose.yml", base) == []
    told = {str(line.place.path): line.text for line in imported.lines if line.place.file == "compose.yml"}
    assert told["services.web.image"].startswith("replaced by over-0.yml:2")


def test_a_key_is_either_taken_or_has_a_reason() -> None:
    assert not HANDLERS.keys() & REASONS.keys()
    keys = set(yaml.safe_load(EVERYTHING)["services"]["web"]) - {"x-mine", "x-note", "unknown_key", "extends"}
    assert keys <= HANDLERS.keys() | REASONS.keys() | {"environment", "env_file"}


def test_no_secret_stands_in_the_report() -> None:
    text = (
        "services:\n  web:\n    image: a\n    environment: [API_TOKEN=hush-hush, 'U=postgres://u:hush-hush@db/x']\n"
        "    secrets: [s]\n"
        "  db: {image: 'postgres:16', environment: {POSTGRES_PASSWORD: hush-hush}}\nsecrets: {s: {file: s.txt}}\n"
    )
    imported = brought(text, files={"s.txt": "hush-hush"})
    assert "hush-hush" not in "\n".join(map(str, imported.lines))


@pytest.mark.parametrize("key", sorted(REASONS))
def test_what_is_not_kept_says_why(key: str) -> None:
    assert len(REASONS[key].split()) > 3


# What stands where something else belongs.
ODD = [
    "5", "-1", "1.5", "true", "[]", "{}", "[[1]]", "{a: {b: [c]}}", "[{}]", "[null]", "'  '", "'::'", "[1, two]",
    "{1: 2}", "''", "99999999999999999999", "'${A'", ".inf", "[{target: {}}]", "{x: !reset null}", "",
]  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_what_stands_in_the_wrong_place_is_refused_by_name_or_has_a_line(odd: str) -> None:
    """Each key of a service with each of these: a report or a refusal with the file's name, never anything else."""
    keys = HANDLERS.keys() | REASONS.keys() | {"environment", "env_file", "extends", "build", "image", "profiles"}
    for key in sorted(keys):
        image = "" if key == "image" else "    image: a\n"
        text = f"services:\n  web:\n{image}    {key}: {odd}\n"
        try:
            brought(text)
        except ComposeInvalid as error:
            if not all(complaint.place.file for complaint in error.complaints):
                raise AssertionError(key) from error


@pytest.mark.parametrize("include", ["{a: b}", "[{}]", "[compose.yml]", "[{path: []}]", "[gone.yml]"])
def test_what_cannot_be_included_is_refused(include: str) -> None:
    with pytest.raises(ComposeInvalid):
        brought(f"include: {include}\nservices: {{web: {{image: a}}}}\n")
