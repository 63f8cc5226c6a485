"""Whatever a Dockerfile takes from its host is named, however it is written; stages of its own are not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from stackgen.code.bundle import is_key_file
from stackgen.errors import GraphInvalid
from stackgen.references import why_others
from stackgen.runtimes.named_images import CannotBeRead, named_images
from tests.stackgen.graphs import facts_of, graph, node, stack_of

OTHERS = "axion/axion-shop-web:0123"
TRIES = {
    "plainly": f"FROM {OTHERS}",
    "for a platform": f"from --platform=linux/amd64 {OTHERS} AS web",
    "by the hub's name": f"FROM docker.io/{OTHERS}",
    "by its other name": f"FROM index.docker.io/{OTHERS}",
    "by an argument": f"ARG BASE={OTHERS}\nFROM $BASE",
    "in pieces": 'ARG A="ax"\nARG B=${A}ion\nFROM ${B}/axion-shop-web',
    "by what is taken without one": "FROM ${BASE:-axion}/web",
    "where there is one": "ARG BASE=x\nFROM ${BASE:+axion}/web",
    "in quotes": 'FROM "axi"on/web',
    "with an escape": "FROM axi\\on/web",
    "over two lines": "FROM \\\n  # a comment\n  axion/web",
    "with another escape": "# escape=`\nFROM `\naxion/web",
    "by copying": f"FROM node:24\nCOPY --chown=1 --from={OTHERS} /code /code",
    "by mounting": f"FROM node:24\nRUN --mount=type=bind,target=/x,from={OTHERS} cp -r /x /y",
    "by mounting, in quotes": f'FROM node:24\nRUN --mount="type=bind,from={OTHERS},target=/x" ls',
    "for those who build on it": f"FROM node:24\nONBUILD COPY --from={OTHERS} / /",
    "as its syntax": f"# syntax={OTHERS}\nFROM node:24",
    "in a stage that another follows": f"FROM {OTHERS} AS a\nFROM node:24",
    "by its id": "FROM 0123456789ab",
    "by digits that are no stage": "FROM node:24\nCOPY --from=0123456789 / /",
    "by its whole id": f"FROM sha256:{'0' * 64}",
    "by an argument of the build": "ARG BASE=node:24\nFROM ${BASE}",
}
FINE = {
    "stages": "FROM node:24 AS Build\nFROM build AS deadbeef\nCOPY --from=build / /\nCOPY --from=0 / /\nFROM deadbeef",
    "an image of a registry": "FROM registry.example.org/axion/web:1",
    "somebody called alike": "FROM axionics/web",
    "an argument in a later stage": "FROM node:24\nARG BASE=axion/web\nRUN echo $BASE",
    "a release by an argument": "ARG NODE_VERSION=24\nFROM node:${NODE_VERSION}-slim AS base",
    "the platform": "FROM --platform=$BUILDPLATFORM node:24\nARG TARGETARCH\nRUN echo ${TARGETARCH#a}",
}


def foreign(text: str, args: Mapping[str, str]) -> list[str]:
    return [image for image in named_images(text, args=args) if why_others(image)]


@pytest.mark.parametrize("tried", TRIES)
def test_an_image_of_the_host_is_found(tried: str) -> None:
    assert foreign(TRIES[tried], {"BASE": OTHERS} if tried == "by an argument of the build" else {})


@pytest.mark.parametrize("fine", FINE)
def test_what_is_ones_own_or_from_a_registry_is_fine(fine: str) -> None:
    assert foreign(FINE[fine], {}) == []


def test_a_name_that_only_the_build_itself_can_tell_is_refused() -> None:
    with pytest.raises(CannotBeRead, match="BASE"):
        list(named_images("ARG BASE=xaxion/web\nFROM ${BASE#x}", args={}))


@pytest.mark.parametrize(
    ("files", "config", "said"),
    [
        ({"Dockerfile": f"FROM {OTHERS}"}, {}, "under which images of projects are built"),
        ({"Dockerfile": "ARG A=b\nFROM ${A%b}axion/x"}, {}, "write it plainly"),
        ({"ops/own": "FROM node:24"}, {"dockerfile": "ops/own"}, "not read here"),
    ],
)
def test_a_graph_with_such_code_is_refused(files: dict[str, str], config: dict[str, str], said: str) -> None:
    with pytest.raises(GraphInvalid, match=said):
        facts = facts_of(files)
        # Only files of certain names and sizes are read.
        read = {name: text for name, text in facts.texts.items() if is_key_file(name)}
        stack_of(graph(node("web", port="80", **config)), code={"web": replace(facts, texts=read)})
