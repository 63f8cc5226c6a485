"""Texts from templates: Dockerfiles, the gateway's configuration, the lists of what is left out of a build."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).resolve().parents[2] / "templates" / "stack"
CA_BUNDLE = "/run/secrets/ca_bundle"
# Of who builds, inside the images that build.
HOME = PurePosixPath("/root")


def render(template: str, values: Mapping[str, object]) -> str:
    """Return the template's text; a missing value is an error, never an empty place."""
    return _rendered(template, json.dumps(values))


# Services of one kind share a text: most of a large graph is written a few times.
@lru_cache(maxsize=256)
def _rendered(template: str, values: str) -> str:
    return _environment().get_template(template).render(json.loads(values))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # Not HTML: escaping would only damage these texts. What may hold people's words goes through a filter of its own.
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters["exec_form"] = exec_list
    environment.globals["install"] = install
    return environment


def exec_list(words: Sequence[str]) -> str:
    """Return a command in Docker's list form, which is JSON."""
    return json.dumps(list(words), ensure_ascii=False)


def install(cache: str, *variables: str) -> str:
    """Return the beginning of a RUN that installs packages, with a cache that outlives builds.

    The path of the cache may go from HOME.

    The CA bundle of the building machine, if it has one of its own, comes as a secret that no layer keeps.
    """
    exports = " ".join(f"{variable}={CA_BUNDLE}" for variable in variables)
    return (
        f"RUN --mount=type=cache,target={HOME / cache} \\\n"
        "    --mount=type=secret,id=ca_bundle \\\n"
        f"    if [ -s {CA_BUNDLE} ]; then export {exports}; fi \\"
    )
