"""Every runtime that code can have, and how one is recognised when the graph does not say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes import bun, dockerfile, go, java, node, python, rust, static
from stackgen.runtimes.recipe import CannotBuild, Recipe


@dataclass(frozen=True, slots=True)
class Runtime:
    """`images` are the base images by the names under which an installation may replace them."""

    recognises: Callable[[CodeFacts], bool]
    recipe: Callable[[Settings, CodeFacts], Recipe]
    images: Mapping[str, str]


NODE = "node:24-slim"
ALPINE = "alpine:3.22"
# In the order in which they are tried: what people wrote themselves comes first.
RUNTIMES: Mapping[str, Runtime] = {
    "dockerfile": Runtime(dockerfile.recognises, dockerfile.recipe, {}),
    "bun": Runtime(bun.recognises, bun.recipe, {"bun": "oven/bun:1"}),
    "node": Runtime(node.recognises, node.recipe, {"node": NODE}),
    "go": Runtime(go.recognises, go.recipe, {"go": "golang:1.25-alpine", "alpine": ALPINE}),
    "rust": Runtime(rust.recognises, rust.recipe, {"rust": "rust:1-alpine", "alpine": ALPINE}),
    "java": Runtime(
        java.recognises,
        java.recipe,
        {"maven": "maven:3-eclipse-temurin-21", "gradle": "gradle:8-jdk21", "java": "eclipse-temurin:21-jre-alpine"},
    ),
    "python": Runtime(python.recognises, python.recipe, {"python": "python:3.13-slim"}),
    "static": Runtime(static.recognises, static.recipe, {"node": NODE, "caddy": "caddy:2"}),
}


def find_recipe(settings: Settings, facts: CodeFacts, images: Mapping[str, str]) -> Recipe:
    """Return how to build this code, `runtime` of the config first. Raises CannotBuild."""
    if not facts.files:
        raise CannotBuild(field="code", message="holds no file")
    name = settings.runtime or next((name for name, runtime in RUNTIMES.items() if runtime.recognises(facts)), "")
    if name != "dockerfile" and "Dockerfile" in facts.files and not settings.runtime:
        name = "dockerfile"
    runtime = RUNTIMES.get(name)
    if runtime is None:
        raise CannotBuild(field="config.runtime", message=f"cannot be told from the code; known: {', '.join(RUNTIMES)}")
    recipe = runtime.recipe(settings, facts)
    bases = {f"{key}_image": images.get(key, image) for key, image in runtime.images.items()}
    return replace(recipe, values={**recipe.values, **bases})
