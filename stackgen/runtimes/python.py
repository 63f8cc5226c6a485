"""Python: dependencies by uv, Poetry or pip into a virtual environment, which moves alone into the final image."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.assets import assets_of
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.recipe import CannotBuild, Recipe, from_procfile
from stackgen.runtimes.versions import chosen, from_tool_files, written

SCRIPTS = ("main.py", "app.py", "server.py", "worker.py", "run.py", "__main__.py")
DEFAULT_PORT = 8000
USUAL = (3, 13)
RELEASES = tuple((3, minor) for minor in range(8, 15))
# Dependencies that lie in the code: members of a workspace, folders.
IN_THE_CODE = re.compile(r"\[tool\.uv\.workspace\]|workspace\s*=\s*true|\bpath\s*=\s*[\"']|file:|^-e ", re.MULTILINE)
# An application that a function made, and functions that make one.
MADE_APP = re.compile(
    r"^(app|application|server|api)\s*(?::[^=\n]+)?=\s*(?:\w+\.)?(?:create|make|build|get)_\w*app\w*\(", re.M
)
FACTORY = re.compile(r"^def (create_app|make_app|get_app|build_app)\(", re.MULTILINE)
FACTORIES = (":create_app", ":make_app", ":get_app", ":build_app")
# Packages that come as source: what compiles them, and what they are linked with.
COMPILED = {
    "psycopg2": (["gcc", "libc6-dev", "libpq-dev"], ["libpq5"]),
    "psycopg[c]": (["gcc", "libc6-dev", "libpq-dev"], ["libpq5"]),
    "mysqlclient": (["gcc", "libc6-dev", "pkg-config", "default-libmysqlclient-dev"], ["libmariadb3"]),
    "python-ldap": (["gcc", "libc6-dev", "libldap-dev", "libsasl2-dev"], ["libldap2", "libsasl2-2"]),
    "pygraphviz": (["gcc", "libc6-dev", "libgraphviz-dev"], ["graphviz"]),
    "pycairo": (["gcc", "libc6-dev", "pkg-config", "libcairo2-dev"], ["libcairo2"]),
    "uwsgi": (["gcc", "libc6-dev"], []),
    "pyodbc": ([], ["unixodbc"]),
    "weasyprint": ([], ["libpango-1.0-0", "libpangoft2-1.0-0"]),
}
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
            message=f"is needed: {_what(facts)} was recognised, but no Procfile, none of {', '.join(SCRIPTS)} in "
            "the code, no application that uvicorn or gunicorn of its requirements could serve",
        )
    assets, releases = assets_of(facts)
    asked = _asked_release(facts)
    release = chosen(asked, RELEASES, USUAL)
    installs = _installs_itself(facts)
    build, run = _system_packages(facts)
    values = {
        **assets,
        "tool": tool(facts),
        "installs_itself": installs,
        "whole_code_first": installs or _whole_code_first(facts),
        "has_sources": any(name.startswith("src/") and name.endswith(".py") for name in facts.files),
        "build_packages": build,
        "run_packages": run,
        "start": exec_form(command),
    }
    return Recipe(
        template="dockerfiles/python.j2",
        values=values,
        probe="python",
        warnings=() if release else (f"asks for Python {asked}, which is not known; built with {written(USUAL)}",),
        releases={**releases, "python": written(release or USUAL)},
    )


def recognises(facts: CodeFacts) -> bool:
    marks = {"requirements.txt", "pyproject.toml", "uv.lock", "poetry.lock", "Pipfile", "manage.py", "setup.py"}
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
    if "Pipfile.lock" in facts.files:
        return "pipenv"
    if "setup.py" in facts.files:
        return "project"
    if "Pipfile" in facts.files:
        raise CannotBuild(field="code", message="has a Pipfile without Pipfile.lock; run `pipenv lock` first")
    return "none"


def _whole_code_first(facts: CodeFacts) -> bool:
    """Return whether dependencies lie in the code itself: other lists, members of a workspace, folders."""
    if tool(facts) == "pip":
        return POINTS_ELSEWHERE.search(facts.texts.get("requirements.txt", "")) is not None
    return IN_THE_CODE.search(facts.texts.get("pyproject.toml", "")) is not None


def _installs_itself(facts: CodeFacts) -> bool:
    """Return whether the code is a package that is installed as well: it has commands, or lies where it says."""
    if tool(facts) == "pip":
        return False
    if "pyproject.toml" not in facts.files:
        return "setup.py" in facts.files
    project = _project(facts)
    poetry = _tables(project, "tool", "poetry")
    if poetry.get("package-mode") is False or _tables(project, "tool", "uv").get("package") is False:
        return False
    name = re.sub(r"[-.]+", "_", str(_tables(project, "project").get("name") or poetry.get("name") or ""))
    is_found = any(file in facts.files for file in (f"src/{name}/__init__.py", f"{name}/__init__.py"))
    has_commands = bool(_tables(project, "project", "scripts") or poetry.get("scripts"))
    return "build-system" in project and bool(name) and (is_found or (has_commands and not poetry))


def _project(facts: CodeFacts) -> dict[str, Any]:
    try:
        return tomllib.loads(facts.texts.get("pyproject.toml", ""))
    except tomllib.TOMLDecodeError as error:
        raise CannotBuild(field="code", message=f"pyproject.toml is not TOML: {error}") from error


def _tables(table: Mapping[str, Any], *names: str) -> dict[str, Any]:
    found: Any = table
    for name in names:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _asked_release(facts: CodeFacts) -> str:
    tools = [facts.texts.get(name, "") for name in (".tool-versions", "mise.toml", ".mise.toml")]
    lines = facts.texts.get(".python-version", "").split()
    project = _project(facts)
    in_pipfile = re.search(r"python_(?:full_)?version\s*=\s*[\"']([\d.]+)", facts.texts.get("Pipfile", ""))
    return (
        (lines[0].removeprefix("python-") if lines else "")
        or facts.texts.get("runtime.txt", "").strip().removeprefix("python-")
        or from_tool_files(tools, "python")
        or str(_tables(project, "project").get("requires-python") or "")
        or str(_tables(project, "tool", "poetry", "dependencies").get("python") or "")
        or (in_pipfile[1] if in_pipfile else "")
    )


def _system_packages(facts: CodeFacts) -> tuple[list[str], list[str]]:
    """Return what the system needs to compile dependencies that come as source, and what to run with them."""
    asked = "\n".join(facts.texts.get(file, "") for file in ("requirements.txt", "pyproject.toml", "Pipfile")).lower()
    build: list[str] = []
    run: list[str] = []
    for name, (compiled, running) in COMPILED.items():
        if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", asked):
            build += compiled
            run += running
    build += ["git"] if "git+" in asked or re.search(r"\bgit\s*=", asked) else []
    return list(dict.fromkeys(build)), list(dict.fromkeys(run))


def _what(facts: CodeFacts) -> str:
    return "Django" if "manage.py" in facts.files else "Python"


def _found_command(settings: Settings, facts: CodeFacts) -> str:
    port = settings.port or DEFAULT_PORT
    asked_for = "\n".join(facts.texts.get(file, "") for file in ("requirements.txt", "pyproject.toml")).lower()
    if "uvicorn" in asked_for and (app := _application(facts, "asgi.py", ASGI_APP)):
        return f"uvicorn {app}{' --factory' if app.endswith(FACTORIES) else ''} --host 0.0.0.0 --port {port}"
    if "gunicorn" in asked_for and (app := _application(facts, "wsgi.py", WSGI_APP)):
        app = f"'{app}()'" if app.endswith(FACTORIES) else app
        return f"gunicorn {app} --bind 0.0.0.0:{port}"
    if "streamlit" in asked_for and (
        script := next((name for name in ("streamlit_app.py", *SCRIPTS) if name in facts.files), "")
    ):
        return f"streamlit run {script} --server.address 0.0.0.0 --server.port {port} --server.headless true"
    script = next((name for name in SCRIPTS if name in facts.files), "")
    if script:
        return f"python {script}"
    commands = _tables(_project(facts), "project", "scripts") if _installs_itself(facts) else {}
    if len(commands) == 1:
        return next(iter(commands))
    modules = sorted(name for name in facts.files if re.fullmatch(r"(?:src/)?\w+/__main__\.py", name))
    return f"python -m {modules[0].removeprefix('src/').split('/')[0]}" if len(modules) == 1 else ""


def _application(facts: CodeFacts, django_file: str, pattern: re.Pattern[str]) -> str:
    """Return `module:name` of the application: Django's by its file, others where they are made."""
    if "manage.py" in facts.files:
        folders = sorted(name for name in facts.files if name.endswith(f"/{django_file}") and name.count("/") == 1)
        if folders:
            return f"{folders[0].removesuffix('.py').replace('/', '.')}:application"
    for file in sorted((name for name in facts.texts if name.endswith(".py") and name.count("/") <= 2), key=_likeliest):
        module = file.removesuffix(".py").removesuffix("/__init__").removeprefix("src/").replace("/", ".")
        text = facts.texts[file]
        if match := pattern.search(text) or MADE_APP.search(text) or FACTORY.search(text):
            return f"{module}:{match[1]}"
    return ""


def _likeliest(file: str) -> tuple[bool, int, int, str]:
    """Order files as applications lie in them: at the top before in folders, `main` before `app`; packages last."""
    name = file.rpartition("/")[2]
    order = ("main.py", "app.py", "server.py", "asgi.py", "wsgi.py", "__init__.py")
    return (name == "__init__.py", file.count("/"), order.index(name) if name in order else len(order), file)
