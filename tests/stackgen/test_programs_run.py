"""How programs are started, asked and told of each other: a table of what people draw, with what has to come out."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from stackgen.runtimes.command_words import exec_form, image_words
from tests.stackgen.graphs import GATEWAY, compose_of, facts_of, graph, node, stack_of, web

# What shims of version managers stand before.
TOOLS = "/usr/local/bin:/usr/bin:/bin"
PLAIN = {"main.py": ""}


def service(texts: Mapping[str, str], **config: str) -> dict[str, Any]:
    stack = stack_of(graph(node("a", **config)), code={"a": facts_of(texts)})
    found: dict[str, Any] = compose_of(stack)["services"]["a"]
    return found


@pytest.mark.parametrize(
    ("text", "of_code", "of_image"),
    [
        ("--a.file=/etc/a.yml --keep=30d", None, ("--a.file=/etc/a.yml", "--keep=30d")),
        ("start --name=a.example.org --on=true", None, ("start", "--name=a.example.org", "--on=true")),
        ("/app --listen=:8080", None, None), ("serve a/*", ("sh", "-c", "exec serve a/*"), ("serve", "a/*")),
        ("--password=$PW", ("sh", "-c", "exec --password=$PW"), ("--password=$PW",)),
        ("serve $PORT", ("sh", "-c", "exec serve $PORT"), None), ("python -c 'a; b'", ("python", "-c", "a; b"), None),
        ("A=1 B='x y' c d", ("sh", "-c", "A=1 B='x y' exec c d"), None),
        ("migrate && serve --port=1", ("sh", "-c", "migrate && exec serve --port=1"), None),
        ("cd x; A=1 y > log 2>&1", ("sh", "-c", "cd x; A=1 exec y > log 2>&1"), None),
        ("set -e\nmigrate\nserve", ("sh", "-c", "set -e\nmigrate\nexec serve"), None),
        ("a && exec b", ("sh", "-c", "a && exec b"), None), ("a | b", ("sh", "-c", "a | b"), None),
        ("a & b", ("sh", "-c", "a & b"), None), ("a && (b; c)", ("sh", "-c", "a && (b; c)"), None),
        ("if a; then b; fi", ("sh", "-c", "if a; then b; fi"), None),
        ("trap 'x' TERM; a", ("sh", "-c", "trap 'x' TERM; a"), None),
        ('["a", "b $c"]', ("a", "b $c"), None), ("app --x='a=b'", ("app", "--x=a=b"), None),
    ],
)  # fmt: skip
def test_commands_are_words_and_a_shell_hands_over_to_the_last(
    text: str, of_code: tuple[str, ...] | None, of_image: tuple[str, ...] | None
) -> None:
    wanted = of_code or tuple(text.split())
    assert exec_form(text) == wanted
    assert image_words(text) == (of_image or wanted)


def test_images_and_own_dockerfiles_get_words() -> None:
    words = ["--greeting=hello", "--port=8000"]
    assert service({"Dockerfile": "FROM a"}, command=" ".join(words))["command"] == words
    assert compose_of(stack_of(graph(web("a", command=" ".join(words)))))["services"]["a"]["command"] == words


@pytest.mark.parametrize(
    ("last", "is_asked", "has_condition"),
    [
        ("FROM a", False, "service_started"), ("FROM a\nHEALTHCHECK --interval=2s CMD x", True, "service_healthy"),
        ("FROM a\nHEALTHCHECK NONE", False, "service_started"),
        ("FROM a AS b\nHEALTHCHECK CMD x\nFROM c", False, "service_started"),
    ],
)  # fmt: skip
def test_the_images_own_check_is_waited_for(last: str, is_asked: bool, has_condition: str) -> None:
    stack = stack_of(graph(web("a"), node("b"), edges=["a b"]), code={"b": facts_of({"Dockerfile": last})})
    assert compose_of(stack)["services"]["a"]["depends_on"]["b"]["condition"] == has_condition
    assert next(each for each in stack.services if each.name == "b").has_health_check is is_asked


@pytest.mark.parametrize(
    "last", ["FROM scratch", "FROM x AS y\nFROM gcr.io/distroless/static", "FROM scratch AS y\nFROM y AS z\nFROM z"]
)
def test_what_cannot_be_asked_is_not_and_a_warning_says_so(last: str) -> None:
    raw = graph(node("a", port="80", healthPath="/up"))
    stack = stack_of(raw, code={"a": facts_of({"Dockerfile": last})})
    assert "healthcheck" not in compose_of(stack)["services"]["a"]
    assert any("healthCommand" in warning for warning in stack.warnings)


def test_the_check_asks_for_the_name_that_the_graph_gives() -> None:
    config = {"port": "80", "healthPath": "/up", "healthHost": "shop.example.org"}
    for texts in (PLAIN, {"index.js": ""}, {"Dockerfile": "FROM x"}):
        assert "shop.example.org" in " ".join(service(texts, **config)["healthcheck"]["test"])


def test_a_service_is_reached_by_the_name_that_people_gave_it() -> None:
    raw = graph(web("user_service"), web("api.v2"), web("Web Shop"), web("a"), edges=["a user_service", "a api.v2"])
    services = compose_of(stack_of(raw))["services"]
    aliases = {name: {text for net in nets.values() for text in net["aliases"]} for name, each in services.items()
               if isinstance(nets := each["networks"], dict)}  # fmt: skip
    assert aliases == {"user-service": {"user_service"}, "api-v2": {"api.v2"}}


def test_nobody_answers_to_a_name_that_two_have() -> None:
    raw = graph(web("user_service", id="1"), web("user_service", id="2"), web("a_b"), web("z", aliases="a_b"))
    raw["edges"] = graph(edges=["1 2", "a_b z"])["edges"]
    services = compose_of(stack_of(raw))["services"]
    assert [name for name, each in services.items() if isinstance(each["networks"], dict)] == ["z"]


@pytest.mark.parametrize("name", ["server", "management server", "uvicorn", "quarkus-http", "flask_run", "http"])
def test_variables_of_a_callee_never_steer_its_caller(name: str) -> None:
    stack = stack_of(graph(web("a"), web(name, id="b"), edges=["a b"]))
    prefix = name.replace(" ", "_").replace("-", "_").upper()
    given = compose_of(stack)["services"]["a"]["environment"]
    assert not {f"{prefix}_PORT", f"{prefix}_HOST"} & given.keys()
    assert f"{prefix}_URL" in given
    assert any(f"{prefix}_PORT" in warning and "connectionName" in warning for warning in stack.warnings)


def test_a_known_database_drawn_as_a_service_gives_no_address_of_the_web() -> None:
    redis = node("redis", image="mirror.example.org:5000/library/redis:7", port="6379")
    stack = stack_of(graph(web("a"), redis, edges=["a redis"]))
    given = compose_of(stack)["services"]["a"]["environment"]
    assert given == {"PORT": "80", "REDIS_HOST": "redis", "REDIS_PORT": "6379"}
    assert any("databaseType redis" in warning for warning in stack.warnings)


def test_a_request_leaves_each_service_its_own_port() -> None:
    stack = stack_of(graph(web("a"), node("b", image="x")), env_names=["PORT"])
    services = compose_of(stack)["services"]
    assert services["a"]["environment"]["PORT"] == "80"
    assert services["b"]["environment"]["PORT"].startswith("${")
    assert any("PORT" in sentence for sentence in stack.overrides)


def test_what_hides_an_edge_is_told() -> None:
    raw = graph(web("a"), node("db", 2, databaseType="postgresql"), edges=["a db"])
    assert any("DATABASE_URL" in warning for warning in stack_of(raw, env_names=["DATABASE_URL"]).warnings)


def test_a_bare_prefix_keeps_query_method_and_body() -> None:
    raw = graph(node("g", GATEWAY), web("front"), web("auth", path="/auth"), edges=["g front", "g auth"])
    text = stack_of(raw).files["Caddyfile.g"]
    assert "path /auth /auth/*" in text
    assert 'expression {query} == ""' in text


class Answers(BaseHTTPRequestHandler):
    """Answers as the path says, and only to the name that it is asked for."""

    def do_GET(self) -> None:
        wrong = self.headers["Host"] != "shop.example.org"
        self.send_response(400 if wrong else int(self.path.strip("/")))
        self.send_header("Location", "https://nowhere.invalid/")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("tool", ["curl", "wget", "python3", "node", "bash"])
@pytest.mark.parametrize(("path", "is_well"), [("/200", True), ("/302", True), ("/404", False), ("/503", False)])
def test_the_check_finds_the_tool_that_is_there_and_says_what_was_answered(
    tool: str, path: str, is_well: bool, tmp_path: Any
) -> None:
    if shutil.which(tool, path=TOOLS) is None:
        pytest.skip(f"no {tool} on this machine")
    for name in {tool, "sh", "sed", "head", "hostname"}:
        # Not a link: Python looks for its library beside the name it was started by.
        (tmp_path / name).write_text(f'#!/bin/sh\nexec {Path(shutil.which(name, path=TOOLS) or "").resolve()} "$@"\n')
        (tmp_path / name).chmod(0o755)
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        config = {"port": str(server.server_port), "healthPath": path, "healthHost": "shop.example.org"}
        test = service({"Dockerfile": "FROM x"}, **config)["healthcheck"]["test"]
        command = [str(tmp_path / "sh"), "-c", test[1].replace("$$", "$")]
        asked = subprocess.run(
            command, check=False, env={"PATH": str(tmp_path)}, capture_output=True, text=True, timeout=60
        )
        server.shutdown()
    assert (asked.returncode == 0) is is_well, asked
    assert is_well or f"answered {path[1:]}" in asked.stdout


@pytest.mark.parametrize("texts", [PLAIN, {"index.js": ""}], ids=["python", "node"])
@pytest.mark.parametrize(("path", "is_well"), [("/302", True), ("/404", False)])
def test_the_checks_of_our_own_images_say_what_was_answered(texts: dict[str, str], path: str, is_well: bool) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        config = {"port": str(server.server_port), "healthPath": path, "healthHost": "shop.example.org"}
        test = service(texts, **config)["healthcheck"]["test"]
        words = [word.replace("$$", "$") for word in test[1:]]
        if shutil.which(words[0]) is None:
            pytest.skip(f"no {words[0]} on this machine")
        asked = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
        server.shutdown()
    assert (asked.returncode == 0) is is_well, asked
    assert is_well or f"answered {path[1:]}" in asked.stdout + asked.stderr
