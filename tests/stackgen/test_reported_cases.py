"""What people reported of other products, each with the value that they expected.

`CASES` are graphs that are refused with what to write instead, warned of, or become files that hold what is wanted.
`ELSEWHERE` names the tests of those that only an agent, an engine or an archive can show.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from stackgen.errors import GraphInvalid
from stackgen.results import Stack
from tests.docs.building import ROOT
from tests.stackgen.graphs import DATABASE, GATEWAY, facts_of, graph, node, stack_of, web

PEM = "-----BEGIN KEY-----\nQUJD\nREVG\n-----END KEY-----\n"
NODE = '{"start": "node s.js"}'
DIGEST = "@sha256:21" + "c" * 62


@dataclass(frozen=True, kw_only=True)
class Case:
    nodes: Sequence[dict[str, Any]]
    edges: Sequence[str] = ()
    code: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    given: Sequence[str] = ()
    # Each stands in what is said, or in the files.
    refused: Sequence[str] = ()
    warned: Sequence[str] = ()
    holds: Sequence[str] = ()
    lacks: Sequence[str] = ()


def store(name: str, kind: str, **config: str) -> dict[str, Any]:
    return node(name, DATABASE, databaseType=kind, **config)


def package(**more: str) -> str:
    parts = {"name": '"p"', **more}
    return "{" + ", ".join(f'"{key}": {value}' for key, value in parts.items()) + "}"


CASES: dict[str, Case] = {
    "dollars in values": Case(
        nodes=[web("a", env__HASH="$2y$10$ab/c", env__BARE="x$y", env__TWO="$$z", env__BRACES="${NOBODY}/x")],
        holds=["HASH: $$2y$$10$$ab/c", "BARE: x$$y", "TWO: $$$$z", "BRACES: $${NOBODY}/x"],
        warned=["env.BRACES holds ${NOBODY} as text"],
    ),
    "quotes, blanks and words that look like values": Case(
        nodes=[web("a", env__Q="'self'", env__B=" x ", env__H="a #b", env__E="", env__Y="yes", env__O="0123")],
        holds=["Q: \"'self'\"", 'B: " x "', 'H: "a #b"', 'E: ""', '"Y": "yes"', 'O: "0123"'],
    ),
    "keys of several lines": Case(nodes=[web("a", env__PUB=PEM, secret__KEY="")], holds=["${SECRET_A_KEY}", "QUJD"]),
    "a password with every sign": Case(
        nodes=[web("api"), store("pg", "postgresql", password="p@/#:%"), store("rd", "redis", password="'\"\\")],
        edges=["api pg", "api rd"],
        holds=["${SECRET_PG_PASSWORD_URLENCODED}@pg:5432", "${SECRET_RD_PASSWORD_URLENCODED}@rd:6379"],
        lacks=["p@/#"],
    ),
    "variables with dots": Case(
        nodes=[web("a", **{"env.discovery.type": "single-node", "env.xpack.security.enabled": "false"})],
        holds=["discovery.type: single-node", 'xpack.security.enabled: "false"'],
    ),
    "another product's references": Case(
        nodes=[web("w", env__P="${DB_PASSWORD}", env__Q="${{db.PASSWORD}}"), store("db", "mariadb")],
        edges=["w db"],
        warned=["env.P holds ${DB_PASSWORD} as text; a value of another node is ${node.NAME.password}", "${{db.PASS"],
    ),
    "references of our own": Case(
        nodes=[web("w", env__J="jdbc:postgresql://${node.db.host}/${node.db.database}"), store("db", "postgresql")],
        edges=["w db"],
        holds=["J: jdbc:postgresql://db/app"],
    ),
    "underscores in names": Case(
        nodes=[web("billing_api"), web("user_service")],
        edges=["billing_api user_service"],
        holds=["- user_service", "user-service:"],
    ),
    "names that meet": Case(
        nodes=[web("Order Service", id="1"), web("order-service", id="2"), web("123", id="3"), web("x-b", id="4")],
        holds=["order-service:", "order-service-", "service-123:", "service-x-b:"],
    ),
    "a callee whose name steers programs": Case(
        nodes=[web("bff"), node("server", image="a:1", port="9000")],
        edges=["bff server"],
        lacks=["SERVER_PORT"],
        warned=["not given SERVER_HOST and SERVER_PORT"],
    ),
    "a store drawn as a service": Case(
        nodes=[web("a"), node("redis", image="redis:7", port="6379")],
        edges=["a redis"],
        lacks=["http://redis"],
        warned=["draw it with databaseType redis"],
    ),
    "a registry with a port": Case(
        nodes=[store("db", "postgresql", image="r.example.org:5000/library/postgres:16")],
        holds=["db-data:/var/lib/postgresql/data"],
    ),
    "a digest that looks like a release": Case(
        nodes=[store("a", "postgresql", image=f"postgres{DIGEST}")], refused=["config.databaseVersion"]
    ),
    "a tag beside a digest": Case(
        nodes=[store("a", "postgresql", image=f"postgres:16{DIGEST}")], holds=["a-data:/var/lib/postgresql/data"]
    ),
    "images of other makers": Case(
        nodes=[
            store("a", "postgresql", image="bitnami/postgresql:17"), store("b", "redis", image="redis/redis-stack:7"),
        ],
        refused=["keeps its data in /bitnami", "is started in another way"],
    ),
    "uploads of a service": Case(
        nodes=[web("a", **{"volume.media": "/app/media", "volume": "media:/app/media"})],
        holds=["a.media:/app/media"],
        warned=["config.volume means nothing here; did you mean volume.NAME?"],
    ),
    "a configuration file": Case(
        nodes=[web("a", **{"file./etc/p.yml": "global: {}\n", "configs": "p.yml"})],
        holds=["target: /etc/p.yml"],
        warned=["did you mean file./PATH?"],
    ),
    "two databases in one field": Case(
        nodes=[store("d", "postgresql", database="app,keycloak")], refused=["further ones go into config.databases"]
    ),
    "several databases and extensions": Case(
        nodes=[store("d", "postgresql", databases="keycloak", extensions="vector")], holds=["keycloak", "vector"]
    ),
    "a MongoDB without mongosh": Case(nodes=[store("m", "mongodb", image="mongo:4.4")], refused=["no mongosh"]),
    "a replica set of one": Case(nodes=[store("m", "mongodb", replicaSet="rs0")], holds=["--replSet rs0"]),
    "options of servers": Case(
        nodes=[
            store("p", "postgresql", command="postgres -c wal_level=logical", shmSize="1g"),
            store("m", "mysql", command="--character-set-server=utf8mb4"),
        ],
        holds=['"wal_level=logical"', "shm_size: 1G", '"--character-set-server=utf8mb4"'],
    ),
    "a database for this machine alone": Case(
        nodes=[store("p", "postgresql", hostPort="127.0.0.1:5432")],
        refused=["config.ports, such as 127.0.0.1:5432:5432"],
    ),
    "a database for this machine alone, as it is written": Case(
        nodes=[store("p", "postgresql", ports="127.0.0.1:5432:5432")], holds=["127.0.0.1:5432:5432"]
    ),
    "copies of what keeps data": Case(
        nodes=[store("q", "postgresql", replicas="2"), web("w", hostPort="8080", replicas="2")],
        refused=["cannot be scaled"],
    ),
    "several names of a site": Case(
        nodes=[web("w", domain="example.com, www.example.com"), node("g", GATEWAY)],
        edges=["g w"],
        refused=["it is one name, and only that one is served"],
    ),
    "a site as an address": Case(
        nodes=[
            web("a", domain="https://a.example.com"), web("b", domain="a.example.com/"), web("e", domain="a_1.example"),
            web("c", domain="a.example.com:8443"), web("d", domain="münchen.example"),
        ],
        refused=["leave out the scheme", "goes into config.path", "the gateway's config.port", "xn--mnchen-3ya.example",
                 "an underscore"],
    ),
    "all names below a site": Case(
        nodes=[web("w", domain="*.example.com"), node("g", GATEWAY, domain="example.com")],
        edges=["g w"],
        refused=["must be one name"],
    ),
    "a site without a gateway": Case(
        nodes=[web("w", domain="a.example.com")], warned=["config.domain leads nowhere: no gateway is joined with it"]
    ),
    "two ports in one field": Case(nodes=[node("a", image="a:1", port="8080,9090")], refused=["go into config.ports"]),
    "two ports": Case(nodes=[web("a", ports="9090:9090")], holds=['"9090:9090"']),
    "UDP in a field for one port": Case(nodes=[web("v", hostPort="51820/udp")], refused=["51820:51820/udp"]),
    "UDP": Case(nodes=[web("v", ports="51820:51820/udp")], holds=["51820:51820/udp"]),
    "websockets and large uploads": Case(
        nodes=[node("g", GATEWAY, port="8080"), web("a", stripPrefix="false"), web("b")],
        edges=["g a", "g b"],
        holds=["reverse_proxy", "stream_close_delay 24h"],
        lacks=["request_body", "max_size"],
    ),
    "keys by other names": Case(
        nodes=[web("a", healthcheckPath="/h", Replicas="3", memoryLimit="1g", envFile=".env", networkMode="host")],
        warned=["did you mean healthPath?", "did you mean replicas?", "did you mean memory", "a .env file is imported"],
    ),
    "a check under a name of its own": Case(
        nodes=[web("a", healthPath="/h", healthHost="shop.example.com")], holds=["shop.example.com"]
    ),
    "an image that holds nothing": Case(
        nodes=[node("t", image="gcr.io/distroless/static-debian12", port="80", healthPath="/h")],
        warned=["give healthCommand as a list"],
        lacks=["CMD-SHELL"],
    ),
    "a slow start": Case(nodes=[web("s", healthPath="/h", healthStartPeriod="180")], holds=["start_period: 3m"]),
    "a slow start by another name": Case(
        nodes=[web("s", healthStartSeconds="180")], warned=["did you mean healthStartPeriod?"]
    ),
    "a Dockerfile in a folder": Case(
        nodes=[node("api", dockerfile="apps/api/Dockerfile")],
        code={"api": {"apps/api/Dockerfile": "FROM scratch\n", "package.json": package()}},
        holds=["dockerfile: apps/api/Dockerfile"],
    ),
    "variables that pages are built with": Case(
        nodes=[node("f", port="80", env__VITE_API="https://x.example"), node("g", env__NEXT_PUBLIC_B="1")],
        code={"f": {"Dockerfile": "FROM scratch\nARG VITE_API\n"}, "g": {"Dockerfile": "FROM scratch\n"}},
        warned=["env.VITE_API is read while the code is built", "give buildArg.NEXT_PUBLIC_B"],
    ),
    "variables that pages are built with, as arguments": Case(
        nodes=[node("f", **{"buildArg.VITE_API": "https://x.example"})],
        code={"f": {"Dockerfile": "FROM scratch\nARG VITE_API\n"}},
        holds=["VITE_API: https://x.example"],
    ),
    "what a build writes into its packages": Case(
        nodes=[node("a", port="80")],
        code={"a": {"package.json": package(scripts='{"build": "prisma generate", "start": "node s.js"}'), "s.js": ""}},
        holds=["RUN npm run build", "COPY --from=build --chown=node:node /app ./"],
        lacks=["rm -rf node_modules"],
    ),
    "patches of packages": Case(
        nodes=[node("a")],
        code={"a": {"package.json": package(scripts=NODE, pnpm='{"patchedDependencies": {"m": "p"}}'),
                    "pnpm-lock.yaml": "lockfileVersion: '9.0'\n", "s.js": ""}},
        holds=["COPY . ./\nRUN"],
    ),
    "a registry of packages": Case(
        nodes=[node("a")],
        code={"a": {"package.json": package(scripts=NODE), ".npmrc": "@x:registry=https://x/\n",
                    "s.js": ""}},
        holds=["COPY package.json .npmrc ./"],
    ),
    "a Yarn that nobody has": Case(
        nodes=[node("a")],
        code={"a": {"package.json": package(scripts=NODE), "yarn.lock": "__metadata:\n  version: 8\n",
                    "s.js": ""}},
        refused=["Yarn after 1"],
    ),
    "Python with assets": Case(
        nodes=[node("a", port="80")],
        code={"a": {"requirements.txt": "django\ngunicorn\n", "manage.py": "#\n", "shop/wsgi.py": "application = 1\n",
                    "package.json":
                    package(scripts='{"start": "tailwindcss --watch", "build": "tailwindcss"}')}},
        holds=["python", "shop.wsgi"],
    ),
    "PHP and Ruby with a package.json": Case(
        nodes=[node("l"), node("r")],
        code={"l": {"composer.json": "{}", "artisan": "", "package.json": package(), "public/index.php": ""},
              "r": {"Gemfile": "gem 'sinatra'\n", "app.rb": "",
                    "package.json": package(scripts='{"start": "ruby app.rb"}')}},
        holds=["frankenphp", "FROM ruby:"],
    ),
    "servers of developers": Case(
        nodes=[node("v", port="80"), node("c", port="80")],
        code={"v": {"package.json": package(scripts='{"dev": "vite", "build": "vite build"}',
                                            devDependencies='{"vite": "7.0.0"}'), "index.html": ""},
              "c": {"package.json": package(scripts='{"start": "react-scripts start", "build": "react-scripts build"}',
                                            dependencies='{"react-scripts": "5.0.0"}'), "public/index.html": ""}},
        holds=["file_server", "rewrite @single /index.html"],
        lacks=['CMD ["npm"', "react-scripts start"],
    ),
    "pages with addresses of their own": Case(
        nodes=[node("f", runtime="static", spa="true", port="80")],
        code={"f": {"index.html": ""}},
        holds=["rewrite @single /index.html"],
    ),
    "packages that are compiled": Case(
        nodes=[node("a", port="80"), node("n")],
        code={"a": {"requirements.txt": "psycopg2==2.9.10\n", "main.py": ""},
              "n": {"package.json": package(scripts=NODE, dependencies='{"m": "github:a/b"}'), "s.js": ""}},
        holds=["gcc", "libpq-dev", " git "],
    ),
    "members of a workspace": Case(
        nodes=[node("a")],
        code={"a": {"pyproject.toml": '[project]\nname = "a"\nversion = "1"\n[tool.uv.workspace]\nmembers = ["p/*"]\n',
                    "uv.lock": "version = 1\n", "main.py": "", "p/b/pyproject.toml": '[project]\nname = "b"\n'}},
        holds=["COPY . ./\nRUN", "uv sync --frozen"],
    ),
    "an application in a package": Case(
        nodes=[node("a", port="80")],
        code={"a": {"requirements.txt": "fastapi\nuvicorn\n",
                    "app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n"}},
        holds=["app.main:app"],
    ),
    "modules and sub-projects": Case(
        nodes=[node("m"), node("g")],
        code={"m": {"pom.xml": "<project><modules><module>c</module></modules></project>", "c/pom.xml": "<project/>"},
              "g": {"settings.gradle.kts": 'include("app")', "app/build.gradle.kts": "", "gradlew": ""}},
        holds=["*/target/*.jar", "*/build/libs/*.jar"],
        warned=["has several parts"],
    ),
    "what Go reads at run time": Case(
        nodes=[node("w"), node("s")],
        code={"w": {"go.mod": "module w\n", "main.go": "package main\n", "config.yaml": ""},
              "s": {"go.mod": "module s\nrequire github.com/mattn/go-sqlite3 v1.14.0\n", "go.sum": "",
                    "main.go": "package main\n"}},
        holds=["timetzdata", "CGO_ENABLED=1", "COPY --chown=10001:10001 . ./"],
    ),
    "a job before the others": Case(
        nodes=[web("w"), node("m", image="a:1", run="once-before")],
        edges=["w m"],
        holds=["condition: service_completed_successfully"],
    ),
    "a job by another name": Case(
        nodes=[web("m", runOnce="true"), web("n", cron="0 3 * * *")],
        warned=["config.runOnce means nothing here; did you mean run?", "did you mean schedule?"],
    ),
    "a schedule without a job": Case(nodes=[web("m", schedule="0 3 * * *")], refused=["only with config.run"]),
    "ports that two want": Case(
        nodes=[store("a", "postgresql", hostPort="5432"), store("b", "postgresql", hostPort="5432"),
               node("g", GATEWAY), node("h", GATEWAY), store("r", "redis", hostPort="6379"), web("w", hostPort="6379")],
        refused=["port 5432 of the host is taken by 'a'", "port 80 of the host is taken by 'g'",
                 "port 6379 of the host is taken by 'r'"],
    ),
    "amounts as people write them": Case(
        nodes=[web("a", memory="512mb", cpu="500m"), web("b", memory="1.5 GB"), web("c", memory="1GiB")],
        holds=["memory: 512M", 'cpus: "0.5"'],
    ),
    "amounts that mean something else": Case(
        nodes=[web("a", cpu="0,5"), web("b", memory="512"), web("c", cpu="50%")],
        refused=["such as 0.5 or 500m, not '0,5'", "such as 512M or 2G", "not '50%'"],
    ),
    "a database elsewhere": Case(
        nodes=[web("a"), store("x", "postgresql", external="true", host="db.example.org", port="6432", password="x")],
        edges=["a x"],
        holds=["@db.example.org:6432/app"],
        lacks=["image: postgres"],
    ),
    "variables of the request": Case(
        nodes=[web("a"), store("p", "postgresql")],
        edges=["a p"],
        given=["PORT", "DATABASE_URL"],
        holds=['PORT: "80"'],
        warned=["DATABASE_URL is the request's"],
    ),
    "edges that cannot be": Case(
        nodes=[web("a"), store("d", "redis")], edges=["a a", "d a"], refused=["with itself", "depends on nothing"]
    ),
    "a circle": Case(nodes=[web("a"), web("b")], edges=["a b", "b a"], warned=["in a circle"]),
    "a program that listens under its own name": Case(
        nodes=[node("w", port="3000", healthPath="/h")],
        code={"w": {"Dockerfile": "FROM node:24-slim\n"}},
        holds=["hostname", "node"],
    ),
    "paths within paths": Case(
        nodes=[node("g", GATEWAY, port="8080"), web("a", path="/api"), web("b", path="/api/v2"), web("f", path="/")],
        edges=["g a", "g b", "g f"],
        holds=["/api/v2"],
    ),
    "a path with a star": Case(
        nodes=[node("g", GATEWAY), web("a", path="/files/*")], edges=["g a"], refused=["a path such as /api"]
    ),
    "programs that start otherwise": Case(
        nodes=[node("b", port="80")],
        code={"b": {"package.json": package(scripts='{"start": "bun run i.ts"}'), "i.ts": ""}},
        holds=["oven/bun"],
    ),
    "programs of nobody": Case(
        nodes=[node("d", port="80")],
        code={"d": {"package.json": package(scripts='{"start": "deno run i.ts"}'), "i.ts": ""}},
        refused=["starts the program with deno"],
    ),
    "options with equal signs": Case(
        nodes=[node("p", image="prom/p:3", command="--config.file=/etc/p.yml --storage.tsdb.retention.time=30d")],
        holds=['["--config.file=/etc/p.yml", "--storage.tsdb.retention.time=30d"]'],
        lacks=['"sh"', "exec "],
    ),
    "a bare prefix": Case(
        nodes=[node("g", GATEWAY, port="8086"), web("auth", path="/auth"), web("f")],
        edges=["g auth", "g f"],
        lacks=["redir /auth /auth/\n"],
        holds=["/auth"],
    ),
    "a check of the Dockerfile's own": Case(
        nodes=[node("a", port="80"), web("w")],
        edges=["w a"],
        code={"a": {"Dockerfile": "FROM scratch\nHEALTHCHECK CMD true\n"}},
        holds=["condition: service_healthy"],
    ),
    "a check in a slim image": Case(
        nodes=[node("a", port="80", healthPath="/h")],
        code={"a": {"Dockerfile": "FROM python:3.13-slim\n"}},
        holds=["python", "node", "wget", "curl"],
    ),
    "a password of a registry in the graph": Case(
        nodes=[web("a", registryUser="bot")], warned=["passwords of registries are kept for the project"]
    ),
    "files beside the code": Case(
        nodes=[node("p"), node("j")],
        code={"p": {"main.py": ""}, "j": {"package.json": package(scripts=NODE), "s.js": ""}},
        holds=["RUN chown 10001:10001 /app", "RUN chown node:node /app"],
    ),
}  # fmt: skip
ELSEWHERE = {
    "a renamed database keeps its data": (
        "tests/stackgen/test_keys.py", "test_a_volume_belongs_to_the_node_and_its_name_stays"
    ),
    "a Dockerfile that is ignored": (
        "tests/stackgen/code/test_programs_built.py", "test_an_own_dockerfile_wins_and_is_found_though_it_is_ignored"
    ),
    "a private image": (
        "tests/runner/registries/test_private_images.py", "test_a_private_image_is_pulled_and_nothing_of_the_login_"
    ),
    "a tag that was pushed again": (
        "tests/runner/commands/test_moved_tags.py", "test_asked_for_by_force_the_registry_is_asked_again"
    ),
    "an image with a volume of its own": ("tests/runner/commands/test_image_volumes.py", "def test_"),
    "links in code": ("tests/stackgen/code/test_archives.py", "test_any_archive_is_a_bundle_or_is_refused"),
}  # fmt: skip


def made_of(case: Case) -> Stack:
    code = {each: facts_of(files) for each, files in case.code.items()}
    return stack_of(graph(*case.nodes, edges=case.edges), code=code, env_names=case.given)


@pytest.mark.parametrize("name", CASES)
def test_what_people_expect(name: str) -> None:
    case = CASES[name]
    if case.refused:
        with pytest.raises(GraphInvalid) as caught:
            made_of(case)
        assert [each for each in case.refused if each not in str(caught.value)] == [], caught.value
        return
    stack = made_of(case)
    said, files = "\n".join(stack.warnings), "\n".join(stack.files.values())
    assert [each for each in case.warned if each not in said] == [], said
    assert [each for each in case.holds if each not in files] == [], files
    assert [each for each in case.lacks if each in files] == [], files


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_only_others_show_stands_there(name: str) -> None:
    file, word = ELSEWHERE[name]
    assert re.search(word, (ROOT / file).read_text())
