"""How the code of a node becomes an image: which part of it, by which Dockerfile, with which values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace

from stackgen.code.bundle import CodeFacts
from stackgen.nodes import Node, Settings
from stackgen.parts.types import BuildOrder
from stackgen.runtimes import dockerfile
from stackgen.runtimes.known import find_recipe
from stackgen.runtimes.recipe import CannotBuild, Recipe

IMAGE_HASH_DIGITS = 16
NOTHING = BuildOrder()


def recipe_of(settings: Settings, facts: CodeFacts, images: Mapping[str, str]) -> Recipe:
    """Return how to build a node's code as its settings say. Raises CannotBuild naming the setting."""
    facts = facts_in(facts, settings.build_folder)
    if settings.dockerfile:
        if settings.runtime not in ("", "dockerfile"):
            raise CannotBuild(field="config.dockerfile", message=f"is not read with the runtime {settings.runtime}")
        return dockerfile.recipe(settings, facts)
    recipe = find_recipe(settings, facts, images)
    if recipe.template and (key := next(_for_own_dockerfile(settings), "")):
        raise CannotBuild(field=f"config.{key}", message="is for a Dockerfile of its own, which the code does not have")
    return recipe


def facts_in(facts: CodeFacts, folder: str) -> CodeFacts:
    """Return what is known of one folder of the code; its digest stays that of the whole. Raises CannotBuild."""
    if not folder:
        return facts
    inside = f"{folder}/"
    files = frozenset(name.removeprefix(inside) for name in facts.files if name.startswith(inside))
    if not files:
        raise CannotBuild(field="config.buildFolder", message=f"there is no folder {folder} in the code")
    texts = {name.removeprefix(inside): text for name, text in facts.texts.items() if name.startswith(inside)}
    return replace(facts, files=files, texts=texts)


def unused_build_keys(node: Node) -> Iterator[str]:
    """Yield a sentence for each key that says how to build the code of a node which has an image."""
    keys = {"buildFolder": node.settings.build_folder, "dockerfile": node.settings.dockerfile}
    for key in (*(key for key, given in keys.items() if given), *_for_own_dockerfile(node.settings)):
        yield f"{node.label!r}: config.{key} means nothing beside config.image, which nobody builds here"


def _for_own_dockerfile(settings: Settings) -> Iterator[str]:
    yield from ("buildTarget",) if settings.build_target else ()
    yield from (f"buildArg.{name}" for name in sorted(settings.build_args))
    yield from (f"buildSecret.{name}" for name in sorted(settings.build_secrets))


def order_of(settings: Settings, *, secrets: Mapping[str, str]) -> BuildOrder:
    """Return what the agent is told of a build beside the Dockerfile; `secrets` leads to the variables of a stack."""
    return BuildOrder(
        folder=settings.build_folder,
        dockerfile=settings.dockerfile,
        target=settings.build_target,
        args=dict(sorted(settings.build_args.items())),
        secrets=dict(sorted(secrets.items())),
    )


def image_tag(digest: str, text: str, order: BuildOrder = NOTHING) -> str:
    """Return the same tag for the same code, text of the Dockerfile and order: then nothing is built again."""
    extra = "" if order == NOTHING else f"\n{json.dumps(asdict(order), sort_keys=True)}"
    whole = hashlib.sha256(f"{digest}\n{text}{extra}".encode())
    return whole.hexdigest()[:IMAGE_HASH_DIGITS]
