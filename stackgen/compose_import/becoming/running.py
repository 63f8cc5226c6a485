"""What shapes a service's container: command, user, limits, health, restarts, rights."""

from __future__ import annotations

import re

from stackgen.compose_import.becoming.draft import Draft, NodeDraft
from stackgen.compose_import.becoming.stores import as_command, command_words
from stackgen.compose_import.complaints import refused
from stackgen.compose_import.tree import Tree

_SECONDS = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+)ms)?(?:(\d+)us)?")


def take_command(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    store = draft.stores.get(node.name)
    if store is not None and "command" in store.told:
        node.became(tree, "the database node's own start, with its password")
        return
    words = command_words(tree)
    if not words:
        node.lost(tree, "an empty command: the image's own is run")
        return
    node.set("command", as_command(words), tree, "command, word by word")


def take_entrypoint(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    words = command_words(tree)
    if not words or words == [""]:
        node.lost(tree, "an empty entrypoint, which would run the command alone")
        return
    node.set("entrypoint", as_command(words), tree, "entrypoint, word by word")


def take_healthcheck(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    if node.name in draft.stores:
        node.better(tree, "the check that is known to work for this kind of database")
        return
    if tree.at("disable") == "true":
        node.set("healthCommand", "none", tree, "healthCommand = none")
        return
    for key, member in tree.mapping.items():
        if key == "test":
            _test(node, member)
        elif key in _TIMES:
            node.set(_TIMES[key], member.text, member)
        elif key == "retries":
            node.set("healthRetries", member.text, member)
        elif key == "disable":
            node.became(member, "checked, as without saying it")
        else:
            node.lost(member, f"healthcheck.{key}: engines that are supported do not all know it")


_TIMES = {"interval": "healthInterval", "timeout": "healthTimeout", "start_period": "healthStartPeriod"}


def _test(node: NodeDraft, test: Tree) -> None:
    if test.is_scalar:
        node.set("healthCommand", test.text, test, "healthCommand, asked by the shell")
        return
    words = [item.text for item in test.items]
    if words[:1] == ["NONE"]:
        node.set("healthCommand", "none", test, "healthCommand = none")
    elif words[:1] == ["CMD-SHELL"]:
        node.set("healthCommand", " ".join(words[1:]), test, "healthCommand, asked by the shell")
    elif words[:1] == ["CMD"]:
        node.set("healthCommand", as_command(words[1:]), test, "healthCommand, word by word")
    else:
        node.lost(test, "a check begins with CMD, CMD-SHELL or NONE")


def take_restart(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    node.set("restart", tree.text if tree.value is not False else "no", tree, f"restart = {tree.text}")


def take_user(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    node.set("runAs" if node.name in draft.stores else "user", tree.text, tree)


def take_labels(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for name, member in tree.mapping.items():
        node.set(f"label.{name}", member.text, member)


def take_logging(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    driver = tree.get("driver")
    if driver is not None:
        node.set("logDriver", driver.text, driver)
    options = tree.get("options")
    for name, member in options.mapping.items() if options is not None else ():
        node.set(f"log.{name}", member.text, member)


def take_stop_time(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    seconds = seconds_of(tree.text)
    if seconds is None:
        node.lost(tree, f"{tree.text!r} is no time")
    else:
        node.set("stopGraceSeconds", str(max(1, min(seconds, 3600))), tree)


def seconds_of(text: str) -> int | None:
    """Return whole seconds of a time such as 1m30s, rounded up; None for what is none."""
    match = _SECONDS.fullmatch(text.strip())
    if not text.strip() or match is None:
        return None
    hours, minutes, seconds, thousandths, _ = (float(part or 0) for part in match.groups())
    whole = hours * 3600 + minutes * 60 + seconds + thousandths / 1000
    return int(-(-whole // 1))


def take_ulimits(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for name, member in tree.mapping.items():
        soft, hard = member.at("soft"), member.at("hard")
        node.set(f"ulimit.{name}", soft if soft == hard else f"{soft}:{hard}", member)


def take_sysctls(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for name, member in tree.mapping.items():
        node.set(f"sysctl.{name}", member.text, member)


def take_devices(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for item in tree.items:
        source, target, permissions = item.at("source"), item.at("target"), item.at("permissions")
        written = source if source == target and not permissions else f"{source}:{target}"
        written += f":{permissions}" if permissions and permissions != "rwm" else ""
        if node.append("devices", [written], item, f"devices: {written}"):
            node.needed(item, "a device of the host: the server's owner must allow it")


def take_rights(key: str, said: str, node: NodeDraft, tree: Tree) -> None:
    """Set a key that raises what a container may do on its host."""
    value = "\n".join(item.text for item in tree.items)
    if node.set(key, value, tree, f"{key} = {value.replace(chr(10), ', ')}"):
        node.needed(tree, f"{said}: the server's owner must allow it")


def take_cap_add(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    take_rights("capAdd", "capabilities beyond those that containers have", node, tree)


def take_security(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    others = [item for item in tree.items if item.text not in {"no-new-privileges", "no-new-privileges:true"}]
    for item in tree.items:
        if item not in others:
            node.became(item, "every container has it")
    if others:
        take_rights("securityOpt", "a change of what protects the host", node, tree.made(list(others)))


def take_privileged(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    if tree.text == "true":
        take_rights("privileged", "all rights on the host", node, tree)
    else:
        node.became(tree, "no privileges, as without saying it")


def take_shared_space(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    key = tree.place.path.rpartition(".")[2]
    if tree.text == "host" and key in {"pid", "ipc"}:
        take_rights(key, f"the host's own {key} namespace", node, tree)
    elif tree.text in {"private", "shareable"}:
        node.became(tree, "a space of its own, as every container has")
    else:
        node.lost(tree, f"{key}: sharing it with another container")


def take_gpus(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    if tree.is_scalar:
        take_rights("gpus", "GPUs of the host", node, tree)
        return
    counts = {item.at("count") or "all" for item in tree.items}
    if not counts:
        raise refused(tree.place, "names no device: all, or a list of devices is wanted")
    take_rights("gpus", "GPUs of the host", node, tree.made([tree.made(sorted(counts)[0])]))
