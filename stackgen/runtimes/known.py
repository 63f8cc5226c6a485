"""Every runtime that code can have, and how one is recognised when the graph does not say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes import bun, dockerfile, dotnet, go, java, node, php, python, ruby, rust, static
from stackgen.runtimes.recipe import CannotBuild, Recipe


@dataclass(frozen=True, slots=True)
class Runtime:
    """`images` are the base images by the names under which an installation may replace them."""

    recognises: Callable[[CodeFacts], bool]
    recipe: Callable[[Settings, CodeFacts], Recipe]
    images: Mapping[str, str]


NODE = "node:24-slim"
ALPINE = "alpine:3.22"
# With one of these the program is another language's, whatever package.json starts.
OF_ANOTHER = frozenset({"manage.py", "artisan", "composer.json", "config.ru"})
# In the order in which they are tried: what people wrote themselves comes first, and what has a language of its own
# before the files for browsers that package.json may make for it.
RUNTIMES: Mapping[str, Runtime] = {
    "dockerfile": Runtime(dockerfile.recognises, dockerfile.recipe, {}),
    "bun": Runtime(bun.recognises, bun.recipe, {"bun": "oven/bun:1"}),
    "php": Runtime(
        php.recognises, php.recipe, {"php": "dunglas/frankenphp:1-php8.4", "composer": "composer:2", "node": NODE}
    ),
    "ruby": Runtime(ruby.recognises, ruby.recipe, {"ruby": "ruby:3.4-slim", "node": NODE}),
    "dotnet": Runtime(
        dotnet.recognises,
        dotnet.recipe,
        {"sdk": "mcr.microsoft.com/dotnet/sdk:9.0", "aspnet": "mcr.microsoft.com/dotnet/aspnet:9.0"},
    ),
    "python": Runtime(python.recognises, python.recipe, {"python": "python:3.13-slim", "node": NODE}),
    "go": Runtime(go.recognises, go.recipe, {"go": "golang:1.25-alpine", "alpine": ALPINE}),
    "rust": Runtime(rust.recognises, rust.recipe, {"rust": "rust:1-alpine", "alpine": ALPINE}),
    "java": Runtime(
        java.recognises,
        java.recipe,
        {"maven": "maven:3-eclipse-temurin-21", "gradle": "gradle:8-jdk21", "java": "eclipse-temurin:21-jre-alpine"},
    ),
    "static": Runtime(static.recognises, static.recipe, {"node": NODE, "caddy": "caddy:2"}),
    "node": Runtime(node.recognises, node.recipe, {"node": NODE}),
}
# What stands for the release in the names of these images.
USUAL = {"node": "24", "python": "3.13", "php": "8.4", "ruby": "3.4", "sdk": "9.0", "aspnet": "9.0", "go": "1.25",
         "maven": "21", "gradle": "21", "java": "21"}  # fmt: skip


def find_recipe(settings: Settings, facts: CodeFacts, images: Mapping[str, str]) -> Recipe:
    """Return how to build this code, `runtime` of the config first. Raises CannotBuild."""
    if not facts.files:
        raise CannotBuild(field="code", message="holds no file")
    found = recognised(facts) if not settings.runtime else [settings.runtime]
    if not found:
        raise CannotBuild(
            field="config.runtime",
            message=f"cannot be told from the code; known: {', '.join(RUNTIMES)}. Anything else takes a Dockerfile "
            "or config.image",
        )
    runtime = RUNTIMES[found[0]]
    recipe = runtime.recipe(settings, facts)
    warnings = list(recipe.warnings)
    if found[1:]:
        others = " and ".join(found[1:])
        warnings.append(f"is built as {found[0]}; its code would do for {others} too, by config.runtime")
    bases = {}
    for key, image in runtime.images.items():
        base, sentence = of_release(images.get(key, image), key, recipe.releases.get(key, ""))
        bases[f"{key}_image"] = base
        warnings.extend(sentence)
    return replace(recipe, values={**recipe.values, **bases}, warnings=tuple(warnings))


def recognised(facts: CodeFacts) -> list[str]:
    """Return every runtime that could be meant, the likeliest first; one of the code's own Dockerfile is alone."""
    found = [name for name, runtime in RUNTIMES.items() if runtime.recognises(facts)]
    if found[:1] in (["dockerfile"], ["bun"], ["static"]):
        return found[:1]
    if "node" in found[1:] and node.starts_itself(facts) and not OF_ANOTHER & facts.files:
        return ["node", *(name for name in found if name != "node")]
    return found if node.starts_itself(facts) else [name for name in found if name != "node" or found == ["node"]]


def of_release(image: str, key: str, release: str) -> tuple[str, list[str]]:
    """Return the image of another release, by the place of the usual one in its tag, or a sentence why it stays."""
    usual = USUAL.get(key, "")
    if not release or release == usual:
        return image, []
    name, colon, tag = image.rpartition(":")
    if not colon or "/" in tag or "@" in image or usual not in tag:
        return image, [f"asks for {key} {release}, but this installation builds with {image}"]
    return f"{name}:{tag.replace(usual, release)}", []
