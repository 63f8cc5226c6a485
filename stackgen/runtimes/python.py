"""Python: dependencies by uv, Poetry or pip into a virtual environment, which moves alone into the final image."""

from __future__ import annotations

import re

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.recipe import CannotBuild, Recipe, from_procfile

SCRIPTS = ("main.py", "app.py", "server.py", "worker.py", "run.py", "__main__.py")
DEFAULT_PORT = 8000
# Lines of a requirements file that point to other files of the code.
POINTS_ELSEWHERE = re.compile(
    r"^\s*(?:-[rce]\b|--(?:requirement|constraint|editable)\b|\.{1,2}/|file:|.*@\s*file:)", re.MULTILINE
)
ASGI_APP = re.compile(r"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?(?:FastAPI|Starlette|Litestar|Quart|Sanic)\(", re.MULTILINE)
WSGI_APP = re.compile(r"^(\w+)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?(?:Flask|Bottle|Falcon|App)\(", re.MULTILINE)


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild when no start command is found."""
    command = settings.command or from_procfile(facts.texts.get("Procfile", "")) or _found_command(settings, facts)
    if not command:
        raise CannotBuild(
            field="config.command",
            message=f"is needed: no Procfile and none of {', '.join(SCRIPTS)} in the code",
        )
    return Recipe(
        template="dockerfiles/python.j2",
        values={"tool": tool(facts), "whole_code_first": _whole_code_first(facts), "start": exec_form(command)},
        probe="python",
    )


def recognises(facts: CodeFacts) -> bool:
    marks = {"requirements.txt", "pyproject.toml", "uv.lock", "poetry.lock", "Pipfile", "manage.py"}
    return bool(facts.files & marks) or bool(facts.files & set(SCRIPTS))


def tool(facts: CodeFacts) -> str:
    """Return who installs the dependencies: a lock file says it; "project" reads them from pyproject.toml.

    Raises CannotBuild for what only Poetry could resolve, which would give other versions in each build, and for what
    nobody here can read.
    """
    for file, name in (("uv.lock", "uv"), ("poetry.lock", "poetry"), ("requirements.txt", "pip")):
        if file in facts.files:
            return name
    if "pyproject.toml" in facts.files:
        if "[tool.poetry.dependencies]" in facts.texts.get("pyproject.toml", ""):
            raise CannotBuild(field="code", message="is a Poetry project without poetry.lock; run `poetry lock` first")
        return "project"
    if "Pipfile" in facts.files:
        raise CannotBuild(field="code", message="has a Pipfile only; write its lock as requirements.txt")
    return "none"


def _whole_code_first(facts: CodeFacts) -> bool:
    return tool(facts) == "pip" and POINTS_ELSEWHERE.search(facts.texts.get("requirements.txt", "")) is not None


def _found_command(settings: Settings, facts: CodeFacts) -> str:
    port = settings.port or DEFAULT_PORT
    asked_for = "\n".join(facts.texts.get(file, "") for file in ("requirements.txt", "pyproject.toml")).lower()
    if "uvicorn" in asked_for and (app := _application(facts, "asgi.py", ASGI_APP)):
        return f"uvicorn {app} --host 0.0.0.0 --port {port}"
    if "gunicorn" in asked_for and (app := _application(facts, "wsgi.py", WSGI_APP)):
        return f"gunicorn {app} --bind 0.0.0.0:{port}"
    script = next((name for name in SCRIPTS if name in facts.files), "")
    return f"python {script}" if script else ""


def _application(facts: CodeFacts, django_file: str, pattern: re.Pattern[str]) -> str:
    """Return `module:name` of the application: Django's by its file, others where they are made."""
    if "manage.py" in facts.files:
        folders = sorted(name for name in facts.files if name.endswith(f"/{django_file}") and name.count("/") == 1)
        if folders:
            return f"{folders[0].removesuffix('.py').replace('/', '.')}:application"
    for file in ("main.py", "app.py", "server.py", django_file):
        if match := pattern.search(facts.texts.get(file, "")):
            return f"{file.removesuffix('.py')}:{match[1]}"
    return ""
