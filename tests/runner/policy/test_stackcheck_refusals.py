"""Each single check of a stack, where no other one would refuse it too: without the check the stack would be taken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agents.runner.errors import ConfigInvalidError, StepFailedError
from agents.runner.planning.stackfile import read_stack, write_stack
from agents.runner.policy.rules import NAMESPACES, Policy
from agents.runner.policy.section import read_policy
from agents.runner.policy.stack_check import check_stack
from tests.runner.policy.test_stackcheck import refusal, release, stack

DATA = {"volumes": {"data": None}}
MADE = {"type": "none", "o": "bind"}
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "propagation": (
        {
            "volumes": [
                {
                    "type": "bind",
                    "source": "./site",
                    "target": "/s",
                    "read_only": True,
                    "bind": {"propagation": "shared"},
                }
            ]
        },
        {},
        "propagation",
    ),
    "target relative": ({"volumes": ["data:s"]}, DATA, "cannot be judged"),
    "more fields": ({"volumes": ["data:/s:ro:rshared"]}, DATA, "cannot be judged"),
    "word of a mount": ({"volumes": [{"type": "tmpfs", "target": "/t", "image": {}}]}, {}, "sets image"),
    "to write, long": ({"volumes": [{"type": "bind", "source": "./site", "target": "/s"}]}, {}, "to write"),
    "volume of nobody, long": ({"volumes": [{"type": "volume", "source": "x", "target": "/s"}]}, DATA, "not a volume"),
    "to write, as a text": (
        {"volumes": [{"type": "bind", "source": "./site", "target": "/s", "read_only": "false"}]},
        {},
        "to write",
    ),
    "the folder above": ({"volumes": ["..:/s:ro"]}, {}, "leaves"),
    "a folder beside": ({"volumes": ["../secrets:/s:ro"]}, {}, "leaves"),
    "the beginning of a name": ({"volumes": ["./sit:/s:ro"]}, {}, "not a file of the release"),
    "folder by a volume's name": ({"volumes": ["site:/s:ro"]}, {}, "leaves"),
    "mount that is no text": ({"volumes": [7]}, {}, "not a fixed text"),
    "volumes that are no list": ({"volumes": {"a": "b"}}, {}, "not a list"),
    "logging that is no table": ({"logging": "syslog"}, {}, "not a table"),
    "generic resource": (
        {"deploy": {"resources": {"reservations": {"generic_resources": [{}]}}}},
        {},
        "a reserved device",
    ),
    "somebody's network by variable": ({"network_mode": "service:${A}"}, {}, "network_mode"),
    "word of a volume": ({}, {"volumes": {"d": {"cluster": {}}}}, "sets cluster"),
    "option of a volume": ({}, {"volumes": {"d": {"driver_opts": {"type": "tmpfs", "uid": "0"}}}}, "sets uid"),
    "flags of a volume by variable": ({}, {"volumes": {"d": {"driver_opts": {"type": "tmpfs", "o": "$A"}}}}, "fixed"),
    "kind of a volume": ({}, {"volumes": {"d": {"driver_opts": {"type": "ext4", "device": "/dev/sda"}}}}, "as ext4"),
    "device of a volume, relative": ({}, {"volumes": {"d": {"driver_opts": {**MADE, "device": "x"}}}}, "from 'x'"),
    "name by variable": ({}, {"volumes": {"d": {"name": "shop_${A}"}}}, "not a fixed text"),
    "name that begins alike": ({}, {"volumes": {"d": {"name": "shopping_db"}}}, "does not belong"),
    "external as text": ({}, {"volumes": {"d": {"external": "true"}}}, "does not belong"),
    "external by variable": ({}, {"networks": {"n": {"external": "${A}"}}}, "does not belong"),
    "config by variable": ({}, {"configs": {"c": {"file": "./$A"}}}, "not a fixed text"),
    "config of the host by detour": ({}, {"configs": {"c": {"file": "/../Caddyfile"}}}, "not a file of the release"),
    "agent's variable in a list": ({"command": ["echo", "${HTTPS_PROXY}"]}, {}, "HTTPS_PROXY"),
    "agent's variable without braces": ({"command": "echo $HTTPS_PROXY"}, {}, "HTTPS_PROXY"),
    "agent's variable in what is shared": ({}, {"configs": {"c": {"content": "${HTTPS_PROXY}"}}}, "HTTPS_PROXY"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_each_check_refuses_by_itself(case: str) -> None:
    web, shared, said = REFUSED[case]
    found = refusal(stack(web, **shared), variables=("A",))
    assert found.startswith("Refused by this machine: "), found
    assert said in found


ANYWHERE = read_policy({"bind_mounts": ["/srv"], "devices": ["/dev/mem"]}, state_dir=Path("/var/lib/axion"))


@pytest.mark.parametrize(
    ("web", "shared"),
    [
        ({"volumes": ["/srv/${A}:/s"]}, {}),
        ({"volumes": [{"type": "bind", "source": "/srv/$A", "target": "/s"}]}, {}),
        ({}, {"volumes": {"d": {"driver_opts": {**MADE, "device": "/srv/${A}"}}}}),
    ],
)
def test_what_a_variable_makes_of_a_path_is_not_taken_on_trust(web: dict[str, Any], shared: dict[str, Any]) -> None:
    assert "not a fixed text" in refusal(stack(web, **shared), policy=ANYWHERE, variables=("A",))


def test_a_device_that_is_allowed_may_be_written_in_the_long_form() -> None:
    long = {"devices": [{"source": "/dev/mem", "target": "/m"}]}
    assert refusal(stack(long), policy=ANYWHERE) == ""
    assert refusal(stack({"devices": [{"source": "/dev/sda", "target": "/dev/mem"}]}), policy=ANYWHERE)


def test_a_device_may_be_allowed_with_its_place_and_its_rights_alone() -> None:
    policy = read_policy({"devices": ["/dev/snd:/dev/snd:r"]}, state_dir=Path("/var/lib/axion"))
    assert refusal(stack({"devices": ["/dev/snd:/dev/snd:r"]}), policy=policy) == ""
    assert refusal(stack({"devices": ["/dev/snd:/dev/snd:rwm"]}), policy=policy)


def test_a_capability_may_be_written_small() -> None:
    policy = read_policy({"capabilities": ["NET_ADMIN"]}, state_dir=Path("/var/lib/axion"))
    assert refusal(stack({"cap_add": ["cap_net_admin"]}), policy=policy) == ""


def test_a_dollar_that_compose_writes_itself_is_no_variable() -> None:
    assert refusal(stack({}, volumes={"d": {"name": "shop_a$$b"}})) == ""
    assert "not a fixed text" in refusal(stack({}, volumes={"d": {"name": "shop_a$$$b"}}))


def test_a_stop_is_not_judged() -> None:
    check_stack(release=replace(release(""), services=(), files={}), policy=Policy())


def test_the_service_that_asks_is_named() -> None:
    with pytest.raises(StepFailedError) as caught:
        check_stack(release=release(stack({"privileged": True})), policy=Policy())
    assert caught.value.service == "web"


@pytest.mark.parametrize("value", [7, [7], True])
def test_a_list_of_the_policy_holds_texts(value: object) -> None:
    with pytest.raises(ConfigInvalidError, match=r"policy\.devices.*not a list of texts"):
        read_policy({"devices": value}, state_dir=Path("/var/lib/axion"))


def test_commas_without_a_word_between_them_allow_nothing() -> None:
    assert read_policy({"devices": "gpu, ,,"}, state_dir=Path("/var/lib/axion")).devices == {"gpu"}


FIELDS = {
    "network": "network_mode", "pid": "pid", "ipc": "ipc", "uts": "uts", "userns": "userns_mode", "cgroup": "cgroup",
}  # fmt: skip


@pytest.mark.parametrize("word", sorted(NAMESPACES))
def test_a_namespace_that_is_allowed_opens_no_other(word: str) -> None:
    policy = read_policy({"host_namespaces": [word]}, state_dir=Path("/var/lib/axion"))
    taken = {other for other, field in FIELDS.items() if not refusal(stack({field: "host"}), policy=policy)}
    assert taken == {word}


def test_a_path_is_allowed_as_a_folder_and_not_as_a_beginning(tmp_path: Path) -> None:
    media = tmp_path / "media"
    media.mkdir()
    (tmp_path / "by-link").symlink_to(media)
    policy = read_policy({"bind_mounts": [str(media)]}, state_dir=Path("/srv/agent"))
    assert policy.allows_path(f"{media}/below")
    for other in (f"{media}-of-others", str(tmp_path / "by-link"), f"{media}/../media", f"{media}//below", "media"):
        assert not policy.allows_path(other), other


def test_a_deployment_names_exactly_the_services_of_its_stack() -> None:
    for text in ("services: {web: {image: x}, hidden: {image: x}}\n", "services: {}\n"):
        order = replace(release("services: {web: {image: x}}"), files={"docker-compose.yml": text})
        with pytest.raises(StepFailedError, match="other services"):
            check_stack(release=order, policy=Policy())


UNREADABLE = {
    "number as a name": "services: {web: {image: x, labels: {1: a}}}\n",
    "long number as a name": f"services: {{web: {{image: x, labels: {{{'1' * 3000}: a}}}}}}\n",
    "bytes": "services: {web: {image: x, labels: {a: !!binary aGk=}}}\n",
    "moment": "services: {web: {image: x, labels: {a: !!timestamp 2026-11-27}}}\n",
    "set": "services: {web: {image: x, labels: !!set {a}}}\n",
    "infinity": "services: {web: {image: x, cpus: .inf}}\n",
    "no number": "services: {web: {image: x, cpus: .nan}}\n",
    "deep by aliases": f"x-a: &a {'[' * 30}1{']' * 30}\n"
    f"services: {{web: {{image: x, labels: {'[' * 15}*a{']' * 15}}}}}\n",
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_what_json_lacks_is_not_read(case: str) -> None:
    with pytest.raises(StepFailedError, match="cannot be read") as caught:
        read_stack(UNREADABLE[case])
    assert len(caught.value.message) < 400


def test_words_are_read_as_compose_reads_them() -> None:
    words = "[yes, no, on, Off, y, 22:22, 2026-11-27, 2026-11-27T10:00:00Z, true, FALSE, 0o17, 1_000, 7]"
    read = read_stack(f"services: {{web: {{image: x, command: {words}}}}}")["services"]["web"]["command"]
    texts = ["yes", "no", "on", "Off", "y", "22:22", "2026-11-27", "2026-11-27T10:00:00Z"]
    assert read[:8] == texts
    assert read[8:10] == [True, False]


def test_what_only_builds_need_is_not_written() -> None:
    written = write_stack(read_stack("services: {web: {image: x, build: {context: /etc}}}"))
    assert "build" not in written
    assert '"image": "x"' in written
