"""Configs and secrets that a service finds as files in its container."""

from __future__ import annotations

from stackgen.compose_import.becoming.draft import Draft, NodeDraft
from stackgen.compose_import.tree import Tree
from stackgen.graph.raw import MAX_CONFIG_VALUE

_SCRIPT_MODE = "0755"


def octal(tree: Tree | None) -> str:
    """Return a mode as people read it: a number in YAML is decimal by now, whatever it was written as."""
    if tree is None:
        return ""
    return f"{tree.value:04o}" if isinstance(tree.value, int) and not isinstance(tree.value, bool) else tree.text


def mount_file(node: NodeDraft, item: Tree, target: str, content: bytes, *, said: str = "", mode: str = "") -> None:
    """Put a text into the container at `target`."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        node.lost(item, f"{target}: the file is no text; build it into an image")
        return
    if len(text) > MAX_CONFIG_VALUE:
        node.lost(item, f"{target}: the file has more than {MAX_CONFIG_VALUE} characters; build it into an image")
        return
    if node.set(f"file.{target}", text, item, said or f"file.{target}: its text") and (
        wanted := mode or (_SCRIPT_MODE if text.startswith("#!") else "")
    ):
        node.set(f"fileMode.{target}", wanted, item, f"fileMode.{target} = {wanted}")


def take_configs(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for item in tree.items:
        source = item.at("source")
        draft.used.add(("configs", source))
        target = item.at("target") or f"/{source}"
        content = content_of(draft, "configs", source)
        _say_owner(node, item)
        if content is None:
            node.needed(item, f"the text of the config {source} is not among the files: give it as file.{target}")
        else:
            mount_file(node, item, target, content.encode(), mode=octal(item.get("mode")))


def take_secrets(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for item in tree.items:
        source = item.at("source")
        draft.used.add(("secrets", source))
        name = item.at("target") or source
        target = name if name.startswith("/") else f"/run/secrets/{name}"
        _say_owner(node, item)
        if node.name in draft.stores:
            node.became(item, "the database node's password, sealed")
            continue
        variable = seal(draft, node, item, source)
        node.set(f"secretFile.{target}", variable, item, f"secretFile.{target}: the file of secret.{variable}")
        if mode := octal(item.get("mode")):
            node.set(f"fileMode.{target}", mode, item, f"fileMode.{target} = {mode}")


def seal(draft: Draft, node: NodeDraft, item: Tree, source: str) -> str:
    """Keep a secret of the project sealed at the node; return the name of its variable, which no other one has."""
    name = source
    while f"env.{name}" in node.config or (f"secret.{name}" in node.config and name not in _named(node)):
        name += "_file"
    content = content_of(draft, "secrets", source)
    said = f"secret.{name}, sealed"
    if content is None:
        said = f"secret.{name}, sealed: no value in the files, it is asked for"
    if node.set(f"secret.{name}", content or "", item, said) and content is None:
        node.needed(item, f"the value of the secret {source}")
    return name


def _named(node: NodeDraft) -> set[str]:
    """Return the variables that are files or secrets of the build."""
    return {text for key, text in node.config.items() if key.startswith(("secretFile.", "buildSecret."))}


def _say_owner(node: NodeDraft, item: Tree) -> None:
    for key in ("uid", "gid"):
        if (member := item.get(key)) is not None:
            node.lost(member, f"{key}: files belong to root and are readable to all")


def content_of(draft: Draft, section: str, name: str) -> str | None:
    """Return the text of a config or secret of the project; None where the files do not tell it."""
    tree = draft.project.section(section).get(name)
    if tree is None:
        return None
    if tree.get("content") is not None:
        return tree.at("content")
    if tree.get("environment") is not None:
        return draft.project.variables.get(tree.at("environment"))
    content = draft.files.read(tree.at("file")) if tree.at("file") else None
    try:
        return content.decode("utf-8") if content is not None else None
    except UnicodeDecodeError:
        return None
