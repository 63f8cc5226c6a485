"""How a service is built becomes its code and what is said about building it."""

from __future__ import annotations

import posixpath

from stackgen.compose_import.becoming.attaching import seal
from stackgen.compose_import.becoming.draft import Draft, NodeDraft
from stackgen.compose_import.tree import Tree

_REASONS = {
    "cache_from": "the agent keeps a cache of its own",
    "cache_to": "the agent keeps a cache of its own",
    "no_cache": "the same code gives the same image",
    "pull": "tags are asked again when a deployment is asked to",
    "tags": "images are named by their content",
    "labels": "labels of an image are said in its Dockerfile",
    "platforms": "images are built for the server that runs them",
    "ssh": "keys of the person who builds are not there on a server",
    "additional_contexts": "a build sees its own code only",
    "privileged": "a build has no rights on the server",
    "entitlements": "a build has no rights on the server",
    "network": "builds use the engine's own network",
    "shm_size": "builds use the engine's own settings",
    "ulimits": "builds use the engine's own settings",
    "isolation": "it is for Windows",
    "extra_hosts": "builds use the engine's own names",
    "dockerfile_inline": "put it into the code as a Dockerfile",
}


def take_build(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    context = tree.get("context")
    if context is not None:
        _context(draft, node, context)
    for key, member in tree.mapping.items():
        if key == "context":
            continue
        if key == "dockerfile":
            _dockerfile(node, member)
        elif key == "target":
            node.set("buildTarget", member.text, member)
        elif key == "args":
            _arguments(node, member)
        elif key == "secrets":
            _secrets(draft, node, member)
        else:
            node.lost(member, f"build.{key}: {_REASONS.get(key, 'means nothing here')}")
    if not tree.mapping:
        node.lost(tree, "build says nothing")
    if node.config.keys() & {"buildTarget", "dockerfile"}:
        node.set("runtime", "dockerfile", tree, "runtime = dockerfile: its own")


def _context(draft: Draft, node: NodeDraft, context: Tree) -> None:
    if "://" in context.text or context.text.startswith("git@"):
        node.needed(context, "code from an address: fetch it and upload it as the code of this node")
        return
    if context.text.startswith(("/", "~")):
        node.needed(context, f"code of {context.text}: upload it as the code of this node")
        return
    node.code = context.text
    if draft.files.below(context.text) is None:
        node.needed(context, f"the folder {context.text} is not among the files: upload it as the code of this node")
    else:
        node.became(context, f"the code of this node, built from {context.text}")


def _dockerfile(node: NodeDraft, tree: Tree) -> None:
    path = posixpath.normpath(tree.text)
    if path.startswith(("..", "/")):
        node.lost(tree, "a Dockerfile outside of the code; move it into it")
    elif path == "Dockerfile":
        node.became(tree, "the Dockerfile of the code, as without saying it")
    else:
        node.set("dockerfile", path, tree)


def _arguments(node: NodeDraft, tree: Tree) -> None:
    for name, member in tree.mapping.items():
        if member.value is None:
            node.needed(member, f"the build argument {name} has no value in the files: give it as buildArg.{name}")
        else:
            node.set(f"buildArg.{name}", member.text, member)


def _secrets(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for item in tree.items:
        source = item.at("source")
        draft.used.add(("secrets", source))
        name = item.at("target") or source
        variable = seal(draft, node, item, source)
        node.set(f"buildSecret.{name}", variable, item, f"buildSecret.{name} = {variable}")
