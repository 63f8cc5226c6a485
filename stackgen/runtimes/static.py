"""Files for browsers, built by npm where there is a build script, served by Caddy."""

from __future__ import annotations

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.node import read_package
from stackgen.runtimes.recipe import Recipe

DEFAULT_PORT = 8080


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild for a broken package.json."""
    scripts = read_package(facts).get("scripts")
    serve = f"caddy file-server --root /srv --listen :{settings.port or DEFAULT_PORT}"
    values = {
        "has_build": isinstance(scripts, dict) and "build" in scripts,
        "lock": "package-lock.json" if "package-lock.json" in facts.files else "",
        "start": exec_form(settings.command or serve),
    }
    return Recipe(template="dockerfiles/static.j2", values=values, probe="wget")


def recognises(facts: CodeFacts) -> bool:
    return "index.html" in facts.files
