"""Rust with Cargo."""

from __future__ import annotations

import re
import tomllib

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.recipe import CannotBuild, Recipe

BINARY = re.compile(r"[A-Za-z0-9_-]{1,100}")


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild when Cargo.toml does not say how the program is called."""
    values = {
        "has_lock": "Cargo.lock" in facts.files,
        "binary": _binary(facts),
        "start": exec_form(settings.command or "app"),
    }
    return Recipe(template="dockerfiles/rust.j2", values=values, probe="wget")


def recognises(facts: CodeFacts) -> bool:
    return "Cargo.toml" in facts.files


def _binary(facts: CodeFacts) -> str:
    try:
        package = tomllib.loads(facts.texts.get("Cargo.toml", "")).get("package", {})
    except tomllib.TOMLDecodeError as error:
        raise CannotBuild(field="code", message=f"Cargo.toml is not TOML: {error}") from error
    name = package.get("name") if isinstance(package, dict) else None
    if not isinstance(name, str) or not BINARY.fullmatch(name) or "src/main.rs" not in facts.files:
        raise CannotBuild(field="code", message="must be one Cargo package with src/main.rs")
    return name
