"""How programs are built: a table of code, with what has to stand in its Dockerfile, or why there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from stackgen.code.bundle import read_directory
from stackgen.errors import GraphInvalid
from stackgen.results import Stack, StackOptions
from stackgen.runtimes.versions import chosen
from tests.stackgen.graphs import facts_of, graph, node, stack_of


def built(texts: Mapping[str, str], **config: str) -> Stack:
    return stack_of(graph(node("a", port="8000", **config)), code={"a": facts_of(texts)})


def package(start: str = "", *, scripts: Mapping[str, str] | None = None, **more: object) -> str:
    started = {"start": start} if start else {}
    return json.dumps({"scripts": {**started, **(scripts or {})}, **more})


LOCKED = {"package-lock.json": "", "server.js": ""}
FASTAPI = "from fastapi import FastAPI\napp = FastAPI()\n"
BUILT = {"build": "vite build"}
WEB_PROJECT = '<Project Sdk="Microsoft.NET.Sdk.Web"><TargetFramework>net8.0</TargetFramework></Project>'


@pytest.mark.parametrize(
    ("texts", "holds", "lacks"),
    [
        # What the build and the installation write stays.
        ({**LOCKED, "package.json": package("node server.js", scripts={"build": "generate && tsc"})},
         ["RUN npm run build", "npm prune --omit=dev", "COPY --from=build --chown=node:node /app ./"], ["rm -rf"]),
        ({"yarn.lock": "", "package.json": package("node a.js", scripts={"build": "x"})},
         ["RUN yarn run build"], ["prune", "--production"]),
        ({**LOCKED, "package.json": package("node server.js", scripts={"postinstall": "node make.js"})},
         ["COPY . ./", "npm ci --no-audit", "npm prune"], ["npm ci --omit"]),
        ({**LOCKED, "package.json": package("node server.js", scripts={"prepare": "husky"})}, ["COPY . ./"], []),
        # What installing reads is there.
        ({"pnpm-lock.yaml": "", "pnpm-workspace.yaml": "packages:\n  - a", "package.json": package("node a.js")},
         ["COPY . ./", "pnpm install --frozen-lockfile"], ["prune"]),
        ({"pnpm-lock.yaml": "", "patches/a@1.patch": "", "package.json": package("node a.js")}, ["COPY . ./"], []),
        ({**LOCKED, ".npmrc": "@a:registry=x", "package.json": package("node server.js")},
         ["COPY package.json package-lock.json .npmrc ./"], []),
        ({**LOCKED, "package.json": package("node server.js", dependencies={"a": "file:../a"})}, ["COPY . ./"], []),
        ({**LOCKED, "package.json": package("node server.js", workspaces=["packages/*"])}, ["COPY . ./"], []),
        ({**LOCKED, "package.json": package("node server.js", dependencies={"a": "github:b/c"})},
         ["apt-get install --yes --no-install-recommends git"], []),
        ({**LOCKED, "package.json": package("node server.js", dependencies={"better-sqlite3": "1"})},
         ["python3 make g++"], []),
        ({"package.json": package("node a.js", packageManager="pnpm@9.1.0"), "pnpm-lock.yaml": ""}, ["pnpm@9.1.0"], []),
        # Programs are what is started, not scripts in between, nor servers for development.
        ({"package.json": package("next start -p 8000", dependencies={"next": "15"}, scripts={"build": "next build"})},
         ['CMD ["next", "start", "-p", "8000"]', "HOSTNAME=0.0.0.0"], []),
        ({"package.json": package("next dev", dependencies={"next": "15"})}, ['CMD ["next", "start"]'], []),
        ({"package.json": package("nest start", scripts={"start:prod": "node dist/main"})},
         ['["node", "dist/main"]'], []),
        ({"package.json": package("a", scripts={"prestart": "b"})}, ['["npm", "run", "start"]'], []),
        ({"package.json": package("tsx src/a.ts", devDependencies={"tsx": "4"})},
         ["npm install --no-audit"], ["--omit"]),
        ({"package.json": package("bun run a.ts")}, ["FROM oven/bun:1", 'CMD ["bun", "run", "a.ts"]'], []),
        # Releases that files name.
        ({**LOCKED, ".nvmrc": "v20.11.1\n", "package.json": package("node server.js")}, ["FROM node:20-slim"], []),
        ({**LOCKED, ".nvmrc": "lts/jod", "package.json": package("node server.js")}, ["FROM node:22-slim"], []),
        ({**LOCKED, "package.json": package("node server.js", engines={"node": ">=18 <21"})},
         ["FROM node:20-slim"], []),
        ({**LOCKED, "package.json": package("node server.js", engines={"node": ">=18"})}, ["FROM node:24-slim"], []),
        ({"main.py": "", ".python-version": "3.11.9\n"}, ["FROM python:3.11-slim"], []),
        ({"main.py": "", "runtime.txt": "python-3.12.3"}, ["FROM python:3.12-slim"], []),
        ({"main.py": "", ".tool-versions": "nodejs 20.1\npython 3.10.4"}, ["FROM python:3.10-slim"], []),
        ({"main.py": "", "pyproject.toml": "[project]\nrequires-python = '>=3.9,<3.12'"}, ["python:3.11-slim"], []),
        ({"main.go": "", "go.mod": "module a\ngo 1.26"}, ["golang:1.26-alpine"], []),
        ({"main.go": "", "go.mod": "module a\ngo 1.21"}, ["golang:1.25-alpine"], []),
        ({"pom.xml": "<java.version>17</java.version>"}, ["temurin-17", "eclipse-temurin:17-jre"], []),
        ({"build.gradle.kts": "jvmToolchain(17)"}, ["gradle:8-jdk17"], []),
        ({"composer.json": '{"require": {"php": "^8.2 <8.4"}}', "index.php": ""}, ["frankenphp:1-php8.3"], []),
        ({"Gemfile": "ruby '~> 3.3.1'", "config.ru": ""}, ["FROM ruby:3.3-slim"], []),
        ({"A.csproj": WEB_PROJECT}, ["dotnet/sdk:8.0", "dotnet/aspnet:8.0", 'CMD ["dotnet", "A.dll"]'], []),
        # Files for browsers.
        ({"package.json": package(scripts=BUILT), "index.html": "", "src/a.js": ""},
         ["FROM caddy:2", "npm run build"], []),
        ({"package.json": package("react-scripts start", scripts={"build": "react-scripts build"}),
         "public/index.html": ""},
         ["FROM caddy:2", "rewrite @single /index.html"], []),
        ({"package.json": package("ng serve", scripts={"build": "ng build"}), "yarn.lock": "",
         "angular.json": json.dumps(
            {"projects": {"x": {"architect": {"build": {"options": {"outputPath": "target/site"}}}}}})},
         ["FROM caddy:2", "for folder in target/site dist", "yarn run build"], []),
        ({"package.json": package(scripts=BUILT), "vite.config.ts": "build: { outDir: 'web' }"},
         ["folder in web "], []),
        ({"package.json": package("next start", dependencies={"next": "1"}, scripts={"build": "next build"}),
          "next.config.js": "output: 'export'"}, ["FROM caddy:2"], []),
        ({"package.json": package("node server.js", scripts=BUILT), "server.js": ""}, ["FROM node"], ["caddy"]),
        ({"index.html": "", "a.html": "", "b.css": ""}, ["file_server"], ["@single"]),
        ({"index.html": "", "assets/a.js": ""}, ["@single", "not file /404.html"], []),
        # A language of its own beside files for browsers.
        ({"manage.py": "", "requirements.txt": "django\ngunicorn", "shop/wsgi.py": "",
          "package.json": package("tailwindcss --watch", scripts={"build": "tailwindcss"})},
         ["FROM node:24-slim AS assets", "RUN npm run build", "COPY --from=assets", "gunicorn"], []),
        ({"composer.json": "{}", "artisan": "", "public/index.php": "", "package.json": package(scripts=BUILT)},
         ["composer install --no-dev", "AS assets", "--root", "/app/public", "package:discover"], []),
        ({"Gemfile": "gem 'sinatra'", "app.rb": "", "package.json": package("ruby app.rb")},
         ['"bundle", "exec", "ruby", "app.rb"'], ["FROM node"]),
        ({"Gemfile": "gem 'rails'", "Gemfile.lock": "", "Rakefile": "", "config.ru": ""},
         ["rails assets:precompile", "BUNDLE_DEPLOYMENT=1", '"rails", "server", "-b", "0.0.0.0", "-p", "8000"'], []),
        ({"package.json": package("node server.js", dependencies={"express": "4"}), "server.js": "",
          "requirements.txt": ""}, ["FROM node"], ["FROM python"]),
        ({"api/Api.csproj": WEB_PROJECT, "lib/Lib.csproj": "<Project/>", "x.sln": ""},
         ['publish "api/Api.csproj"'], []),
        # Python's applications where they lie, and packages that are installed themselves.
        ({"app/main.py": FASTAPI, "requirements.txt": "fastapi\nuvicorn"}, ['"uvicorn", "app.main:app"'], []),
        ({"src/shop/main.py": FASTAPI, "requirements.txt": "uvicorn"}, ['"shop.main:app"', "PYTHONPATH=/app/src"], []),
        ({"app/__init__.py": "def create_app():\n", "requirements.txt": "gunicorn"}, ['"app:create_app()"'], []),
        ({"wsgi.py": "app = create_app()", "app/__init__.py": "def create_app():\n", "requirements.txt": "gunicorn"},
         ['"wsgi:app"'], []),
        ({"uv.lock": "", "main.py": "", "pyproject.toml": "[tool.uv.workspace]\nmembers = ['a']"},
         ["COPY . ./", "--no-editable --no-install-project"], []),
        ({"uv.lock": "", "src/shop/__init__.py": "", "main.py": "",
          "pyproject.toml": "[build-system]\n[project]\nname = 'shop'"}, ["--no-editable\n"], ["--no-install-project"]),
        ({"src/my_shop/__init__.py": "", "pyproject.toml":
          "[build-system]\n[project]\nname = 'my-shop'\n[project.scripts]\nserve = 'my_shop:main'"},
         ["pip install .", 'CMD ["serve"]'], []),
        ({"poetry.lock": "", "shop/__init__.py": "", "main.py": "",
          "pyproject.toml": "[build-system]\n[tool.poetry]\nname = 'shop'"}, ["pip install --no-deps ."], []),
        ({"Pipfile": "", "Pipfile.lock": "", "main.py": ""}, ["pipenv requirements"], []),
        ({"requirements.txt": "psycopg2==2.9.10", "main.py": ""}, ["libpq-dev", "libpq5"], []),
        ({"requirements.txt": "psycopg2-binary==2.9.10", "main.py": ""}, [], ["libpq"]),
        ({"requirements.txt": "a @ git+https://example.org/a", "main.py": ""}, ["--no-install-recommends git"], []),
        # Files that programs read while they run, time zones, C, parts.
        ({"go.mod": "", "main.go": "", "migrations/1.sql": ""}, ["timetzdata", "COPY --chown=10001:10001 . ./"], []),
        ({"go.mod": "require github.com/mattn/go-sqlite3 v1", "main.go": ""}, ["CGO_ENABLED=1", "gcc"], []),
        ({"Cargo.toml": '[package]\nname = "x"', "src/main.rs": ""}, ["COPY --chown=10001:10001 . ./"], []),
        ({"Cargo.toml": '[workspace]\nmembers = ["api"]', "api/Cargo.toml": '[package]\nname = "shop-api"',
          "api/src/main.rs": ""}, ["target/release/shop-api"], ["touch"]),
        ({"pom.xml": "<modules><module>web</module></modules>", "web/pom.xml": ""}, ["find . -path"], ["go-offline"]),
        ({"settings.gradle.kts": 'include("app")', "app/build.gradle.kts": ""}, ["find . -path"], []),
    ],
)  # fmt: skip
def test_it_is_built_as_its_authors_expect(texts: dict[str, str], holds: list[str], lacks: list[str]) -> None:
    dockerfile = built(texts).files["Dockerfile.a"]
    assert [text for text in holds if text not in dockerfile] == [], dockerfile
    assert [text for text in lacks if text in dockerfile] == [], dockerfile


@pytest.mark.parametrize(
    ("texts", "field", "says"),
    [
        ({"package.json": package("deno run a.ts")}, "config.runtime", "deno"),
        ({"package.json": "{}"}, "config.command", "static"),
        ({"yarn.lock": "# x\n\n__metadata:\n  version: 8", "package.json": package("node a.js")}, "code", "Yarn"),
        ({"manage.py": "", "requirements.txt": "django"}, "config.command", "Django"),
        ({"composer.json": "{}"}, "config.command", "PHP"), ({"Gemfile": ""}, "config.command", "Ruby"),
        ({"a/A.csproj": WEB_PROJECT, "b/B.csproj": WEB_PROJECT}, "code", "a/A.csproj, b/B.csproj"),
        ({"go.mod": "", "cmd/a/main.go": "", "cmd/b/main.go": ""}, "config.command", "a, b"),
        ({"mix.exs": ""}, "config.runtime", "Dockerfile"),
    ],
)  # fmt: skip
def test_what_cannot_be_built_says_what_was_seen_and_what_else_there_is(
    texts: dict[str, str], field: str, says: str
) -> None:
    with pytest.raises(GraphInvalid) as caught:
        built(texts)
    assert [problem.field for problem in caught.value.problems] == [field]
    assert says in caught.value.problems[0].message


def test_several_go_programs_are_all_there_and_the_command_says_which() -> None:
    dockerfile = built({"go.mod": "", "cmd/a/main.go": "", "cmd/b/main.go": ""}, command="b --x").files["Dockerfile.a"]
    assert "-o /out/ ./cmd/a ./cmd/b" in dockerfile
    assert 'CMD ["b", "--x"]' in dockerfile


def test_an_own_dockerfile_wins_and_is_found_though_it_is_ignored(tmp_path: Path) -> None:
    for name, text in {"Dockerfile": "FROM x", ".dockerignore": "**/Dockerfile*\n**/.docker*", "main.py": ""}.items():
        (tmp_path / name).write_text(text)
    facts = read_directory(tmp_path)
    assert {"Dockerfile", ".dockerignore"} <= facts.files
    assert "Dockerfile.a" not in stack_of(graph(node("a")), code={"a": facts}).files


def test_files_in_folders_are_read_as_far_as_runtimes_look(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text(FASTAPI)
    (tmp_path / "requirements.txt").write_text("uvicorn")
    stack = stack_of(graph(node("a")), code={"a": read_directory(tmp_path)})
    assert '"app.main:app"' in stack.files["Dockerfile.a"]


def test_an_installations_image_keeps_its_place_and_takes_the_release() -> None:
    texts = {"main.py": "", ".python-version": "3.11"}
    for image, wanted, warned in (
        ("mirror:5000/python:3.13-slim", "mirror:5000/python:3.11-slim", False),
        ("mirror/python@sha256:" + "0" * 64, "mirror/python@sha256:" + "0" * 64, True),
        ("mirror/python", "mirror/python", True),
    ):
        options = StackOptions(images={"python": image})
        stack = stack_of(graph(node("a")), code={"a": facts_of(texts)}, options=options)
        assert f"FROM {wanted}\n" in stack.files["Dockerfile.a"]
        assert any("3.11" in warning for warning in stack.warnings) is warned


def test_one_page_for_every_address_is_for_the_graph_to_say() -> None:
    pages = {"index.html": "", "about.html": ""}
    assert "@single" in built(pages, spa="true").files["Dockerfile.a"]
    assert "@single" not in built({"index.html": ""}, spa="false").files["Dockerfile.a"]


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("", (24,)), ("*", (24,)), (">=18", (24,)), ("^20.1", (20,)), ("~22.3", (22,)), ("20.x", (20,)),
        ("18 - 20", (20,)),
        ("18 || 20", (20,)), ("<=22.0.0", (22,)), ("<22", (20,)), ("v18.4.0", (18,)), ("=20", (20,)), (">20 <23",
        (22,)),
        ("6", None),
    ],
)  # fmt: skip
def test_a_range_takes_the_usual_release_or_its_newest(asked: str, wanted: tuple[int, ...] | None) -> None:
    assert chosen(asked, ((18,), (20,), (22,), (24,)), (24,)) == wanted
