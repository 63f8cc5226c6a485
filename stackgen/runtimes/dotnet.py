""".NET: one project is published by the SDK and runs on the image that holds ASP.NET Core alone."""

from __future__ import annotations

import re

from stackgen.code.bundle import PROJECT_FILES, CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.recipe import CannotBuild, Recipe, from_procfile

USUAL = "9.0"
FRAMEWORK = re.compile(r"<TargetFrameworks?>[^<]*?net(\d+\.\d+)")
ASSEMBLY = re.compile(r"<AssemblyName>\s*([\w.-]+)\s*</AssemblyName>")
WEB = re.compile(r"Microsoft\.NET\.Sdk\.(?:Web|BlazorWebAssembly|Worker)")
PLAIN = re.compile(r"[\w./+ -]+")


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild unless one project is the program."""
    project = _program(facts)
    text = facts.texts.get(project, "")
    named = ASSEMBLY.search(text)
    assembly = named[1] if named else project.rpartition("/")[2].rpartition(".")[0]
    framework = FRAMEWORK.search(text)
    release = framework[1] if framework else USUAL
    command = settings.command or from_procfile(facts.texts.get("Procfile", ""))
    return Recipe(
        template="dockerfiles/dotnet.j2",
        values={"project": project, "start": exec_form(command) if command else ("dotnet", f"{assembly}.dll")},
        probe="shell",
        releases={"sdk": release, "aspnet": release},
    )


def recognises(facts: CodeFacts) -> bool:
    return any(name.endswith((*PROJECT_FILES, ".sln", ".slnx")) for name in facts.files)


def _program(facts: CodeFacts) -> str:
    projects = sorted(name for name in facts.files if name.endswith(PROJECT_FILES) and "test" not in name.lower())
    started = [name for name in projects if WEB.search(facts.texts.get(name, ""))]
    started = started or [name for name in projects if "<OutputType>Exe" in facts.texts.get(name, "")]
    candidates = started or projects
    if len(candidates) != 1 or not PLAIN.fullmatch(candidates[0]):
        found = ", ".join(candidates[:5]) or "none"
        raise CannotBuild(
            field="code", message=f"must hold one .NET project that starts ({found} found); a Dockerfile can say which"
        )
    return candidates[0]
