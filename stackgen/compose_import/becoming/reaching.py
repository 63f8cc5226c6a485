"""How services reach one another and the world: edges, ports, networks and names."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import combinations

from stackgen.compose_import.becoming.abilities import knows
from stackgen.compose_import.becoming.draft import Draft, NodeDraft
from stackgen.compose_import.tree import Tree
from stackgen.databases.known import KINDS
from stackgen.nodes import NodeType
from stackgen.parts.order import start_order

_CONDITIONS = {
    "service_started": "an edge: it starts after it",
    "service_healthy": "an edge: it starts when that one is well",
    "service_completed_successfully": "an edge to a job: it starts when that has ended well",
}


def join_by_dependencies(draft: Draft, node: NodeDraft) -> None:
    """Add an edge for each service that this one waits for or is linked with."""
    for name, tree in _members(node.service, "depends_on").items():
        _ask(draft, node.name, name)
        if tree.at("condition") == "service_completed_successfully" and name in draft.nodes:
            draft.jobs.add(name)
    for item in _items(node.service, "links"):
        _ask(draft, node.name, item.text.partition(":")[0])


def _ask(draft: Draft, source: str, target: str) -> None:
    if draft.edge(source, target):
        draft.asked.add((source, target))


def keep_order(draft: Draft) -> None:
    """Take away edges that nobody asked for where they turn an order that the files ask for into a cycle.

    Those of a cycle would start together. Their services reach one another by the project's network.
    """
    needs: dict[str, tuple[str, ...]] = dict.fromkeys(draft.nodes, ())
    for source, target in draft.edges:
        needs[source] += (target,)
    waits_for = start_order(needs).waits_for
    circular = {(source, target) for source, target in draft.edges if target not in waits_for[source]}
    members = {name for edge in circular & draft.asked for name in edge}
    size = 0
    while size != len(members):
        size = len(members)
        members |= {name for edge in circular if members.intersection(edge) for name in edge}
    for edge in circular - draft.asked:
        if edge[0] in members:
            del draft.edges[edge]


def _members(service: Tree, key: str) -> dict[str, Tree]:
    tree = service.get(key)
    return tree.mapping if tree is not None else {}


def _items(service: Tree, key: str) -> list[Tree]:
    tree = service.get(key)
    return tree.items if tree is not None else []


def take_dependencies(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for name, member in tree.mapping.items():
        condition = member.at("condition") or "service_started"
        if name not in draft.nodes:
            node.lost(member, f"{name} is left out, as its profiles are not chosen")
        elif (node.name, name) not in draft.edges:
            node.lost(member, "a database node depends on nothing")
        else:
            node.became(member, f"{name}: {_CONDITIONS.get(condition, f'an edge; {condition} is no condition')}")
            if member.at("restart") == "true":
                node.lost(member, "restart: a new copy of what it needs does not start this one again")


def take_links(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for item in tree.items:
        name, _, alias = item.text.partition(":")
        if (node.name, name) not in draft.edges:
            node.lost(item, f"{name} is no node that this one can be joined with")
            continue
        node.became(item, f"an edge to {name}")
        if alias and alias != name:
            other = draft.nodes[name]
            other.append("aliases", [alias], item, f"{alias} is a further name of {name}")


def take_ports(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    store = draft.stores.get(node.name)
    for item in tree.items:
        published, target = item.at("published"), item.at("target")
        protocol = (item.at("protocol") or "tcp").lower()
        for key in ("name", "app_protocol", "mode"):
            if item.at(key) and (key, item.at(key)) != ("mode", "ingress"):
                node.lost(item.mapping[key], f"{key} of a port")
        if published == "0":
            published = ""
        plain = not item.at("host_ip") and protocol == "tcp" and published.isdigit()
        if store is not None and plain and target == str(KINDS[store.kind].port) and "hostPort" not in node.config:
            node.set("hostPort", published, item, f"hostPort = {published}")
        else:
            written = _written(item, published, target, protocol)
            said = f"ports: {written}" if published else f"ports: {written}, any free port of the host"
            node.append("ports", [written], item, said)


def _written(item: Tree, published: str, target: str, protocol: str) -> str:
    address = item.at("host_ip")
    if ":" in address:
        address = f"[{address}]"
    # A range of the host for one port of the container means any of these; the first will do.
    if "-" in published and "-" not in target:
        published = published.partition("-")[0]
    outside = f"{address}:{published}:" if address else f"{published}:" if published else ""
    written = f"{outside}{target}"
    return written if protocol == "tcp" else f"{written}/{protocol}"


def take_networks(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for name, member in tree.mapping.items():
        draft.used.add(("networks", name))
        node.became(member, f"{name}: nodes reach those that they are joined with{_and_shared(draft)}")
        for key, option in member.mapping.items():
            if key == "aliases":
                for alias in option.items:
                    if alias.text != node.name:
                        node.append("aliases", [alias.text], alias, f"aliases: {alias.text}")
                    else:
                        node.became(alias, "its own name")
            else:
                node.lost(option, f"{key}: addresses and options of networks are the engine's")


def _and_shared(draft: Draft) -> str:
    return ", and all others by the project's one network" if draft.shares_network else ""


def shares_network(draft: Draft) -> bool:
    """Return whether the graph asks for one network of all: where services meet that no edge joins."""
    return knows_shared() and not meets_by_edges(draft)


def knows_shared() -> bool:
    return knows("network", NodeType.SERVICE)


def meets_by_edges(draft: Draft) -> bool:
    """Return whether an edge joins any two services that share a network in the files."""
    joined = {frozenset(pair) for pair in draft.edges}
    members: dict[str, list[str]] = defaultdict(list)
    for name, node in draft.nodes.items():
        for network in _networks_of(node.service):
            members[network].append(name)
    # A network of more members than edges could join is seen at once, so that large files take no long time.
    if any(len(names) * (len(names) - 1) // 2 > len(joined) for names in members.values()):
        return False
    return all(frozenset(pair) in joined for names in members.values() for pair in combinations(names, 2))


def _networks_of(service: Tree) -> set[str]:
    mode = service.at("network_mode")
    return set() if mode and mode != "bridge" else set(_members(service, "networks")) or {"default"}


def take_network_mode(draft: Draft, node: NodeDraft, tree: Tree) -> None:
    mode = tree.text
    if mode in {"host", "none"}:
        if node.set("network", mode, tree, f"network = {mode}") and mode == "host":
            node.needed(tree, "the host's own network: the server's owner must allow it")
    elif mode in {"bridge", "default"}:
        node.became(tree, "a network of the project, as without saying it")
    elif mode.startswith("service:") and draft.edge(node.name, mode.partition(":")[2]):
        node.lost(tree, f"sharing the network of another container; an edge leads to {mode.partition(':')[2]}")
    else:
        node.lost(tree, "the network of a container that is not this project's, or of another service")


def take_expose(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for item in tree.items:
        node.became(item, "open to nodes that are joined with it, as every port is")


def take_container_name(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    if tree.text == node.name:
        node.became(tree, "its name for others; containers are named by the stack")
    else:
        node.append("aliases", [tree.text], tree, f"aliases: {tree.text}; containers are named by the stack")


def take_hosts(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    for name, member in tree.mapping.items():
        addresses = [item.text for item in member.items]
        if addresses:
            node.set(f"extraHost.{name}", addresses[0], member)
        for address in addresses[1:]:
            node.lost(member, f"a second address of {name}: {address}")


def take_dns(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    node.set("dns", "\n".join(item.text for item in tree.items), tree)


def take_dns_search(_draft: Draft, node: NodeDraft, tree: Tree) -> None:
    node.set("dnsSearch", "\n".join(item.text for item in tree.items), tree)


def join_by_command(draft: Draft, node: NodeDraft) -> None:
    """Add an edge for each service that the command names before a port or in a URL."""
    words = " ".join(item.text for key in ("command", "entrypoint") for item in _items(node.service, key))
    for target in sorted(set(re.findall(r"[A-Za-z0-9_.-]+", words)) & draft.nodes.keys()):
        host = re.escape(target)
        if re.search(rf"(?:://|@|[\s,=\"']|^){host}:\d{{1,5}}(?!\d)|://{host}(?=[/\s\"']|$)", words):
            draft.edge(node.name, target)
