"""Rust with Cargo."""

from __future__ import annotations

import re
import tomllib
from typing import Any

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
        "whole_code_first": "src/main.rs" not in facts.files or "build.rs" in facts.files or _has_members(facts),
        "start": exec_form(settings.command or "app"),
    }
    return Recipe(template="dockerfiles/rust.j2", values=values, probe="wget")


def recognises(facts: CodeFacts) -> bool:
    return "Cargo.toml" in facts.files


def _binary(facts: CodeFacts) -> str:
    """Return the name of the only program. Raises CannotBuild where that cannot be told."""
    binaries: list[str] = []
    for file in sorted(name for name in facts.texts if name.rpartition("/")[2] == "Cargo.toml"):
        binaries += _of_package(facts, file.removesuffix("Cargo.toml"), _manifest(facts, file))
    if len(binaries) != 1:
        found = f"{', '.join(binaries[:5])} found" if binaries else "neither src/main.rs nor one in src/bin found"
        raise CannotBuild(field="code", message=f"must hold one Rust program ({found}); default-run can say which")
    return binaries[0]


def _of_package(facts: CodeFacts, folder: str, manifest: dict[str, Any]) -> list[str]:
    package = manifest.get("package")
    name = package.get("name") if isinstance(package, dict) else None
    if not isinstance(package, dict) or not isinstance(name, str) or not BINARY.fullmatch(name):
        return []
    if isinstance(chosen := package.get("default-run"), str) and BINARY.fullmatch(chosen):
        return [chosen]
    named = manifest.get("bin")
    listed = [each.get("name") for each in named if isinstance(each, dict)] if isinstance(named, list) else []
    found = [each for each in listed if isinstance(each, str) and BINARY.fullmatch(each)]
    in_bin = re.compile(rf"{re.escape(folder)}src/bin/([\w-]+)(?:\.rs|/main\.rs)")
    others = [match[1] for file in sorted(facts.files) if (match := in_bin.fullmatch(file))]
    main = [name] if f"{folder}src/main.rs" in facts.files and not found else []
    return list(dict.fromkeys([*found, *main, *others]))


def _has_members(facts: CodeFacts) -> bool:
    text = facts.texts.get("Cargo.toml", "")
    return "[workspace]" in text or re.search(r"\bpath\s*=\s*[\"']", text) is not None


def _manifest(facts: CodeFacts, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(facts.texts.get(file, ""))
    except tomllib.TOMLDecodeError as error:
        raise CannotBuild(field="code", message=f"{file} is not TOML: {error}") from error
