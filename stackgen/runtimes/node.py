"""Node.js: npm, pnpm or yarn as the lock file says; what a build and an installation wrote stays in the image."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.node_packages import node_release, packages_of, read_package, texts_in
from stackgen.runtimes.recipe import CannotBuild, Recipe, from_procfile

SCRIPTS = ("server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs", "src/index.js", "src/server.js")
# In the place of a server for development.
FOR_PRODUCTION = ("start:prod", "start:production", "production", "prod", "serve:prod")
DEVELOPMENT = re.compile(
    r"\b(?:next dev|nuxt dev|nuxi dev|nest start|remix dev|astro dev|nodemon|ts-node-dev|vite dev)\b"
)
# How a framework's own server is started after its build.
SERVERS = {"next": "next start", "nuxt": "node .output/server/index.mjs", "@adonisjs/core": "node build/bin/server.js",
           "@astrojs/node": "node dist/server/entry.mjs", "@sveltejs/adapter-node": "node build",
           "@remix-run/serve": "remix-serve build/server/index.js",
           "@react-router/serve": "react-router-serve build/server/index.js"}  # fmt: skip
# Languages that an image of Node.js does not have.
OTHERS = frozenset({"deno", "ruby", "bundle", "rails", "php", "python", "python3", "gunicorn", "uvicorn", "go", "cargo",
                    "java", "dotnet", "mix", "elixir"})  # fmt: skip


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild for a broken package.json, or when no start command is found."""
    package = read_package(facts)
    scripts = texts_in(package, "scripts")
    command, through_npm = _command(settings, package, scripts, facts)
    if not command:
        raise CannotBuild(
            field="config.command",
            message="is needed: Node.js was recognised, but no start script, main file or Procfile was found. Files "
            "for browsers alone are runtime static; anything else takes a Dockerfile",
        )
    if (first := command.split()[0]) in OTHERS:
        raise CannotBuild(
            field="config.runtime",
            message=f"is needed, or a Dockerfile: package.json starts the program with {first}, which an image of "
            "Node.js does not have",
        )
    values, warnings = packages_of(facts, package, command)
    release, unknown = node_release(facts, package)
    started = command if not through_npm else "npm run start"
    values |= {
        "start": exec_form(started),
        "runs_pnpm": started.split()[0] == "pnpm",
        "is_next": "next" in _all(package),
    }
    return Recipe(
        template="dockerfiles/node.j2",
        values=values,
        probe="node",
        warnings=(*warnings, *unknown),
        releases={"node": release},
    )


def recognises(facts: CodeFacts) -> bool:
    return "package.json" in facts.files or bool(facts.files & set(SCRIPTS))


def starts_itself(facts: CodeFacts) -> bool:
    """Return whether package.json starts a program of Node.js: elsewhere it only makes files for browsers."""
    package = read_package(facts)
    start = texts_in(package, "scripts").get("start", "").split()
    first = start[0] if start else ""
    runners = {"node", "next", "nuxt", "nest", "tsx", "ts-node", "remix-serve", "react-router-serve", "pm2"}
    return first in runners or bool(
        _all(package) & {"express", "fastify", "koa", "next", "nuxt", "@nestjs/core", "hono"}
    )


def _command(
    settings: Settings, package: Mapping[str, Any], scripts: Mapping[str, str], facts: CodeFacts
) -> tuple[str, bool]:
    """Return what is started, and whether npm has to start it because more belongs to it."""
    if given := settings.command or from_procfile(facts.texts.get("Procfile", "")):
        return given, False
    start = scripts.get("start", "").strip()
    if not start or DEVELOPMENT.search(start):
        better = next((scripts[name].strip() for name in FOR_PRODUCTION if scripts.get(name)), "")
        start = better or next((how for name, how in SERVERS.items() if name in _all(package)), start)
        return (start, False) if start else (_main(package, facts), False)
    # Without npm in between signals reach the program; its hooks and variables are npm's alone.
    return start, "npm_" in start or bool(scripts.keys() & {"prestart", "poststart"})


def _main(package: Mapping[str, Any], facts: CodeFacts) -> str:
    main = package.get("main")
    if isinstance(main, str) and main.removeprefix("./") in facts.files:
        return f"node {main}"
    script = next((name for name in SCRIPTS if name in facts.files), "")
    return f"node {script}" if script else ""


def _all(package: Mapping[str, Any]) -> set[str]:
    return set(texts_in(package, "dependencies", "devDependencies"))
