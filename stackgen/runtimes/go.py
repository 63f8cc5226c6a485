"""Go: one program without anything beside it, on a small image that has a shell and wget."""

from __future__ import annotations

import re

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.recipe import CannotBuild, Recipe
from stackgen.runtimes.versions import written

USUAL = (1, 25)
# Modules that are compiled by a C compiler, or are stubs without one.
WITH_C = re.compile(
    r"mattn/go-sqlite3|marcboeker/go-duckdb|confluentinc/confluent-kafka-go|h2non/bimg|davidbyttow/govips|gographics/imagick"
    r"|chai2010/webp|linxGnu/grocksdb|libgit2/git2go|valyala/gozstd"
)
ASKED = re.compile(r"^(?:toolchain go|go )(\d+)\.(\d+)", re.MULTILINE)


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild when there is no module, or no program that is meant by the command."""
    if not recognises(facts):
        raise CannotBuild(field="code", message="has no go.mod")
    module = facts.texts.get("go.mod", "")
    packages = _packages(facts)
    if len(packages) > 1 and not settings.command:
        raise CannotBuild(
            field="config.command",
            message=f"is needed: the code holds several Go programs, {', '.join(packages)}; it says which one runs",
        )
    asked = max(((int(major), int(minor)) for major, minor in ASKED.findall(module)), default=USUAL)
    values = {
        "whole_code_first": "go.work" in facts.files or re.search(r"=>\s*\.", module) is not None,
        "has_sums": "go.sum" in facts.files,
        "package": next(iter(packages.values())) if len(packages) == 1 else "",
        "packages": list(packages.values()),
        "uses_c": WITH_C.search(module) is not None,
        "start": exec_form(settings.command or "app"),
    }
    # What go.mod names is the oldest release that will do; newer ones build it as well.
    release = written(max(asked, USUAL))
    return Recipe(template="dockerfiles/go.j2", values=values, probe="wget", releases={"go": release})


def recognises(facts: CodeFacts) -> bool:
    return bool(facts.files & {"go.mod", "go.work"})


def _packages(facts: CodeFacts) -> dict[str, str]:
    """Return the folders of programs by the name that Go gives each. Raises CannotBuild where there is none."""
    if any(name.endswith(".go") and not name.endswith("_test.go") and "/" not in name for name in facts.files):
        return {"app": "."}
    folders = sorted({name.rsplit("/", 1)[0] for name in facts.files if name.endswith("/main.go")})
    folders = [name for name in folders if not name.startswith(("vendor/", "examples/", "tools/"))] or folders
    if not folders:
        raise CannotBuild(
            field="code", message="holds no Go program: no .go file at the top and no main.go in a folder"
        )
    return {name.rpartition("/")[2]: f"./{name}" for name in folders}
