"""Go: one program without anything beside it, on a small image that has a shell and wget."""

from __future__ import annotations

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.recipe import CannotBuild, Recipe

# Folders that a program reads while it runs.
READ_AT_RUN_TIME = ("static/", "templates/", "public/", "assets/", "web/")


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild when there is no module or no single program in it."""
    if "go.mod" not in facts.files:
        raise CannotBuild(field="code", message="has no go.mod")
    values = {
        "has_sums": "go.sum" in facts.files,
        "package": _package(facts),
        "has_files": any(name.startswith(READ_AT_RUN_TIME) for name in facts.files),
        "start": exec_form(settings.command or "app"),
    }
    return Recipe(template="dockerfiles/go.j2", values=values, probe="wget")


def recognises(facts: CodeFacts) -> bool:
    return "go.mod" in facts.files


def _package(facts: CodeFacts) -> str:
    if any(name.endswith(".go") and "/" not in name for name in facts.files):
        return "."
    programs = sorted({name.rsplit("/", 1)[0] for name in facts.files if name.endswith("/main.go")})
    if len(programs) != 1:
        raise CannotBuild(field="code", message=f"must hold one Go program, not {len(programs)}")
    return f"./{programs[0]}"
