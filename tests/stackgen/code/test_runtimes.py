"""What is recognised in code, and what its Dockerfile then does."""

from __future__ import annotations

import pytest

from stackgen.errors import GraphInvalid
from stackgen.results import StackOptions
from stackgen.runtimes.command_words import exec_form
from tests.stackgen.graphs import compose_of, facts_of, graph, node, stack_of


def dockerfile(texts: dict[str, str], **config: str) -> str:
    stack = stack_of(graph(node("a", **config)), code={"a": facts_of(texts)})
    return stack.files.get("Dockerfile.a", "")


def command(texts: dict[str, str], **config: str) -> str:
    """The last line: what the container runs."""
    return dockerfile(texts, **config).splitlines()[-1]


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"main.py": ""}, "FROM python:3.13-slim"), ({"package.json": "{}", "index.js": ""}, "FROM node:24-slim"),
        ({"package.json": "{}", "bun.lock": "", "index.ts": ""}, "FROM oven/bun:1"),
        ({"go.mod": "", "main.go": ""}, "FROM golang:1.25-alpine"),
        ({"Cargo.toml": '[package]\nname = "x"', "src/main.rs": ""}, "FROM rust:1-alpine"),
        ({"pom.xml": ""}, "FROM maven:3-eclipse-temurin-21"), ({"build.gradle.kts": ""}, "FROM gradle:8-jdk21"),
        ({"index.html": ""}, "FROM caddy:2"),
    ],
)  # fmt: skip
def test_the_runtime_is_recognised(files: dict[str, str], wanted: str) -> None:
    text = dockerfile(files)
    assert wanted in text
    assert "\nUSER " in text


def test_the_codes_own_dockerfile_goes_first_and_a_runtime_in_the_graph_before_it() -> None:
    texts = {"Dockerfile": "FROM x", "main.py": ""}
    stack = stack_of(graph(node("a", command="run it")), code={"a": facts_of(texts)})
    assert "Dockerfile.a" not in stack.files
    assert stack.services[0].dockerfile == ""
    assert stack.services[0].bundle_digest == "d" * 64
    assert compose_of(stack)["services"]["a"]["command"] == ["run", "it"]
    assert "FROM python" in dockerfile(texts, runtime="python")


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"uv.lock": "", "pyproject.toml": "", "main.py": ""}, "uv sync --frozen"),
        ({"poetry.lock": "", "pyproject.toml": "", "main.py": ""}, "poetry export --only main"),
        ({"requirements.txt": "x", "main.py": ""}, "COPY requirements.txt ./"),
        ({"requirements.txt": "-r base.txt", "main.py": ""}, "COPY . ./"),
        ({"pyproject.toml": "[project]", "main.py": ""}, "import tomllib"),
        ({"package.json": "{}", "package-lock.json": "", "index.js": ""}, "npm ci --omit=dev"),
        ({"package.json": "{}", "pnpm-lock.yaml": "", "index.js": ""}, "pnpm install --frozen-lockfile --prod"),
        ({"package.json": "{}", "yarn.lock": "", "index.js": ""}, "yarn install --frozen-lockfile"),
        ({"package.json": '{"scripts": {"build": "x", "start": "node a.js"}}'}, "RUN npm run build"),
        ({"go.mod": "", "cmd/api/main.go": ""}, "./cmd/api"),
    ],
)  # fmt: skip
def test_the_package_manager_is_recognised(files: dict[str, str], wanted: str) -> None:
    assert wanted in dockerfile(files)


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({"main.py": ""}, '["python", "main.py"]'), ({"worker.py": ""}, '["python", "worker.py"]'),
        ({"Procfile": "web: serve $PORT a:b\nworker: x", "main.py": ""}, '["sh", "-c", "exec serve $PORT a:b"]'),
        (
            {"requirements.txt": "uvicorn", "main.py": "app = FastAPI()"},
            '["uvicorn", "main:app", "--host", "0.0.0.0", "--port", "8000"]',
        ),
        (
            {"requirements.txt": "gunicorn", "app.py": "web = Flask(__name__)"},
            '["gunicorn", "app:web", "--bind", "0.0.0.0:8000"]',
        ),
        (
            {"requirements.txt": "gunicorn", "manage.py": "", "shop/wsgi.py": ""},
            '["gunicorn", "shop.wsgi:application", "--bind", "0.0.0.0:8000"]',
        ),
        ({"package.json": '{"scripts": {"start": "node server.js --x"}}'}, '["node", "server.js", "--x"]'),
        ({"package.json": '{"scripts": {"start": "tsx a && b"}}'}, '["sh", "-c", "tsx a && exec b"]'),
        ({"package.json": '{"main": "lib/a.js"}', "lib/a.js": ""}, '["node", "lib/a.js"]'),
        ({"index.html": ""}, '["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]'),
    ],
)  # fmt: skip
def test_the_start_command_is_found(files: dict[str, str], wanted: str) -> None:
    assert command(files) == f"CMD {wanted}"


