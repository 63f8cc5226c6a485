"""Bun, which runs TypeScript as it is."""

from __future__ import annotations

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.node import read_package
from stackgen.runtimes.recipe import CannotBuild, Recipe, from_procfile

LOCKS = ("bun.lock", "bun.lockb")
SCRIPTS = ("index.ts", "server.ts", "src/index.ts", "src/server.ts", "index.js", "server.js")


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild for a missing or broken package.json, or when no start command is found."""
    if "package.json" not in facts.files:
        raise CannotBuild(field="code", message="has no package.json, which Bun needs")
    found = read_package(facts).get("scripts")
    scripts = found if isinstance(found, dict) else {}
    command = settings.command or from_procfile(facts.texts.get("Procfile", "")) or _found_command(scripts, facts)
    if not command:
        raise CannotBuild(field="config.command", message="is needed: no start script, Procfile or index.ts")
    values = {
        "lock": next((lock for lock in LOCKS if lock in facts.files), ""),
        "has_build": "build" in scripts,
        "start": exec_form(command),
    }
    return Recipe(template="dockerfiles/bun.j2", values=values, probe="bun")


def recognises(facts: CodeFacts) -> bool:
    return bool(facts.files.intersection(LOCKS))


def _found_command(scripts: dict[str, object], facts: CodeFacts) -> str:
    if "start" in scripts:
        return "bun run start"
    script = next((name for name in SCRIPTS if name in facts.files), "")
    return f"bun {script}" if script else ""
