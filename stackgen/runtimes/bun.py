"""Bun, which runs TypeScript as it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.node_packages import packages_of, read_package, texts_in
from stackgen.runtimes.recipe import CannotBuild, Recipe, from_procfile

STARTED = re.compile(r"\s*bun(?:x|\s)")
LOCKS = ("bun.lock", "bun.lockb")
SCRIPTS = ("index.ts", "server.ts", "src/index.ts", "src/server.ts", "index.js", "server.js")


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild for a missing or broken package.json, or when no start command is found."""
    if "package.json" not in facts.files:
        raise CannotBuild(field="code", message="has no package.json, which Bun needs")
    package = read_package(facts)
    scripts = texts_in(package, "scripts")
    command = settings.command or from_procfile(facts.texts.get("Procfile", "")) or _found_command(scripts, facts)
    if not command:
        raise CannotBuild(
            field="config.command",
            message="is needed: Bun was recognised, but no start script, Procfile or index.ts was found",
        )
    packages, warnings = packages_of(facts, package, f"{command} {scripts.get('start', '')}")
    values = {
        **packages,
        "lock": next((lock for lock in LOCKS if lock in facts.files), ""),
        "has_build": "build" in scripts,
        "start": exec_form(command),
    }
    return Recipe(template="dockerfiles/bun.j2", values=values, probe="bun", warnings=tuple(warnings))


def recognises(facts: CodeFacts) -> bool:
    """Return whether Bun wrote the lock, or nobody else did and the start script asks for it."""
    if facts.files.intersection(LOCKS):
        return True
    return (
        "package.json" in facts.files
        and STARTED.match(texts_in(read_package(facts), "scripts").get("start", "")) is not None
    )


def _found_command(scripts: Mapping[str, str], facts: CodeFacts) -> str:
    start = scripts.get("start", "").strip()
    if start:
        # By itself where it is a program: signals reach it without a script in between.
        return start if STARTED.match(start) else "bun run start"
    script = next((name for name in SCRIPTS if name in facts.files), "")
    return f"bun {script}" if script else ""
