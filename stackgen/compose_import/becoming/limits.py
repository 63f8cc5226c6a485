"""Limits, copies and what `deploy` says."""

from __future__ import annotations

from stackgen.compose_import.becoming.draft import Draft, NodeDraft
from stackgen.compose_import.becoming.running import take_rights
from stackgen.compose_import.tree import Tree

_REASONS = {
    "update_config": "a new copy is proven before an old one ends; a failed deployment is undone as a whole",
    "rollback_config": "a failed deployment is undone as a whole",
    "endpoint_mode": "it is a setting of the server",
    "labels": "labels of a Swarm service",
    "mode": "so many copies as `replicas` says",
}
_RESTARTS = {"none": "no", "on-failure": "on-failure", "any": "always"}


def take_deploy(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for key, member in tree.mapping.items():
        if key == "replicas":
            take_copies(draft, node, member)
        elif key == "resources":
            _resources(node, member)
        elif key == "restart_policy":
            _restart_policy(node, member)
        elif key == "placement":
            _placement(node, member)
        elif key == "mode" and member.text == "replicated":
            node.became(member, "copies, as without saying it")
        else:
            node.lost(member, f"deploy.{key}: {_REASONS.get(key, 'means nothing here')}")
    if not tree.mapping:
        node.became(tree, "deploy says nothing")


def take_copies(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    if node.name in draft.stores or tree.text == "1":
        _one_copy(node, tree)
    else:
        node.set("replicas", tree.text, tree)


def _one_copy(node: NodeDraft, tree: Tree) -> None:
    if tree.text == "0":
        node.lost(tree, "no copy: it is started here; leave the service out, or stop it, where it is not to run")
    else:
        node.became(tree, "one copy, as without saying it")


def take_cpus(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    if tree.text in {"0", "0.0"}:
        node.became(tree, "no limit, as without saying it")
    else:
        node.set("cpu", tree.text, tree)


def take_memory(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    node.set("memory", amount_of(tree), tree)


def take_memory_reservation(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    node.set("memoryReservation", amount_of(tree), tree)


def take_shared_memory(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    node.set("shmSize", amount_of(tree), tree)


def take_processes(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    if tree.text.lstrip("-").isdigit() and int(tree.text) <= 0:
        node.better(tree, "a container has at most 2048 processes, where this asks for no bound")
    else:
        node.set("processes", tree.text, tree)


def amount_of(tree: Tree) -> str:
    """Return an amount of memory with a unit that the language of nodes reads; bytes have none."""
    text = tree.text.strip()
    return text[:-1] if text[-1:] in "bB" and text[:-1].isdigit() else text


def _resources(node: NodeDraft, tree: Tree) -> None:
    keys = {
        "limits": {"cpus": "cpu", "memory": "memory", "pids": "processes"},
        "reservations": {"cpus": "cpuReservation", "memory": "memoryReservation"},
    }
    for part, members in tree.mapping.items():
        for name, member in members.mapping.items():
            key = keys.get(part, {}).get(name)
            if key is not None:
                node.set(key, amount_of(member) if name == "memory" else member.text, member)
            elif (part, name) == ("reservations", "devices"):
                _devices(node, member)
            else:
                node.lost(member, f"deploy.resources.{part}.{name}")


def _devices(node: NodeDraft, tree: Tree) -> None:
    for item in tree.items:
        capabilities = item.get("capabilities")
        wanted = {each.text for each in capabilities.items} if capabilities is not None else set()
        if "gpu" in wanted:
            count = item.at("count") or "all"
            take_rights("gpus", "GPUs of the host", node, item.made([item.made(count)]))
        else:
            node.lost(item, "a reserved device that is no GPU")


def _restart_policy(node: NodeDraft, tree: Tree) -> None:
    condition = tree.get("condition")
    attempts = tree.at("max_attempts")
    if condition is not None and node.service.get("restart") is None:
        restart = _RESTARTS.get(condition.text, "unless-stopped")
        restart += f":{attempts}" if attempts.isdigit() and int(attempts) and restart == "on-failure" else ""
        node.set("restart", restart, condition, f"restart = {restart}")
    for name, member in tree.mapping.items():
        if name == "max_attempts" and "on-failure:" in node.config.get("restart", ""):
            node.became(member, f"restart = {node.config['restart']}")
        elif name != "condition" or node.service.get("restart") is not None:
            node.lost(
                member,
                f"deploy.restart_policy.{name}: pauses are the engine's own, and `restart` wins",
            )


def _placement(node: NodeDraft, tree: Tree) -> None:
    for name, member in tree.mapping.items():
        if name == "constraints" and len(member.items) == 1:
            node.set("placement", member.items[0].text.replace(" ", ""), member)
        else:
            node.lost(member, f"deploy.placement.{name}")
