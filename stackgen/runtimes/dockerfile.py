"""A Dockerfile of the code's own: built as it is, read only for how its image can be asked for its health."""

from __future__ import annotations

import re

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Settings
from stackgen.runtimes.recipe import CannotBuild, Recipe

NAME = "Dockerfile"
FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE | re.MULTILINE)
# Images that hold one program and nothing to ask it with.
BARE = re.compile(r"scratch|(?:.*/)?distroless/(?!.*debug).*|(?:.*/)?chainguard/static(?:[:@].*)?")
CHECK = re.compile(r"^\s*HEALTHCHECK\s+(\S+)", re.IGNORECASE | re.MULTILINE)


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:  # noqa: ARG001 - all recipes are asked alike
    """Return the recipe. Raises CannotBuild when the code has no Dockerfile."""
    if not recognises(facts):
        raise CannotBuild(field="config.runtime", message="says that the code has a Dockerfile, but it has none")
    text = facts.texts.get(NAME, "")
    return Recipe(
        template="",
        values={},
        probe="none" if cannot_be_asked(base_image(text)) else "shell",
        has_check=has_check(text),
    )


def recognises(facts: CodeFacts) -> bool:
    return NAME in facts.files


def base_image(text: str) -> str:
    """Return the image that the last stage begins with, followed through the names of stages; empty without one."""
    stages: dict[str, str] = {}
    last = ""
    for image, name in FROM.findall(text):
        last = stages.get(image.lower(), image)
        stages[(name or str(len(stages))).lower()] = last
    return last


def has_check(text: str) -> bool:
    """Return whether the last stage says how it is asked for its health."""
    stages = list(FROM.finditer(text))
    checks = CHECK.findall(text, stages[-1].start() if stages else 0)
    return bool(checks) and checks[-1].upper() != "NONE"


def cannot_be_asked(image: str) -> bool:
    """Return whether an image has neither a shell nor anything else that could ask its program for its health."""
    return BARE.fullmatch(image) is not None