def test_the_graphs_command_goes_first() -> None:
    assert command({"main.py": "", "Procfile": "web: x"}, command="python -m app") == 'CMD ["python", "-m", "app"]'


@pytest.mark.parametrize(
    ("files", "config", "field"),
    [
        ({}, {}, "code"), ({"readme": ""}, {}, "config.runtime"), ({"x": ""}, {"runtime": "python"}, "config.command"),
        ({"package.json": "{"}, {}, "code"), ({"package.json": "[]"}, {}, "code"),
        ({"package.json": "{}"}, {}, "config.command"),
        ({"x": ""}, {"runtime": "go"}, "code"),
        ({"go.mod": "", "a/main.go": "", "b/main.go": ""}, {}, "config.command"),
        ({"Cargo.toml": "["}, {}, "code"), ({"Cargo.toml": "", "src/main.rs": ""}, {}, "code"),
        ({"x": ""}, {"runtime": "java"}, "code"), ({"x": ""}, {"runtime": "dockerfile"}, "config.runtime"),
        ({"x": ""}, {"runtime": "bun"}, "code"),
        ({"pyproject.toml": "[tool.poetry.dependencies]", "main.py": ""}, {}, "code"),
        ({"Pipfile": "", "main.py": ""}, {}, "code"),
        ({"package.json": '{"packageManager": "yarn@4.9.1"}', "yarn.lock": "", "index.js": ""}, {}, "code"),
    ],
)  # fmt: skip
def test_code_that_gives_no_image_names_the_field(files: dict[str, str], config: dict[str, str], field: str) -> None:
    with pytest.raises(GraphInvalid) as caught:
        dockerfile(files, **config)
    assert [(problem.node_id, problem.field) for problem in caught.value.problems] == [("a", field)]


def test_a_service_with_neither_code_nor_image() -> None:
    with pytest.raises(GraphInvalid) as caught:
        stack_of(graph(node("a"), node("b", image="x")))
    assert [(problem.node_id, problem.field) for problem in caught.value.problems] == [("a", "code")]


def test_base_images_can_be_replaced_and_the_tag_follows_the_content() -> None:
    texts = {"main.py": ""}
    plain = stack_of(graph(node("a")), code={"a": facts_of(texts)})
    options = StackOptions(images={"python": "mirror/python:3"}, image_prefix="registry:5000/x/")
    other = stack_of(graph(node("a")), code={"a": facts_of(texts)}, options=options)
    assert "FROM mirror/python:3" in other.files["Dockerfile.a"]
    assert other.services[0].image.startswith("registry:5000/x/axion-test-a:")
    assert plain.services[0].image.split(":")[-1] != other.services[0].image.split(":")[-1]
    assert plain == stack_of(graph(node("a")), code={"a": facts_of(texts)})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a 'b c'", ("a", "b c")), ("a $B", ("sh", "-c", "exec a $B")), ("a && b", ("sh", "-c", "a && exec b")),
        ("A=1 b", ("sh", "-c", "A=1 exec b")), ("a 'b", ("sh", "-c", "a 'b")), ("", ()),
    ],
)  # fmt: skip
def test_a_shell_only_where_one_is_needed(text: str, wanted: tuple[str, ...]) -> None:
    assert exec_form(text) == wanted


@pytest.mark.parametrize(
    ("texts", "config", "words"),
    [
        ({"main.py": ""}, {"port": "80", "healthPath": "/up"}, ["python", "'/up'"]),
        ({"main.py": ""}, {"port": "80"}, ["python", "create_connection"]),
        ({"index.js": ""}, {"port": "80", "healthPath": "/up"}, ["node", "/up"]),
        ({"index.html": ""}, {"port": "80"}, ["nc -z"]),
        ({"Dockerfile": ""}, {"port": "80", "healthPath": "/a?b=1&c;d"}, ["wget", "path='/a?b=1&c;d'", ":80"]),
    ],
)  # fmt: skip
def test_health_is_asked_with_what_the_image_has(
    texts: dict[str, str], config: dict[str, str], words: list[str]
) -> None:
    stack = stack_of(graph(node("a", **config)), code={"a": facts_of(texts)})
    test = " ".join(compose_of(stack)["services"]["a"]["healthcheck"]["test"])
    assert all(word in test for word in words)
    assert stack.services[0].has_health_check


def test_who_has_no_port_has_no_check() -> None:
    stack = stack_of(graph(node("a")), code={"a": facts_of({"main.py": ""})})
    assert "healthcheck" not in compose_of(stack)["services"]["a"]
    assert not stack.services[0].has_health_check
