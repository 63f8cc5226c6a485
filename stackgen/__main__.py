"""`python -m stackgen GRAPH.json [--code DIR] [--engine compose|swarm] --out DIR`: a stack's files from a graph."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from stackgen.databases.known import KINDS
from stackgen.errors import GraphInvalid
from stackgen.folders import generate_from, write
from stackgen.references import IMAGE
from stackgen.results import StackOptions
from stackgen.runtimes.known import RUNTIMES
from stackgen.stack import Stack

INVALID = 2
BASE_IMAGES = frozenset({"caddy", "traefik"}.union(KINDS, *(runtime.images for runtime in RUNTIMES.values())))
ENV_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 0 with all files written, or 2 with every problem printed and none written."""
    asked = _arguments().parse_args(arguments)
    try:
        stack = _generate(asked)
        write(stack, asked.out)
    except GraphInvalid as error:
        _say(*map(str, error.problems))
        return INVALID
    except (OSError, ValueError) as error:
        _say(str(error))
        return INVALID
    except RecursionError:
        _say(f"{asked.graph.name} is nested too deeply")
        return INVALID
    _say(*(f"warning: {warning}" for warning in stack.warnings))
    return 0


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="stackgen", description="Turns a graph into a Docker stack.")
    parser.add_argument("graph", type=Path, help="the graph as JSON")
    parser.add_argument("--code", type=Path, help="folder with one folder of code for each service, by its name")
    parser.add_argument("--engine", choices=("compose", "swarm"), default="compose")
    parser.add_argument("--name", default="axion-stack", help="name of the stack")
    parser.add_argument("--project", default="local", help="id of the project, for the labels")
    parser.add_argument("--env", action="append", default=[], metavar="NAME", help="a variable given with the request")
    parser.add_argument(
        "--image", action="append", default=[], metavar="NAME=IMAGE",
        help="another base image, such as python=mirror/python:3.13",
    )  # fmt: skip
    parser.add_argument("--image-prefix", default="axion/", help="before the names of the images that are built")
    parser.add_argument("--swarm-ports", choices=("ingress", "host"), default="ingress")
    parser.add_argument("--swarm-endpoints", choices=("vip", "dnsrr"), default="vip")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    return parser


def _generate(asked: argparse.Namespace) -> Stack:
    # The wrong text itself stays out of the message: it may be a value that was meant to stay secret.
    if not all(map(ENV_NAME.fullmatch, asked.env)):
        raise ValueError("--env takes the name of a variable; its value goes into .env")
    raw = json.loads(asked.graph.read_text(encoding="utf-8"))
    if not isinstance(raw, dict):
        raise ValueError(f"{asked.graph.name} must hold one JSON object")
    return generate_from(
        raw=raw,
        code=asked.code,
        stack_name=asked.name,
        project_id=asked.project,
        env_names=asked.env,
        options=StackOptions(
            engine=asked.engine,
            images=_images(asked.image),
            image_prefix=_prefix(asked.image_prefix),
            swarm_ports=asked.swarm_ports,
            swarm_endpoints=asked.swarm_endpoints,
        ),
    )


def _images(given: Sequence[str]) -> dict[str, str]:
    images = {}
    for text in given:
        name, _, image = text.partition("=")
        if name not in BASE_IMAGES or not IMAGE.fullmatch(image):
            raise ValueError(f"--image takes NAME=IMAGE, not {text!r}; names: {', '.join(sorted(BASE_IMAGES))}")
        images[name] = image
    return images


def _prefix(text: str) -> str:
    if text and not (text.endswith("/") and IMAGE.fullmatch(f"{text}x")):
        raise ValueError(
            f"--image-prefix takes what goes before an image's name, such as registry:5000/shop/, not {text!r}"
        )
    return text


def _say(*lines: str) -> None:
    for line in lines:
        sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main())
