"""Files for browsers that package.json makes for a program in another language."""

from __future__ import annotations

from stackgen.code.bundle import CodeFacts
from stackgen.runtimes.node_packages import node_release, packages_of, read_package


def assets_of(facts: CodeFacts) -> tuple[dict[str, object], dict[str, str]]:
    """Return `assets` for the template, None where nothing is built, and the release of Node.js that builds them.

    Raise CannotBuild for a broken package.json.
    """
    if "package.json" not in facts.files:
        return {"assets": None}, {}
    package = read_package(facts)
    packages, _ = packages_of(facts, package, "")
    if not packages["has_build"]:
        return {"assets": None}, {}
    return {"assets": packages}, {"node": node_release(facts, package)[0]}
