"""How code is built, values as files, and other nodes named in commands and files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from stackgen.errors import GraphInvalid
from stackgen.results import Engine, Stack, StackOptions
from tests.stackgen.graphs import DATABASE, compose_of, facts_of, graph, node, stack_of, web

CODE = {"a/Dockerfile": "FROM x", "a/b/dev.Dockerfile": "FROM y", "main.py": "", "p/main.py": ""}
DB = node("db", DATABASE, databaseType="postgresql", password="sealed-text")


def built(
    config: Mapping[str, str] | None = None,
    *,
    engine: Engine = "compose",
    files: Mapping[str, str] | None = None,
    **more: str,
) -> Stack:
    keys = {key.replace("__", "."): value for key, value in more.items()} | dict(config or {})
    code = {"web": facts_of(CODE if files is None else files)}
    raw = graph(node("web", port="80", **keys), DB, edges=["web db"])
    return stack_of(raw, code=code, env_names=["SHARED"], options=StackOptions(engine=engine))


def definition(stack: Stack) -> dict[str, Any]:
    found = compose_of(stack)["services"]["web"]
    assert isinstance(found, dict)
    return found


def service(stack: Stack) -> Any:
    return next(each for each in stack.services if each.name == "web")


@pytest.mark.parametrize("engine", ["compose", "swarm"])
def test_a_build_is_told_to_the_agent_and_to_people(engine: Engine) -> None:
    config = {"buildFolder": "./a/", "dockerfile": "b/dev.Dockerfile", "buildTarget": "dev", "buildArg.A": "$x y\n"}
    stack = built(config, engine=engine, buildSecret__npm="SHARED")
    told = service(stack)
    assert (told.build_folder, told.build_dockerfile, told.build_target) == ("a", "b/dev.Dockerfile", "dev")
    assert (told.build_args, told.build_secrets) == ({"A": "$x y\n"}, {"npm": "ENV_SHARED"})
    assert (told.dockerfile, told.is_built_specially) == ("", True)
    assert "ENV_SHARED" in {variable.name for variable in stack.variables}
    if engine == "compose":
        document = compose_of(stack)
        assert document["services"]["web"]["build"] == {
            "context": "./code/web/a", "dockerfile": "b/dev.Dockerfile", "target": "dev", "args": {"A": "$$x y\n"},
            "secrets": [{"source": "web--npm", "target": "npm"}],
        }  # fmt: skip
        assert document["secrets"] == {"web--npm": {"environment": "ENV_SHARED"}}


def test_each_setting_of_a_build_makes_another_image_and_none_of_them_the_same() -> None:
    dockerfile = {"Dockerfile": "FROM x", "f/Dockerfile": "FROM x", "Dockerfile.b": "FROM x"}
    variants: tuple[dict[str, str], ...] = (
        {}, {"buildTarget": "t"}, {"buildArg.A": "1"}, {"buildArg.A": "2"}, {"buildFolder": "f"},
        {"dockerfile": "Dockerfile.b"}, {"buildSecret.s": "SHARED"},
    )  # fmt: skip
    images = [service(built(config, files=dockerfile)).image for config in variants]
    assert len(set(images)) == len(variants)
    assert images[0] == service(built(files=dockerfile)).image


def test_a_folder_is_recognised_by_what_is_in_it() -> None:
    stack = built(buildFolder="p")
    assert "python" in stack.files["Dockerfile.web"]
    assert definition(stack)["build"] == {"context": "./code/web/p", "dockerfile": "../../../Dockerfile.web"}


@pytest.mark.parametrize(
    ("config", "field", "says"),
    [
        ({"buildFolder": "z"}, "buildFolder", "no folder z"),
        ({"buildFolder": "../x"}, "buildFolder", "a path in the code"),
        ({"buildFolder": "/x"}, "buildFolder", "a path in the code"),
        ({"dockerfile": "x"}, "dockerfile", "no x in the code"),
        ({"dockerfile": "a/../../x"}, "dockerfile", "a path in the code"),
        ({"dockerfile": "a/Dockerfile", "runtime": "python"}, "dockerfile", "the runtime python"),
        ({"buildTarget": "x"}, "buildTarget", "a Dockerfile of its own"),
        ({"buildTarget": "--x"}, "buildTarget", "the name of a stage"),
        ({"buildArg.A": "x"}, "buildArg.A", "a Dockerfile of its own"),
        ({"buildArg.BUILDKIT_SYNTAX": "x"}, "buildArg.BUILDKIT_SYNTAX", "not beginning with BUILDKIT_"),
        ({"buildArg.A B": "x"}, "buildArg.A B", "letters, digits"),
        ({"buildSecret.x,src=/etc/passwd": "A"}, "buildSecret.x,src=/etc/passwd", "letters, digits"),
        ({"buildSecret.ca": "A"}, "buildSecret.ca", "not ca or ca_bundle"),
        ({"buildSecret.x": "A", "buildFolder": "a"}, "buildSecret.x", "which nobody gave"),
        ({"secretFile./x": "A"}, "secretFile./x", "which nobody gave"),
        ({"secretFile.x": "SHARED"}, "secretFile.x", "a path in the container"),
        ({"secretFile./x": "SHARED", "file./x": ""}, "file./x", "mounted twice"),
        ({"secretFile./x": "SHARED", "readOnly": "true"}, "readOnly", "/x is put into the container"),
    ],
)
def test_what_cannot_be_built_is_refused_by_name(config: dict[str, str], field: str, says: str) -> None:
    with pytest.raises(GraphInvalid) as caught:
        built(config)
    assert f"web [web] config.{field}:" in str(caught.value)
    assert says in str(caught.value)


def test_build_settings_beside_an_image_are_told() -> None:
    stack = stack_of(graph(web("a", buildTarget="x", dockerfile="y")))
    assert [warning for warning in stack.warnings if "beside config.image" in warning] == [
        f"'a': config.{key} means nothing beside config.image, which nobody builds here"
        for key in ("dockerfile", "buildTarget")
    ]


def test_a_value_as_a_file_is_a_variable_of_nobody_and_stands_in_no_file() -> None:
    config = {"secretFile./run/secrets/x": "to ken", "secret.to ken": "a\nb", "fileMode./run/secrets/x": "0400"}
    stack = stack_of(graph(web("a", **config, secret__other="o")))
    document = compose_of(stack)
    (mounted,) = document["services"]["a"]["secrets"]
    assert (mounted["target"], mounted["mode"]) == ("/run/secrets/x", 0o400)
    (secret,) = document["secrets"].values()
    variable = next(each for each in stack.variables if each.key == "a.secret.to ken")
    assert secret == {"environment": variable.name}
    assert document["services"]["a"]["environment"].keys() == {"other", "PORT"}
    assert stack.services[0].aspects["variables"].split() == sorted(
        [variable.name, document["services"]["a"]["environment"]["other"][2:-1]]
    )
    with pytest.raises(GraphInvalid, match=r"config\.secretFile\./run/secrets/x: cannot be made"):
        stack_of(graph(web("a", **config)), options=StackOptions(engine="swarm"))


def test_other_nodes_in_commands() -> None:
    stack = built(dockerfile="a/Dockerfile", command="serve --db ${node.db.url} '${node.db.host} 5%' ${var.SHARED}")
    url = "postgresql://app:${SECRET_DB_PASSWORD_URLENCODED}@db:5432/app"
    assert definition(stack)["command"] == ["serve", "--db", url, "db 5%", "${ENV_SHARED}"]
    assert {"ENV_SHARED", "SECRET_DB_PASSWORD_URLENCODED"} <= set(service(stack).aspects["variables"].split())


def test_other_nodes_in_files() -> None:
    text = "a=${node.db.host}\nb=${node.db.password}\nc=${node.name} $x $$y ${var.NOBODY} ${node.db.host"
    stack = built({"file./x": text}, dockerfile="a/Dockerfile")
    (config,) = compose_of(stack)["configs"].values()
    assert config["content"] == (
        "a=db\nb=${SECRET_DB_PASSWORD}\nc=$${node.name} $$x $$$$y $${var.NOBODY} $${node.db.host"
    )
    assert len([warning for warning in stack.warnings if "it stays as it is" in warning]) == 2
    with pytest.raises(GraphInvalid, match=r"config\.file\./x: .*no such thing"):
        built({"file./x": "${node.db.colour}"}, dockerfile="a/Dockerfile")
    with pytest.raises(GraphInvalid, match=r"config\.file\./x: holds a sealed value"):
        built({"file./x": text}, engine="swarm", dockerfile="a/Dockerfile")
    plain = built({"file./x": "${node.db.host} $x"}, engine="swarm", dockerfile="a/Dockerfile")
    assert [text for name, text in plain.files.items() if name.startswith("file.web.")] == ["db $x"]


@pytest.mark.parametrize(
    "command",
    [
        "echo ${node.db.url} | cat", '["sh", "-c", "echo ${node.db.password}"]', "set -e\necho ${var.SHARED}",
        '["/bin/bash", "-lc", "${node.db.env.EVIL}"]',
    ],
)  # fmt: skip
def test_no_value_becomes_part_of_a_script(command: str) -> None:
    raw = graph(
        web("web", command=command), node("db", DATABASE, databaseType="redis", env__EVIL="$(reboot)"), edges=["web db"]
    )
    with pytest.raises(GraphInvalid, match=r"config\.command: puts a value into a script"):
        stack_of(raw, env_names=["SHARED"])


def test_an_entrypoint_that_is_a_shell_makes_a_script_of_the_command() -> None:
    config = {"entrypoint": '["/bin/sh", "-c"]', "command": '["echo ${node.db.url}"]'}
    with pytest.raises(GraphInvalid, match=r"config\.command: puts a value into a script"):
        built(config, dockerfile="a/Dockerfile")


def test_an_address_may_stand_in_a_script_and_in_an_image() -> None:
    stack = built(dockerfile="a/Dockerfile", command="wait ${node.db.host}:${node.db.port} && run $X")
    assert definition(stack)["command"] == ["sh", "-c", "wait db:5432 && exec run $$X"]
    stack = built(files={"main.py": ""}, command="python main.py --on ${node.db.host}")
    assert 'CMD ["python", "main.py", "--on", "db"]' in stack.files["Dockerfile.web"]
    with pytest.raises(GraphInvalid, match=r"config\.command: puts a value"):
        built(files={"main.py": ""}, command="python main.py --on ${node.db.url}")
    with pytest.raises(GraphInvalid, match=r"config\.command: .*no such node"):
        built(files={"main.py": ""}, command="python main.py --on ${node.nobody.url}")
