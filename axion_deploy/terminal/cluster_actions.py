"""`manage.py deployments cluster`: form, adopt and change a cluster's Swarm, each consequence said first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from agents.wording.sentences import sentence
from axion_deploy.terminal import names
from axion_deploy.terminal.exits import Exit
from axion_deploy.terminal.images.cluster_images import cluster_images_action
from axion_deploy.terminal.machine_ends import delete_machine_action
from axion_deploy.terminal.screen import Screen
from deployments.data.cluster_types import ChangeKind, ChangeRecord, Member
from deployments.errors import Invalid, NotFound
from deployments.services.clusters import cluster_requests, cluster_view
from deployments.services.fleet import machine_list
from deployments.types import Caller, Target, TargetKind


def cluster_action(*, caller: Caller, options: Mapping[str, Any], screen: Screen) -> Exit:
    """Show the cluster's nodes and changes, or ask for the one change that the options name."""
    cluster_id = _cluster_named(caller, options["name"])
    if options["do"] == "delete":
        target = Target(kind=TargetKind.CLUSTER, id=cluster_id)
        return delete_machine_action(caller=caller, target=target, options=options, screen=screen)
    if options["do"] == "images":
        return cluster_images_action(caller=caller, cluster_id=cluster_id, options=options, screen=screen)
    at, change_id = timezone.now(), uuid4()
    members = [_member(caller, text, manager=True) for text in options["manager"]]
    members += [_member(caller, text, manager=False) for text in options["worker"]]
    if options["do"] == "form":
        changes = cluster_requests.form_cluster(
            caller=caller, cluster_id=cluster_id, members=members, change_id=change_id, at=at
        )
    elif options["do"] == "join":
        changes = _join(caller, cluster_id, members)
    elif options["do"] == "adopt":
        cluster_requests.adopt_swarm(
            caller=caller,
            cluster_id=cluster_id,
            server_id=_one(members, "--manager").server_id,
            change_id=change_id,
            at=at,
        )
        changes = ()
    elif options["do"] == "rotate-tokens":
        changes = cluster_requests.rotate_tokens(caller=caller, cluster_id=cluster_id, change_id=change_id, at=at)
    elif options["do"] == "show":
        changes = ()
    else:
        return _change_node(caller, cluster_id, options, screen)
    _show(caller, cluster_id, changes, screen)
    return Exit.DONE


def _join(caller: Caller, cluster_id: UUID, members: list[Member]) -> tuple[ChangeRecord, ...]:
    _one(members, "--manager or --worker")
    made = [
        cluster_requests.join_cluster(
            caller=caller, cluster_id=cluster_id, member=each, change_id=uuid4(), at=timezone.now()
        )
        for each in members
    ]
    return tuple(change for changes in made for change in changes)


def _one(members: list[Member], option: str) -> Member:
    if not members:
        raise Invalid(sentence("Name a server."), details={option: "required"})
    return members[0]


def _change_node(caller: Caller, cluster_id: UUID, options: Mapping[str, Any], screen: Screen) -> Exit:
    """Say what follows from it, and ask for it only with --yes where anything does."""
    view = cluster_view.view_cluster(caller=caller, cluster_id=cluster_id)
    found = [each.facts.id for each in view.nodes if options["node"] in (each.facts.id, each.facts.hostname)]
    if len(found) != 1:
        raise NotFound(sentence("Name one node with --node, by its id or hostname."), details={"--node": "required"})
    action = ChangeKind(options["do"])
    follows = cluster_requests.consequences_of(caller=caller, cluster_id=cluster_id, node_id=found[0], action=action)
    for consequence in follows:
        screen.say(consequence)
    changes = cluster_requests.change_node(
        caller=caller,
        cluster_id=cluster_id,
        node_id=found[0],
        action=action,
        confirmed=options["yes"],
        change_id=uuid4(),
        at=timezone.now(),
    )
    _show(caller, cluster_id, changes, screen)
    return Exit.DONE


def _show(caller: Caller, cluster_id: UUID, changes: tuple[ChangeRecord, ...], screen: Screen) -> None:
    for change in changes:
        who = change.server_name or change.node_name
        screen.say(f"{change.kind} {who}: {change.state} {screen.words(change.message)}".rstrip())
        screen.tell("change", {"id": str(change.id), "kind": str(change.kind), "state": str(change.state)})
    if changes:
        return
    view = cluster_view.view_cluster(caller=caller, cluster_id=cluster_id)
    if view.trouble:
        screen.say(view.trouble)
    for line in view.nodes:
        facts = line.facts
        lead = f" ({screen.words(sentence('leader'))})" if facts.leader else ""
        where = screen.words(
            sentence("server {name}", name=line.server_name) if line.server_name else sentence("no agent")
        )
        screen.say(
            f"{facts.role:<8} {facts.hostname}{lead}  {facts.state}, {facts.availability}, {facts.address}, {where}"
        )
        shape = {"id": facts.id, "hostname": facts.hostname, "role": facts.role, "leader": facts.leader}
        screen.tell("node", {**shape, "state": facts.state, "availability": facts.availability})


def _cluster_named(caller: Caller, text: str) -> UUID:
    if (cluster_id := names.as_id(text)) is not None:
        return cluster_id
    found = [each.id for each in machine_list.machines_of(caller).clusters if each.name == text]
    if not found:
        raise NotFound(sentence("No such cluster."))
    return found[0]


def _member(caller: Caller, text: str, *, manager: bool) -> Member:
    """Read NAME or NAME=ADDRESS, a server of the caller's by name or id."""
    name, _, address = text.partition("=")
    found = [each.id for each in machine_list.machines_of(caller).servers if each.name == name]
    server_id = names.as_id(name) or (found[0] if found else None)
    if server_id is None:
        raise NotFound(sentence("No server named {name!r}.", name=name))
    return Member(server_id=server_id, manager=manager, address=address)
