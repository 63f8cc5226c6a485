"""Who installs the packages of a package.json, and what has to lie there when it does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stackgen.code.bundle import CodeFacts
from stackgen.runtimes.recipe import CannotBuild
from stackgen.runtimes.versions import chosen, from_tool_files, written

USUAL_NODE = (24,)
NODES = tuple((release,) for release in (14, 16, 18, 20, 22, 23, 24, 25))
NODE_NAMES = {"argon": 4, "boron": 6, "carbon": 8, "dubnium": 10, "erbium": 12, "fermium": 14, "gallium": 16,
              "hydrogen": 18, "iron": 20, "jod": 22, "krypton": 24}  # fmt: skip
LATER_YARN = re.compile(r"yarn@([2-9]|[1-9][0-9])")
LOCKS = (
    ("pnpm-lock.yaml", "pnpm"),
    ("yarn.lock", "yarn"),
    ("package-lock.json", "npm"),
    ("npm-shrinkwrap.json", "npm"),
)
# Settings of the package managers, wanted before they install anything.
SETTINGS = (".npmrc", ".yarnrc", "pnpm-workspace.yaml", ".pnpmfile.cjs", "bunfig.toml")
# Scripts that run while packages are installed, and read the code.
AT_INSTALL = ("preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare")
LOCAL = re.compile(r"(?:file|link|portal|workspace|patch):|\.{0,2}/")
FROM_GIT = re.compile(r"git[+:@]|github:|gitlab:|bitbucket:|[\w-]+/[\w.-]+")
# Programs whose package is called otherwise.
PROVIDERS = {
    "nest": "@nestjs/cli", "ng": "@angular/cli", "remix-serve": "@remix-run/serve", "tsc": "typescript",
    "react-router-serve": "@react-router/serve", "babel-node": "@babel/node", "strapi": "@strapi/strapi",
    "vue-cli-service": "@vue/cli-service", "swc-node": "@swc-node/register", "medusa": "@medusajs/cli",
}  # fmt: skip
RUN_SCRIPT = re.compile(r"\b(?:npm|pnpm|yarn|bun)\s+(?:run\s+)?([\w:.-]+)")


def read_package(facts: CodeFacts) -> dict[str, Any]:
    """Return package.json as an object; an empty one when there is none."""
    try:
        package = json.loads(facts.texts.get("package.json", "{}"))
    except ValueError as error:
        raise CannotBuild(field="code", message=f"package.json is not JSON: {error}") from error
    if not isinstance(package, dict):
        raise CannotBuild(field="code", message="package.json must hold one object")
    return package


def texts_in(package: Mapping[str, Any], *sections: str) -> dict[str, str]:
    """Return the texts by name of some objects in package.json."""
    found: dict[str, str] = {}
    for section in sections:
        held = package.get(section)
        if isinstance(held, dict):
            found |= {str(name): text for name, text in held.items() if isinstance(text, str)}
    return found


def packages_of(facts: CodeFacts, package: Mapping[str, Any], commands: str) -> tuple[dict[str, object], list[str]]:
    """Return what the templates need to install packages, and warnings. `commands`: all that is started with.

    Raise CannotBuild for a Yarn after 1, which neither reads its options nor writes a folder to take over.
    """
    if LATER_YARN.match(str(package.get("packageManager"))) or _has_later_yarn(facts):
        raise CannotBuild(
            field="code",
            message="asks for a Yarn after 1, by its packageManager or its lock; npm, pnpm, Yarn 1 and bun are known: "
            "write the lock with one of these, or a Dockerfile",
        )
    lock, tool = next((each for each in LOCKS if each[0] in facts.files), ("", ""))
    tool = tool or str(package.get("packageManager") or "").partition("@")[0]
    tool = tool if tool in ("npm", "pnpm", "yarn") else "npm"
    scripts = texts_in(package, "scripts")
    dependencies = texts_in(package, "dependencies", "devDependencies", "optionalDependencies")
    needs = sorted(set(_development_programs(package, scripts, commands)))
    workspaces = bool(package.get("workspaces")) or "packages:" in facts.texts.get("pnpm-workspace.yaml", "")
    values: dict[str, object] = {
        "tool": tool,
        "lock": lock,
        "pnpm": _pnpm_release(package),
        "settings": [name for name in SETTINGS if name in facts.files],
        "whole_code_first": workspaces or _reads_code(facts, scripts, dependencies),
        "keeps_all": bool(needs) or (workspaces and tool != "npm"),
        "system": _system_packages(dependencies),
        "has_package": "package.json" in facts.files,
        "has_build": "build" in scripts,
    }
    warnings = [
        f"starts with {name}, which package.json has among devDependencies only: the image keeps all of these"
        for name in needs
    ]
    return values, warnings


def node_release(facts: CodeFacts, package: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the release of Node.js that the code asks for, and a warning where nobody has it."""
    tools = [facts.texts.get(name, "") for name in (".tool-versions", "mise.toml", ".mise.toml")]
    engines, volta = texts_in(package, "engines"), texts_in(package, "volta")
    asked = (
        facts.texts.get(".nvmrc", "").strip() or facts.texts.get(".node-version", "").strip()
        or from_tool_files(tools, "nodejs", "node") or volta.get("node", "") or engines.get("node", "")
    )  # fmt: skip
    name = asked.rpartition("/")[2].lower()
    asked = str(NODE_NAMES.get(name, asked))
    found = chosen(asked, NODES, USUAL_NODE)
    if found is None:
        return written(USUAL_NODE), [f"asks for Node.js {asked}, which is not known; built with {USUAL_NODE[0]}"]
    return written(found), []


