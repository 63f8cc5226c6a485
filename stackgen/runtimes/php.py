"""PHP: packages by Composer, served by FrankenPHP from the folder that is for the public."""

from __future__ import annotations

import json
import re

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.assets import assets_of
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.recipe import CannotBuild, Recipe, from_procfile
from stackgen.runtimes.versions import chosen, written

DEFAULT_PORT = 8080
USUAL = (8, 4)
RELEASES = ((8, 2), (8, 3), (8, 4), (8, 5))
FOLDERS = ("public", "web", "webroot", "html", "htdocs", "www")
# What frameworks and their databases ask for nearly always, beside what composer.json names.
EXTENSIONS = ("bcmath", "gd", "intl", "mysqli", "opcache", "pcntl", "pdo_mysql", "pdo_pgsql", "redis", "zip")
BUILT_IN = frozenset({
    "ctype", "curl", "date", "dom", "fileinfo", "filter", "hash", "iconv", "json", "libxml", "mbstring", "openssl",
    "pcre", "pdo", "phar", "posix", "random", "readline", "reflection", "session", "simplexml", "sodium", "spl",
    "sqlite3",
    "standard", "tokenizer", "xml", "xmlreader", "xmlwriter", "zlib", "pdo_sqlite",
})  # fmt: skip


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild for a broken composer.json, or where no page is found."""
    required = _required(facts)
    folder = next((name for name in FOLDERS if f"{name}/index.php" in facts.files), "")
    command = settings.command or from_procfile(facts.texts.get("Procfile", ""))
    if not command and not folder and "index.php" not in facts.files:
        raise CannotBuild(
            field="config.command",
            message=f"is needed: PHP was recognised, but no index.php at the top or in {', '.join(FOLDERS)}",
        )
    root = f"/app/{folder}".rstrip("/")
    asked = {name.removeprefix("ext-").lower() for name in required if name.startswith("ext-")}
    release = chosen(required.get("php", ""), RELEASES, USUAL)
    assets, releases = assets_of(facts)
    unknown = f"asks for PHP {required.get('php')}, which is not known; built with {written(USUAL)}"
    values = {
        **assets,
        "has_composer": "composer.json" in facts.files,
        "has_artisan": "artisan" in facts.files,
        "extensions": sorted({*EXTENSIONS, *(name for name in asked - BUILT_IN if re.fullmatch(r"[a-z0-9_]+", name))}),
        "start": exec_form(command or f"frankenphp php-server --listen :{settings.port or DEFAULT_PORT} --root {root}"),
    }
    return Recipe(
        template="dockerfiles/php.j2",
        values=values,
        probe="shell",
        warnings=() if release else (unknown,),
        releases={**releases, "php": written(release or USUAL)},
    )


def recognises(facts: CodeFacts) -> bool:
    return bool(facts.files & {"composer.json", "artisan", "index.php", *(f"{name}/index.php" for name in FOLDERS)})


def _required(facts: CodeFacts) -> dict[str, str]:
    try:
        found = json.loads(facts.texts.get("composer.json", "{}"))
    except ValueError as error:
        raise CannotBuild(field="code", message=f"composer.json is not JSON: {error}") from error
    required = found.get("require") if isinstance(found, dict) else None
    return {str(name): str(text) for name, text in required.items()} if isinstance(required, dict) else {}
