"""Files for browsers, built where there is a build script, served by Caddy; pages of a single one by its index.html."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.command_words import exec_form
from stackgen.runtimes.node_packages import node_release, packages_of, read_package, texts_in
from stackgen.runtimes.recipe import Recipe

DEFAULT_PORT = 8080
# In the order in which they are tried; what was there before the build is never taken.
FOLDERS = (
    "dist",
    "build",
    "out",
    "_site",
    ".output/public",
    "www",
    "docs/.vitepress/dist",
    ".vitepress/dist",
    "public",
)
FOLDER = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./-]{0,200}")
# Builders of files for browsers, and how they serve while people work.
BUILDERS = re.compile(
    r"\b(?:vite build|react-scripts build|react-app-rewired build|craco build|ng build|vue-cli-service build"
    r"|parcel build|gatsby build|astro build|eleventy|docusaurus build|vitepress build|vuepress build|webpack|rollup"
    r"|esbuild|ember build|preact build|stencil build|hexo generate|rspack build|rsbuild build|farm build)\b"
)
WORKSHOPS = re.compile(
    r"^(?:\S+=\S+\s+)*(?:npx\s+)?(?:vite|react-scripts start|react-app-rewired start|craco start|ng serve|ng s"
    r"|vue-cli-service serve|parcel|gatsby (?:develop|serve)|astro (?:dev|preview)|eleventy|docusaurus (?:start|serve)"
    r"|vitepress|vuepress|webpack|rollup|ember serve|serve|http-server|rsbuild|rspack|live-server)\b"
)
WITH_A_SERVER = frozenset(
    {"@astrojs/node", "@sveltejs/adapter-node", "vike-server", "express", "fastify", "koa", "hono"}
)
EXPORTS = re.compile(r"output\s*:\s*['\"]export['\"]")
OUT_DIR = re.compile(r"outDir\s*:\s*['\"]([^'\"]+)['\"]")
CONFIGS = (
    "vite.config.js",
    "vite.config.ts",
    "vite.config.mjs",
    "astro.config.mjs",
    "astro.config.ts",
    "astro.config.js",
)


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild for a broken package.json."""
    package = read_package(facts)
    packages, warnings = packages_of(facts, package, "")
    release, unknown = node_release(facts, package)
    values = {
        **packages,
        "folders": list(dict.fromkeys([*_named_folders(facts), *FOLDERS])),
        "is_single": is_single(settings, facts),
        "asked_single": settings.spa,
        "listen": settings.port or DEFAULT_PORT,
        "start": exec_form(settings.command or "caddy run --config /etc/caddy/Caddyfile --adapter caddyfile"),
    }
    return Recipe(
        template="dockerfiles/static.j2",
        values=values,
        probe="wget",
        warnings=(*warnings, *unknown),
        releases={"node": release},
    )


def recognises(facts: CodeFacts) -> bool:
    return is_built(facts) or ("index.html" in facts.files and "package.json" not in facts.files)


def is_built(facts: CodeFacts) -> bool:
    """Return whether package.json builds files for browsers and has no server but one to work with."""
    if "package.json" not in facts.files:
        return False
    package = read_package(facts)
    scripts = texts_in(package, "scripts")
    dependencies = texts_in(package, "dependencies", "devDependencies")
    start = scripts.get("start", "").strip()
    if "Procfile" in facts.files or (start and not WORKSHOPS.match(start) and start != "next start"):
        return False
    if "next" in dependencies:
        return any(EXPORTS.search(text) for name, text in facts.texts.items() if name.startswith("next.config."))
    is_served = WITH_A_SERVER & dependencies.keys() or {"server.js", "server.mjs"} & facts.files
    return BUILDERS.search(scripts.get("build", "")) is not None and (bool(start) or not is_served)


def is_single(settings: Settings, facts: CodeFacts) -> bool:
    """Return whether one page answers for every address that is no file: an application with routes of its own."""
    if settings.spa is not None:
        return settings.spa
    pages = [name for name in facts.files if name.endswith((".html", ".htm"))]
    return "package.json" in facts.files or len(pages) == 1


def _named_folders(facts: CodeFacts) -> Iterator[str]:
    """Yield the folders that the builder's own settings name."""
    for name in CONFIGS:
        if found := OUT_DIR.search(facts.texts.get(name, "")):
            yield from _usable(found[1])
    try:
        projects = json.loads(facts.texts.get("angular.json", "{}")).get("projects", {})
        for project in projects.values():
            path = project["architect"]["build"]["options"]["outputPath"]
            yield from _usable(path if isinstance(path, str) else path["base"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return


def _usable(folder: str) -> Iterator[str]:
    folder = folder.removeprefix("./").rstrip("/")
    if FOLDER.fullmatch(folder) and ".." not in folder.split("/"):
        yield folder