def _has_later_yarn(facts: CodeFacts) -> bool:
    return "yarn.lock" in facts.files and (
        ".yarnrc.yml" in facts.files or "\n__metadata:" in f"\n{facts.texts.get('yarn.lock', '')}"
    )


def _pnpm_release(package: Mapping[str, Any]) -> str:
    found = re.match(r"pnpm@(\d+(?:\.\d+){0,2})", str(package.get("packageManager")))
    return found[1] if found else "10"


def _reads_code(facts: CodeFacts, scripts: Mapping[str, str], dependencies: Mapping[str, str]) -> bool:
    """Return whether installing needs more of the code than the lists of packages."""
    return (
        any(name in scripts for name in AT_INSTALL)
        or any(LOCAL.match(version) for version in dependencies.values())
        or any(name.startswith(("patches/", ".yarn/", ".patches/")) for name in facts.files)
        or "patchedDependencies" in facts.texts.get("package.json", "") + facts.texts.get("pnpm-workspace.yaml", "")
    )


def _system_packages(dependencies: Mapping[str, str]) -> list[str]:
    """Return what installing needs of the system: git for code that comes from there, compilers for native code."""
    from_git = any(
        re.match(r"(?:git[+:@]|github:|gitlab:|bitbucket:|[\w-]+/[\w.-]+)", each) for each in dependencies.values()
    )
    native = {"better-sqlite3", "sqlite3", "bcrypt", "canvas", "node-gyp", "node-pty", "isolated-vm", "argon2", "re2",
              "node-rdkafka", "oracledb", "libpq", "pg-native", "zeromq", "usb", "serialport", "node-sass", "leveldown",
              "bufferutil", "utf-8-validate", "farmhash", "snappy", "cpu-features"}  # fmt: skip
    wanted = ["git", "ca-certificates"] if from_git else []
    return [*wanted, "python3", "make", "g++"] if native & dependencies.keys() else wanted


def _development_programs(package: Mapping[str, Any], scripts: Mapping[str, str], commands: str) -> Iterator[str]:
    """Yield packages for development that the start needs, through the scripts that it runs."""
    only = texts_in(package, "devDependencies").keys() - texts_in(package, "dependencies").keys()
    for word in re.findall(r"[^\s\"'=;&|]+", " ".join(_followed(scripts, commands))):
        provider = PROVIDERS.get(word, word)
        name = "/".join(provider.split("/")[: 2 if provider.startswith("@") else 1])
        if name in only:
            yield name


def _followed(scripts: Mapping[str, str], commands: str) -> list[str]:
    texts, left = [commands], [commands]
    seen: set[str] = set()
    while left:
        for name in RUN_SCRIPT.findall(left.pop()):
            if name in scripts and name not in seen:
                seen.add(name)
                texts.append(scripts[name])
                left.append(scripts[name])
    return texts
