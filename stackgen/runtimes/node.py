"""Node.js: npm, pnpm or yarn as the lock file says; a build script has all packages, the image those it needs."""

from __future__ import annotations

import json
import re
from typing import Any

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.recipe import CannotBuild, Recipe, from_procfile

SCRIPTS = ("server.js", "index.js", "app.js", "main.js", "server.mjs", "index.mjs", "src/index.js", "src/server.js")
# It neither reads the options of Yarn 1 nor writes a folder that the final image could take over.
LATER_YARN = re.compile(r"yarn@([2-9]|[1-9][0-9])")
PLAIN_START = re.compile(r"node(?:\s+[\w./=@:-]+)+")
LOCKS = (
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
)


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild for a broken package.json, or when no start command is found."""
    package = read_package(facts)
    if LATER_YARN.match(str(package.get("packageManager"))):
        raise CannotBuild(field="code", message="asks for a Yarn after 1; npm, pnpm, Yarn 1 and bun are known")
    tool, lock = _tool(facts)
    found = package.get("scripts")
    scripts: dict[str, Any] = found if isinstance(found, dict) else {}
    procfile = facts.texts.get("Procfile", "")
    command = settings.command or from_procfile(procfile) or _found_command(package, scripts, facts)
    if not command:
        raise CannotBuild(field="config.command", message="is needed: no start script, main file or Procfile")
    values = {
        "tool": tool,
        "lock": lock,
        "has_package": "package.json" in facts.files,
        "has_build": "build" in scripts,
        "start": exec_form(command),
    }
    return Recipe(template="dockerfiles/node.j2", values=values, probe="node")


def recognises(facts: CodeFacts) -> bool:
    return "package.json" in facts.files or bool(facts.files & set(SCRIPTS))


def read_package(facts: CodeFacts) -> dict[str, Any]:
    """Return package.json as an object; an empty one when there is none."""
    try:
        package = json.loads(facts.texts.get("package.json", "{}"))
    except ValueError as error:
        raise CannotBuild(field="code", message=f"package.json is not JSON: {error}") from error
    if not isinstance(package, dict):
        raise CannotBuild(field="code", message="package.json must hold one object")
    return package


def _tool(facts: CodeFacts) -> tuple[str, str]:
    return next(((tool, lock) for lock, tool in LOCKS if lock in facts.files), ("npm", ""))


def _found_command(package: dict[str, Any], scripts: dict[str, Any], facts: CodeFacts) -> str:
    start = scripts.get("start", "")
    if isinstance(start, str) and PLAIN_START.fullmatch(start.strip()):
        # Without npm in between, signals reach the program and there is one process less.
        return start.strip()
    if start:
        return "npm run start"
    main = package.get("main")
    if isinstance(main, str) and main.removeprefix("./") in facts.files:
        return f"node {main}"
    script = next((name for name in SCRIPTS if name in facts.files), "")
    return f"node {script}" if script else ""
