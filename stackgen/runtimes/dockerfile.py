"""A Dockerfile of the code's own: built as it is, read only for how its image can be asked for its health."""

from __future__ import annotations

import re

from stackgen.code.bundle import MAX_TEXT, CodeFacts
from stackgen.nodes import Settings
from stackgen.references import why_others
from stackgen.runtimes.named_images import CannotBeRead, named_images
from stackgen.runtimes.recipe import CannotBuild, Recipe

NAME = "Dockerfile"
MAX_SHOWN = 200
FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE | re.MULTILINE)
# Images that hold one program and nothing to ask it with.
BARE = re.compile(r"scratch|(?:.*/)?distroless/(?!.*debug).*|(?:.*/)?chainguard/static(?:[:@].*)?")
CHECK = re.compile(r"^\s*HEALTHCHECK\s+(\S+)", re.IGNORECASE | re.MULTILINE)


def recipe(settings: Settings, facts: CodeFacts) -> Recipe:
    """Return the recipe. Raises CannotBuild when the code has no Dockerfile, or not the one that the settings name."""
    name = settings.dockerfile or NAME
    if name not in facts.files:
        if settings.dockerfile:
            raise CannotBuild(field="config.dockerfile", message=f"there is no {name} in the code")
        raise CannotBuild(field="config.runtime", message="says that the code has a Dockerfile, but it has none")
    _check_images(facts.texts.get(name), name, settings)
    text = up_to_stage(facts.texts[name], settings.build_target)
    return Recipe(
        template="",
        values={},
        probe="none" if cannot_be_asked(base_image(text)) else "shell",
        has_check=has_check(text),
    )


def _check_images(text: str | None, name: str, settings: Settings) -> None:
    """Refuse what would bring others' code from the host into the image. Raises CannotBuild."""
    field = "config.dockerfile"
    if text is None:
        message = f"{name} is not read here: its name needs Dockerfile in it, and at most {MAX_TEXT // 1024} KiB"
        raise CannotBuild(field=field, message=message)
    try:
        for image in named_images(text, args=settings.build_args):
            if why := why_others(image):
                raise CannotBuild(field=field, message=f"{name}: {image[:MAX_SHOWN]!r} {why}")
    except CannotBeRead as error:
        message = f"{name}: {str(error)[:MAX_SHOWN]!r} names an image in a way that cannot be checked; write it plainly"
        raise CannotBuild(field=field, message=message) from error


def recognises(facts: CodeFacts) -> bool:
    return NAME in facts.files


def up_to_stage(text: str, target: str) -> str:
    """Return the text as far as the stage that is built; all of it for none, and for one that it does not have."""
    stages = list(FROM.finditer(text))
    for number, stage in enumerate(stages):
        if target and target.lower() in ((stage[2] or "").lower(), str(number)):
            return text[: stages[number + 1].start()] if number + 1 < len(stages) else text
    return text


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
