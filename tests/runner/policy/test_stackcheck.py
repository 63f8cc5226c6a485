"""What a stack may ask of the machine: what reaches beyond a container is refused by name, in any spelling."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from agents.runner.errors import StepFailedError
from agents.runner.planning.model import Release, WantedService
from agents.runner.policy.rules import Policy
from agents.runner.policy.section import read_policy
from agents.runner.policy.stack_check import check_stack

GOLDEN = [
    path
    for path in sorted((Path(__file__).parents[2] / "golden").glob("*/expected/docker-compose.yml"))
    if "swarm" not in path.parts[-3]
]
FILES = {"Caddyfile": "", "site/index.html": ""}


def release(text: str, *, variables: tuple[str, ...] = ()) -> Release:
    try:
        names = yaml.safe_load(text)["services"]
    except (yaml.YAMLError, KeyError, TypeError):
        names = ["web"]
    return Release(
        deployment_id="d1",
        project_id="p1",
        stack="shop",
        files={**FILES, "docker-compose.yml": text},
        services=tuple(WantedService(name=name, image="x") for name in names),
        variable_names=variables,
    )


def stack(web: Mapping[str, Any], **shared: Any) -> str:
    return json.dumps({"services": {"web": {"image": "x", **web}}, **shared})


def refusal(text: str, *, policy: Policy | None = None, variables: tuple[str, ...] = ()) -> str:
    """Why the stack is refused; empty when it is not."""
    try:
        check_stack(release=release(text, variables=variables), policy=policy or Policy())
    except StepFailedError as error:
        return error.message if error.reason == "invalid" else f"for another reason, {error.reason}"
    return ""


ORDINARY: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({"volumes": ["data:/data", "/cache", "./Caddyfile:/etc/caddy/Caddyfile:ro", "./site:/srv:ro"]}, {}),
    ({"volumes": [{"type": "volume", "source": "data", "target": "/d"}, {"type": "tmpfs", "target": "/t"}]}, {}),
    ({"volumes": [{"type": "bind", "source": "./Caddyfile", "target": "/c", "read_only": True}]}, {}),
    ({"security_opt": ["no-new-privileges:true"], "cap_drop": ["ALL"], "cap_add": ["CAP_CHOWN", "SETUID"]}, {}),
    ({"privileged": False, "ipc": "private", "network_mode": "none", "pids_limit": 100, "read_only": True}, {}),
    ({"tmpfs": ["/tmp"], "user": "10001", "ulimits": {"nofile": 1000}, "x-note": 1, "build": {"context": "/etc"}}, {}),
    ({"network_mode": "service:db", "deploy": {"resources": {"limits": {"cpus": "1"}}}}, {}),
    ({"environment": ["A=${A}", "B=$$HOME", "A"]}, {}),
    ({}, {"networks": {"n": {"driver": "bridge", "internal": True, "name": "shop_n"}}}),
    ({}, {"volumes": {"data": {"driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}}}}),
    ({}, {"configs": {"c": {"content": "x"}, "d": {"file": "./Caddyfile"}, "e": {"environment": "A"}}}),
)


@pytest.mark.parametrize(("web", "shared"), ORDINARY)
def test_an_ordinary_stack_is_taken(web: dict[str, Any], shared: dict[str, Any]) -> None:
    assert refusal(stack(web, **{"volumes": {"data": None}, **shared}), variables=("A",)) == ""


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.parts[-3])
def test_what_is_generated_is_taken_unless_it_needs_the_engine_itself(path: Path) -> None:
    text = path.read_text()
    document = yaml.safe_load(text)
    of_secrets = {each["environment"] for each in document.get("secrets", {}).values()}
    found = release(text, variables=(*variables_of(text), *of_secrets))
    needs = ["/var/run/docker.sock"] if "/var/run/docker.sock" in text else []
    policy = read_policy({"bind_mounts": needs}, state_dir=Path("/var/lib/axion-agent"))
    check_stack(release=replace(found, stack=document.get("name", path.parts[-3])), policy=policy)


def variables_of(text: str) -> set[str]:
    return {part.split("}")[0].split(":")[0] for part in text.replace("$$", "").split("${")[1:]}


HOST: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "socket": ({"volumes": ["/var/run/docker.sock:/var/run/docker.sock:ro"]}, {}, "bind_mounts"),
    "root": ({"volumes": ["/:/host"]}, {}, "bind_mounts"),
    "detour": ({"volumes": ["/srv/../etc:/e:ro"]}, {}, "bind_mounts"),
    "long bind": ({"volumes": [{"type": "bind", "source": "/etc/ssl", "target": "/e"}]}, {}, "bind_mounts"),
    "home": ({"volumes": ["~/.ssh:/s:ro"]}, {}, ""),
    "outside the release": ({"volumes": ["../../secrets:/s:ro"]}, {}, ""),
    "not of the release": ({"volumes": ["./other:/s:ro"]}, {}, ""),
    "release, to write": ({"volumes": ["./Caddyfile:/c"]}, {}, ""),
    "release, to write in the end": ({"volumes": [".:/c:ro,rw"]}, {}, ""),
    "shared propagation": (
        {"volumes": [{"type": "bind", "source": "./site", "target": "/s", "bind": {"propagation": "shared"}}]},
        {},
        "",
    ),
    "by variable": ({"volumes": ["${A}:/s"]}, {}, ""),
    "by variable, long": ({"volumes": [{"type": "bind", "source": "$A", "target": "/s"}]}, {}, ""),
    "volume of nobody": ({"volumes": ["elsewhere:/s"]}, {}, ""),
    "image mount": ({"volumes": [{"type": "image", "source": "x", "target": "/s"}]}, {}, ""),
    "windows pipe": ({"volumes": [{"type": "npipe", "source": "x", "target": "/s"}]}, {}, ""),
    "option unknown": ({"volumes": ["data:/s:rshared"]}, {"volumes": {"data": None}}, ""),
    "volume is a bind": (
        {"volumes": ["d:/s"]},
        {"volumes": {"d": {"driver_opts": {"type": "none", "o": "bind", "device": "/"}}}},
        "bind_mounts",
    ),
    "volume is a bind in disguise": (
        {"volumes": ["d:/s"]},
        {"volumes": {"d": {"driver_opts": {"type": "tmpfs", "o": "bind", "device": "tmpfs"}}}},
        "",
    ),
    "tmpfs of the root": (
        {"volumes": ["d:/s"]},
        {"volumes": {"d": {"driver_opts": {"type": "tmpfs", "device": "/"}}}},
        "",
    ),
    "nfs": ({}, {"volumes": {"d": {"driver_opts": {"type": "nfs", "o": "addr=10.0.0.1", "device": ":/x"}}}}, ""),
    "overlay": (
        {},
        {"volumes": {"d": {"driver_opts": {"type": "overlay", "o": "lowerdir=/", "device": "overlay"}}}},
        "",
    ),
    "device of a volume by variable": (
        {},
        {"volumes": {"d": {"driver_opts": {"type": "none", "o": "bind", "device": "${A}"}}}},
        "",
    ),
    "volume driver": ({}, {"volumes": {"d": {"driver": "rexray"}}}, ""),
    "somebody's volume": ({}, {"volumes": {"d": {"name": "other_db-data"}}}, "external"),
    "external volume": ({}, {"volumes": {"d": {"external": True}}}, "external"),
    "external volume of another name": ({}, {"volumes": {"d": {"external": {"name": "other_db-data"}}}}, ""),
    "external network of another name": ({}, {"networks": {"d": {"external": {"name": "other_default"}}}}, ""),
    "external network": ({}, {"networks": {"n": {"external": True, "name": "other_default"}}}, "external"),
    "network of the host": ({}, {"networks": {"n": {"driver": "macvlan"}}}, ""),
    "addresses of the network": ({}, {"networks": {"n": {"ipam": {"config": [{"subnet": "10.0.0.0/8"}]}}}}, ""),
    "config of the host": ({}, {"configs": {"c": {"file": "/etc/shadow"}}}, ""),
    "config outside": ({}, {"configs": {"c": {"file": "../credential.json"}}}, ""),
    "secret of the host": ({}, {"secrets": {"c": {"file": "/srv/registry/config.json"}}}, ""),
    "secret of the agent": ({}, {"secrets": {"c": {"environment": "HTTPS_PROXY"}}}, ""),
    "external secret": ({}, {"secrets": {"c": {"external": True}}}, ""),
    "env_file": ({"env_file": ["/etc/environment"]}, {}, ""),
    "label_file": ({"label_file": "/etc/passwd"}, {}, ""),
    "extends": ({"extends": {"file": "/srv/evil.yml", "service": "web"}}, {}, ""),
    "include": ({}, {"include": ["https://example.org/evil.git"]}, ""),
    "agent's variable": ({"environment": {"P": "${HTTPS_PROXY}"}}, {}, ""),
    "agent's variable, nested": ({"environment": {"P": "${A:-${HTTPS_PROXY}}"}}, {}, ""),
    "agent's variable, bare": ({"environment": ["HTTPS_PROXY"]}, {}, ""),
    "agent's variable, null": ({"environment": {"HTTPS_PROXY": None}}, {}, ""),
    "privileged": ({"privileged": True}, {}, "privileged"),
    "privileged as text": ({"privileged": "true"}, {}, "privileged"),
    "privileged by variable": ({"privileged": "${A}"}, {}, "privileged"),
    "capability": ({"cap_add": ["SYS_ADMIN"]}, {}, "capabilities"),
    "every capability": ({"cap_add": ["all"]}, {}, "capabilities"),
    "capability by variable": ({"cap_add": ["${A}"]}, {}, "capabilities"),
    "device": ({"devices": ["/dev/sda:/dev/sda"]}, {}, "devices"),
    "device, long": ({"devices": [{"source": "/dev/mem", "target": "/m"}]}, {}, "devices"),
    "device rule": ({"device_cgroup_rules": ["a *:* rwm"]}, {}, ""),
    "reserved device": (
        {"deploy": {"resources": {"reservations": {"devices": [{"driver": "nvidia"}]}}}},
        {},
        "devices",
    ),
    "gpus": ({"gpus": "all"}, {}, "devices"),
    "host network": ({"network_mode": "host"}, {}, "host_namespaces"),
    "somebody's network": ({"network_mode": "container:other"}, {}, ""),
    "docker0": ({"network_mode": "bridge"}, {}, ""),
    "host pid": ({"pid": "host"}, {}, "host_namespaces"),
    "host ipc": ({"ipc": "host"}, {}, "host_namespaces"),
    "host uts": ({"uts": "host"}, {}, "host_namespaces"),
    "host users": ({"userns_mode": "host"}, {}, "host_namespaces"),
    "host cgroup": ({"cgroup": "host"}, {}, "host_namespaces"),
    "cgroup parent": ({"cgroup_parent": "/"}, {}, ""),
    "no seccomp": ({"security_opt": ["seccomp:unconfined"]}, {}, "security_options"),
    "no apparmor": ({"security_opt": ["apparmor=unconfined"]}, {}, "security_options"),
    "profile of the host": ({"security_opt": ["seccomp=/etc/shadow"]}, {}, "security_options"),
    "no selinux": ({"security_opt": ["label:disable"]}, {}, "security_options"),
    "proc unmasked": ({"security_opt": ["systempaths=unconfined"]}, {}, "security_options"),
    "somebody's volumes": ({"volumes_from": ["container:other"]}, {}, ""),
    "somebody's links": ({"external_links": ["other"]}, {}, ""),
    "runtime": ({"runtime": "sysbox"}, {}, ""),
    "program of the host": ({"provider": {"type": "evil"}}, {}, ""),
    "engine by another word": ({"use_api_socket": True}, {}, ""),
    "privileged hook": ({"post_start": [{"command": "x", "privileged": True}]}, {}, ""),
    "credential": ({"credential_spec": {"file": "/etc/shadow"}}, {}, ""),
    "log to the host": ({"logging": {"driver": "syslog", "options": {"syslog-address": "unix:///dev/log"}}}, {}, ""),
    "word to the runtime": ({"annotations": {"run.oci.handler": "wasm"}}, {}, ""),
    "out of memory": ({"oom_score_adj": -1000}, {}, ""),
}


@pytest.mark.parametrize("case", HOST)
def test_what_reaches_the_host_is_refused_by_name(case: str) -> None:
    web, shared, key = HOST[case]
    said = refusal(stack(web, **shared), variables=("A",))
    assert said.startswith("Refused by this machine: "), said
    assert (f"policy.{key} in the agent's agent.toml" in said) if key else ("No setting of the agent allows it" in said)


ALLOWED: tuple[tuple[str, dict[str, object]], ...] = (
    ("socket", {"bind_mounts": ["/var/run/docker.sock"]}),
    ("long bind", {"bind_mounts": ["/etc"]}),
    ("volume is a bind", {"bind_mounts": ["/", *sorted(Policy().guarded)]}),
    ("somebody's volume", {"external": ["other_db-data"]}),
    ("external network", {"external": "other_default,d"}),
    ("privileged", {"privileged": True}),
    ("capability", {"capabilities": ["CAP_SYS_ADMIN"]}),
    ("device", {"devices": ["/dev/sda"]}),
    ("gpus", {"devices": "gpu"}),
    ("reserved device", {"devices": "gpu"}),
    ("host network", {"host_namespaces": ["network"]}),
    ("no seccomp", {"security_options": ["seccomp:unconfined"]}),
)


@pytest.mark.parametrize(("case", "section"), ALLOWED, ids=lambda value: value if isinstance(value, str) else "")
def test_the_owner_of_the_machine_may_allow_it(case: str, section: dict[str, object]) -> None:
    web, shared, key = HOST[case]
    policy = read_policy(section, state_dir=Path("/var/lib/axion"))
    assert refusal(stack(web, **shared), policy=policy) == ""
    for other_web, other_shared, other_key in HOST.values():
        if other_key != key:
            assert refusal(stack(other_web, **other_shared), policy=policy, variables=("A",))


@pytest.mark.parametrize(
    "path", ["/", "/var", "/run", "/var/run", "/var/lib", "/var/lib/docker/volumes", "/srv/agent/x"]
)
def test_a_folder_that_is_allowed_opens_no_way_to_the_engine_or_to_the_agent(path: str) -> None:
    policy = read_policy({"bind_mounts": ["/"]}, state_dir=Path("/srv/agent"))
    assert policy.allows_path("/srv/media")
    assert not policy.allows_path(path)


def test_a_link_to_what_is_not_allowed_is_not_allowed(tmp_path: Path) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "way-out").symlink_to("/etc")
    policy = read_policy({"bind_mounts": [str(tmp_path / "media")]}, state_dir=Path("/srv/agent"))
    assert policy.allows_path(str(tmp_path / "media"))
    assert not policy.allows_path(str(tmp_path / "media" / "way-out"))


TRICKS = {
    "two documents": "services: {web: {image: x}}\n---\nservices: {web: {privileged: true}}\n",
    "merged": "x-a: &a {privileged: true}\nservices: {web: {<<: *a, image: x}}\n",
    "alias": "x-a: &a [/:/host]\nservices: {web: {image: x, volumes: *a}}\n",
    "tag of Compose": "services: {web: {image: x, cap_add: !override [SYS_ADMIN]}}\n",
    "object": "services: {web: {image: !!python/object/apply:os.system [id]}}\n",
    "last one wins": "services: {web: {image: x, privileged: true, privileged: false, pid: host}}\n",
    "spelling": "services: {web: {image: x, 'privil\\u0065ged': true, pid: host}}\n",
    "another service": "services: {web: {image: x}, hidden: {image: x, privileged: true}}\n",
    "grows": "x-a: &a [1,1,1,1,1,1,1,1,1,1]\n"
    + "".join(f"x-{b}: &{b} [{','.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefg", "bcdefgh", strict=True))
    + "services: {web: {image: x}}\n",
    "endless": "x-a: &a {b: *a}\nservices: {web: {image: x}}\n",
    "deep": "services: " + "{a: " * 100_000,
    "deep lists": "services: " + "- " * 100_000,
    "no table": "services: [web]\n",
    "nothing": "",
}


@pytest.mark.parametrize("trick", TRICKS)
def test_tricks_of_yaml_are_refused(trick: str) -> None:
    order = replace(release("services: {web: {image: x}}"), files={"docker-compose.yml": TRICKS[trick]})
    with pytest.raises(StepFailedError) as caught:
        check_stack(release=order, policy=Policy())
    assert caught.value.reason == "invalid"
    assert len(caught.value.message) < 1000
